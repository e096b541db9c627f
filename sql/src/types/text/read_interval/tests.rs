//! Intervals, pinned to what PostgreSQL 15 reads.

use super::*;
use crate::types::text::{write_interval, written};

/// What PostgreSQL 15 makes of these texts.
#[test]
fn intervals_are_read_as_postgres_reads_them() {
    for (text, expected) in [
        ("6", "00:00:06"),
        ("1-2", "1 year 2 mons"),
        ("-1-2", "-1 years -2 mons"),
        ("+1-2 3 4:05:06", "1 year 2 mons 3 days 04:05:06"),
        ("1 2:03", "1 day 02:03:00"),
        ("1 2:03:04.5", "1 day 02:03:04.5"),
        ("1 -2:03", "1 day -02:03:00"),
        ("2:03", "02:03:00"),
        ("12:34.5", "00:12:34.5"),
        ("1:02:60", "01:03:00"),
        ("100000:00", "100000:00:00"),
        ("1 day 02:03:04", "1 day 02:03:04"),
        ("1.5 hours", "01:30:00"),
        ("-1 day +2 hours", "-1 days +02:00:00"),
        ("1 day - 2 hours", "1 day -02:00:00"),
        ("1 d, 2 h", "1 day 02:00:00"),
        ("@ 1 minute", "00:01:00"),
        ("1 min 2", "00:01:02"),
        ("1 day 1.5", "1 day 00:00:01.5"),
        ("1.5 1:00", "1 day 13:00:00"),
        ("1 mon -1 day ago", "-1 mons +1 day"),
        ("0.1 month", "3 days"),
        ("1.23456789 years", "1 year 3 mons"),
        ("1.5 weeks", "10 days 12:00:00"),
        ("-1.5 days", "-1 days -12:00:00"),
        ("1 century 1 decade", "110 years"),
        ("5 ms 3 us", "00:00:00.005003"),
        ("0.0000005 s", "00:00:00"),
        ("0.0000015 s", "00:00:00.000001"),
        ("P1Y2M3DT4H", "1 year 2 mons 3 days 04:00:00"),
        ("P1Y2M3W4DT5H6M7.8S", "1 year 2 mons 25 days 05:06:07.8"),
        ("P0001-02-03T04:05:06", "1 year 2 mons 3 days 04:05:06"),
        ("P1Y-2M", "10 mons"),
        ("P1.5D", "1 day 12:00:00"),
        ("PT", "00:00:00"),
        ("-2147483648 days", "-2147483648 days"),
        ("2562047:47:16.854775", "2562047:47:16.854775"),
    ] {
        let value = read_interval(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        let shown = written(|out| write_interval(out, value.months, value.days, value.nanoseconds / 1_000));
        assert_eq!(shown, expected, "{text}");
    }
}

#[test]
fn what_is_none_is_refused() {
    for text in [
        "",
        "ago",
        "day",
        "P",
        "p1d",
        "1 2",
        "1 day 2 days",
        "1 y 1 yr",
        "1 hour 1:00",
        "1 month 1-2",
        "1.5-2",
        "1e3 seconds",
        "1 fortnight",
        "1 quarter",
        "infinity",
        "0001-02-03",
        "x",
    ] {
        assert_eq!(read_interval(text).map_err(|e| e.state), Err(SqlState::InvalidDatetimeFormat), "{text}");
    }
    let days = "2147483648 days";
    for text in [
        "1:60",
        "1:02:61",
        "1-13",
        days,
        "9223372036854775807 us",
        "2562047:47:16.854776",
        "2562047788:0:54.775808",
        "4294967295:0",
    ] {
        assert_eq!(read_interval(text).map_err(|e| e.state), Err(SqlState::DatetimeFieldOverflow), "{text}");
    }
}
