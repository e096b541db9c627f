//! What this process has used, from /proc; and the core it runs on.

use crate::bench::BenchError;
use std::io::{Error, ErrorKind};
use std::process::{Command, Stdio};

/// Ticks of `/proc/self/stat` in a second: the same on every Linux.
const TICKS: f64 = 100.0;

/// Since the process began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Usage {
    /// CPU of all threads, user and system.
    pub(super) cpu_seconds: f64,
    /// Bytes handed to the disk.
    pub(super) written_bytes: u64,
}

impl Usage {
    /// As of now.
    pub(super) fn now() -> Result<Usage, BenchError> {
        let stat = std::fs::read_to_string("/proc/self/stat")?;
        let io = std::fs::read_to_string("/proc/self/io")?;
        Ok(Usage {
            cpu_seconds: cpu_ticks(&stat).ok_or_else(|| unreadable("/proc/self/stat"))? / TICKS,
            written_bytes: written(&io).ok_or_else(|| unreadable("/proc/self/io"))?,
        })
    }

    /// What was used since `before`.
    pub(super) fn since(self, before: Usage) -> Usage {
        Usage {
            cpu_seconds: self.cpu_seconds - before.cpu_seconds,
            written_bytes: self.written_bytes.saturating_sub(before.written_bytes),
        }
    }
}

/// Fields 14 and 15, counted behind the name, which may contain anything.
fn cpu_ticks(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3)?.parse::<f64>().ok();
    Some(ticks(14)? + ticks(15)?)
}

fn written(io: &str) -> Option<u64> {
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
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

fn unreadable(file: &str) -> Error {
    Error::new(ErrorKind::InvalidData, format!("{file} is not as Linux writes it"))
}
