//! Redis, in memory only.

use super::{Process, free_port, program};
use crate::bench::BenchError;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Redis' server on this machine.
pub(in crate::bench) struct RedisServer {
    program: PathBuf,
}

impl RedisServer {
    /// What to do where it is missing.
    pub(in crate::bench) const INSTALL: &str = "apt-get install redis-server";

    /// Finds the program.
    pub(in crate::bench) fn find() -> Option<RedisServer> {
        Some(RedisServer { program: program("redis-server", &[])? })
    }

    /// Starts an empty server. It keeps nothing: no snapshots, no log.
    pub(in crate::bench) fn start(&self, dir: &Path) -> Result<Process, BenchError> {
        std::fs::create_dir_all(dir)?;
        let (port, log) = (free_port()?, dir.with_extension("log"));
        let out = File::create(&log)?;
        let mut command = Command::new(&self.program);
        command.args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]);
        command.args(["--dir", &dir.to_string_lossy()]);
        let child = command.stdin(Stdio::null()).stdout(out.try_clone()?).stderr(out).spawn()?;
        Process { child, signal: "-TERM", addr: ([127, 0, 0, 1], port).into() }.listening(&log)
    }
}
