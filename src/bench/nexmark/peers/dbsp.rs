//! Feldera's engine, the dbsp crate: `benches/peers/dbsp`, a package of its own outside the workspace.

use super::{Peer, measured, pinned, sources, text};
use crate::bench::BenchError;
use crate::bench::nexmark::{Args, Measured};
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// What `benches/peers/dbsp/src/main.rs` has.
const QUERIES: [&str; 9] = ["q0", "q3", "q4", "q9", "q15", "q17", "q18", "q19", "q20"];

/// The peer, built.
pub(super) struct Dbsp {
    manifest: PathBuf,
}

impl Dbsp {
    /// Builds it with cargo; the first time that takes minutes.
    pub(super) fn build() -> Result<Dbsp, String> {
        let manifest = sources("dbsp")?.join("Cargo.toml");
        tracing::info!("building the peer dbsp");
        let built = Command::new("cargo")
            .args(["build", "--release", "--locked", "--manifest-path"])
            .arg(&manifest)
            .stdin(Stdio::null())
            .output()
            .map_err(|error| format!("cargo cannot be run ({error}); install Rust from https://rustup.rs"))?;
        if built.status.success() {
            Ok(Dbsp { manifest })
        } else {
            Err(format!(
                "it cannot be built: cargo build --release --manifest-path {}\n{}",
                manifest.display(),
                text(&built)
            ))
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
        let mut command = pinned("cargo", args);
        command.args(["run", "--quiet", "--release", "--locked", "--manifest-path"]).arg(&self.manifest).arg("--");
        command.args([query, &args.events.to_string(), &args.batch.to_string()]);
        if args.check {
            command.arg("--rows");
        }
        measured("dbsp", &mut command)
    }
}
