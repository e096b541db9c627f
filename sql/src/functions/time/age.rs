//! `age(a, b)`: the difference in years, months, days and time, as a calendar counts them.

use super::super::own::{Arguments, Own};
use crate::SqlError;
use crate::types::SqlType;
use crate::types::calendar::{DAY_US, civil, days};
use datafusion::arrow::array::{Array, ArrayRef, IntervalMonthDayNanoArray};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, TimestampMicrosecondType};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `age`.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Own::function("age", types, compute)]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let moment = |argument: &DataType| {
        matches!(argument, DataType::Timestamp(..) | DataType::Date32) || argument.is_null() || argument.is_string()
    };
    let [a, b] = arguments else { return None };
    let zoned = matches!(a, DataType::Timestamp(_, Some(_)));
    let taken = if zoned { SqlType::TimestampTz } else { SqlType::Timestamp }.to_arrow();
    (moment(a) && moment(b)).then(|| (vec![taken.clone(), taken], SqlType::Interval.to_arrow()))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let newer = arguments.primitive::<TimestampMicrosecondType>(0)?;
    let older = arguments.primitive::<TimestampMicrosecondType>(1)?;
    let row = |row| (newer.is_valid(row) && older.is_valid(row)).then(|| age(newer.value(row), older.value(row)));
    Ok(Arc::new((0..arguments.rows()).map(row).collect::<IntervalMonthDayNanoArray>()))
}

/// `timestamp_age` of Postgres' `timestamp.c`: fields are subtracted, and what is negative borrows from the next larger one. Days
/// borrow from the month of the earlier moment.
fn age(newer: i64, older: i64) -> IntervalMonthDayNano {
    let swapped = newer < older;
    let (late, early) = if swapped { (older, newer) } else { (newer, older) };
    let fields = |micros: i64| (civil(micros.div_euclid(DAY_US)), micros.rem_euclid(DAY_US));
    let (((late_year, late_month, late_day), late_time), ((year, month, day), time)) = (fields(late), fields(early));
    let mut months = (late_year - year) * 12 + i64::from(late_month) - i64::from(month);
    let mut age_days = i64::from(late_day) - i64::from(day);
    let mut micros = late_time - time;
    if micros < 0 {
        micros += DAY_US;
        age_days -= 1;
    }
    while age_days < 0 {
        age_days += month_length(year, month);
        months -= 1;
    }
    let sign = if swapped { -1 } else { 1 };
    IntervalMonthDayNano::new((months * sign) as i32, (age_days * sign) as i32, micros * sign * 1_000)
}

fn month_length(year: i64, month: u32) -> i64 {
    (28..=31).rev().find(|day| days(year, month, *day).is_some()).map_or(28, i64::from)
}

#[cfg(test)]
mod tests {
    use super::super::super::own::tests::call;
    use crate::types::SqlType::Timestamp;

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn ages_are_counted_by_the_calendar() {
        for (newer, older, expected) in [
            ("2001-04-10", "1957-06-13", "43 years 9 mons 27 days"),
            ("1957-06-13", "2001-04-10", "-43 years -9 mons -27 days"),
            ("2024-03-01", "2024-01-31", "1 mon 1 day"),
            ("2024-03-01", "2024-02-28 12:00", "1 day 12:00:00"),
            ("2024-02-28 12:00", "2024-03-01", "-1 days -12:00:00"),
            ("2500-01-01", "1500-01-01", "1000 years"),
        ] {
            assert_eq!(call("age", &[(newer, Timestamp), (older, Timestamp)]), expected, "{newer} {older}");
        }
    }
}
