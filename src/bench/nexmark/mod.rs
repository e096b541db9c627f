//! `attune bench nexmark`: the queries of Nexmark (<https://github.com/nexmark/nexmark>) through the real epoch loop, with
//! their views stored and committed, in process and without sockets; and the same queries by other engines beside them.
//!
//! Each measurement is of one query in a data directory of its own: the three streams, one materialized view, and the
//! events in epochs of `--batch` events, a few of them queued. It begins with the first write and ends when the last one is
//! acknowledged: visible in the view and, as the server's default is, synced to disk. The events are generated before that.
//!
//! - `queries`, `sql/*.sql`: which queries there are; `events`: the generator's events as Arrow batches
//! - `instance`: a server without sockets; `measure`: one measurement; `check`: view = batch query
//! - `options`: the command line; `report`: the table; `usage`: what the process has used

mod check;
mod events;
mod instance;
mod measure;
mod options;
mod queries;
mod report;
#[cfg(test)]
mod tests;
mod usage;

pub use options::Options;
pub use report::Report;

use crate::config::ConfigError;
use attune_sql::SqlError;
use measure::Measured;
use queries::{QUERIES, Query};
use report::Line;

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
    /// A view is not what its query gives.
    #[error("{0}")]
    Differs(String),
}

/// Measures the queries that were asked for.
///
/// # Errors
/// When a query is unknown, a statement fails, or (with `--check`) a view is not its query.
pub async fn run(options: &Options) -> Result<Report, NexmarkError> {
    let selected = queries::select(&options.queries)?;
    if let Some(core) = options.pinned() {
        usage::pin(core)?;
    }
    let epochs = events::epochs(options.events, options.batch)?;
    let mut lines: Vec<Line> = Vec::new();
    for query in QUERIES {
        if !selected.contains(&query.name) {
            continue;
        }
        let mut runs = Vec::new();
        if let Ok(sql) = query.sql {
            for _ in 0..options.rounds {
                tracing::info!(query = query.name, "running");
                runs.push(measure::run(query, sql, &epochs, options).await?);
            }
        }
        lines.push(Line { query, runs });
    }
    Ok(Report::new(options, &lines))
}
