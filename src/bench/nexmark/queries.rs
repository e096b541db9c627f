//! The queries of Nexmark, and which of them our SQL can say.

use crate::bench::BenchError;

/// A query of Nexmark.
pub(super) struct Query {
    /// Its name, `q0` to `q22`.
    pub(super) name: &'static str,
    /// What it asks, for the table.
    pub(super) about: &'static str,
    /// Its text, or why it is not there yet.
    pub(super) sql: Result<&'static str, &'static str>,
    /// What `--check` compares: everything, or where the order of equals is left open the columns that do not depend on it.
    pub(super) compared: &'static str,
}

/// All relations the queries read.
pub(super) const STREAMS: &str = include_str!("sql/streams.sql");

const ALL: &str = "*";

/// Every query, in order.
pub(super) const QUERIES: &[Query] = &[
    there("q0", "pass through", include_str!("sql/q0.sql"), ALL),
    there("q1", "currency conversion", include_str!("sql/q1.sql"), ALL),
    there("q2", "selection", include_str!("sql/q2.sql"), ALL),
    there("q3", "local item suggestion", include_str!("sql/q3.sql"), ALL),
    there("q4", "average price of a category", include_str!("sql/q4.sql"), ALL),
    not_yet("q5", "hot items", "hopping windows (HOP) are not in our SQL"),
    not_yet("q6", "average price of a seller", "avg(...) OVER (ROWS BETWEEN ...) is not in views"),
    not_yet("q7", "highest bid", "tumbling windows (TUMBLE) are not in our SQL"),
    not_yet("q8", "new users", "tumbling windows (TUMBLE) are not in our SQL"),
    there("q9", "winning bids", include_str!("sql/q9.sql"), "id, price, bid_date_time"),
    not_yet("q10", "log to a file system", "there are no sinks (CREATE SINK)"),
    not_yet("q11", "user sessions", "session windows are not in our SQL"),
    not_yet("q12", "processing time windows", "windows of processing time are not in our SQL"),
    not_yet("q13", "join with a bounded side input", "needs a side input beside the generator's events"),
    there("q14", "calculation", include_str!("sql/q14.sql"), ALL),
    there("q15", "statistics of a day", include_str!("sql/q15.sql"), ALL),
    there("q16", "statistics of a channel", include_str!("sql/q16.sql"), ALL),
    there("q17", "statistics of an auction", include_str!("sql/q17.sql"), ALL),
    there("q18", "last bid", include_str!("sql/q18.sql"), "auction, bidder, date_time"),
    there("q19", "top 10 bids", include_str!("sql/q19.sql"), "auction, price, rank_number"),
    there("q20", "bids with auctions", include_str!("sql/q20.sql"), ALL),
    there("q21", "channel id", include_str!("sql/q21.sql"), ALL),
    there("q22", "directories of urls", include_str!("sql/q22.sql"), ALL),
];

const fn there(name: &'static str, about: &'static str, sql: &'static str, compared: &'static str) -> Query {
    Query { name, about, sql: Ok(sql), compared }
}

const fn not_yet(name: &'static str, about: &'static str, why: &'static str) -> Query {
    Query { name, about, sql: Err(why), compared: ALL }
}

/// The names of the queries asked for; all of them when none is named.
pub(super) fn select(names: &[String]) -> Result<Vec<&'static str>, BenchError> {
    if names.is_empty() {
        return Ok(QUERIES.iter().map(|query| query.name).collect());
    }
    names
        .iter()
        .map(|name| match QUERIES.iter().find(|query| query.name.eq_ignore_ascii_case(name.trim())) {
            Some(Query { sql: Err(why), name, .. }) => {
                Err(BenchError::Failed(format!("{name} is not there yet: {why}")))
            }
            Some(query) => Ok(query.name),
            None => Err(BenchError::Failed(format!("there is no query {name}; they are q0 to q22"))),
        })
        .collect()
}
