//! Other engines, run on the same events: each as a process of its own, pinned to the same core, that measures itself and
//! prints a [`Measured`] as JSON.

mod csv;
mod dbsp;
mod flink;

use super::events::EpochEvents;
use super::{Args, Measured};
use crate::bench::BenchError;
use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

/// Another engine.
pub(super) trait Peer {
    /// What it is called in the table.
    fn name(&self) -> &'static str;

    /// Whether it has this query.
    fn has(&self, query: &str) -> bool;

    /// Runs a query over all events.
    ///
    /// # Errors
    /// When its process fails, or prints something else.
    fn run(&self, query: &str, args: &Args) -> Result<Measured, BenchError>;
}

/// The peers that can run, and a line for each one that cannot: how to install it.
#[derive(Default)]
pub(super) struct Peers {
    pub(super) ready: Vec<Box<dyn Peer>>,
    pub(super) skipped: Vec<String>,
}

/// Prepares the peers that were asked for: builds them, writes their input.
pub(super) fn prepare(args: &Args, epochs: &[EpochEvents]) -> Result<Peers, BenchError> {
    let mut peers = Peers::default();
    for name in &args.peers {
        match name.trim() {
            "dbsp" => match dbsp::Dbsp::build() {
                Ok(peer) => peers.ready.push(Box::new(peer)),
                Err(why) => peers.skipped.push(format!("dbsp: skipped: {why}")),
            },
            "flink" => match flink::build(args, epochs)? {
                Ok(both) => peers.ready.extend(both.into_iter().map(|peer| Box::new(peer) as Box<dyn Peer>)),
                Err(why) => peers.skipped.push(format!("flink: skipped: {why}")),
            },
            other => return Err(BenchError::Failed(format!("there is no peer {other}; they are dbsp and flink"))),
        }
    }
    Ok(peers)
}

/// Where the sources of a peer are. They are in the repository, not in the binary.
fn sources(peer: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/benches/peers")).join(peer);
    if path.is_dir() { Ok(path) } else { Err(format!("{} is not there; run it from a checkout", path.display())) }
}

/// A command on the core of the benchmark.
fn pinned(program: impl AsRef<OsStr>, args: &Args) -> Command {
    match args.pinned() {
        None => Command::new(program),
        Some(core) => {
            let mut command = Command::new("taskset");
            command.args(["--cpu-list", core]).arg(program);
            command
        }
    }
}

/// Runs a peer and reads what it measured: the last line it prints.
fn measured(name: &str, command: &mut Command) -> Result<Measured, BenchError> {
    let output = command.stdin(Stdio::null()).output()?;
    let failed = |what: &str| BenchError::Failed(format!("{name}: {what}\n{}", text(&output)));
    if !output.status.success() {
        return Err(failed("it failed"));
    }
    let printed = String::from_utf8_lossy(&output.stdout);
    let line = printed.lines().last().ok_or_else(|| failed("it printed nothing"))?;
    serde_json::from_str(line).map_err(|error| failed(&error.to_string()))
}

/// The end of what a process printed.
fn text(output: &Output) -> String {
    let all = [output.stdout.as_slice(), output.stderr.as_slice()].concat();
    let all = String::from_utf8_lossy(&all).into_owned();
    let lines: Vec<&str> = all.lines().collect();
    lines[lines.len().saturating_sub(20)..].join("\n")
}
