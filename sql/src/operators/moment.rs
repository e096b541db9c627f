//! Dates and timestamps as days and microseconds since 1970, in all of their range: no nanoseconds, which end in 2262.

use crate::types::SqlType;
use crate::types::calendar::{DAY_US, civil, days};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Date32Array, TimestampMicrosecondArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Date32Type, IntervalMonthDayNano, TimeUnit, TimestampMicrosecondType};
use std::sync::Arc;

/// The first day that Postgres has, 4714-11-24 BC.
const FIRST_DAY: i64 = -2_440_588;

/// 22008 in Postgres' words.
pub(crate) fn out_of_range(what: &str) -> SqlError {
    SqlError::new(SqlState::DatetimeFieldOverflow, format!("{what} out of range"))
}

/// A timestamp of days and microseconds behind them.
pub(crate) fn timestamp(day: i64, micros: i64) -> Option<i64> {
    (day >= FIRST_DAY).then_some(())?;
    day.checked_mul(DAY_US)?.checked_add(micros)
}

/// A timestamp, moved by an interval: its months first, then its days, then its time. A day that a month does not have is its
/// last one.
pub(crate) fn shift(micros: i64, interval: IntervalMonthDayNano, backwards: bool) -> Result<i64, SqlError> {
    let sign = if backwards { -1 } else { 1 };
    let (day, time) = (micros.div_euclid(DAY_US), micros.rem_euclid(DAY_US));
    let day = add_months(day, i64::from(interval.months) * sign).map(|day| day + i64::from(interval.days) * sign);
    let shifted = day.and_then(|day| timestamp(day, time)?.checked_add(interval.nanoseconds / 1_000 * sign));
    shifted.ok_or_else(|| out_of_range("timestamp"))
}

fn add_months(day: i64, months: i64) -> Option<i64> {
    if months == 0 {
        return Some(day);
    }
    let (year, month, day_of_month) = civil(day);
    let index = year * 12 + i64::from(month) - 1 + months;
    let (year, month) = (index.div_euclid(12), index.rem_euclid(12) as u32 + 1);
    (1..=day_of_month).rev().find_map(|day| days(year, month, day))
}

/// Days of a date as a timestamp.
pub(crate) fn of_date(days: i32) -> Result<i64, SqlError> {
    i64::from(days)
        .checked_mul(DAY_US)
        .ok_or_else(|| SqlError::new(SqlState::DatetimeFieldOverflow, "date out of range for timestamp"))
}

/// The day of a timestamp.
pub(crate) fn to_date(micros: i64) -> i32 {
    // A timestamp has less than 2^31 days.
    micros.div_euclid(DAY_US) as i32
}

/// Dates and timestamps of any kind as timestamps in microseconds, with the zone of `to`.
pub(crate) fn timestamps(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    let zone = match to {
        DataType::Timestamp(_, zone) => zone.clone(),
        _ => None,
    };
    let micros: TimestampMicrosecondArray = match array.data_type() {
        DataType::Date32 => array.as_primitive::<Date32Type>().try_unary(of_date)?,
        DataType::Timestamp(TimeUnit::Microsecond, _) => array.as_primitive::<TimestampMicrosecondType>().clone(),
        DataType::Timestamp(_, from) => {
            let options = CastOptions { safe: false, ..CastOptions::default() };
            let micros = DataType::Timestamp(TimeUnit::Microsecond, from.clone());
            let cast = cast_with_options(array, &micros, &options).map_err(|_| out_of_range("timestamp"))?;
            cast.as_primitive::<TimestampMicrosecondType>().clone()
        }
        other => return Err(SqlError::internal(format!("{other} is no date and no timestamp"))),
    };
    Ok(Arc::new(micros.with_timezone_opt(zone)))
}

/// Dates and timestamps as dates.
pub(crate) fn dates(array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    if *array.data_type() == DataType::Date32 {
        return Ok(Arc::clone(array));
    }
    let micros = timestamps(array, &SqlType::Timestamp.to_arrow())?;
    let dates: Date32Array = micros.as_primitive::<TimestampMicrosecondType>().unary(to_date);
    Ok(Arc::new(dates))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::{read_interval, read_timestamp, write_timestamp};

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn timestamps_are_moved_by_months_days_and_time() {
        for (text, interval, backwards, expected) in [
            ("2024-01-31", "1 month", false, "2024-02-29 00:00:00"),
            ("2024-03-31", "1 month", true, "2024-02-29 00:00:00"),
            ("2024-02-29", "1 year", true, "2023-02-28 00:00:00"),
            ("9999-12-31", "1 day", false, "10000-01-01 00:00:00"),
            ("0001-01-01", "1 day", true, "0001-12-31 00:00:00 BC"),
            ("1969-12-31 23:00", "2 hours", false, "1970-01-01 01:00:00"),
            ("2024-01-31", "1 month 1 day -01:00", false, "2024-02-29 23:00:00"),
            ("1500-06-15 12:00", "13 months", false, "1501-07-15 12:00:00"),
        ] {
            let micros = shift(read_timestamp(text).unwrap(), read_interval(interval).unwrap(), backwards).unwrap();
            let mut out = String::new();
            write_timestamp(&mut out, micros, "");
            assert_eq!(out, expected, "{text} {interval}");
        }
        let long = read_interval("290000 years").unwrap();
        let error = shift(read_timestamp("9999-12-31").unwrap(), long, false).unwrap_err();
        assert_eq!((error.state.code(), error.message.as_str()), ("22008", "timestamp out of range"));
    }
}
