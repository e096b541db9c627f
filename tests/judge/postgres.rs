//! PostgreSQL 15 for the time of a test: a fresh cluster in a temporary directory, on a free port of 127.0.0.1.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use tokio_postgres::{Client, NoTls};

/// Where Debian puts the programs; `ATTUNE_POSTGRES` names another directory.
const PROGRAMS: &str = "/usr/lib/postgresql/15/bin";

/// The user that it runs as when the tests run as root, whom it refuses.
const USER: &str = "postgres";

/// A running server; stopped when dropped, and its directory removed.
pub struct Postgres {
    port: u16,
    server: Child,
    _directory: tempfile::TempDir,
}

impl Postgres {
    pub fn start() -> Postgres {
        let programs = std::env::var_os("ATTUNE_POSTGRES").map_or_else(|| PathBuf::from(PROGRAMS), PathBuf::from);
        assert!(
            programs.join("initdb").exists(),
            "the judge needs PostgreSQL 15, and {} has no initdb: run .ci/deps, or set ATTUNE_POSTGRES to the directory \
             of its programs",
            programs.display()
        );
        let directory = tempfile::tempdir().unwrap();
        let user = if is_root() { Some(owner()) } else { None };
        if let Some((uid, gid)) = user {
            chown(directory.path(), Some(uid), Some(gid)).unwrap();
        }
        let data = directory.path().join("data");
        let output = command(&programs.join("initdb"), user.is_some())
            .arg("-D")
            .arg(&data)
            .args([
                "--locale=C",
                "--lc-ctype=C.UTF-8",
                "--encoding=UTF8",
                "--auth=trust",
                "--username=attune",
                "--no-sync",
            ])
            .output()
            .unwrap();
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        // Another program may take the port between the choice and its use.
        for _ in 0..5 {
            let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
            if let Some(server) = serve(&programs, directory.path(), port, user.is_some()) {
                return Postgres { port, server, _directory: directory };
            }
        }
        panic!("PostgreSQL did not start on any of five free ports");
    }

    /// A connection to a database; `postgres` is always there.
    pub async fn connect(&self, database: &str) -> Client {
        let text = format!("host=127.0.0.1 port={} user=attune dbname={database}", self.port);
        let (client, connection) = tokio_postgres::connect(&text, NoTls).await.unwrap();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        client.batch_execute("SET statement_timeout = '2s'").await.unwrap();
        client
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        // At once: there is nothing to keep. A SIGKILL would leave its children behind.
        let _ = Command::new("kill").args(["-QUIT", &self.server.id().to_string()]).status();
        let _ = self.server.wait();
    }
}

fn serve(programs: &Path, directory: &Path, port: u16, as_user: bool) -> Option<Child> {
    let mut command = command(&programs.join("postgres"), as_user);
    command.arg("-D").arg(directory.join("data"));
    for setting in [
        "listen_addresses=127.0.0.1",
        &format!("port={port}"),
        &format!("unix_socket_directories={}", directory.display()),
        "fsync=off",
        "full_page_writes=off",
        "timezone=UTC",
        "log_timezone=UTC",
        "datestyle=ISO",
        "intervalstyle=postgres",
        "extra_float_digits=1",
        "jit=off",
        // Only that it is ready, not the errors of statements.
        "log_min_messages=log",
    ] {
        command.args(["-c", setting]);
    }
    let mut server = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(server.stderr.take().unwrap()).lines();
    while let Some(Ok(line)) = lines.next() {
        if line.contains("database system is ready to accept connections") {
            // It would stop at a full pipe.
            std::thread::spawn(move || lines.for_each(drop));
            return Some(server);
        }
    }
    let _ = server.wait();
    None
}

fn command(program: &Path, as_user: bool) -> Command {
    if !as_user {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.arg(format!("--reuid={USER}")).arg(format!("--regid={USER}")).args(["--clear-groups", "--"]).arg(program);
    // The directory that the tests run in may be closed to it.
    command.current_dir("/");
    command
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// The numbers of [`USER`] and of its group.
fn owner() -> (u32, u32) {
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let fields = users.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields[0] == USER);
    let fields = fields.unwrap_or_else(|| panic!("there is no user {USER}: run .ci/deps"));
    (fields[2].parse().unwrap(), fields[3].parse().unwrap())
}
