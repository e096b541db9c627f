//! The queries of Nexmark as circuits. The text of each is in `src/bench/nexmark/sql`.
//!
//! Written for the streams of this benchmark (three of them, where Feldera's own benchmark has one of all events) with the
//! operators that Feldera's Nexmark uses for the same queries (<https://github.com/feldera/feldera>, crates/nexmark).

use crate::events::{Auction, Bid, Person};
use dbsp::operator::{CmpFunc, Max, Min};
use dbsp::utils::{Tup2, Tup3, Tup4, Tup5, Tup9};
use dbsp::{OrdIndexedZSet, OrdZSet, RootCircuit, Stream, ZWeight};
use std::cmp::Ordering;

type People = Stream<RootCircuit, OrdZSet<Person>>;
type Auctions = Stream<RootCircuit, OrdZSet<Auction>>;
type Bids = Stream<RootCircuit, OrdZSet<Bid>>;
type Rows<T> = Stream<RootCircuit, OrdZSet<T>>;
type Indexed<K, V> = Stream<RootCircuit, OrdIndexedZSet<K, V>>;

const CATEGORY: i64 = 10;
const DAY_MS: i64 = 86_400_000;

/// Pass through.
pub fn q0(bids: &Bids) -> Rows<Tup5<i64, i64, i64, i64, String>> {
    bids.map(|b| Tup5(b.auction, b.bidder, b.price, b.date_time, b.extra.clone()))
}

/// Local item suggestion.
pub fn q3(people: &People, auctions: &Auctions) -> Rows<Tup4<String, String, String, i64>> {
    let sellers = people.flat_map_index(|p| {
        ["or", "id", "ca"]
            .contains(&p.state.as_str())
            .then(|| (p.id, Tup3(p.name.clone(), p.city.clone(), p.state.clone())))
    });
    let auctions = auctions.flat_map_index(|a| (a.category == CATEGORY).then_some((a.seller, a.id)));
    auctions.join(&sellers, |_seller, id, Tup3(name, city, state)| Tup4(name.clone(), city.clone(), state.clone(), *id))
}

/// Average price of a category.
pub fn q4(auctions: &Auctions, bids: &Bids) -> Indexed<i64, i64> {
    let auctions = auctions.map_index(|a| (a.id, Tup3(a.category, a.date_time, a.expires)));
    let bids = bids.map_index(|b| (b.auction, Tup2(b.price, b.date_time)));
    auctions
        .join_index(&bids, |id, Tup3(category, opened, expires), Tup2(price, at)| {
            (opened <= at && at <= expires).then_some((Tup2(*id, *category), *price))
        })
        .aggregate(Max)
        .map_index(|(Tup2(_, category), price)| (*category, *price))
        .average(|price| *price as ZWeight)
}

/// What an auction is, besides its id.
type AuctionRow = Tup9<String, String, i64, i64, i64, i64, i64, i64, String>;
/// Price, minus the time, bidder, extra: the greatest wins.
type BidRow = Tup4<i64, i64, i64, String>;

/// Winning bids.
pub fn q9(auctions: &Auctions, bids: &Bids) -> Indexed<Tup2<i64, AuctionRow>, BidRow> {
    let auctions = auctions.map_index(|a| {
        let row = Tup9(
            a.item_name.clone(),
            a.description.clone(),
            a.initial_bid,
            a.reserve,
            a.date_time,
            a.expires,
            a.seller,
            a.category,
            a.extra.clone(),
        );
        (a.id, row)
    });
    let bids = bids.map_index(|b| (b.auction, Tup4(b.price, -b.date_time, b.bidder, b.extra.clone())));
    auctions
        .join_index(&bids, |id, auction: &AuctionRow, bid: &BidRow| {
            let (opened, at, expires) = (auction.4, -bid.1, auction.5);
            (opened <= at && at <= expires).then(|| (Tup2(*id, auction.clone()), bid.clone()))
        })
        .aggregate(Max)
}

/// Per day: bids, bidders and auctions, each in total and of three ranges of prices.
type Statistics = Tup3<Ranks, Ranks, Ranks>;
type Ranks = Tup4<i64, i64, i64, i64>;

