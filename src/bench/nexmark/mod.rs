//! `attune bench nexmark`: the queries of Nexmark (<https://github.com/nexmark/nexmark>) through the real epoch loop, with
//! their views stored and committed, in process and without sockets; and the same queries by other engines beside them.
//!
//! Each measurement is of one query in a data directory of its own: the three streams, one materialized view, and the
//! events in epochs of `--batch` events, a few of them queued. It begins with the first write and ends when the last one is
//! acknowledged: visible in the view and, as the server's default is, synced to disk. The events are generated before that.
//!
//! - `queries`, `sql/*.sql`: which queries there are; `events`: the generator's events as Arrow batches
//! - `instance`: a server without sockets; `measure`: one measurement; `check`: view = batch query
//! - `peers`: other engines; their sources are in `benches/peers`
//! - `options`: the command line; `report`: the table; `usage`: what the process has used; `scratch`: temporary directories

mod check;
mod events;
mod instance;
mod measure;
mod options;
mod peers;
mod queries;
mod report;
mod scratch;
#[cfg(test)]
mod tests;
mod usage;

pub use options::Options;
pub use report::Report;

use crate::config::ConfigError;
use attune_sql::SqlError;
use measure::Measured;
use queries::{QUERIES, Query};
use report::{Line, OURS};

/// Why the benchmark could not be run to its end.
#[derive(Debug, thiserror::Error)]
pub enum NexmarkError {
    /// A query that is not there, or not supported yet.
    #[error("{0}")]
    Query(String),
    /// A setting that cannot be used.
    #[error("{}", .0.0)]
    Setting(#[from] ConfigError),
    /// A statement failed.
    #[error("{}: {}", .0, .1.message)]
    Sql(String, SqlError),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// Generated values did not fit the columns of their stream.
    #[error("{0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// Another engine failed.
    #[error("{0}")]
    Peer(String),
    /// A view is not what its query gives.
    #[error("{0}")]
    Differs(String),
}

/// Measures the queries that were asked for: in each round ours, then every peer's, so that all of them see the same machine.
///
/// # Errors
/// When a query or peer is unknown, a statement fails, a peer fails, or (with `--check`) a view is not its query.
pub async fn run(options: &Options) -> Result<Report, NexmarkError> {
    let selected = queries::select(&options.queries)?;
    let epochs = events::epochs(options.events, options.batch)?;
    // Before this process is pinned: building a peer may use all cores.
    let peers = peers::prepare(options, &epochs)?;
    if let Some(core) = options.pinned() {
        usage::pin(core)?;
    }
    let mut lines: Vec<Line> = Vec::new();
    for query in QUERIES {
        if !selected.contains(&query.name) {
            continue;
        }
        let mut line = Line::new(query);
        if let Ok(sql) = query.sql {
            for _ in 0..options.rounds {
                tracing::info!(query = query.name, "running");
                line.add(OURS, measure::run(query, sql, &epochs, options).await?);
                for peer in peers.ready.iter().filter(|peer| peer.has(query.name)) {
                    tracing::info!(query = query.name, peer = peer.name(), "running");
                    line.add(peer.name(), peer.run(query.name, options)?);
                }
            }
        }
        lines.push(line);
    }
    Ok(Report::new(options, &lines, peers.skipped))
}
