//! How a process of Attune ends when it cannot do what it was asked.

use crate::server::StartError;
use std::process::ExitCode;

/// Why the process ends, in one line for the person who started it.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A setting cannot be used: exit code 2, as for mistakes on the command line.
    #[error("{0}")]
    Configuration(String),
    /// The address cannot be listened on: exit code 3. The data directory cannot be used: exit code 4.
    #[error("{0}")]
    Start(#[from] StartError),
    /// Anything else: exit code 1.
    #[error("{0}")]
    Other(String),
}

impl Failure {
    /// The exit code, as `attune --help` lists them.
    #[must_use]
    pub fn code(&self) -> ExitCode {
        ExitCode::from(match self {
            Failure::Other(_) => 1,
            Failure::Configuration(_) => 2,
            Failure::Start(StartError::Listen { .. }) => 3,
            Failure::Start(StartError::Open(_)) => 4,
        })
    }
}
