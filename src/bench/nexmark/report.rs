//! The table of a run, and its JSON.

use super::{Measured, Options, Query};
use serde::Serialize;
use std::fmt::Write;

/// A query and its runs; none when it is not there yet.
pub(super) struct Line {
    pub(super) query: &'static Query,
    pub(super) runs: Vec<Measured>,
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
}

#[derive(Debug, Serialize)]
struct QueryReport {
    query: &'static str,
    about: &'static str,
    /// Why it is not there yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    not_yet: Option<&'static str>,
    /// The median run by time.
    #[serde(skip_serializing_if = "Option::is_none")]
    attune: Option<Figures>,
}

#[derive(Debug, Serialize)]
struct Figures {
    events_per_second: f64,
    cpu_us_per_event: f64,
    written_bytes_per_event: f64,
    #[serde(skip_serializing_if = "Option::is_none")]
    rows: Option<u64>,
}

impl Report {
    pub(super) fn new(options: &Options, lines: &[Line]) -> Report {
        let queries = lines.iter().map(|line| QueryReport {
            query: line.query.name,
            about: line.query.about,
            not_yet: line.query.sql.err(),
            attune: Figures::median(&line.runs),
        });
        Report {
            events: options.events,
            batch: options.batch,
            core: options.core.clone(),
            rounds: options.rounds,
            checked: options.check,
            queries: queries.collect(),
        }
    }

    /// For people.
    #[must_use]
    pub fn table(&self) -> String {
        let mut text = format!(
            "Nexmark: {} events, {} an epoch, core {}{}\n\n",
            self.events,
            self.batch,
            self.core,
            if self.checked { ", each view compared with its query" } else { "" }
        );
        let _ =
            writeln!(text, "{:<5} {:<30} {:>10} {:>12} {:>14}", "query", "", "events/s", "CPU us/event", "bytes/event");
        for query in &self.queries {
            let _ = write!(text, "{:<5} {:<30} ", query.query, query.about);
            let _ = match (&query.attune, query.not_yet) {
                (Some(f), _) => writeln!(
                    text,
                    "{:>10.0} {:>12.2} {:>14.0}",
                    f.events_per_second, f.cpu_us_per_event, f.written_bytes_per_event
                ),
                (None, why) => writeln!(text, "not yet: {}", why.unwrap_or("not run")),
            };
        }
        text
    }
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
