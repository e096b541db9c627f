//! What is shown of a run.

use super::args::Args;
use super::measure::Measured;
use super::queries::{QUERIES, Query};
use crate::bench::report::{ATTUNE, Chart, Form, Report, Row, Table, plain};
use std::collections::BTreeMap;

const THROUGHPUT: &str = "throughput";
const CPU: &str = "CPU";

/// All runs of each query by each engine, in the order they were first made.
#[derive(Default)]
pub(super) struct Runs {
    runs: Vec<(&'static str, &'static str, Vec<Measured>)>,
}

impl Runs {
    pub(super) fn add(&mut self, query: &'static Query, engine: &'static str, run: Measured) {
        match self.runs.iter_mut().find(|(name, by, _)| *name == query.name && *by == engine) {
            Some((_, _, runs)) => runs.push(run),
            None => self.runs.push((query.name, engine, vec![run])),
        }
    }
}

/// The medians as a table and a chart, with the ratio to each peer.
pub(super) fn report(args: &Args, runs: &Runs) -> Report {
    let mut report = Report::new("nexmark", "the queries of Nexmark as materialized views, stored and committed");
    report.set("events", plain(args.events as f64));
    report.set("events an epoch", plain(args.batch as f64));
    report.set("core", &args.core);
    report.set("rounds", args.rounds);
    args.set.iter().for_each(|(name, value)| report.set(name, value));
    let mut table = Table::new("nexmark", "Nexmark, by query", "query");
    table.rows.extend(runs.runs.iter().filter_map(|(query, engine, runs)| row(query, engine, runs)));
    table.compare(THROUGHPUT);
    table.charts.push(Chart {
        name: THROUGHPUT.to_owned(),
        title: "Nexmark: events per second on one core".to_owned(),
        about: format!("{} events, {} an epoch; more is better", plain(args.events as f64), plain(args.batch as f64)),
        measure: THROUGHPUT,
        form: Form::Bars,
    });
    report.notes.extend(means(&table));
    if args.check {
        report.notes.push("Each view was compared with its query, run as a batch query.".to_owned());
    }
    report.notes.push("Events are generated before the clock starts; every epoch is synced to disk.".to_owned());
    if args.peers.is_empty() {
        report.notes.push("No peers were asked for: --peers dbsp,flink runs the same queries beside ours.".to_owned());
    }
    report.notes.extend(not_yet(args));
    report.tables.push(table);
    report
}

/// The median run by time.
fn row(query: &str, engine: &str, runs: &[Measured]) -> Option<Row> {
    let mut runs: Vec<&Measured> = runs.iter().collect();
    runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
    let run = runs.get(runs.len() / 2)?;
    let events = run.events as f64;
    let mut row = Row::new(query, engine).with(THROUGHPUT, "events/s", (events / run.seconds).round()).with(
        "CPU",
        "us/event",
        run.cpu_seconds * 1e6 / events,
    );
    if engine == ATTUNE {
        row = row.with("written", "bytes/event", (run.written_bytes as f64 / events).round());
    }
    if let Some(rows) = run.rows {
        row = row.with("result", "rows", rows as f64);
    }
    Some(row)
}

/// Per peer, how we compare over the queries it has: by time, and by CPU, which other work on the machine disturbs less.
fn means(table: &Table) -> Vec<String> {
    let mut ratios: BTreeMap<(&str, &str), Vec<(f64, &str)>> = BTreeMap::new();
    for ours in table.rows.iter().filter(|row| row.subject == ATTUNE) {
        for theirs in table.rows.iter().filter(|row| row.case == ours.case && row.subject != ATTUNE) {
            let mut add = |what, ratio: Option<f64>| {
                let ratio = ratio.filter(|ratio| ratio.is_finite() && *ratio > 0.0);
                ratios
                    .entry((&theirs.subject, what))
                    .or_default()
                    .extend(ratio.map(|ratio| (ratio, ours.case.as_str())));
            };
            let ratio = |measure| Some(ours.value(measure)? / theirs.value(measure)?);
            add("events/s", ratio(THROUGHPUT));
            add("events per second of CPU", ratio(CPU).map(f64::recip));
        }
    }
    let mean = |((peer, what), ratios): ((&str, &str), Vec<(f64, &str)>)| {
        let mean = (ratios.iter().map(|(ratio, _)| ratio.ln()).sum::<f64>() / ratios.len() as f64).exp();
        let (least, query) = ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        let count = ratios.len();
        Some(format!("{what}, ours / {peer}: geometric mean {mean:.2} of {count} queries, least {least:.2} ({query})"))
    };
    ratios.into_iter().filter_map(mean).collect()
}

/// Queries that our SQL cannot say yet, when all were asked for.
fn not_yet(args: &Args) -> Vec<String> {
    let missing = QUERIES.iter().filter(|_| args.queries.is_empty());
    missing
        .filter_map(|query| Some(format!("{} ({}) is not there yet: {}", query.name, query.about, query.sql.err()?)))
        .collect()
}
