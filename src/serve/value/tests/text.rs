//! Text in both directions.

use super::{printed, read};
use attune_sql::types::SqlType;
use attune_storage::codec::Value;

/// Reads `text` and prints it again, as `SELECT 'text'::type` would.
fn check(sql_type: SqlType, pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        assert_eq!(printed(read(text, sql_type).value(), sql_type), *expected, "{text}");
    }
}

#[test]
fn booleans() {
    check(SqlType::Boolean, &[("t", "t"), (" TRUE ", "t"), ("yes", "t"), ("on", "t"), ("1", "t"), ("f", "f")]);
    check(SqlType::Boolean, &[("fal", "f"), ("off", "f"), ("of", "f"), ("0", "f"), ("n", "f")]);
    assert!(super::super::parse_text("o", SqlType::Boolean).is_err());
}

#[test]
fn integers() {
    check(SqlType::SmallInt, &[("-32768", "-32768"), (" 7 ", "7"), ("+7", "7"), ("007", "7")]);
    check(SqlType::BigInt, &[("-9223372036854775808", "-9223372036854775808"), ("0", "0")]);
}

#[test]
fn doubles() {
    check(
        SqlType::Double,
        &[
            ("0", "0"),
            ("-0", "-0"),
            ("1", "1"),
            ("0.1", "0.1"),
            ("100", "100"),
            ("123456789012345", "123456789012345"),
            ("1234567890123456", "1.234567890123456e+15"),
            ("1e15", "1e+15"),
            ("1e14", "100000000000000"),
            ("1e20", "1e+20"),
            ("1e-4", "0.0001"),
            ("0.00012345", "0.00012345"),
            ("1e-5", "1e-05"),
            ("1.5e-7", "1.5e-07"),
            ("1e300", "1e+300"),
            ("0.30000000000000004", "0.30000000000000004"),
            ("-12.50", "-12.5"),
            ("NaN", "NaN"),
            ("infinity", "Infinity"),
            ("-Infinity", "-Infinity"),
            ("5e-324", "5e-324"),
        ],
    );
}

#[test]
fn reals() {
    check(
        SqlType::Real,
        &[("0.1", "0.1"), ("1e6", "1e+06"), ("123456", "123456"), ("1234567", "1.234567e+06"), ("1e-5", "1e-05")],
    );
}

#[test]
fn numerics() {
    let money = SqlType::Numeric { precision: 10, scale: 2 };
    check(
        money,
        &[("1", "1.00"), ("-0.005", "-0.01"), ("0.004", "0.00"), (".5", "0.50"), ("5.", "5.00"), ("1e3", "1000.00")],
    );
    check(money, &[("12345678.994", "12345678.99"), ("1.5e-1", "0.15"), (" -7 ", "-7.00"), ("1e-50", "0.00")]);
    check(SqlType::Numeric { precision: 5, scale: 0 }, &[("12.5", "13"), ("-12.5", "-13"), ("0", "0")]);
    let widest = SqlType::Numeric { precision: 38, scale: 38 };
    check(widest, &[("0.12345678901234567890123456789012345678", "0.12345678901234567890123456789012345678")]);
}

#[test]
fn bytes() {
    check(
        SqlType::Bytea,
        &[("\\x00fF", "\\x00ff"), ("\\x", "\\x"), ("ab\\\\c\\001", "\\x61625c6301"), ("\\x00 ff", "\\x00ff")],
    );
}

#[test]
fn dates() {
    check(
        SqlType::Date,
        &[
            ("2024-02-29", "2024-02-29"),
            ("20240131", "2024-01-31"),
            ("2024/1/2", "2024-01-02"),
            ("1/2/2024", "2024-01-02"),
            ("0044-03-15 BC", "0044-03-15 BC"),
            ("12024-01-01", "12024-01-01"),
            ("2024-01-31 23:59:59", "2024-01-31"),
            ("epoch", "1970-01-01"),
            ("0001-01-01", "0001-01-01"),
        ],
    );
}

#[test]
fn timestamps() {
    check(
        SqlType::Timestamp,
        &[
            ("2024-01-31", "2024-01-31 00:00:00"),
            ("2024-01-31T12:30", "2024-01-31 12:30:00"),
            ("2024-01-31 12:30:45.120", "2024-01-31 12:30:45.12"),
            ("2024-01-31 12:30:45.1234567", "2024-01-31 12:30:45.123457"),
            ("2024-01-31 24:00:00", "2024-02-01 00:00:00"),
            ("2024-01-31 12:30:45+05", "2024-01-31 12:30:45"),
            ("1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999999"),
            ("0044-03-15 01:02:03 BC", "0044-03-15 01:02:03 BC"),
            ("294246-12-31 23:59:59.999999", "294246-12-31 23:59:59.999999"),
        ],
    );
    check(
        SqlType::TimestampTz,
        &[
            ("2024-01-31 12:30:45+02", "2024-01-31 10:30:45+00"),
            ("2024-01-31T12:30:45Z", "2024-01-31 12:30:45+00"),
            ("2024-01-31 12:30:45 -05:30", "2024-01-31 18:00:45+00"),
            ("2024-01-31 12:30:45 UTC", "2024-01-31 12:30:45+00"),
            ("2024-01-31 12:30:45+0530", "2024-01-31 07:00:45+00"),
            ("2024-01-31", "2024-01-31 00:00:00+00"),
            ("0044-03-15 01:02:03+00 BC", "0044-03-15 01:02:03+00 BC"),
        ],
    );
}

#[test]
fn intervals() {
    check(
        SqlType::Interval,
        &[
            ("1 day", "1 day"),
            ("1 year 2 months 3 days 04:05:06.789", "1 year 2 mons 3 days 04:05:06.789"),
            ("-1 days", "-1 days"),
            ("0", "00:00:00"),
            ("5", "00:00:05"),
            ("1.5 hours", "01:30:00"),
            ("36:00:00", "36:00:00"),
            ("-04:05", "-04:05:00"),
            ("1 mon -1 day", "1 mon -1 days"),
            ("-1 mon +1 day", "-1 mons +1 day"),
            ("-1 day 01:00:00", "-1 days +01:00:00"),
            ("1 day ago", "-1 days"),
            ("@ 2 hours 30 min", "02:30:00"),
            ("1-2", "1 year 2 mons"),
            ("2 weeks", "14 days"),
            ("1.5 months", "1 mon 15 days"),
            ("1.5 years", "1 year 6 mons"),
            ("0.1 day", "02:24:00"),
            ("P1Y2M3DT4H5M6S", "1 year 2 mons 3 days 04:05:06"),
            ("PT36H", "36:00:00"),
            ("1 day 2 hours", "1 day 02:00:00"),
            ("1h30m", "01:30:00"),
            ("250 ms", "00:00:00.25"),
            ("3 04:05:06", "3 days 04:05:06"),
        ],
    );
    assert_eq!(
        printed(Value::Interval(14, -3, -3_600_000_000_000), SqlType::Interval),
        "1 year 2 mons -3 days -01:00:00"
    );
}

#[test]
fn varchar_has_a_limit_in_characters() {
    let short = SqlType::Varchar { limit: Some(3) };
    check(short, &[("abc", "abc"), ("äöü", "äöü"), ("abc  ", "abc")]);
    let error = super::super::parse_text("abcd", short).unwrap_err();
    assert_eq!((error.state.code(), error.message.as_str()), ("22001", "value too long for type character varying(3)"));
}
