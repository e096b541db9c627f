//! The servers that are measured, each a process of its own: started for a benchmark, ended with it.

mod attune;
mod postgres;
mod redis;

pub(super) use attune::Attune;
pub use attune::ServerArgs;
pub(super) use postgres::Postgres;
pub(super) use redis::RedisServer;

use super::{BenchError, cpu};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

/// A server that does not answer by then has failed.
const START_PATIENCE: Duration = Duration::from_secs(60);
/// A server that has not ended by then is killed.
const STOP_PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks at a server that starts or stops.
const LOOK: Duration = Duration::from_millis(10);
/// A server has caught up when it takes less of a core than this over [`QUIET`].
const QUIET_SHARE: f64 = 0.05;
/// See [`QUIET_SHARE`].
const QUIET: Duration = Duration::from_millis(500);
/// Longest time to wait for that: 50 million users leave some minutes of compactions.
const CATCH_UP: Duration = Duration::from_secs(1_200);

/// A running server.
pub(super) struct Process {
    child: Child,
    /// What tells it to stop in an orderly way.
    signal: &'static str,
    pub(super) addr: SocketAddr,
}

impl Process {
    /// Its number.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Processor time since it was started, its children's included.
    pub(super) fn cpu(&self) -> Result<Duration, BenchError> {
        cpu::of_tree(self.id())
    }

    /// Waits until what it was fed with leaves nothing more to do: flushes and compactions.
    ///
    /// # Errors
    /// When that takes too long: what is measured next would pay for it.
    pub(super) fn caught_up(&self) -> Result<(), BenchError> {
        let start = Instant::now();
        let mut before = self.cpu()?;
        while start.elapsed() < CATCH_UP {
            std::thread::sleep(QUIET);
            let now = self.cpu()?;
            if now.saturating_sub(before).as_secs_f64() < QUIET_SHARE * QUIET.as_secs_f64() {
                return Ok(());
            }
            before = now;
        }
        Err(BenchError::Failed(format!("the server is still busy {} s after it was fed", CATCH_UP.as_secs())))
    }

    /// Waits until the port is open.
    fn listening(mut self, log: &Path) -> Result<Process, BenchError> {
        let start = Instant::now();
        while TcpStream::connect(self.addr).is_err() {
            if let Some(status) = self.child.try_wait()? {
                let log = std::fs::read_to_string(log).unwrap_or_default();
                return Err(BenchError::Failed(format!("the peer ended while it started ({status}): {}", log.trim())));
            }
            if start.elapsed() > START_PATIENCE {
                return Err(BenchError::Failed(format!("the peer at {} does not answer", self.addr)));
            }
            std::thread::sleep(LOOK);
        }
        Ok(self)
    }

    /// Ends it in an orderly way.
    fn stop(&mut self) {
        // `kill` because the standard library sends no other signal than SIGKILL.
        let _ = Command::new("kill").arg(self.signal).arg(self.id().to_string()).status();
        let start = Instant::now();
        while start.elapsed() < STOP_PATIENCE {
            if !matches!(self.child.try_wait(), Ok(None)) {
                return;
            }
            std::thread::sleep(LOOK);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.stop();
    }
}

/// A port that nobody listens on.
fn free_port() -> Result<u16, BenchError> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

/// A program: in the directories of PATH, then in `others`.
fn program(name: &str, others: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places: Vec<PathBuf> = std::env::split_paths(&path).chain(others.iter().cloned()).collect();
    places.into_iter().map(|place| place.join(name)).find(|file| file.is_file())
}
