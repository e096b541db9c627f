//! The real `attune serve` as a child process, to be killed.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

/// A running server process; killed when dropped.
pub struct Process {
    pub addr: SocketAddr,
    child: Child,
}

impl Process {
    /// Starts `attune serve` on a free port and waits for its banner. `failpoint` arms `ATTUNE_FAILPOINT`.
    ///
    /// # Errors
    /// What it wrote to stderr, when it ends before it is ready.
    pub fn start(data: &Path, failpoint: Option<&str>) -> Result<Process, String> {
        let variables: Vec<_> = failpoint.map(|point| ("ATTUNE_FAILPOINT", point)).into_iter().collect();
        Process::start_with(data, &variables)
    }

    /// As [`Process::start`], with variables.
    ///
    /// # Errors
    /// As above.
    pub fn start_with(data: &Path, variables: &[(&str, &str)]) -> Result<Process, String> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_attune"));
        command
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env_remove("ATTUNE_FAILPOINT")
            .env_remove("MIMALLOC_ALLOW_THP")
            .env("ATTUNE_LOG", "warn")
            .stdout(Stdio::piped())
            .envs(variables.iter().copied())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        while let Some(Ok(line)) = lines.next() {
            if let Some(addr) = address(&line) {
                return Ok(Process { addr, child });
            }
        }
        let output = child.wait_with_output().unwrap();
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// SIGKILL.
    pub fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it twice at once to end, and returns how it did.
    pub fn stop_twice(mut self) -> ExitStatus {
        let id = self.child.id().to_string();
        // By signals that do not become one while the first is not yet seen.
        for signal in ["-TERM", "-INT"] {
            assert!(Command::new("kill").args([signal, &id]).status().unwrap().success());
        }
        self.child.wait().unwrap()
    }

    /// Waits until it logs a line with this text.
    pub async fn logs(&mut self, text: &'static str) {
        let log = self.child.stderr.take().expect("waited for once");
        let found = move || BufReader::new(log).lines().any(|line| line.is_ok_and(|line| line.contains(text)));
        assert!(tokio::task::spawn_blocking(found).await.unwrap(), "it ended without having logged {text}");
    }

    /// Whether it runs with this environment variable.
    pub fn has_variable(&self, variable: &str) -> bool {
        let all = std::fs::read(format!("/proc/{}/environ", self.child.id())).unwrap();
        all.split(|byte| *byte == 0).any(|one| one == variable.as_bytes())
    }

    /// Nanoseconds that each of its threads with this name has run.
    pub fn thread_times(&self, name: &str) -> Vec<u64> {
        let threads = std::fs::read_dir(format!("/proc/{}/task", self.child.id())).unwrap();
        let threads = threads.map(|thread| thread.unwrap().path());
        let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap_or_default();
        let named = threads.filter(|thread| read(thread.join("comm")).trim_end() == name);
        named.map(|thread| read(thread.join("schedstat")).split(' ').next().unwrap().parse().unwrap()).collect()
    }

    /// Whether it has ended by itself (a failure point).
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The address in the banner: `... psql -h 127.0.0.1 -p 7432 ...`.
fn address(banner: &str) -> Option<SocketAddr> {
    let words: Vec<&str> = banner.split_whitespace().collect();
    let after = |flag: &str| words.iter().position(|w| *w == flag).and_then(|i| words.get(i + 1)).copied();
    format!("{}:{}", after("-h")?, after("-p")?).parse().ok()
}
