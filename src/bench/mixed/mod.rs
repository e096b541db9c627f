//! `attune bench mixed`: what slows what.

mod activity;

use super::client::Connection;
use super::process::{Attune, Process, ServerArgs};
use super::random::{Distribution, Keys};
use super::report::{Chart, Form, Report, Row, Table, progress};
use super::scratch::Scratch;
use super::{BenchError, events};
use activity::{Activity, Done};
use std::time::Duration;

/// Ingestion, lookups, a backfill and an analytical SELECT, alone and together: how much each slows the others.
///
/// Each activity is measured alone, beside each of the others, and beside all of them; every activity goes as fast as it
/// can. A factor of 2 means that it had half of its throughput (or twice its p99). What shares the processors fairly
/// gives factors near 2 for two activities on a busy machine; what matters is that lookups keep their p99.
///
///   ingest    COPY of 1,000 events, one connection, into a stream with a view of a row per user
///   lookups   prepared, by key, in that view, 4 connections
///   backfill  CREATE MATERIALIZED VIEW over a stream with history, DROP, again
///   query     SELECT with GROUP BY over all rows of the view
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Users, each with a row in the view
    #[arg(long, value_name = "N", default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub users: u64,
    /// Events of history to backfill from
    #[arg(long, value_name = "N", default_value_t = 500_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub history: u64,
    /// Seconds per measurement; a backfill or query that has begun is waited for
    #[arg(long, value_name = "S", default_value_t = 5.0)]
    pub seconds: f64,
    /// How the Attune that is measured is started
    #[command(flatten)]
    pub server: ServerArgs,
}

/// What is measured: the activity beside these others.
const BESIDE: [(&str, &[Activity]); 6] = [
    ("alone", &[]),
    ("+ ingest", &[Activity::Ingest]),
    ("+ lookups", &[Activity::Lookups]),
    ("+ backfill", &[Activity::Backfill]),
    ("+ query", &[Activity::Query]),
    ("+ all", &Activity::ALL),
];

/// The matrix.
///
/// # Errors
/// When the server does not do as it should.
pub fn run(args: &Args) -> Result<Report, BenchError> {
    let mut report = Report::new("mixed", "how much ingestion, lookups, a backfill and a query slow each other");
    report.set("users", args.users);
    report.set("history", args.history);
    report.set("seconds per measurement", args.seconds);
    let scratch = Scratch::new(None)?;
    let server = Attune::start(&scratch.path("attune"), &args.server)?;
    progress("mixed: filling");
    let mut connection = Connection::open(server.addr)?;
    for stream in ["events", "history"] {
        connection.script(&[&format!("CREATE STREAM {stream} {}", events::COLUMNS)])?;
    }
    connection.script(&[activity::VIEW])?;
    events::fill(&mut connection, "events", 0..args.users)?;
    events::fill(&mut connection, "history", 0..args.history)?;
    report.tables = measure(&server, args)?.into();
    Ok(report)
}

fn measure(server: &Process, args: &Args) -> Result<[Table; 3], BenchError> {
    let mut absolute = Table::new("rates", "Alone", "activity");
    let mut slower = Table::new("slowdown", "Throughput alone / throughput beside", "activity");
    let mut later = Table::new("p99", "p99 beside / p99 alone", "activity");
    for activity in Activity::ALL {
        let mut rows = [Row::new(activity.name(), "attune"), Row::new(activity.name(), "attune")];
        let mut alone: Option<Done> = None;
        for (name, others) in BESIDE {
            if others == [activity] {
                // The place stays empty, so that the columns come in one order.
                rows = rows.map(|row| row.with(name, "x", f64::NAN));
                continue;
            }
            progress(&format!("mixed: {} {name}", activity.name()));
            let others: Vec<Activity> = others.iter().copied().filter(|other| *other != activity).collect();
            let done = beside(server, activity, &others, args)?;
            match &alone {
                None => {
                    let row = Row::new(activity.name(), "attune").with("rate", activity.unit(), done.rate());
                    absolute.rows.push(row.with("p50", "ms", done.millis(0.5)).with("p99", "ms", done.millis(0.99)));
                    alone = Some(done);
                }
                Some(alone) => {
                    let [slow, late] = rows;
                    rows = [
                        slow.with(name, "x", alone.rate() / done.rate().max(f64::MIN_POSITIVE)),
                        late.with(name, "x", done.millis(0.99) / alone.millis(0.99).max(f64::MIN_POSITIVE)),
                    ];
                }
            }
        }
        let [slow, late] = rows;
        slower.rows.push(slow);
        later.rows.push(late);
    }
    for (table, title) in
        [(&mut slower, "How much slower beside all others"), (&mut later, "p99 beside all others, over p99 alone")]
    {
        table.charts.push(Chart {
            name: table.name.clone(),
            title: title.to_owned(),
            about: "every activity as fast as it can; shorter is better".to_owned(),
            measure: "+ all",
            form: Form::Bars,
        });
    }
    Ok([absolute, slower, later])
}

/// The activity while the others go on.
fn beside(server: &Process, activity: Activity, others: &[Activity], args: &Args) -> Result<Done, BenchError> {
    let users = Keys::new(args.users, Distribution::Uniform);
    let time = Duration::from_secs_f64(args.seconds.clamp(0.01, 3_600.0));
    let ground = activity::Ground { addr: server.addr, users: &users, history: args.history };
    let (mine, theirs) = (activity::Stop::new(), activity::Stop::new());
    std::thread::scope(|scope| {
        let running: Vec<_> = others.iter().map(|other| scope.spawn(|| other.run(ground, &theirs))).collect();
        let measured = scope.spawn(|| activity.run(ground, &mine));
        std::thread::sleep(time);
        mine.stop();
        let measured = measured.join().map_err(|_| BenchError::Failed("an activity failed".to_owned()))?;
        theirs.stop();
        for other in running {
            other.join().map_err(|_| BenchError::Failed("an activity failed".to_owned()))??;
        }
        measured
    })
}
