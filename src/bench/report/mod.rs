//! What a benchmark found, once for all of them: a table for people, JSON for machines, charts for the documentation.
//!
//! A [`Report`] has tables. A row of a [`Table`] says what one subject (Attune, or a peer) did in one case, as named
//! measures with units. What is compared is a ratio: Attune's figure over the peer's, from the same run.

mod chart;
mod json;
mod machine;
mod number;
mod output;
mod table;

pub use chart::{Chart, Form};
pub use machine::{Machine, cores};
pub use number::{compact, plain};
use number::{labelled, tick};
pub use output::{Output, progress};

/// How this server is called beside its peers.
pub const ATTUNE: &str = "attune";

/// All that a run of a benchmark found.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Report {
    /// The benchmark, as on the command line.
    pub benchmark: &'static str,
    /// What it measures, in a line.
    pub about: &'static str,
    /// Where it ran.
    pub machine: Machine,
    /// What it ran with: name and value, in the order of importance.
    pub settings: Vec<(String, String)>,
    /// What it found.
    pub tables: Vec<Table>,
    /// Peers that were left out, and whatever else a reader must know.
    pub notes: Vec<String>,
}

impl Report {
    /// A report without findings yet.
    #[must_use]
    pub fn new(benchmark: &'static str, about: &'static str) -> Report {
        let machine = Machine::here();
        Report { benchmark, about, machine, settings: Vec::new(), tables: Vec::new(), notes: Vec::new() }
    }

    /// Adds a setting.
    pub fn set(&mut self, name: &str, value: impl ToString) {
        self.settings.push((name.to_owned(), value.to_string()));
    }

    /// Says that a peer is left out, and how to get it.
    pub fn skip(&mut self, peer: &str, install: &str) {
        self.notes.push(format!("{peer} is left out, since it is not installed: {install}"));
    }

    /// The table of this name.
    #[must_use]
    pub fn table(&self, name: &str) -> Option<&Table> {
        self.tables.iter().find(|table| table.name == name)
    }

    /// The report as text.
    #[must_use]
    pub fn text(&self) -> String {
        table::report(self)
    }

    /// The report as JSON.
    #[must_use]
    pub fn json(&self) -> String {
        json::report(self)
    }
}

/// Rows that belong together, and the charts drawn of them.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Table {
    /// Short name, also of the files of its charts.
    pub name: String,
    /// Title for people.
    pub title: String,
    /// What tells the cases apart: `query`, `connections`.
    pub case: &'static str,
    /// What was measured.
    pub rows: Vec<Row>,
    /// What to draw.
    #[serde(skip)]
    pub charts: Vec<Chart>,
}

impl Table {
    /// An empty table.
    #[must_use]
    pub fn new(name: &str, title: &str, case: &'static str) -> Table {
        Table { name: name.to_owned(), title: title.to_owned(), case, rows: Vec::new(), charts: Vec::new() }
    }

    /// Gives every row of Attune the ratio of its `measure` to that of each peer in the same case.
    pub fn compare(&mut self, measure: &'static str) {
        let mut peers: Vec<String> = Vec::new();
        for row in self.rows.iter().filter(|row| !row.subject.starts_with(ATTUNE)) {
            if !peers.contains(&row.subject) {
                peers.push(row.subject.clone());
            }
        }
        let peers: Vec<&str> = peers.iter().map(String::as_str).collect();
        self.compare_with(measure, &peers);
    }

    /// The same with these peers only.
    pub fn compare_with(&mut self, measure: &'static str, peers: &[&str]) {
        for at in 0..self.rows.len() {
            let row = &self.rows[at];
            let Some(own) = row.value(measure).filter(|_| row.subject == ATTUNE) else { continue };
            let ratio = |peer: &&str| {
                let theirs = self.row(&row.case, peer)?.value(measure).filter(|value| *value > 0.0)?;
                Some(Ratio { measure, to: (*peer).to_owned(), value: own / theirs })
            };
            let ratios: Vec<Ratio> = peers.iter().filter_map(ratio).collect();
            self.rows[at].ratios.extend(ratios);
        }
    }

    /// The row of this case and subject.
    #[must_use]
    pub fn row(&self, case: &str, subject: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.case == case && row.subject == subject)
    }
}

/// What one subject did in one case.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Row {
    /// The case: `point read`, `q4`.
    pub case: String,
    /// Who: [`ATTUNE`] or a peer.
    pub subject: String,
    /// Where the row stands on the axis of a line chart.
    pub at: Option<f64>,
    /// What was measured.
    pub measures: Vec<Measure>,
    /// Compared with peers.
    pub ratios: Vec<Ratio>,
}

impl Row {
    /// A row without measures yet.
    #[must_use]
    pub fn new(case: impl Into<String>, subject: impl Into<String>) -> Row {
        Row { case: case.into(), subject: subject.into(), at: None, measures: Vec::new(), ratios: Vec::new() }
    }

    /// The same row at a place of the x axis.
    #[must_use]
    pub fn at(mut self, at: f64) -> Row {
        self.at = Some(at);
        self
    }

    /// The same row with one more measure.
    #[must_use]
    pub fn with(mut self, name: &'static str, unit: &'static str, value: f64) -> Row {
        self.measures.push(Measure { name, unit, value });
        self
    }

    /// The value of a measure, if there is one.
    #[must_use]
    pub fn value(&self, measure: &str) -> Option<f64> {
        self.measures
            .iter()
            .find(|found| found.name == measure)
            .map(|found| found.value)
            .filter(|value| value.is_finite())
    }
}

/// A figure with its name and unit.
#[derive(Clone, Copy, Debug, serde::Serialize)]
pub struct Measure {
    /// Name.
    pub name: &'static str,
    /// Unit: `µs`, `/s`, `bytes`; empty for a plain number.
    pub unit: &'static str,
    /// Value.
    pub value: f64,
}

/// Attune's figure over a peer's.
#[derive(Clone, Debug, serde::Serialize)]
pub struct Ratio {
    /// Which measure.
    pub measure: &'static str,
    /// Which peer.
    pub to: String,
    /// Attune's divided by the peer's.
    pub value: f64,
}

#[cfg(test)]
mod tests;
