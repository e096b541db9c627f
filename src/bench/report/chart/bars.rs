//! Bars: a group per case, a bar per subject, each with its value beside it.

use super::axis::Axis;
use super::canvas::{BOTTOM, Canvas, GRID, INK, LABEL, MARGIN, SOFT, Side, TICK, TOP, colour};
use super::{Chart, subjects, unit, values};
use crate::bench::BenchError;
use crate::bench::report::{ATTUNE, Table, compact, labelled, tick};
use plotters::prelude::DrawingBackend;

const WIDTH: u32 = 960;
/// Height of a bar with the space below it, and the space between groups.
const BAR: f64 = 21.0;
const BETWEEN: f64 = 16.0;
/// Room for the value to the right of the longest bar.
const VALUE: f64 = 170.0;

/// Large enough for all bars.
pub(super) fn size(chart: &Chart, table: &Table) -> (u32, u32) {
    let bars = values(table, chart.measure).len();
    let groups = cases(table, chart.measure).len();
    (WIDTH, (TOP + BOTTOM + bars as f64 * BAR + groups as f64 * BETWEEN) as u32)
}

/// Draws the bars.
pub(super) fn draw<B: DrawingBackend>(canvas: &Canvas<B>, chart: &Chart, table: &Table) -> Result<(), BenchError> {
    let (cases, subjects, unit) =
        (cases(table, chart.measure), subjects(table, chart.measure), unit(table, chart.measure));
    let axis = Axis::of(&values(table, chart.measure));
    canvas.legend(&subjects)?;
    let mut left = 0f64;
    for case in &cases {
        left = left.max(LABEL.width(case)?);
    }
    let left = MARGIN + left + 14.0;
    let right = canvas.width - MARGIN - VALUE;
    let x = |value: f64| left + axis.place(value) * (right - left);
    let bottom = canvas.height - BOTTOM + 6.0;
    for value in axis.ticks() {
        canvas.line(&[(x(value), TOP), (x(value), bottom)], 1.0, GRID)?;
        canvas.text((x(value), bottom + 12.0), &tick(value, unit), TICK, Side::Middle)?;
    }
    let scale = if axis.is_log() { ", logarithmic" } else { "" };
    canvas.text((left, bottom + 32.0), &format!("{}{scale}", chart.measure), TICK, Side::Left)?;

    let mut y = TOP + BETWEEN / 2.0;
    for case in &cases {
        let rows: Vec<_> = table.rows.iter().filter(|row| row.case == *case).collect();
        let drawn: Vec<_> = rows.iter().filter_map(|row| Some((row, row.value(chart.measure)?))).collect();
        canvas.text((left - 10.0, y + drawn.len() as f64 * BAR / 2.0 - 2.0), case, LABEL, Side::Right)?;
        for (row, value) in drawn {
            let at = subjects.iter().position(|subject| *subject == row.subject).unwrap_or(0);
            canvas.bar((left, y), (x(value).max(left + 2.0), y + BAR - 4.0), colour(&row.subject, at))?;
            let look = if row.subject == ATTUNE { LABEL.strong(INK) } else { LABEL };
            let text = labelled(value, unit);
            let from = x(value) + 8.0;
            canvas.text((from, y + BAR / 2.0 - 2.0), &text, look, Side::Left)?;
            if let Some(ratio) = row.ratios.iter().find(|ratio| ratio.measure == chart.measure) {
                let ratio = format!("{} × {}", compact(ratio.value), ratio.to);
                let from = from + look.width(&format!("{text}   "))?;
                canvas.text((from, y + BAR / 2.0 - 2.0), &ratio, TICK.strong(SOFT), Side::Left)?;
            }
            y += BAR;
        }
        y += BETWEEN;
    }
    canvas.line(&[(left, TOP), (left, bottom)], 1.0, SOFT)
}

/// The cases that have the measure, in order.
fn cases(table: &Table, measure: &str) -> Vec<String> {
    let mut cases: Vec<String> = Vec::new();
    for row in table.rows.iter().filter(|row| row.value(measure).is_some()) {
        if !cases.contains(&row.case) {
            cases.push(row.case.clone());
        }
    }
    cases
}
