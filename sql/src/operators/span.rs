//! Intervals: their length, sums, multiples and parts.

use super::moment::out_of_range;
use super::numeric::division_by_zero;
use crate::SqlError;
use crate::types::calendar::DAY_US;
use datafusion::arrow::datatypes::IntervalMonthDayNano;

const DAY_NANOS: i128 = 86_400_000_000_000;
const MONTH_DAYS: f64 = 30.0;
const DAY_SECONDS: f64 = 86_400.0;
const SECOND_US: f64 = 1_000_000.0;

/// Nanoseconds of an interval, a month being 30 days and a day 24 hours: intervals are ordered by it, as in Postgres.
pub(crate) fn length(value: IntervalMonthDayNano) -> i128 {
    (i128::from(value.months) * 30 + i128::from(value.days)) * DAY_NANOS + i128::from(value.nanoseconds)
}

/// `a + b`, or `a - b`.
pub(crate) fn sum(
    a: IntervalMonthDayNano,
    b: IntervalMonthDayNano,
    minus: bool,
) -> Result<IntervalMonthDayNano, SqlError> {
    let fields = match minus {
        false => (a.months.checked_add(b.months), a.days.checked_add(b.days), a.nanoseconds.checked_add(b.nanoseconds)),
        true => (a.months.checked_sub(b.months), a.days.checked_sub(b.days), a.nanoseconds.checked_sub(b.nanoseconds)),
    };
    match fields {
        (Some(months), Some(days), Some(nanos)) => Ok(IntervalMonthDayNano::new(months, days, nanos)),
        _ => Err(out_of_range("interval")),
    }
}

/// `a * factor`.
pub(crate) fn times(a: IntervalMonthDayNano, factor: f64) -> Result<IntervalMonthDayNano, SqlError> {
    scaled(a, |field| field * factor)
}

/// `a / divisor`.
pub(crate) fn divided(a: IntervalMonthDayNano, divisor: f64) -> Result<IntervalMonthDayNano, SqlError> {
    if divisor == 0.0 {
        return Err(division_by_zero());
    }
    scaled(a, |field| field / divisor)
}

/// Each field scaled, and fractions of months and days carried down: `interval_mul` and `interval_div` of Postgres'
/// `timestamp.c`, rounding included.
fn scaled(value: IntervalMonthDayNano, scale: impl Fn(f64) -> f64) -> Result<IntervalMonthDayNano, SqlError> {
    let round = |value: f64| (value * SECOND_US).round_ties_even() / SECOND_US;
    let (months, days) = (scale(f64::from(value.months)), scale(f64::from(value.days)));
    let (whole_months, whole_days) = (fit(months)?, fit(days)?);
    let month_days = round((months - f64::from(whole_months)) * MONTH_DAYS);
    let mut seconds = round((days - f64::from(whole_days) + month_days - month_days.trunc()) * DAY_SECONDS);
    let mut total_days = i64::from(whole_days) + month_days.trunc() as i64;
    // Carrying months and days down may make a whole day.
    if seconds.abs() >= DAY_SECONDS {
        let more = (seconds / DAY_SECONDS).trunc();
        total_days += more as i64;
        seconds -= more * DAY_SECONDS;
    }
    let micros = (scale((value.nanoseconds / 1_000) as f64) + seconds * SECOND_US).round_ties_even();
    let total_days = i32::try_from(total_days).map_err(|_| out_of_range("interval"))?;
    interval(whole_months, total_days, micros)
}

/// The whole part of a number of months or days.
fn fit(value: f64) -> Result<i32, SqlError> {
    let whole = value.trunc();
    match whole >= f64::from(i32::MIN) && whole <= f64::from(i32::MAX) {
        true => Ok(whole as i32),
        false => Err(out_of_range("interval")),
    }
}

/// An interval of this many microseconds.
fn interval(months: i32, days: i32, micros: f64) -> Result<IntervalMonthDayNano, SqlError> {
    // Nanoseconds of 64 bits hold 292 years.
    const MOST: f64 = 9.2e15;
    match micros.abs() < MOST {
        true => Ok(IntervalMonthDayNano::new(months, days, micros as i64 * 1_000)),
        false => Err(out_of_range("interval")),
    }
}

/// Microseconds as days and a time of the same sign.
pub(super) fn of_micros(micros: i64) -> IntervalMonthDayNano {
    // 64 bits of microseconds have less than 2^31 days.
    IntervalMonthDayNano::new(0, (micros / DAY_US) as i32, (micros % DAY_US) * 1_000)
}

