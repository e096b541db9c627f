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
//! - `args`: the command line; `report`: the table; `usage`: what the process has used; `scratch`: temporary directories

mod args;
mod check;
mod events;
mod instance;
mod measure;
mod peers;
mod queries;
mod report;
mod scratch;
#[cfg(test)]
mod tests;
mod usage;

pub use args::Args;

use super::BenchError;
use super::report::{ATTUNE, Report, progress};
use measure::Measured;
use queries::QUERIES;
use report::Runs;

/// Measures the queries that were asked for: in each round ours, then every peer's, so that all of them see the same machine.
///
/// # Errors
/// When a query or peer is unknown, a statement fails, a peer fails, or (with `--check`) a view is not its query.
pub async fn run(args: &Args) -> Result<Report, BenchError> {
    let selected = queries::select(&args.queries)?;
    let epochs = events::epochs(args.events, args.batch)?;
    // Before this process is pinned: building a peer may use all cores.
    let peers = peers::prepare(args, &epochs)?;
    if let Some(core) = args.pinned() {
        usage::pin(core)?;
    }
    let mut runs = Runs::default();
    for query in QUERIES.iter().filter(|query| selected.contains(&query.name)) {
        let Ok(sql) = query.sql else { continue };
        for _ in 0..args.rounds {
            progress(&format!("{} {ATTUNE}", query.name));
            let ours = measure::run(query, sql, &epochs, args).await?;
            let rows = ours.rows;
            runs.add(query, ATTUNE, ours);
            for peer in peers.ready.iter().filter(|peer| peer.has(query.name)) {
                progress(&format!("{} {}", query.name, peer.name()));
                let theirs = peer.run(query.name, args)?;
                same_rows(query.name, rows, peer.name(), theirs.rows)?;
                runs.add(query, peer.name(), theirs);
            }
        }
    }
    let mut report = report::report(args, &runs);
    report.notes.extend(peers.skipped);
    Ok(report)
}

/// Whether a peer has the same number of rows as we have, where both were counted.
fn same_rows(query: &str, ours: Option<u64>, peer: &str, theirs: Option<u64>) -> Result<(), BenchError> {
    match (ours, theirs) {
        (Some(ours), Some(theirs)) if ours != theirs => {
            Err(failed(format!("{query}: {ATTUNE} has {ours} rows, {peer} has {theirs}")))
        }
        _ => Ok(()),
    }
}

fn failed(error: impl std::fmt::Display) -> BenchError {
    BenchError::Failed(error.to_string())
}
