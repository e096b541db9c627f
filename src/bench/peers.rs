//! Which peers a benchmark runs beside Attune.

use super::process::{Postgres, RedisServer};
use super::report::Report;

/// A peer, or none.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Peer {
    /// PostgreSQL
    Postgres,
    /// Redis
    Redis,
    /// Attune alone
    None,
}

/// PostgreSQL, if it is wanted and installed; what is missing is said in the report.
pub(super) fn postgres(wanted: &[Peer], report: &mut Report) -> Option<Postgres> {
    let found = wanted.contains(&Peer::Postgres).then(Postgres::find)?;
    if found.is_none() {
        report.skip("postgres", Postgres::INSTALL);
    }
    found
}

/// Redis, if it is wanted and installed; what is missing is said in the report.
pub(super) fn redis(wanted: &[Peer], report: &mut Report) -> Option<RedisServer> {
    let found = wanted.contains(&Peer::Redis).then(RedisServer::find)?;
    if found.is_none() {
        report.skip("redis", RedisServer::INSTALL);
    }
    found
}
