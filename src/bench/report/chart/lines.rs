//! Lines: one per subject, its name at its end.

use super::axis::Axis;
use super::canvas::{BOTTOM, Canvas, GRID, LABEL, MARGIN, SOFT, Side, TICK, TOP, colour};
use super::{Chart, subjects, unit, values};
use crate::bench::BenchError;
use crate::bench::report::{Table, tick};
use plotters::prelude::DrawingBackend;

pub(super) const SIZE: (u32, u32) = (960, 520);
/// Room for the numbers of the y axis, and for the names at the ends of the lines.
const LEFT: f64 = 70.0;
const NAMES: f64 = 150.0;
/// Names at the ends are at least this far apart.
const NAME_HEIGHT: f64 = 18.0;
/// As are the numbers of the x axis.
const TICK_WIDTH: f64 = 50.0;

/// Draws the lines.
pub(super) fn draw<B: DrawingBackend>(
    canvas: &Canvas<B>,
    chart: &Chart,
    table: &Table,
    x_title: &str,
) -> Result<(), BenchError> {
    let subjects = subjects(table, chart.measure);
    let mut places: Vec<f64> = table.rows.iter().filter_map(|row| row.at).collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let (across, up) = (Axis::between(&places), Axis::of(&values(table, chart.measure)));
    let (left, right) = (MARGIN + LEFT, canvas.width - MARGIN - NAMES);
    let (top, bottom) = (TOP + 10.0, canvas.height - BOTTOM);
    let x = |value: f64| left + across.place(value) * (right - left);
    let y = |value: f64| bottom - up.place(value) * (bottom - top);

    let scale = if up.is_log() { ", logarithmic" } else { "" };
    let unit = unit(table, chart.measure);
    let title = format!("{}{scale}", chart.measure);
    canvas.text((MARGIN, TOP - 14.0), &title, TICK, Side::Left)?;
    for value in up.ticks() {
        canvas.line(&[(left, y(value)), (right, y(value))], 1.0, GRID)?;
        canvas.text((left - 10.0, y(value)), &tick(value, unit), TICK, Side::Right)?;
    }
    canvas.line(&[(left, bottom), (right, bottom)], 1.0, SOFT)?;
    let mut free_from = f64::NEG_INFINITY;
    for place in places.iter().filter(|place| x(**place).is_finite()) {
        if x(*place) >= free_from {
            canvas.text((x(*place), bottom + 14.0), &tick(*place, ""), TICK, Side::Middle)?;
            free_from = x(*place) + TICK_WIDTH;
        }
    }
    let scale = if across.is_log() { ", logarithmic" } else { "" };
    canvas.text(((left + right) / 2.0, bottom + 36.0), &format!("{x_title}{scale}"), TICK, Side::Middle)?;

    let mut ends = Vec::new();
    for (at, subject) in subjects.iter().enumerate() {
        let rows = table.rows.iter().filter(|row| row.subject == *subject);
        let mut points: Vec<(f64, f64)> =
            rows.filter_map(|row| Some((x(row.at?), y(row.value(chart.measure)?)))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        canvas.line(&points, 2.0, colour(subject, at))?;
        for point in &points {
            canvas.dot(*point, colour(subject, at))?;
        }
        if let Some(end) = points.last() {
            ends.push((end.1, subject, at));
        }
    }
    // From the highest down, each name below the one before.
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut free_from = f64::NEG_INFINITY;
    for (height, subject, at) in ends {
        let height = height.max(free_from);
        canvas.text((right + 12.0, height), subject, LABEL.strong(colour(subject, at)), Side::Left)?;
        free_from = height + NAME_HEIGHT;
    }
    Ok(())
}
