//! What this process has used; and the core it runs on.

use crate::bench::{BenchError, cpu};
use std::io::Error;
use std::process::{Command, Stdio};
use std::time::Duration;

/// Since the process began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// CPU of all threads, user and system.
    pub(super) cpu: Duration,
    /// Bytes handed to the disk.
    pub(super) written: u64,
}

impl Usage {
    /// As of now.
    pub(super) fn now() -> Result<Usage, BenchError> {
        let process = std::process::id();
        Ok(Usage { cpu: cpu::of_tree(process)?, written: cpu::written(process)? })
    }

    /// What was used since `before`.
    pub(super) fn since(self, before: Usage) -> Usage {
        Usage { cpu: self.cpu.saturating_sub(before.cpu), written: self.written.saturating_sub(before.written) }
    }
}

/// Runs all threads of this process, those to come included, on one core.
pub(super) fn pin(core: &str) -> Result<(), BenchError> {
    let process = std::process::id().to_string();
    let pinned = Command::new("taskset")
        .args(["--all-tasks", "--cpu-list", "--pid", core, &process])
        .stdout(Stdio::null())
        .status()
        .map_err(|error| Error::new(error.kind(), format!("taskset (package util-linux): {error}; or --core all")))?;
    match pinned.success() {
        true => Ok(()),
        false => Err(Error::other(format!("taskset cannot run this process on core {core}; try --core all")).into()),
    }
}
