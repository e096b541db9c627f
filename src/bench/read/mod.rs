//! `attune bench read`: lookups and rankings, beside PostgreSQL and Redis with the same data.

mod check;
mod data;
mod load;
mod measure;
mod question;
mod stream;

use super::peers::{self, Peer};
use super::process::{Attune, Process, ServerArgs};
use super::random::Distribution;
use super::report::{Report, progress};
use super::scratch::Scratch;
use super::{BenchError, client::Connection};
use data::Data;
pub use question::Question;
use std::path::PathBuf;
use std::time::Duration;

/// Reads over the wire: point lookups, 100 keys, top 10 by index, rankings; beside PostgreSQL and Redis.
///
/// Loads the same rows into Attune, PostgreSQL and Redis, compares the answers, and then asks prepared statements from
/// 1, 8 and 32 connections, and 16 deep in a pipeline; then again while events stream into Attune at half the rate it
/// can take. The queries (see docs/benchmarks.md for the tables):
///
///   point         a row of 8 columns by its key
///   100 keys      100 such rows, = ANY($1)
///   top 10        the ten best of a user's candidates, by an index
///   ranking 100   a user's 100 candidates joined by key to the feature view, scored by an expression, the best ten
///   ranking 1000  the same with 1,000 candidates
///
/// The figure to look at is CPU: microseconds of the server's processor time per query, from /proc, children included.
/// On a small machine the clients take a share of the processor, which makes rates and latencies look alike.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub struct Args {
    /// Rows of the feature view
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..))]
    pub rows: u64,
    /// Users with 100 candidates each; a hundredth as many have 1,000
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub users: u64,
    /// Seconds per measurement, after a fifth of that to warm up
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,
    /// Numbers of connections; pipelines, and the runs while events stream in, have the one in the middle
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,8,32")]
    pub connections: Vec<usize>,
    /// Threads of the client; each serves its part of the connections. With 1, the default of pgbench and redis-benchmark too,
    /// it is like a proxy or an asynchronous program; with as many as connections, like a blocking driver
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::builder::RangedU64ValueParser::<usize>::new().range(1..))]
    pub threads: usize,
    /// How deep the pipeline is; 1 is none
    #[arg(long, value_name = "N", default_value_t = 16)]
    pub depth: usize,
    /// How keys are drawn
    #[arg(long, value_name = "HOW", value_enum, default_value = "uniform")]
    pub keys: Distribution,
    /// Peers to compare with
    #[arg(long, value_name = "PEER,...", value_enum, value_delimiter = ',', default_value = "postgres,redis")]
    pub peers: Vec<Peer>,
    /// Only these queries
    #[arg(long, value_name = "QUERY,...", value_enum, value_delimiter = ',')]
    pub only: Vec<Question>,
    /// Leave out the runs while events stream in
    #[arg(long)]
    pub idle: bool,
    /// Keep the data loaded into Attune in DIR, and use what an earlier run has left there (with the same --rows and --users)
    #[arg(long, value_name = "DIR")]
    pub keep: Option<PathBuf>,
    /// How the Attune that is measured is started
    #[command(flatten)]
    pub server: ServerArgs,
}

const EXAMPLES: &str = "\
Examples:
  attune bench read                                       about 12 minutes, most of it measuring
  attune bench read --keep /tmp/read --seconds 2          load once, measure often
  attune bench read --only point,top10 --connections 8 --idle --keep /tmp/read
  attune bench read --rows 10000 --users 100 --seconds 0.5 --peers postgres
  attune bench read --json read.json --chart docs/charts  figures and charts in files";

/// The servers of a run.
struct Servers {
    attune: Process,
    postgres: Option<Process>,
    redis: Option<Process>,
}

/// Loads, compares, measures.
///
/// # Errors
/// When a server does not start, or does not answer as it should.
pub fn run(args: &Args) -> Result<Report, BenchError> {
    let mut report = Report::new("read", "prepared lookups and rankings over the wire");
    let data = Data { rows: args.rows, users: args.users, keys: args.keys };
    describe(&mut report, args, &data);
    let scratch = Scratch::new(args.keep.as_deref())?;
    let postgres = peers::postgres(&args.peers, &mut report);
    let redis = peers::redis(&args.peers, &mut report);
    let servers = Servers {
        attune: Attune::start(&scratch.path("attune"), &args.server)?,
        postgres: postgres.map(|found| found.start(&scratch.path("postgres"))).transpose()?,
        redis: redis.map(|found| found.start(&scratch.path("redis"))).transpose()?,
    };
    load::fill(&servers, &data)?;
    let questions: Vec<Question> =
        Question::ALL.into_iter().filter(|question| args.only.is_empty() || args.only.contains(question)).collect();
    if let Some(postgres) = &servers.postgres {
        let compared = check::compare(servers.attune.addr, postgres.addr, &data, &questions)?;
        report.notes.push(format!("{compared} answers of Attune and PostgreSQL compared before measuring: equal"));
    }
    say("reading every row once");
    for server in std::iter::once(&servers.attune).chain(&servers.postgres) {
        // What loading has left to be compacted or written is no cost of the queries.
        server.caught_up()?;
        load::warm(server, &data)?;
    }
    for connections in &args.connections {
        let table = measure::idle(&servers, &data, &questions, args, *connections, 1)?;
        report.tables.push(table);
    }
    let connections = args.connections.get(args.connections.len() / 2).copied().unwrap_or(1);
    if args.depth > 1 {
        report.tables.push(measure::idle(&servers, &data, &questions, args, connections, args.depth)?);
    }
    if !args.idle {
        report.tables.push(stream::measure(&servers, &data, &questions, args, connections)?);
    }
    Ok(report)
}

fn describe(report: &mut Report, args: &Args, data: &Data) {
    report.set("rows", args.rows);
    report.set("users", format!("{} with 100 candidates, {} with 1,000", data.users, data.large_users()));
    report.set("keys", format!("{:?}", args.keys).to_lowercase());
    report.set("client threads", args.threads);
    report.set("seconds per measurement", args.seconds);
    for set in &args.server.set {
        report.set("with", set);
    }
}

/// Time to measure, and to warm up before.
fn times(args: &Args) -> (Duration, Duration) {
    let time = Duration::from_secs_f64(args.seconds.clamp(0.01, 3_600.0));
    (time, time / 5)
}

/// Says what is going on, in one place so that all lines look alike.
fn say(text: &str) {
    progress(&format!("read: {text}"));
}

/// Opens a connection for a statement or two.
fn open(server: &Process) -> Result<Connection, BenchError> {
    Connection::open(server.addr)
}
