//! `attune bench plan`: how long planning takes, in process and without a store.
//!
//! - `catalog`, `tables.sql`: what is planned over; `case`: the statements
//! - `front`: our front end, and DataFusion's

mod case;
mod catalog;
mod front;

use super::BenchError;
use super::report::{Chart, Form, Report, Row, Table, plain, progress};
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use case::{CASES, Case};
use front::Front;
use std::hint::black_box;
use std::time::Instant;

/// The measure that is drawn: the median.
const MEDIAN: &str = "p50";
const LATE: &str = "p99";

/// From the text of a statement to its plan: by our front end, and by DataFusion's in turns with it.
///
/// Over a catalog with TPC-H's eight tables, in process, on one thread: a point query, a lookup by a part of the key, a
/// ranking, a join of six tables, a query with EXISTS and IN, and a view with a window function. Nothing is executed.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// How often each statement is planned by each front end, after a tenth of that to warm up
    #[arg(long, value_name = "N", default_value_t = 2_000, value_parser = clap::value_parser!(u64).range(1..))]
    pub rounds: u64,
}

/// Measures every statement.
///
/// # Errors
/// When a statement cannot be planned by one of the two.
pub fn run(args: &Args) -> Result<Report, BenchError> {
    let catalog = catalog::catalog().map_err(|error| failed("the tables", &error))?;
    let mut report = Report::new("plan", "from the text of a statement to its plan, by our front end and DataFusion's");
    report.set("tables", catalog.relations().count());
    report.set("rounds", plain(args.rounds as f64));
    let mut table = Table::new("plan", "From text to plan", "statement");
    for case in &CASES {
        progress(&format!("plan: {}", case.name));
        table.rows.extend(measure(case, &catalog, args.rounds)?);
    }
    table.compare(MEDIAN);
    table.compare(LATE);
    table.charts.push(Chart {
        name: MEDIAN.to_owned(),
        title: "From the text of a statement to its plan".to_owned(),
        about: "median, in process, one thread; shorter is better".to_owned(),
        measure: MEDIAN,
        form: Form::Bars,
    });
    report.tables.push(table);
    Ok(report)
}

/// One row for each front end. They take turns, so that what drifts on a shared machine drifts for both.
fn measure(case: &Case, catalog: &Catalog, rounds: u64) -> Result<[Row; 2], BenchError> {
    let both = Front::both(catalog).map_err(|error| failed(case.name, &error))?;
    let mut both = both.map(|front| (front, Vec::new()));
    let warm_up = rounds.div_ceil(10);
    for round in 0..warm_up + rounds {
        for (front, micros) in &mut both {
            let started = Instant::now();
            let plan = front.plan(black_box(case.text), catalog);
            let taken = started.elapsed();
            black_box(plan).map_err(|error| failed(&format!("{} by {}", case.name, front.name()), &error))?;
            if round >= warm_up {
                micros.push(taken.as_secs_f64() * 1e6);
            }
        }
    }
    Ok(both.map(|(front, mut micros)| {
        micros.sort_unstable_by(f64::total_cmp);
        let row = Row::new(case.name, front.name());
        row.with(MEDIAN, "µs", at(&micros, 0.5)).with(LATE, "µs", at(&micros, 0.99))
    }))
}

/// The value that this share of all is not above.
fn at(sorted: &[f64], share: f64) -> f64 {
    let place = (sorted.len().saturating_sub(1) as f64 * share).round() as usize;
    sorted.get(place).copied().unwrap_or(f64::NAN)
}

fn failed(what: &str, error: &SqlError) -> BenchError {
    BenchError::Failed(format!("{what}: {}", error.message))
}
