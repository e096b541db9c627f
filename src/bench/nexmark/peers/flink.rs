//! Flink SQL, from the jars of PyPI's `apache-flink-libraries`: `benches/peers/flink`, once with its state on the heap and
//! once in RocksDB.

use super::{Peer, csv, measured, pinned, sources, text};
use crate::bench::BenchError;
use crate::bench::nexmark::events::EpochEvents;
use crate::bench::nexmark::scratch::Scratch;
use crate::bench::nexmark::{Args, Measured};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

const INSTALL: &str = "install it with `pip install --no-deps apache-flink-libraries==2.3.0`, and a JDK 17 (Debian: openjdk-17-jdk-headless)";
/// Asks Python where the jars are.
const FIND: &str = "import importlib.util as u; print(list(u.find_spec('pyflink').submodule_search_locations)[0])";
/// What Flink itself asks for on Java 17.
const OPENS: [&str; 5] = ["java.lang", "java.util", "java.nio", "java.time", "java.net"];

/// Flink with one kind of state.
pub(super) struct Flink {
    name: &'static str,
    /// As `state.backend.type` calls it.
    state: &'static str,
    queries: PathBuf,
    classpath: String,
    /// The compiled driver, the events, and RocksDB's files.
    scratch: Arc<Scratch>,
}

/// Compiles the driver and writes the events for it. Inner: why it cannot run here.
pub(super) fn build(args: &Args, epochs: &[EpochEvents]) -> Result<Result<[Flink; 2], String>, BenchError> {
    let scratch = Arc::new(Scratch::new(args.dir.as_deref())?);
    let (queries, classpath) = match compile(scratch.path()) {
        Ok(compiled) => compiled,
        Err(why) => return Ok(Err(why)),
    };
    csv::write(scratch.path(), epochs)?;
    let flink = |name, state| Flink {
        name,
        state,
        queries: queries.clone(),
        classpath: classpath.clone(),
        scratch: Arc::clone(&scratch),
    };
    Ok(Ok([flink("flink heap", "hashmap"), flink("flink rocksdb", "rocksdb")]))
}

/// Compiles the driver into `directory`; gives the directory of the queries and the class path.
fn compile(directory: &Path) -> Result<(PathBuf, String), String> {
    let sources = sources("flink")?;
    let home = match std::env::var_os("FLINK_HOME") {
        Some(home) => PathBuf::from(home),
        None => PathBuf::from(output(Command::new("python3").args(["-c", FIND]))?.trim()),
    };
    let jars = home.join("lib");
    if !jars.is_dir() {
        return Err(format!("{} is not there; {INSTALL}", jars.display()));
    }
    let jars = format!("{}/*", jars.display());
    output(Command::new("javac").args(["-cp", &jars, "-d"]).arg(directory).arg(sources.join("Nexmark.java")))?;
    Ok((sources.join("sql"), format!("{}:{jars}", directory.display())))
}

fn output(command: &mut Command) -> Result<String, String> {
    let output = command.stdin(Stdio::null()).output().map_err(|error| format!("{error}; {INSTALL}"))?;
    match output.status.success() {
        true => Ok(String::from_utf8_lossy(&output.stdout).into_owned()),
        false => Err(format!("{INSTALL}\n{}", text(&output))),
    }
}

impl Peer for Flink {
    fn name(&self) -> &'static str {
        self.name
    }

    fn has(&self, query: &str) -> bool {
        self.queries.join(format!("{query}.sql")).is_file()
    }

    fn run(&self, query: &str, args: &Args) -> Result<Measured, BenchError> {
        let mut command = pinned("java", args);
        command.args(OPENS.iter().map(|package| format!("--add-opens=java.base/{package}=ALL-UNNAMED")));
        command.args(["-Xmx4g", "-cp", &self.classpath, "Nexmark"]);
        command.arg(self.queries.join(format!("{query}.sql"))).arg(self.scratch.path()).arg(self.state);
        command.arg(args.events.to_string());
        measured(self.name, &mut command)
    }
}
