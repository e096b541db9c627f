//! The events of the generator as Arrow batches.
//!
//! The generator is deterministic: event n is made from a random generator with seed n. With a fixed time of the first event,
//! every run, ours or a peer's, sees the same events.

use super::failed;
use crate::bench::BenchError;
use arrow::array::{ArrayRef, Int64Builder, RecordBatch, StringBuilder, TimestampMicrosecondBuilder};
use nexmark::EventGenerator;
use nexmark::config::NexmarkConfig;
use nexmark::event::{Auction, Bid, Event, Person};
use std::sync::Arc;

/// When the first event happens, in milliseconds: 2015-07-15 00:00:00, as in the original.
const BASE_TIME_MS: u64 = 1_436_918_400_000;

/// The events of an epoch; a kind that does not occur has no batch.
#[derive(Clone)]
pub(super) struct EpochEvents {
    /// Per stream, its name and events.
    pub(super) streams: Vec<(&'static str, RecordBatch)>,
}

/// The first `events` events, `batch` of them in an epoch.
pub(super) fn epochs(events: usize, batch: usize) -> Result<Vec<EpochEvents>, BenchError> {
    let mut generator = EventGenerator::new(config()).take(events);
    let mut epochs = Vec::with_capacity(events.div_ceil(batch));
    loop {
        let mut columns = Columns::default();
        generator.by_ref().take(batch).for_each(|event| columns.push(&event));
        let epoch = columns.finish()?;
        if epoch.streams.is_empty() {
            return Ok(epochs);
        }
        epochs.push(epoch);
    }
}

fn config() -> NexmarkConfig {
    NexmarkConfig { base_time: BASE_TIME_MS, ..NexmarkConfig::default() }
}

/// The columns of the streams while they are filled.
#[derive(Default)]
struct Columns {
    people: People,
    auctions: Auctions,
    bids: Bids,
}

#[derive(Default)]
struct People {
    id: Int64Builder,
    name: StringBuilder,
    email_address: StringBuilder,
    credit_card: StringBuilder,
    city: StringBuilder,
    state: StringBuilder,
    date_time: TimestampMicrosecondBuilder,
    extra: StringBuilder,
}

#[derive(Default)]
struct Auctions {
    id: Int64Builder,
    item_name: StringBuilder,
    description: StringBuilder,
    initial_bid: Int64Builder,
    reserve: Int64Builder,
    date_time: TimestampMicrosecondBuilder,
    expires: TimestampMicrosecondBuilder,
    seller: Int64Builder,
    category: Int64Builder,
    extra: StringBuilder,
}

#[derive(Default)]
struct Bids {
    auction: Int64Builder,
    bidder: Int64Builder,
    price: Int64Builder,
    channel: StringBuilder,
    url: StringBuilder,
    date_time: TimestampMicrosecondBuilder,
    extra: StringBuilder,
}

impl Columns {
    fn push(&mut self, event: &Event) {
        match event {
            Event::Person(person) => self.people.push(person),
            Event::Auction(auction) => self.auctions.push(auction),
            Event::Bid(bid) => self.bids.push(bid),
        }
    }

    fn finish(mut self) -> Result<EpochEvents, BenchError> {
        let streams =
            [("person", self.people.finish()?), ("auction", self.auctions.finish()?), ("bid", self.bids.finish()?)];
        Ok(EpochEvents { streams: streams.into_iter().filter(|(_, rows)| rows.num_rows() > 0).collect() })
    }
}

impl People {
    fn push(&mut self, person: &Person) {
        self.id.append_value(number(person.id));
        self.name.append_value(&person.name);
        self.email_address.append_value(&person.email_address);
        self.credit_card.append_value(&person.credit_card);
        self.city.append_value(&person.city);
        self.state.append_value(&person.state);
        self.date_time.append_value(microseconds(person.date_time));
        self.extra.append_value(&person.extra);
    }

    fn finish(&mut self) -> Result<RecordBatch, BenchError> {
        batch(vec![
            ("id", Arc::new(self.id.finish())),
            ("name", Arc::new(self.name.finish())),
            ("email_address", Arc::new(self.email_address.finish())),
            ("credit_card", Arc::new(self.credit_card.finish())),
            ("city", Arc::new(self.city.finish())),
            ("state", Arc::new(self.state.finish())),
            ("date_time", Arc::new(self.date_time.finish())),
            ("extra", Arc::new(self.extra.finish())),
        ])
    }
}

impl Auctions {
    fn push(&mut self, auction: &Auction) {
        self.id.append_value(number(auction.id));
        self.item_name.append_value(&auction.item_name);
        self.description.append_value(&auction.description);
        self.initial_bid.append_value(number(auction.initial_bid));
        self.reserve.append_value(number(auction.reserve));
        self.date_time.append_value(microseconds(auction.date_time));
        self.expires.append_value(microseconds(auction.expires));
        self.seller.append_value(number(auction.seller));
        self.category.append_value(number(auction.category));
        self.extra.append_value(&auction.extra);
    }

    fn finish(&mut self) -> Result<RecordBatch, BenchError> {
        batch(vec![
            ("id", Arc::new(self.id.finish())),
            ("item_name", Arc::new(self.item_name.finish())),
            ("description", Arc::new(self.description.finish())),
            ("initial_bid", Arc::new(self.initial_bid.finish())),
            ("reserve", Arc::new(self.reserve.finish())),
            ("date_time", Arc::new(self.date_time.finish())),
            ("expires", Arc::new(self.expires.finish())),
            ("seller", Arc::new(self.seller.finish())),
            ("category", Arc::new(self.category.finish())),
            ("extra", Arc::new(self.extra.finish())),
        ])
    }
}

impl Bids {
    fn push(&mut self, bid: &Bid) {
        self.auction.append_value(number(bid.auction));
        self.bidder.append_value(number(bid.bidder));
        self.price.append_value(number(bid.price));
        self.channel.append_value(&bid.channel);
        self.url.append_value(&bid.url);
        self.date_time.append_value(microseconds(bid.date_time));
        self.extra.append_value(&bid.extra);
    }

    fn finish(&mut self) -> Result<RecordBatch, BenchError> {
        batch(vec![
            ("auction", Arc::new(self.auction.finish())),
            ("bidder", Arc::new(self.bidder.finish())),
            ("price", Arc::new(self.price.finish())),
            ("channel", Arc::new(self.channel.finish())),
            ("url", Arc::new(self.url.finish())),
            ("date_time", Arc::new(self.date_time.finish())),
            ("extra", Arc::new(self.extra.finish())),
        ])
    }
}

fn batch(columns: Vec<(&'static str, ArrayRef)>) -> Result<RecordBatch, BenchError> {
    let columns = columns.into_iter().map(|(name, array)| (name, array, true));
    RecordBatch::try_from_iter_with_nullable(columns).map_err(failed)
}

/// Numbers of the generator are below 2^63.
fn number(value: usize) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

fn microseconds(milliseconds: u64) -> i64 {
    i64::try_from(milliseconds).unwrap_or(i64::MAX).saturating_mul(1000)
}
