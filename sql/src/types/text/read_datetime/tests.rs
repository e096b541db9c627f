//! Dates and timestamps, pinned to what PostgreSQL 15 reads.

use super::*;
use crate::types::text::{write_date, write_timestamp, written};

fn timestamp(text: &str) -> String {
    let micros = read_timestamp(text).unwrap_or_else(|error| panic!("{text}: {error}"));
    written(|out| write_timestamp(out, micros, ""))
}

/// What PostgreSQL 15 makes of these texts, with TimeZone UTC.
#[test]
fn texts_are_read_as_postgres_reads_them() {
    for text in [
        "2024-02-29",
        "20240229",
        "240229",
        "2024/2/29",
        "2024.02.29",
        "2/29/2024",
        "2/29/24",
        "02 29 2024",
        "2024 02 29",
        "29-Feb-2024",
        "29-Feb-24",
        "Feb-29-2024",
        "2024-Feb-29",
        "29 Feb 2024",
        "2024 February 29",
        "February 29, 2024",
        "2024-060",
        "2024.060",
        "J2460370",
        "Thu 2024-02-29",
    ] {
        assert_eq!(timestamp(text), "2024-02-29 00:00:00", "{text}");
    }
    for text in [
        "2024-02-29 12:34:56",
        " 2024-02-29T12:34:56Z ",
        "20240229T123456",
        "20240229T123456-08",
        "2024-02-29 123456",
        "2024-02-29 12:34:56 PM",
        "2024-02-29 12:34:56 +05:30",
        "Thu Feb 29 12:34:56 2024",
        "2024-02-29, at 12:34:56 utc",
    ] {
        assert_eq!(timestamp(text), "2024-02-29 12:34:56", "{text}");
    }
    for (text, expected) in [
        ("2024-02-29 12:34", "2024-02-29 12:34:00"),
        ("2024-02-29 12:34.5", "2024-02-29 00:12:34.5"),
        ("2024-02-29 12:00 am", "2024-02-29 00:00:00"),
        ("2024-02-29 12:34:56.9999999", "2024-02-29 12:34:57"),
        ("2024-02-29 23:59:60", "2024-03-01 00:00:00"),
        ("2024-02-29 24:00", "2024-03-01 00:00:00"),
        ("24-Feb-29", "2029-02-24 00:00:00"),
        ("1/1/0", "2000-01-01 00:00:00"),
        ("10000-01-01", "10000-01-01 00:00:00"),
        ("290000-01-01 1:2:3", "290000-01-01 01:02:03"),
        ("0044-03-15 BC", "0044-03-15 00:00:00 BC"),
        ("4714-11-24bc", "4714-11-24 00:00:00 BC"),
    ] {
        assert_eq!(timestamp(text), expected, "{text}");
    }
}

#[test]
fn offsets_count() {
    for (text, expected) in [
        ("2024-01-31 12:30:45+02", "2024-01-31 10:30:45"),
        ("2024-01-31 12:30:45 -05:30", "2024-01-31 18:00:45"),
        ("2024-01-31 12:30:45+0530", "2024-01-31 07:00:45"),
        ("2024-01-31 12:30:45 - 8", "2024-01-31 20:30:45"),
        ("2024-01-01 +3", "2023-12-31 21:00:00"),
        ("0044-03-15 01:02:03+00 BC", "0044-03-15 01:02:03 BC"),
    ] {
        let micros = read_timestamptz(text).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(written(|out| write_timestamp(out, micros, "")), expected, "{text}");
    }
    assert_eq!(read_zone("UTC"), Some(0));
    assert_eq!(read_zone("-05:30"), Some(19_800));
    assert_eq!(read_zone("+02"), Some(-7_200));
    assert_eq!(read_zone("Europe/Rome"), None);
}

#[test]
fn dates_drop_the_time() {
    let days = read_date("2024-01-31 23:59:59-05").unwrap();
    assert_eq!(written(|out| write_date(out, days)), "2024-01-31");
    assert_eq!(read_date("epoch"), Ok(0));
}

#[test]
fn what_cannot_be_read_is_refused() {
    for text in
        ["", "2024-02-29 x", "2024-02-29x", "2024", "2024-1", "Feb 2024", "12:00:00", "2024-02-29T", "now it is"]
    {
        let state = read_timestamp(text).map_err(|e| e.state);
        assert!(matches!(state, Err(SqlState::InvalidDatetimeFormat | SqlState::FeatureNotSupported)), "{text}");
    }
    for text in [
        "2024-02-30",
        "2024-13-01",
        "24-02-29",
        "0000-01-01",
        "4714-11-23 BC",
        "300000-01-01",
        "2024-01-01 24:00:01",
        "2024-01-01 12:60",
        "2024-01-01 13:00 pm",
        "2024-01-01 10:00+16",
        "20240229120000",
    ] {
        assert_eq!(read_timestamp(text).map_err(|e| e.state), Err(SqlState::DatetimeFieldOverflow), "{text}");
    }
    assert_eq!(read_timestamp("-infinity").map_err(|e| e.state), Err(SqlState::FeatureNotSupported));
}
