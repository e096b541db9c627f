//! The command line: `attune serve`, `attune demo` and `attune bench`.

mod args;
mod bench;
mod exit;
mod huge_pages;
mod logging;
mod serve;
pub mod signals;

use crate::config::{Config, ConfigError, unknown_variables};
use crate::demo;
use args::{Args, Command};
use clap::Parser;
pub use exit::Failure;
pub(crate) use serve::psql;
use std::io::Write;
use std::process::ExitCode;
use std::time::Duration;

/// Stack of a session's thread: a deeply nested statement is refused by the parser long before this is used up.
const THREAD_STACK_BYTES: usize = 8 << 20;
/// What is still running this long after a clean stop (a query without end) is cut off.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// Runs the command line of this process.
#[must_use]
pub fn main() -> ExitCode {
    match run(Args::parse().command) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            // Nobody is left to tell if this fails.
            let _ = writeln!(std::io::stderr().lock(), "attune: {failure}");
            failure.code()
        }
    }
}

fn run(command: Command) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => {
            let config = args.settings.load(Config::default())?;
            in_runtime(&config, serve::run(config.clone()))
        }
        Command::Demo(args) => {
            let (options, defaults) = demo::Options::new(args.speed, args.events, args.exit);
            let config = args.settings.load(defaults)?;
            in_runtime(&config, demo::run(config.clone(), options))
        }
        Command::Bench(args) => bench::run(args),
    }
}

fn in_runtime<T>(config: &Config, work: impl Future<Output = Result<T, Failure>>) -> Result<T, Failure> {
    logging::start(config)?;
    huge_pages::begin_with(config);
    // Names that are not UTF-8 are none of ours.
    for told in unknown_variables(std::env::vars_os().filter_map(|(name, _)| name.into_string().ok())) {
        tracing::warn!("{told}");
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .thread_name("attune-main")
        .thread_stack_size(THREAD_STACK_BYTES)
        .build()
        .map_err(|error| Failure::Other(format!("cannot start threads: {error}")))?;
    let result = runtime.block_on(work);
    runtime.shutdown_timeout(STOP_PATIENCE);
    result
}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Failure {
        Failure::Configuration(error.0)
    }
}
