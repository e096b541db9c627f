//! The table of a run, and its JSON.

use super::{Measured, Options, Query};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::Write;

/// What we are called among the engines.
pub(super) const OURS: &str = "attune";

/// A query and its runs, by engine; none when it is not there yet.
pub(super) struct Line {
    query: &'static Query,
    runs: BTreeMap<&'static str, Vec<Measured>>,
}

/// What was measured.
#[derive(Debug, Serialize)]
pub struct Report {
    events: usize,
    batch: usize,
    core: String,
    rounds: usize,
    checked: bool,
    queries: Vec<QueryReport>,
    /// Per peer, over the queries it has.
    peers: BTreeMap<&'static str, Ratio>,
    /// Peers that could not run, and how to install them.
    skipped: Vec<String>,
}

#[derive(Debug, Serialize)]
struct QueryReport {
    query: &'static str,
    about: &'static str,
    /// Why it is not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_yet: Option<&'static str>,
    /// By engine, its median run by time.
    engines: BTreeMap<&'static str, Figures>,
}

#[derive(Debug, Serialize)]
struct Figures {
    events_per_second: f64,
    cpu_us_per_event: f64,
    written_bytes_per_event: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

/// Our events/s by a peer's.
#[derive(Debug, Serialize)]
struct Ratio {
    geometric_mean: f64,
    least: f64,
    least_query: &'static str,
}

impl Line {
    pub(super) fn new(query: &'static Query) -> Line {
        Line { query, runs: BTreeMap::new() }
    }

    pub(super) fn add(&mut self, engine: &'static str, run: Measured) {
        self.runs.entry(engine).or_default().push(run);
    }
}

impl Report {
    pub(super) fn new(options: &Options, lines: &[Line], skipped: Vec<String>) -> Report {
        let queries = lines.iter().map(|line| QueryReport {
            query: line.query.name,
            about: line.query.about,
            not_yet: line.query.sql.err(),
            engines: line.runs.iter().filter_map(|(engine, runs)| Some((*engine, Figures::median(runs)?))).collect(),
        });
        let queries: Vec<QueryReport> = queries.collect();
        let peers = ratios(&queries);
        Report {
            events: options.events,
            batch: options.batch,
            core: options.core.clone(),
            rounds: options.rounds,
            checked: options.check,
            queries,
            peers,
            skipped,
        }
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let checked = if self.checked { ", each view compared with its query" } else { "" };
        let (events, batch, core) = (self.events, self.batch, &self.core);
        let mut text = format!("Nexmark: {events} events, {batch} an epoch, core {core}{checked}\n\n");
        let _ = write!(text, "{:<5} {:<30} {:>10} {:>7} {:>9}", "query", "", "events/s", "CPU us", "written B");
        for peer in self.peers.keys() {
            let _ = write!(text, " | {peer:>13} {:>7} {:>6}", "CPU us", "ratio");
        }
        text.push('\n');
        for query in &self.queries {
            query.line(&mut text, self.peers.keys().copied());
        }
        for (peer, ratio) in &self.peers {
            let Ratio { geometric_mean, least, least_query } = ratio;
            let _ = writeln!(
                text,
                "\nours / {peer}: {geometric_mean:.2} (geometric mean), least {least:.2} ({least_query})"
            );
        }
        text.push_str("\nCPU and bytes written are per event. ");
        text.push_str("Events are generated before the clock starts; every epoch is synced to disk.\n");
        self.skipped.iter().for_each(|line| text.extend(["\n", line, "\n"]));
        text
    }
}

impl QueryReport {
    fn line(&self, text: &mut String, peers: impl Iterator<Item = &'static str>) {
        let _ = write!(text, "{:<5} {:<30} ", self.query, self.about);
        let Some(ours) = self.engines.get(OURS) else {
            let _ = writeln!(text, "not yet: {}", self.not_yet.unwrap_or("not run"));
            return;
        };
        let Figures { events_per_second, cpu_us_per_event, written_bytes_per_event, .. } = ours;
        let _ = write!(text, "{events_per_second:>10.0} {cpu_us_per_event:>7.2} {written_bytes_per_event:>9.0}");
        for peer in peers {
            let _ = match self.engines.get(peer) {
                None => write!(text, " | {:>28}", ""),
                Some(their) => write!(
                    text,
                    " | {:>13.0} {:>7.2} {:>6.2}",
                    their.events_per_second,
                    their.cpu_us_per_event,
                    events_per_second / their.events_per_second
                ),
            };
        }
        text.push('\n');
    }
}

fn ratios(queries: &[QueryReport]) -> BTreeMap<&'static str, Ratio> {
    let mut all: BTreeMap<&'static str, Vec<(f64, &'static str)>> = BTreeMap::new();
    for query in queries {
        let Some(ours) = query.engines.get(OURS) else { continue };
        for (peer, their) in query.engines.iter().filter(|(engine, _)| **engine != OURS) {
            all.entry(peer).or_default().push((ours.events_per_second / their.events_per_second, query.query));
        }
    }
    let ratio = |(peer, ratios): (&'static str, Vec<(f64, &'static str)>)| {
        let logs: f64 = ratios.iter().map(|(ratio, _)| ratio.ln()).sum();
        let (least, least_query) = *ratios.iter().min_by(|a, b| a.0.total_cmp(&b.0))?;
        Some((peer, Ratio { geometric_mean: (logs / ratios.len() as f64).exp(), least, least_query }))
    };
    all.into_iter().filter_map(ratio).collect()
}

impl Figures {
    fn median(runs: &[Measured]) -> Option<Figures> {
        let mut runs: Vec<&Measured> = runs.iter().collect();
        runs.sort_by(|a, b| a.seconds.total_cmp(&b.seconds));
        let run = runs.get(runs.len() / 2)?;
        let events = run.events as f64;
        Some(Figures {
            events_per_second: events / run.seconds,
            cpu_us_per_event: run.cpu_seconds * 1e6 / events,
            written_bytes_per_event: run.written_bytes as f64 / events,
            rows: run.rows,
        })
    }
}
