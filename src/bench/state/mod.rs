//! `attune bench state`: what an event and a lookup cost as state grows, and whether memory stays within its budget.

use super::client::Connection;
use super::client::message::{self, BIGINT};
use super::feed::Feed;
use super::load::{self, Asker, Shape};
use super::process::{Attune, Process, ServerArgs};
use super::random::{Distribution, Keys, Random};
use super::report::{ATTUNE, Chart, Form, Report, Row, Table, plain, progress};
use super::scratch::Scratch;
use super::{BenchError, cpu, events};
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Connections that look up, and that feed.
const READERS: usize = 8;
const WRITERS: usize = 2;
/// Events per COPY.
const BATCH: u64 = 1_000;
/// Restarts timed per size; the median counts.
const RESTARTS: usize = 3;
/// Two views: a row per user, and a row per user and kind of item.
const VIEWS: [&str; 2] = [
    "CREATE MATERIALIZED VIEW profile AS SELECT user_id, count(*) AS n, sum(price) AS total, max(ts) AS last FROM events GROUP BY user_id",
    "CREATE MATERIALIZED VIEW affinity AS SELECT user_id, item_id % 20 AS kind, count(*) AS n, sum(quantity) AS quantity FROM events GROUP BY user_id, item_id % 20",
];

/// The cost of an event and of a lookup as state grows well past the caches; restart and memory at each size.
///
/// Two views per user are filled to each size in turn. At each it feeds events of random users as fast as they are taken, and
/// waits until the compactions that follow are done, which count as cost of the events; looks random users up from 8
/// connections, reads the memory the server holds, and restarts it. Users are drawn evenly, so that with more state than
/// cache most of them are not in memory.
///
/// The budget is the server's `memory_bytes`; the memory it holds is compared with that.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub struct Args {
    /// Users at the first size
    #[arg(long, value_name = "N", default_value_t = 50_000, value_parser = clap::value_parser!(u64).range(100..))]
    pub base: u64,
    /// Sizes, in multiples of the first
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,10,100", value_parser = clap::value_parser!(u64).range(1..))]
    pub sizes: Vec<u64>,
    /// Megabytes of memory for the server
    #[arg(long, value_name = "MB", default_value_t = 256, value_parser = clap::value_parser!(u64).range(256..))]
    pub budget: u64,
    /// Seconds per measurement
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub seconds: f64,
    /// Put the data into DIR, which should have room [default: the directory for temporary files]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// How the Attune that is measured is started
    #[command(flatten)]
    pub server: ServerArgs,
}

const EXAMPLES: &str = "\
Examples:
  attune bench state                                      5 million users, 256 MB: about 8 minutes
  attune bench state --base 2000000 --budget 768          200 million users, some 18 GB: more than an hour";

/// Each size after the other, on the same data.
///
/// # Errors
/// When the server does not do as it should.
pub fn run(args: &Args) -> Result<Report, BenchError> {
    let mut report = Report::new("state", "what an event and a lookup cost as state grows");
    report.set("users at 1x", args.base);
    report.set("budget MB", args.budget);
    report.set("seconds per measurement", args.seconds);
    let scratch = Scratch::new(None)?;
    let data = args.dir.as_ref().map_or_else(|| scratch.path("state"), |dir| dir.join("attune-bench-state"));
    let measured = measure(&data, args);
    // It may be large, whether it went well or not.
    let _ = std::fs::remove_dir_all(&data);
    report.tables.push(measured?);
    Ok(report)
}

fn measure(data: &Path, args: &Args) -> Result<Table, BenchError> {
    let mut server_args = args.server.clone();
    // What was asked for comes last, and wins.
    server_args.set.insert(0, format!("memory_bytes={}MB", args.budget));
    let mut server = Attune::start(data, &server_args)?;
    let stream = format!("CREATE STREAM events {}", events::COLUMNS);
    Connection::open(server.addr)?.script(&[&stream, VIEWS[0], VIEWS[1]])?;
    let mut table = Table::new("state", "As state grows", "state");
    let mut users = 0;
    let mut sizes = args.sizes.clone();
    sizes.sort_unstable();
    for size in sizes {
        let to = args.base.saturating_mul(size).max(users);
        progress(&format!("state: filling to {} users", plain(to as f64)));
        events::fill(&mut Connection::open(server.addr)?, "events", users..to)?;
        server.caught_up()?;
        users = to;
        let row = Row::new(format!("{size} x"), ATTUNE).at(size as f64).with("users", "", users as f64);
        let row = row.with("disk", "MB", bytes_below(data)? as f64 / 1e6);
        let row = costs(&server, users, args, row)?;
        let memory = cpu::resident(server.id())? as f64 / f64::from(1 << 20);
        let row = row.with("memory", "MB", memory).with("memory / budget", "", memory / args.budget as f64);
        progress("state: restarting");
        let (restarted, restart) = restart(server, data, &server_args)?;
        server = restarted;
        table.rows.push(row.with("restart", "ms", restart.as_secs_f64() * 1e3));
    }
    for (measure, title) in [
        ("event CPU", "Server CPU per event as state grows"),
        ("lookup CPU", "Server CPU per lookup as state grows"),
        ("restart", "Restart as state grows"),
    ] {
        table.charts.push(Chart {
            name: measure.replace(' ', "-"),
            title: title.to_owned(),
            about: format!("random users, {} MB of memory; lower is better", args.budget),
            measure,
            form: Form::Lines { x: "state, in multiples of the first".to_owned() },
        });
    }
    Ok(table)
}

