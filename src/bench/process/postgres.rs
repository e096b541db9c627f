//! PostgreSQL, from its own packages, in a cluster made for the benchmark.

use super::{Process, free_port, program};
use crate::bench::BenchError;
use std::fs::File;
use std::os::unix::fs::{MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Where Debian puts the programs of each version.
const VERSIONS: &str = "/usr/lib/postgresql";
/// The version that is compared with, where several are installed.
const PREFERRED: &str = "15";
/// Whom PostgreSQL runs as when root runs the benchmark, since it refuses to run as root.
const ACCOUNTS: [&str; 2] = ["postgres", "nobody"];
/// Everything in memory, as in Attune; prepared statements planned once (left to itself PostgreSQL plans the ranking and the
/// top 10 anew at every execution, which costs it more than running them); no compilation, no vacuum in the middle of a run.
const SETTINGS: [&str; 9] = [
    "plan_cache_mode=force_generic_plan",
    "listen_addresses=127.0.0.1",
    "max_connections=200",
    "shared_buffers=2GB",
    "work_mem=64MB",
    "maintenance_work_mem=512MB",
    "max_wal_size=8GB",
    "jit=off",
    "autovacuum=off",
];

/// PostgreSQL's programs on this machine.
pub(in crate::bench) struct Postgres {
    programs: PathBuf,
    account: Option<(u32, u32)>,
}

impl Postgres {
    /// What to do where it is missing.
    pub(in crate::bench) const INSTALL: &str = "apt-get install postgresql-15 (or set PATH to where initdb is)";

    /// Finds the programs.
    pub(in crate::bench) fn find() -> Option<Postgres> {
        let mut versions: Vec<PathBuf> = std::fs::read_dir(VERSIONS)
            .into_iter()
            .flatten()
            .filter_map(|entry| Some(entry.ok()?.path().join("bin")))
            .collect();
        versions.sort();
        versions.reverse();
        versions.insert(0, Path::new(VERSIONS).join(PREFERRED).join("bin"));
        let programs = program("initdb", &versions)?.parent()?.to_owned();
        Some(Postgres { programs, account: account() })
    }

    /// Starts a server on the cluster in `data`, which is made if it is not there.
    pub(in crate::bench) fn start(&self, data: &Path) -> Result<Process, BenchError> {
        let log = data.with_extension("log");
        if !data.join("PG_VERSION").is_file() {
            std::fs::create_dir_all(data)?;
            if let Some((user, group)) = self.account {
                chown(data, Some(user), Some(group))?;
            }
            let mut initdb = self.command("initdb", &log)?;
            initdb.args(["-U", "attune", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "-D"]).arg(data);
            if !initdb.status()?.success() {
                let log = std::fs::read_to_string(&log).unwrap_or_default();
                return Err(BenchError::Failed(format!("initdb failed: {}", log.trim())));
            }
        }
        let port = free_port()?;
        let mut command = self.command("postgres", &log)?;
        command.arg("-D").arg(data).args(["-p", &port.to_string(), "-k", ""]);
        command.args(SETTINGS.iter().flat_map(|setting| ["-c", setting]));
        let child = command.spawn()?;
        // SIGINT: the fast shutdown, which does not wait for clients.
        Process { child, signal: "-INT", addr: ([127, 0, 0, 1], port).into() }.listening(&log)
    }

    fn command(&self, name: &str, log: &Path) -> Result<Command, BenchError> {
        let log = File::create(log)?;
        let mut command = Command::new(self.programs.join(name));
        command.current_dir("/").env("LC_ALL", "C").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        Ok(command)
    }
}

/// User and group to run as; none unless this is root.
fn account() -> Option<(u32, u32)> {
    if std::fs::metadata("/proc/self").ok()?.uid() != 0 {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    ACCOUNTS.iter().find_map(|name| {
        let line = users.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    })
}
