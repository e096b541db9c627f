//! Logs: text or JSON lines on stderr.

use super::Failure;
use crate::config::Config;
use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Sends `tracing` events to stderr as the settings `log` and `log_format` say.
pub(super) fn start(config: &Config) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&config.log).map_err(|error| {
        Failure::Configuration(format!("log = {}: {error}; try info, or warn,attune=debug", config.log))
    })?;
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    let started = if config.log_format == "json" {
        builder.json().try_init()
    } else {
        builder.with_ansi(std::io::stderr().is_terminal()).try_init()
    };
    started.map_err(|error| Failure::Other(format!("cannot start logging: {error}")))
}
