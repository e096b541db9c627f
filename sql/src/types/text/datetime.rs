//! Dates, timestamps and times of day.

use super::{push, write_unsigned};
use crate::types::calendar::{DAY_US, civil};
use std::fmt::Write;

/// Appends a date, of days since 1970-01-01: `2024-01-31`, `12024-01-31`, `0044-03-15 BC`.
pub fn write_date(out: &mut impl Write, days: i32) {
    if write_day(out, i64::from(days)) {
        push(out, " BC");
    }
}

/// Appends a timestamp, of microseconds since 1970-01-01: `2024-01-31 12:30:00.5`, with `zone` behind it.
pub fn write_timestamp(out: &mut impl Write, micros: i64, zone: &str) {
    let before_christ = write_day(out, micros.div_euclid(DAY_US));
    push(out, " ");
    write_time(out, micros.rem_euclid(DAY_US).unsigned_abs());
    push(out, zone);
    if before_christ {
        push(out, " BC");
    }
}

/// Appends the day; true when it is before the year 1.
fn write_day(out: &mut impl Write, days: i64) -> bool {
    let (year, month, day) = civil(days);
    let before_christ = year <= 0;
    let shown = if before_christ { 1 - year } else { year };
    write_unsigned(out, shown.unsigned_abs(), 4);
    push(out, "-");
    write_unsigned(out, u64::from(month), 2);
    push(out, "-");
    write_unsigned(out, u64::from(day), 2);
    before_christ
}

/// Appends `hh:mm:ss[.ffffff]`; hours may be more than 24 (intervals).
pub(super) fn write_time(out: &mut impl Write, micros: u64) {
    let seconds = micros / 1_000_000;
    write_unsigned(out, seconds / 3_600, 2);
    push(out, ":");
    write_unsigned(out, seconds / 60 % 60, 2);
    push(out, ":");
    write_unsigned(out, seconds % 60, 2);
    let mut fraction = micros % 1_000_000;
    if fraction > 0 {
        let mut width = 6;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            width -= 1;
        }
        push(out, ".");
        write_unsigned(out, fraction, width);
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn times_are_as_postgres_prints_them() {
        assert_eq!(written(|out| write_date(out, -800_000)), "0222-09-04 BC");
        assert_eq!(written(|out| write_timestamp(out, 1_500_000, "+00")), "1970-01-01 00:00:01.5+00");
        assert_eq!(written(|out| write_timestamp(out, -1, "")), "1969-12-31 23:59:59.999999");
    }
}
