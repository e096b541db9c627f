//! `attune bench`.

use super::args::{Bench, BenchArgs};
use super::{Failure, in_runtime};
use crate::bench::{BenchError, freshness, ingest, mixed, nexmark, plan, read, restart, state};
use crate::config::Config;
use std::path::PathBuf;

/// Runs a benchmark and prints, writes and draws what it found.
pub(super) fn run(args: BenchArgs) -> Result<(), Failure> {
    let BenchArgs { bench, output } = args;
    let report = match bench {
        Bench::Read(args) => read::run(&args).map_err(failed)?,
        Bench::Ingest(args) => ingest::run(&args).map_err(failed)?,
        Bench::Freshness(args) => freshness::run(&args).map_err(failed)?,
        Bench::State(args) => state::run(&args).map_err(failed)?,
        Bench::Mixed(args) => mixed::run(&args).map_err(failed)?,
        Bench::Plan(args) => plan::run(&args).map_err(failed)?,
        Bench::Restart(args) => {
            let dir = Temporary::new();
            in_runtime(&quiet(), async { restart::run(&dir.0, &args).await.map_err(failed) })?
        }
        Bench::Nexmark(args) => in_runtime(&quiet(), async { nexmark::run(&args).await.map_err(failed) })?,
    };
    output.write(&report).map_err(failed)
}

fn failed(error: BenchError) -> Failure {
    Failure::Other(error.to_string())
}

/// Warnings only: what happens in a benchmark is its report.
fn quiet() -> Config {
    Config { log: "warn".to_owned(), ..Config::default() }
}

/// A directory that goes when the benchmark is over.
struct Temporary(PathBuf);

impl Temporary {
    fn new() -> Temporary {
        Temporary(std::env::temp_dir().join(format!("attune-bench-{}", std::process::id())))
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // Gone or not, the figures are what counts.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
