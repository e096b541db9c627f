//! The events of the generator, as dbsp's rows: the same ones that `src/bench/nexmark/events.rs` makes Arrow batches of.

use dbsp::ZWeight;
use dbsp::utils::Tup2;
use feldera_macros::IsNone;
use nexmark::EventGenerator;
use nexmark::config::NexmarkConfig;
use nexmark::event::Event;
use rkyv::{Archive, Deserialize, Serialize};
use size_of::SizeOf;

/// When the first event happens, in milliseconds: 2015-07-15 00:00:00.
const BASE_TIME_MS: u64 = 1_436_918_400_000;

/// Declares a row with everything dbsp asks of data.
macro_rules! row {
    ($(#[doc = $doc:literal])* $name:ident { $($field:ident: $type:ty),* $(,)? }) => {
        $(#[doc = $doc])*
        #[derive(
            Clone, Default, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, SizeOf, Archive, Serialize, Deserialize, IsNone,
        )]
        #[archive_attr(derive(Ord, Eq, PartialEq, PartialOrd))]
        #[archive(compare(PartialEq, PartialOrd))]
        pub struct $name { $(pub $field: $type),* }
    };
}

row! {
    /// A person who sells or bids.
    Person {
        id: i64, name: String, email_address: String, credit_card: String, city: String, state: String, date_time: i64,
        extra: String,
    }
}
row! {
    /// An auction that is opened.
    Auction {
        id: i64, item_name: String, description: String, initial_bid: i64, reserve: i64, date_time: i64, expires: i64,
        seller: i64, category: i64, extra: String,
    }
}
row! {
    /// A bid.
    Bid { auction: i64, bidder: i64, price: i64, channel: String, url: String, date_time: i64, extra: String }
}

/// The events of a step, as insertions.
#[derive(Default)]
pub struct Step {
    pub people: Vec<Tup2<Person, ZWeight>>,
    pub auctions: Vec<Tup2<Auction, ZWeight>>,
    pub bids: Vec<Tup2<Bid, ZWeight>>,
}

/// The first `events` events, `batch` of them in a step.
pub fn steps(events: usize, batch: usize) -> Vec<Step> {
    let config = NexmarkConfig { base_time: BASE_TIME_MS, ..NexmarkConfig::default() };
    let mut generator = EventGenerator::new(config).take(events);
    let mut steps = Vec::new();
    for first in (0..events).step_by(batch) {
        let mut step = Step::default();
        for event in generator.by_ref().take(batch.min(events - first)) {
            step.push(event);
        }
        steps.push(step);
    }
    steps
}

impl Step {
    fn push(&mut self, event: Event) {
        match event {
            Event::Person(p) => self.people.push(Tup2(
                Person {
                    id: p.id as i64,
                    name: p.name,
                    email_address: p.email_address,
                    credit_card: p.credit_card,
                    city: p.city,
                    state: p.state,
                    date_time: p.date_time as i64,
                    extra: p.extra,
                },
                1,
            )),
            Event::Auction(a) => self.auctions.push(Tup2(
                Auction {
                    id: a.id as i64,
                    item_name: a.item_name,
                    description: a.description,
                    initial_bid: a.initial_bid as i64,
                    reserve: a.reserve as i64,
                    date_time: a.date_time as i64,
                    expires: a.expires as i64,
                    seller: a.seller as i64,
                    category: a.category as i64,
                    extra: a.extra,
                },
                1,
            )),
            Event::Bid(b) => self.bids.push(Tup2(
                Bid {
                    auction: b.auction as i64,
                    bidder: b.bidder as i64,
                    price: b.price as i64,
                    channel: b.channel,
                    url: b.url,
                    date_time: b.date_time as i64,
                    extra: b.extra,
                },
                1,
            )),
        }
    }
}