/// Statistics of a day. The day is a number until somebody looks at the result.
pub fn q15(bids: &Bids) -> Indexed<i64, Statistics> {
    let counts = bids.map_index(|b| (b.date_time / DAY_MS, b.price)).aggregate_linear(|price| ranks(*price));
    let bidders = distinct_ranks(&bids.map_index(|b| (Tup2(b.date_time / DAY_MS, b.bidder), b.price)));
    let auctions = distinct_ranks(&bids.map_index(|b| (Tup2(b.date_time / DAY_MS, b.auction), b.price)));
    counts
        .join_index(&bidders, |day, counts, bidders| Some((*day, Tup2(*counts, *bidders))))
        .join_index(&auctions, |day, Tup2(counts, bidders), auctions| Some((*day, Tup3(*counts, *bidders, *auctions))))
}

/// A bid of this price, counted in total and in its range.
fn ranks(price: i64) -> Ranks {
    let one = |is: bool| i64::from(is);
    Tup4(1, one(price < 10_000), one((10_000..1_000_000).contains(&price)), one(price >= 1_000_000))
}

/// Per day, how many things have bids, in total and in each range of prices. One count per thing and one per day, where
/// Feldera's own has a `distinct` for each of the four.
fn distinct_ranks(prices: &Indexed<Tup2<i64, i64>, i64>) -> Indexed<i64, Ranks> {
    prices
        .aggregate_linear(|price| ranks(*price))
        .map_index(|(Tup2(day, _), Tup4(all, low, middle, high))| {
            let some = |count: i64| i64::from(count > 0);
            (*day, Tup4(some(*all), some(*low), some(*middle), some(*high)))
        })
        .aggregate_linear(|ranks| *ranks)
}

/// Counts and sum of prices, least and greatest price.
type Prices = Tup3<Tup5<i64, i64, i64, i64, i64>, i64, i64>;

/// Statistics of an auction. The average is the sum by the count, when somebody looks at the result.
pub fn q17(bids: &Bids) -> Indexed<Tup2<i64, i64>, Prices> {
    let prices = bids.map_index(|b| (Tup2(b.auction, b.date_time / DAY_MS), b.price));
    let sums = prices.aggregate_linear(|price| {
        let Tup4(all, low, middle, high) = ranks(*price);
        Tup5(all, low, middle, high, *price)
    });
    sums.join_index(&prices.aggregate(Min), |key, sums, least| Some((*key, Tup2(*sums, *least))))
        .join_index(&prices.aggregate(Max), |key, Tup2(sums, least), most| Some((*key, Tup3(*sums, *least, *most))))
}

/// The latest bid first, then any order that is one.
pub struct LatestFirst;

impl CmpFunc<Bid> for LatestFirst {
    fn cmp(left: &Bid, right: &Bid) -> Ordering {
        right.date_time.cmp(&left.date_time).then_with(|| left.cmp(right))
    }
}

/// Last bid.
pub fn q18(bids: &Bids) -> Indexed<Tup2<i64, i64>, Bid> {
    bids.map_index(|b| (Tup2(b.bidder, b.auction), b.clone())).topk_custom_order::<LatestFirst>(1)
}

/// The highest bid first, then any order that is one.
pub struct HighestFirst;

impl CmpFunc<Bid> for HighestFirst {
    fn cmp(left: &Bid, right: &Bid) -> Ordering {
        right.price.cmp(&left.price).then_with(|| left.cmp(right))
    }
}

/// Top 10 bids, with their places.
pub fn q19(bids: &Bids) -> Indexed<i64, Tup2<Bid, i64>> {
    bids.map_index(|b| (b.auction, b.clone()))
        .topk_row_number_custom_order::<HighestFirst, _, _>(10, |place, bid| Tup2(bid.clone(), place))
}

/// Bids with auctions.
pub fn q20(auctions: &Auctions, bids: &Bids) -> Rows<Tup2<Bid, Auction>> {
    let auctions = auctions.flat_map_index(|a| (a.category == CATEGORY).then(|| (a.id, a.clone())));
    bids.map_index(|b| (b.auction, b.clone())).join(&auctions, |_, bid, auction| Tup2(bid.clone(), auction.clone()))
}
