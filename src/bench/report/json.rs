//! A report for machines.

use super::Report;

/// Pretty-printed, so that a diff of two runs can be read.
pub(super) fn report(report: &Report) -> String {
    serde_json::to_string_pretty(report).expect("a report has only strings, numbers and lists")
}
