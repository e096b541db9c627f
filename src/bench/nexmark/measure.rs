//! One measurement: a query in a fresh data directory.

use super::events::EpochEvents;
use super::instance::Instance;
use super::queries::{Query, STREAMS};
use super::scratch::Scratch;
use super::usage::Usage;
use super::{Args, check, failed};
use crate::bench::BenchError;
use crate::config::{Config, load};
use std::path::Path;
use std::time::Instant;

/// What a run took: the same for us and for peers, which print it as JSON.
#[derive(Clone, Debug, serde::Serialize, serde::Deserialize)]
pub(super) struct Measured {
    /// Events.
    pub(super) events: usize,
    /// Seconds from the first event handed over to the last result.
    pub(super) seconds: f64,
    /// Seconds of CPU of the process in that time, all its threads.
    pub(super) cpu_seconds: f64,
    /// Bytes handed to the disk in that time.
    pub(super) written_bytes: u64,
    /// Rows of the result at the end, where they were counted.
    pub(super) rows: Option<u64>,
}

/// Runs `query`, whose text is `sql`.
pub(super) async fn run(query: &Query, sql: &str, epochs: &[EpochEvents], args: &Args) -> Result<Measured, BenchError> {
    let scratch = Scratch::new(args.dir.as_deref())?;
    let mut instance = Instance::start(config(scratch.path(), args)?)?;
    instance.run(STREAMS).await?;
    instance.run(&format!("CREATE MATERIALIZED VIEW result AS {sql}")).await?;
    let (started, before) = (Instant::now(), Usage::now()?);
    instance.feed(epochs).await?;
    let (seconds, used) = (started.elapsed().as_secs_f64(), Usage::now()?.since(before));
    let rows = match args.check {
        true => Some(check::same(&mut instance, query, sql).await?),
        false => None,
    };
    instance.stop().await;
    Ok(Measured {
        events: args.events,
        seconds,
        cpu_seconds: used.cpu.as_secs_f64(),
        written_bytes: used.written,
        rows,
    })
}

/// The server's defaults, with epochs of exactly the batches that are written.
fn config(directory: &Path, args: &Args) -> Result<Config, BenchError> {
    let defaults = Config { data: directory.join("data"), epoch_max_rows: args.batch, ..Config::default() };
    load(defaults, None, std::iter::empty(), &args.set).map_err(failed)
}