/// An event and a lookup.
fn costs(server: &Process, users: u64, args: &Args, row: Row) -> Result<Row, BenchError> {
    let time = Duration::from_secs_f64(args.seconds.clamp(0.01, 3_600.0));
    let users = Keys::new(users, Distribution::Uniform);
    let lines = |count: u64, random: &mut Random, out: &mut String| events::random(&users, count, random, out);
    let feed =
        Feed { addr: server.addr, copy: events::COPY, connections: WRITERS, batch: BATCH, rate: None, lines: &lines };
    progress("state: events");
    let before = server.cpu()?;
    let fed = feed.highest(time)?;
    server.caught_up()?;
    let per_event = (server.cpu()? - before).as_secs_f64() * 1e6 / fed.events.max(1) as f64;
    progress("state: lookups");
    let askers = (0..READERS).map(|_| Ok(Box::new(Lookup::open(server, &users)?) as Box<dyn Asker>));
    let askers = askers.collect::<Result<Vec<_>, BenchError>>()?;
    let measured = load::run(askers, Shape { threads: 1, depth: 1, warmup: time / 5, time }, || server.cpu())?;
    let row = row.with("events", "/s", fed.rate()).with("event CPU", "µs", per_event);
    Ok(measured.row(row.with("lookup CPU", "µs", measured.cpu_per_operation())))
}

/// Looks random users up.
struct Lookup<'a> {
    connection: Connection,
    users: &'a Keys,
    /// Rows of the questions in hand that have not come yet.
    missing: u64,
}

impl<'a> Lookup<'a> {
    fn open(server: &Process, users: &'a Keys) -> Result<Lookup<'a>, BenchError> {
        let mut connection = Connection::open(server.addr)?;
        connection.prepare("q", "SELECT user_id, n, total, last FROM profile WHERE user_id = $1", &[BIGINT])?;
        Ok(Lookup { connection, users, missing: 0 })
    }
}

impl Asker for Lookup<'_> {
    fn ask(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        message::execute(out, "q", &[&self.users.draw(random).to_be_bytes()]);
        message::sync(out);
    }

    fn send(&mut self, out: &mut Vec<u8>, questions: usize) -> Result<(), BenchError> {
        self.missing = questions as u64;
        self.connection.send(out, questions)
    }

    fn receive(&mut self) -> Result<bool, BenchError> {
        let mut rows = 0;
        let all = self.connection.receive(&mut rows)?;
        self.missing = self.missing.saturating_sub(rows);
        if all && self.missing > 0 {
            return Err(BenchError::Failed("a user was not found".to_owned()));
        }
        Ok(all)
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.connection.socket()
    }
}

/// From start to the first answered lookup.
fn restart(mut server: Process, data: &Path, args: &ServerArgs) -> Result<(Process, Duration), BenchError> {
    let mut times = Vec::new();
    for _ in 0..RESTARTS {
        drop(server);
        let start = Instant::now();
        server = Attune::start(data, args)?;
        Connection::open(server.addr)?.query("SELECT n FROM profile WHERE user_id = 1")?;
        times.push(start.elapsed());
    }
    times.sort_unstable();
    Ok((server, times[RESTARTS / 2]))
}

fn bytes_below(dir: &Path) -> Result<u64, BenchError> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        // Compaction may delete a file meanwhile.
        let Ok(meta) = entry.as_ref().map_err(|_| ()).and_then(|entry| entry.metadata().map_err(|_| ())) else {
            continue;
        };
        bytes += if meta.is_dir() { bytes_below(&entry?.path())? } else { meta.len() };
    }
    Ok(bytes)
}
