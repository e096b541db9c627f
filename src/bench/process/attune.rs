//! `attune serve`, from the binary that runs the benchmark or from another.

use super::Process;
use crate::bench::BenchError;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// How the Attune that is measured is started.
#[derive(clap::Args, Clone, Debug, Default)]
pub struct ServerArgs {
    /// Measure the server of another build [default: this binary]
    #[arg(long, value_name = "FILE", help_heading = "Server")]
    pub attune: Option<PathBuf>,
    /// A setting of the server that is measured, such as row_cache_bytes=64MB; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", help_heading = "Server")]
    pub set: Vec<String>,
}

/// A running Attune.
pub(in crate::bench) struct Attune;

impl Attune {
    /// Starts a server on the data in `data`, and waits until it is ready.
    pub(in crate::bench) fn start(data: &Path, args: &ServerArgs) -> Result<Process, BenchError> {
        std::fs::create_dir_all(data)?;
        let log = data.with_extension("log");
        let binary = args.attune.clone().map_or_else(std::env::current_exe, Ok)?;
        let mut command = Command::new(&binary);
        command.args(["serve", "--listen", "127.0.0.1:0", "--log", "warn", "--data"]).arg(data);
        command.args(args.set.iter().flat_map(|set| ["--set", set]));
        // Measured as it is started here, whatever the shell has set.
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("ATTUNE_")) {
            command.env_remove(name);
        }
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(File::create(&log)?);
        let mut child = command.spawn()?;
        let mut banner = String::new();
        if let Some(stdout) = child.stdout.take() {
            BufReader::new(stdout).read_line(&mut banner)?;
        }
        let Some(addr) = address(&banner) else {
            let _ = child.kill();
            let _ = child.wait();
            let log = std::fs::read_to_string(&log).unwrap_or_default();
            return Err(BenchError::Failed(format!("{} did not start: {}", binary.display(), log.trim())));
        };
        Ok(Process { child, signal: "-TERM", addr })
    }
}

/// The address in the banner: `... psql -h 127.0.0.1 -p 7432 ...`.
fn address(banner: &str) -> Option<SocketAddr> {
    let mut words = banner.split_whitespace().skip_while(|word| *word != "-h").skip(1);
    let (host, port) = (words.next()?, words.nth(1)?);
    format!("{host}:{port}").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_address_is_in_the_banner() {
        let banner = "attune 0.1.0 ready: psql -h 127.0.0.1 -p 7432   (data in ./attune-data)";
        assert_eq!(address(banner), Some("127.0.0.1:7432".parse().unwrap()));
        assert_eq!(address(""), None);
    }
}
