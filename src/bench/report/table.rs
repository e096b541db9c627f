//! A report for people: aligned columns, with the ratios beside what they compare.

use super::{Report, Row, Table, plain};
use std::fmt::Write;

/// The whole report as text.
pub(super) fn report(report: &Report) -> String {
    let mut text = format!("{}: {}\n{}\n", report.benchmark, report.about, report.machine.line());
    if !report.settings.is_empty() {
        let settings: Vec<String> = report.settings.iter().map(|(name, value)| format!("{name} {value}")).collect();
        let _ = writeln!(text, "{}", settings.join(", "));
    }
    for table in &report.tables {
        let _ = write!(text, "\n{}\n\n{}", table.title, aligned(table));
    }
    if !report.notes.is_empty() {
        text.push('\n');
    }
    for note in &report.notes {
        let _ = writeln!(text, "{note}");
    }
    text.trim_end().to_owned()
}

/// The table with its heading; text to the left, numbers to the right.
fn aligned(table: &Table) -> String {
    let columns = columns(table);
    let mut lines = vec![vec![table.case.to_owned(), "subject".to_owned()]];
    lines[0].extend(columns.iter().map(Column::heading));
    let mut before = None;
    for row in &table.rows {
        // A case is named once.
        let case = if before == Some(&row.case) { String::new() } else { row.case.clone() };
        before = Some(&row.case);
        let mut line = vec![case, row.subject.clone()];
        line.extend(columns.iter().map(|column| column.value(row).map_or_else(String::new, plain)));
        lines.push(line);
    }
    let width = |at: usize| lines.iter().map(|line| line[at].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
    let mut text = String::new();
    for line in &lines {
        let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| match at {
            0 | 1 => format!("{cell:width$}"),
            _ => format!("{cell:>width$}"),
        });
        let _ = writeln!(text, "  {}", cells.collect::<Vec<_>>().join("  ").trim_end());
    }
    text
}

/// A column of numbers.
#[derive(PartialEq)]
enum Column<'a> {
    Measure(&'a str, &'a str),
    Ratio(&'a str, &'a str),
}

impl Column<'_> {
    fn heading(&self) -> String {
        match self {
            Column::Measure(name, "") => (*name).to_owned(),
            Column::Measure(name, unit) => format!("{name} {unit}"),
            Column::Ratio(measure, to) => format!("{measure} / {to}"),
        }
    }

    fn value(&self, row: &Row) -> Option<f64> {
        match self {
            Column::Measure(name, _) => row.value(name),
            Column::Ratio(measure, to) => {
                row.ratios.iter().find(|ratio| ratio.measure == *measure && ratio.to == *to).map(|ratio| ratio.value)
            }
        }
    }
}

/// The measures of all rows in the order they first appear, then the ratios.
fn columns(table: &Table) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    let measures = table.rows.iter().flat_map(|row| &row.measures).map(|m| Column::Measure(m.name, m.unit));
    let ratios = table.rows.iter().flat_map(|row| &row.ratios).map(|r| Column::Ratio(r.measure, &r.to));
    for column in measures.chain(ratios) {
        if !columns.contains(&column) {
            columns.push(column);
        }
    }
    columns
}
