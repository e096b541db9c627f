//! `attune bench ingest`: the demo's views, fed over the wire.

mod feed;
mod purchases;

use super::client::Connection;
use super::load::latencies;
use super::process::{Attune, Process, ServerArgs};
use super::report::{ATTUNE, Chart, Form, Report, Row, Table, plain, progress};
use super::scratch::Scratch;
use super::{BenchError, cpu};
use crate::demo::schema;
pub use feed::Way;
use purchases::Purchases;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The view on products bought together.
const PAIRS: [&str; 1] = ["bought_together"];
/// Views that are made of it.
const MADE_OF_PAIRS: [&str; 2] = ["candidates", "recommendations"];

/// Events into the demo's views over the wire: by COPY, by INSERT of many rows, by INSERT of one row.
///
/// Creates the views of src/demo/demo.sql: without the one on products bought together (plain), with it (pairs: a basket
/// of n products makes n * (n - 1) of them, so one purchase is many updates), and with the recommendations made of it
/// (all: each pair that becomes one of the best of its product changes the candidates of many households). Feeds
/// purchases as fast as they are acknowledged, an acknowledgement meaning that they are durable and in every view.
///
/// CPU is the server's processor time per event, from /proc. Written is what the server had written to storage by the
/// end of the run, per event: its log, and what was flushed and compacted so far.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment, after_help = EXAMPLES)]
pub struct Args {
    /// Directory with purchases.csv.zst and products.csv.zst [default: the sample that ships with the demo]
    #[arg(long, value_name = "DIR")]
    pub data: Option<PathBuf>,
    /// Feed the data N times over, with households, baskets and times of their own each time
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub scale: u64,
    /// Stop each run after S seconds, if the data lasts so long
    #[arg(long, value_name = "S", default_value_t = 30.0)]
    pub seconds: f64,
    /// Ways to feed
    #[arg(long, value_name = "WAY,...", value_enum, value_delimiter = ',', default_value = "copy,rows,single")]
    pub ways: Vec<Way>,
    /// Which views
    #[arg(long, value_name = "VIEWS,...", value_enum, value_delimiter = ',', default_value = "plain,pairs,all")]
    pub views: Vec<Views>,
    /// Rows per COPY
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub copy_rows: u64,
    /// Connections that COPY, and that INSERT many rows
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..))]
    pub writers: u64,
    /// Connections that INSERT single rows
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = clap::value_parser!(u64).range(1..))]
    pub connections: u64,
    /// How the Attune that is measured is started
    #[command(flatten)]
    pub server: ServerArgs,
}

const EXAMPLES: &str = "\
Examples:
  attune bench ingest                                   the shipped sample, 3 minutes
  attune bench ingest --ways copy --views plain         one run
  attune bench ingest --data FULL --seconds 100000      all of Complete Journey: see src/demo/data/README.md
  attune bench ingest --data FULL --scale 34 --seconds 100000 --ways copy --views plain      50 million events";

/// Which of the demo's views there are.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Views {
    /// All but the one on products bought together, and those made of it
    Plain,
    /// Those, and the one on products bought together
    Pairs,
    /// All
    All,
}

impl Views {
    fn name(self) -> &'static str {
        match self {
            Views::Plain => "plain",
            Views::Pairs => "pairs",
            Views::All => "all",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Views::Plain => "The demo's views, without products bought together",
            Views::Pairs => "The demo's views, with products bought together",
            Views::All => "All of the demo's views, with recommendations",
        }
    }

    fn includes(self, statement: &str) -> bool {
        let creates = |view: &str| statement.starts_with(&format!("CREATE MATERIALIZED VIEW {view} "));
        match self {
            Views::Plain => !PAIRS.iter().chain(&MADE_OF_PAIRS).any(|view| creates(view)),
            Views::Pairs => !MADE_OF_PAIRS.iter().any(|view| creates(view)),
            Views::All => true,
        }
    }
}

/// Each way into each set of views, every time from nothing.
///
/// # Errors
/// When the data cannot be read, or the server does not do as it should.
pub fn run(args: &Args) -> Result<Report, BenchError> {
    let mut report = Report::new("ingest", "events into the demo's views, over the wire");
    let purchases = Purchases::load(args.data.as_deref(), args.scale)?;
    report.set("events", purchases.len());
    report.set("at most seconds", args.seconds);
    for set in &args.server.set {
        report.set("with", set);
    }
    let scratch = Scratch::new(None)?;
    for views in &args.views {
        let mut table = Table::new(views.name(), views.title(), "fed by");
        for way in &args.ways {
            progress(&format!("ingest: {}, {}", way.name(args), views.title()));
            let data = scratch.path(&format!("{}-{way:?}", views.name()));
            table.rows.push(measure(&data, &purchases, *views, *way, args)?);
            // The disk may be small.
            std::fs::remove_dir_all(&data)?;
        }
        table.charts.push(Chart {
            name: format!("rate-{}", table.name),
            title: format!("Events per second: {}", views.title()),
            about: "each acknowledged when durable and in every view; longer is better".to_owned(),
            measure: "rate",
            form: Form::Bars,
        });
        report.tables.push(table);
    }
    Ok(report)
}

fn measure(data: &Path, purchases: &Purchases, views: Views, way: Way, args: &Args) -> Result<Row, BenchError> {
    let server = Attune::start(data, &args.server)?;
    let mut connection = Connection::open(server.addr)?;
    let statements: Vec<String> = schema().into_iter().filter(|statement| views.includes(statement)).collect();
    connection.script(&statements.iter().map(String::as_str).collect::<Vec<_>>())?;
    connection.copy_in("COPY products FROM STDIN WITH (FORMAT csv, HEADER true)", purchases.products())?;
    let before = Used::now(&server)?;
    let fed = feed::run(server.addr, purchases, way, args)?;
    let used = Used::now(&server)?;
    check(&mut connection, fed.events)?;
    let per_event = |amount: f64| amount / fed.events.max(1) as f64;
    let row = Row::new(way.name(args), ATTUNE)
        .with("events", "", fed.events as f64)
        .with("rate", "/s", fed.events as f64 / fed.time.as_secs_f64())
        .with("CPU", "µs", per_event((used.cpu - before.cpu).as_secs_f64() * 1e6))
        .with("written", "bytes", per_event((used.written - before.written) as f64))
        .with("memory", "MB", cpu::resident(server.id())? as f64 / 1e6);
    Ok(latencies(row, &fed.latency))
}

/// What a server has used so far.
struct Used {
    cpu: Duration,
    written: u64,
}

impl Used {
    fn now(server: &Process) -> Result<Used, BenchError> {
        Ok(Used { cpu: server.cpu()?, written: cpu::written(server.id())? })
    }
}

/// A benchmark of something that loses events would be worth nothing.
fn check(connection: &mut Connection, events: u64) -> Result<(), BenchError> {
    let found = connection.query("SELECT sum(n) FROM spend")?;
    if found == [[Some(events.to_string())]] {
        return Ok(());
    }
    Err(BenchError::Failed(format!("{} events were acknowledged, the view spend has {found:?}", plain(events as f64))))
}
