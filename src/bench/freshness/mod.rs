//! `attune bench freshness`: from an event to its visibility in a view, on another connection.

mod probe;

use super::BenchError;
use super::client::Connection;
use super::events;
use super::feed::Feed;
use super::load::latencies;
use super::process::{Attune, Process, ServerArgs};
use super::random::{Distribution, Keys, Random};
use super::report::{Chart, Form, Report, Row, Table, plain, progress};
use super::scratch::Scratch;
use std::time::Duration;

/// Events per COPY, at most.
const BATCH: u64 = 1_000;
/// Connections that feed.
const WRITERS: usize = 2;

/// From sending an event to seeing it in a view on another connection, at shares of the rate the server can take.
///
/// For each number of views (all over one stream, each an aggregate per user over 99 % of the events) it first measures
/// how many events a second can be taken for good (the work of flushes and compactions that is left then counts as time
/// of all cores), then feeds a share of that, evenly, from two connections by COPY of what is due. Beside it, probes send
/// one event each with an INSERT of its own, and another connection looks it up in the view that was created last, 0.2 ms
/// after the last answer (after 2 ms: 10 % of the time so far), until it is there.
///
/// acknowledged is the time until the INSERT itself was answered: Attune answers when the event is in all views.
#[derive(clap::Args, Debug)]
#[command(verbatim_doc_comment)]
pub struct Args {
    /// Numbers of views
    #[arg(long, value_name = "N,...", value_delimiter = ',', default_value = "1,10,100", value_parser = clap::value_parser!(u64).range(1..))]
    pub views: Vec<u64>,
    /// Shares of the highest rate, in percent
    #[arg(long, value_name = "PERCENT,...", value_delimiter = ',', default_value = "1,50,80")]
    pub shares: Vec<f64>,
    /// Rates in events per second, in place of shares: to compare builds or settings
    #[arg(long, value_name = "N,...", value_delimiter = ',', conflicts_with = "shares")]
    pub rates: Vec<f64>,
    /// Users that the events are of
    #[arg(long, value_name = "N", default_value_t = 20_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub users: u64,
    /// Seconds per measurement
    #[arg(long, value_name = "S", default_value_t = 10.0)]
    pub seconds: f64,
    /// Probes at the same time
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..))]
    pub probes: u64,
    /// How the Attune that is measured is started
    #[command(flatten)]
    pub server: ServerArgs,
}

/// Each number of views at each share.
///
/// # Errors
/// When the server does not do as it should.
pub fn run(args: &Args) -> Result<Report, BenchError> {
    let mut report = Report::new("freshness", "from an event to its visibility in a view on another connection");
    report.set("users", args.users);
    report.set("seconds per measurement", args.seconds);
    for set in &args.server.set {
        report.set("with", set);
    }
    let scratch = Scratch::new(None)?;
    let mut table = Table::new("visible", "From event to visible", "rate");
    for views in &args.views {
        let server = Attune::start(&scratch.path(&format!("views-{views}")), &args.server)?;
        measure(&server, *views, args, &mut table)?;
    }
    for measure in ["p50", "p99"] {
        table.charts.push(Chart {
            name: format!("visible-{measure}"),
            title: format!("From event to visible in a view, {measure}"),
            about: "another connection looks it up; lower is better".to_owned(),
            measure,
            form: Form::Lines {
                x: if args.rates.is_empty() { "rate in % of the highest" } else { "events/s" }.to_owned(),
            },
        });
    }
    report.tables.push(table);
    Ok(report)
}

fn measure(server: &Process, views: u64, args: &Args, table: &mut Table) -> Result<(), BenchError> {
    let subject = if views == 1 { "1 view".to_owned() } else { format!("{views} views") };
    let mut connection = Connection::open(server.addr)?;
    connection.script(&[&format!("CREATE STREAM events {}", events::COLUMNS)])?;
    for view in 0..views {
        connection.script(&[&format!(
            "CREATE MATERIALIZED VIEW v{view} AS SELECT user_id, count(*) AS n, sum(price) AS total, max(ts) AS last \
             FROM events WHERE item_id % 100 <> {} GROUP BY user_id",
            view % 100
        )])?;
    }
    events::fill(&mut connection, "events", 0..args.users)?;
    let users = Keys::new(args.users, Distribution::Uniform);
    let lines = |count: u64, random: &mut Random, out: &mut String| events::random(&users, count, random, out);
    let feed =
        Feed { addr: server.addr, copy: events::COPY, connections: WRITERS, batch: BATCH, rate: None, lines: &lines };
    let time = Duration::from_secs_f64(args.seconds.clamp(0.01, 3_600.0));
    let steps: Vec<(String, f64, f64)> = if args.rates.is_empty() {
        progress(&format!("freshness: {subject}, the highest rate"));
        let highest = feed.lasting(server, time)?;
        let step = |share: &f64| (format!("{share} %"), *share, highest * share / 100.0);
        args.shares.iter().map(step).collect()
    } else {
        args.rates.iter().map(|rate| (format!("{}/s", plain(*rate)), *rate, *rate)).collect()
    };
    for (name, at, rate) in steps {
        let rate = rate.max(1.0);
        // What the rate before has left to be compacted is not of this one.
        server.caught_up()?;
        progress(&format!("freshness: {subject}, {name}: {} events/s", plain(rate)));
        let probing = || probe::run(server.addr, views - 1, args.probes, time);
        let (probed, fed) = Feed { rate: Some(rate), ..feed }.during(probing)?;
        let row = Row::new(name, &subject).at(at).with("events", "/s", fed.rate());
        let row = latencies(row, &probed.visible).with("probes", "", probed.visible.len() as f64);
        let acknowledged = |q: f64| probed.acknowledged.value_at_quantile(q) as f64 / 1e3;
        table.rows.push(row.with("acknowledged p50", "µs", acknowledged(0.5)).with(
            "acknowledged p99",
            "µs",
            acknowledged(0.99),
        ));
    }
    Ok(())
}
