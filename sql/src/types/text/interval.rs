//! Intervals.

use super::datetime::write_time;
use super::{push, write_integer};
use std::fmt::Write;

/// Appends an interval: `1 year 2 mons -3 days +04:05:06`, as `EncodeInterval` of Postgres' `datetime.c` does for
/// IntervalStyle `postgres`.
pub fn write_interval(out: &mut impl Write, months: i32, days: i32, micros: i64) {
    let mut empty = true;
    let mut after_negative = false;
    for (value, unit) in [(months / 12, " year"), (months % 12, " mon"), (days, " day")] {
        if value == 0 {
            continue;
        }
        if !empty {
            push(out, " ");
        }
        if after_negative && value > 0 {
            push(out, "+");
        }
        write_integer(out, i64::from(value));
        push(out, unit);
        if value != 1 {
            push(out, "s");
        }
        after_negative = value < 0;
        empty = false;
    }
    if empty || micros != 0 {
        if !empty {
            push(out, " ");
        }
        if micros < 0 {
            push(out, "-");
        } else if after_negative {
            push(out, "+");
        }
        write_time(out, micros.unsigned_abs());
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn intervals_are_as_postgres_prints_them() {
        assert_eq!(written(|out| write_interval(out, 14, -3, 14_706_000_000)), "1 year 2 mons -3 days +04:05:06");
        assert_eq!(written(|out| write_interval(out, 0, 0, 0)), "00:00:00");
        assert_eq!(written(|out| write_interval(out, 0, 1, -1)), "1 day -00:00:00.000001");
    }
}