/// `justify_hours`: 24 hours are a day.
pub(crate) fn justify_hours(value: IntervalMonthDayNano) -> Result<IntervalMonthDayNano, SqlError> {
    let day = DAY_US * 1_000;
    let days = i64::from(value.days) + value.nanoseconds / day;
    let mut fields = (i64::from(value.months), days, value.nanoseconds % day);
    if fields.1 > 0 && fields.2 < 0 {
        fields = (fields.0, fields.1 - 1, fields.2 + day);
    } else if fields.1 < 0 && fields.2 > 0 {
        fields = (fields.0, fields.1 + 1, fields.2 - day);
    }
    of_fields(fields)
}

/// `justify_days`: 30 days are a month.
pub(crate) fn justify_days(value: IntervalMonthDayNano) -> Result<IntervalMonthDayNano, SqlError> {
    let days = i64::from(value.days);
    of_fields(whole_months(i64::from(value.months) + days / 30, days % 30, value.nanoseconds))
}

/// `justify_interval`: both, all fields with one sign.
pub(crate) fn justify_interval(value: IntervalMonthDayNano) -> Result<IntervalMonthDayNano, SqlError> {
    let day = DAY_US * 1_000;
    let days = i64::from(value.days) + value.nanoseconds / day;
    let nanos = value.nanoseconds % day;
    let (mut months, mut days, mut nanos) = (i64::from(value.months) + days / 30, days % 30, nanos);
    if months > 0 && (days < 0 || (days == 0 && nanos < 0)) {
        (months, days) = (months - 1, days + 30);
    } else if months < 0 && (days > 0 || (days == 0 && nanos > 0)) {
        (months, days) = (months + 1, days - 30);
    }
    if days > 0 && nanos < 0 {
        (days, nanos) = (days - 1, nanos + day);
    } else if days < 0 && nanos > 0 {
        (days, nanos) = (days + 1, nanos - day);
    }
    of_fields((months, days, nanos))
}

/// Months and days with one sign.
fn whole_months(months: i64, days: i64, nanos: i64) -> (i64, i64, i64) {
    if months > 0 && days < 0 {
        (months - 1, days + 30, nanos)
    } else if months < 0 && days > 0 {
        (months + 1, days - 30, nanos)
    } else {
        (months, days, nanos)
    }
}

fn of_fields((months, days, nanos): (i64, i64, i64)) -> Result<IntervalMonthDayNano, SqlError> {
    match (i32::try_from(months), i32::try_from(days)) {
        (Ok(months), Ok(days)) => Ok(IntervalMonthDayNano::new(months, days, nanos)),
        _ => Err(out_of_range("interval")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::text::{read_interval, write_interval};

    fn shown(value: Result<IntervalMonthDayNano, SqlError>) -> String {
        match value {
            Ok(value) => {
                let mut out = String::new();
                write_interval(&mut out, value.months, value.days, value.nanoseconds / 1_000);
                out
            }
            Err(error) => error.message,
        }
    }

    fn read(text: &str) -> IntervalMonthDayNano {
        read_interval(text).unwrap()
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn multiples_carry_their_fractions_down() {
        for (text, factor, expected) in [
            ("1 month", 1.5, "1 mon 15 days"),
            ("1 day", 2.5, "2 days 12:00:00"),
            ("1 year 3 days 04:05:06", 0.3, "3 mons 18 days 22:49:31.8"),
            ("1 month", 0.1, "3 days"),
            ("-1 day", 0.5, "-12:00:00"),
            ("2147483647 days", 2.0, "interval out of range"),
            ("1 day", f64::NAN, "interval out of range"),
        ] {
            assert_eq!(shown(times(read(text), factor)), expected, "{text} * {factor}");
        }
        for (text, divisor, expected) in [
            ("1 month", 2.0, "15 days"),
            ("1 year", 7.0, "1 mon 21 days 10:17:08.5344"),
            ("1 day", 3.0, "08:00:00"),
            ("1 hour", 0.0, "division by zero"),
        ] {
            assert_eq!(shown(divided(read(text), divisor)), expected, "{text} / {divisor}");
        }
    }

    #[test]
    fn intervals_are_justified() {
        assert_eq!(shown(justify_hours(read("27 hours"))), "1 day 03:00:00");
        assert_eq!(shown(justify_hours(read("1 day -1 hours"))), "23:00:00");
        assert_eq!(shown(justify_days(read("35 days"))), "1 mon 5 days");
        assert_eq!(shown(justify_days(read("1 mon -1 days"))), "29 days");
        assert_eq!(shown(justify_interval(read("1 mon -1 hour"))), "29 days 23:00:00");
        assert_eq!(shown(justify_interval(read("-1 mon 1 day 1 hour"))), "-28 days -23:00:00");
    }

    #[test]
    fn lengths_are_those_of_months_of_30_days() {
        assert_eq!(length(read("1 month")), length(read("30 days")));
        assert!(length(read("25 hours")) > length(read("1 day")));
        assert_eq!(shown(sum(read("1 month"), read("2 days 3:00"), true)), "1 mon -2 days -03:00:00");
    }
}
