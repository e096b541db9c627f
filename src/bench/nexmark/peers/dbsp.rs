//! Feldera's engine, the dbsp crate: `benches/peers/dbsp`, a package of its own outside the workspace.

use super::{Peer, measured, pinned, sources, text};
use crate::bench::BenchError;
use crate::bench::nexmark::{Args, Measured};
use crate::bench::report::progress;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `benches/peers/dbsp/src/main.rs` has.
const QUERIES: [&str; 9] = ["q0", "q3", "q4", "q9", "q15", "q17", "q18", "q19", "q20"];

/// The peer, built.
pub(super) struct Dbsp {
    program: PathBuf,
}

impl Dbsp {
    /// Builds it with cargo; the first time that takes minutes.
    pub(super) fn build() -> Result<Dbsp, String> {
        let manifest = sources("dbsp")?.join("Cargo.toml");
        progress("building the peer dbsp");
        let built = Command::new("cargo")
            .args(["build", "--release", "--locked", "--message-format=json-render-diagnostics", "--manifest-path"])
            .arg(&manifest)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cargo cannot be run ({error}); install Rust from https://rustup.rs"))?;
        // One line of JSON for each thing that was built; the program's has its path.
        let lines = String::from_utf8_lossy(&built.stdout);
        let program = lines
            .lines()
            .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
            .find_map(|built| built.get("executable")?.as_str().map(PathBuf::from));
        match program {
            Some(program) if built.status.success() => Ok(Dbsp { program }),
            _ => Err(format!(
                "it cannot be built: cargo build --release --manifest-path {}\n{}",
                manifest.display(),
                text(&built)
            )),
        }
    }
}

impl Peer for Dbsp {
    fn name(&self) -> &'static str {
        "dbsp"
    }

    fn has(&self, query: &str) -> bool {
        QUERIES.contains(&query)
    }

    fn run(&self, query: &str, args: &Args) -> Result<Measured, BenchError> {
        let mut command = pinned(&self.program, args);
        command.args([query, &args.events.to_string(), &args.batch.to_string()]);
        if args.check {
            command.arg("--rows");
        }
        measured("dbsp", &mut command)
    }
}
