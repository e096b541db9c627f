//! Casts, pinned to what PostgreSQL 15 gives.

use super::*;
use crate::types::PLAIN_NUMERIC;
use crate::types::text::{read_array, read_value, write_value};

/// `'text'::from::to` as text.
fn cast(text: &str, from: SqlType, to: &DataType) -> Result<String, (&'static str, String)> {
    let array = read_value(text, from).unwrap().to_array().unwrap();
    let result = cast_array(&array, to).map_err(|e| (e.state.code(), e.message))?;
    assert_eq!(result.data_type(), to);
    let mut out = String::new();
    write_value(&mut out, result.as_ref(), 0).unwrap();
    Ok(out)
}

fn check(from: SqlType, to: SqlType, pairs: &[(&str, &str)]) {
    for (text, expected) in pairs {
        assert_eq!(cast(text, from, &to.to_arrow()), Ok((*expected).to_owned()), "{text} {from} {to}");
    }
}

fn refused(from: SqlType, to: SqlType, text: &str, code: &'static str, message: &str) {
    assert_eq!(cast(text, from, &to.to_arrow()), Err((code, message.to_owned())));
}

#[test]
fn texts_are_read() {
    check(SqlType::Text, SqlType::Interval, &[("6", "00:00:06"), ("1 day 02:03:04", "1 day 02:03:04")]);
    check(SqlType::Text, PLAIN_NUMERIC, &[("1.5e2", "150.0000000000")]);
    check(SqlType::Text, SqlType::Timestamp, &[("9999-12-31 12:34", "9999-12-31 12:34:00")]);
    check(SqlType::Text, SqlType::Boolean, &[("yes", "true"), ("f", "false")]);
    check(SqlType::Text, SqlType::Bytea, &[("123\\000", "\\x31323300")]);
    check(SqlType::Text, SqlType::Double, &[("-0", "0")]);
    refused(SqlType::Text, SqlType::Integer, "ten", "22P02", "invalid input syntax for type integer: \"ten\"");
    refused(SqlType::Text, SqlType::Date, "2024-02-30", "22008", "date/time field value out of range: \"2024-02-30\"");
}

#[test]
fn arrays_are_read_and_printed() {
    let list = |element: SqlType| {
        DataType::List(Arc::new(datafusion::arrow::datatypes::Field::new_list_field(element.to_arrow(), true)))
    };
    assert_eq!(cast("{1, NULL,3}", SqlType::Text, &list(SqlType::BigInt)), Ok("{1,NULL,3}".to_owned()));
    assert_eq!(cast("{x,\"a b\"}", SqlType::Text, &list(SqlType::Text)), Ok("{x,\"a b\"}".to_owned()));
    let array = read_array("{1.5,NULL}", SqlType::Text).unwrap().to_array().unwrap();
    let array = cast_array(&array, &list(SqlType::Double)).unwrap();
    let text = cast_array(&array, &DataType::Utf8).unwrap();
    assert_eq!(text.as_string::<i32>().value(0), "{1.5,NULL}");
    assert!(cast("{1,x}", SqlType::Text, &list(SqlType::BigInt)).is_err());
}

#[test]
fn numbers_are_rounded_and_checked() {
    let money = SqlType::Numeric { precision: 6, scale: 2 };
    check(PLAIN_NUMERIC, SqlType::Integer, &[("2.5", "3"), ("-2.5", "-3"), ("2.4", "2")]);
    check(SqlType::Double, SqlType::Integer, &[("2.5", "2"), ("3.5", "4"), ("-2.5", "-2")]);
    check(PLAIN_NUMERIC, money, &[("1.005", "1.01"), ("-1.005", "-1.01"), ("9999.99", "9999.99")]);
    check(SqlType::Double, money, &[("0.1", "0.10"), ("1234.565", "1234.57"), ("1e-9", "0.00")]);
    check(SqlType::Real, PLAIN_NUMERIC, &[("0.1", "0.1000000000"), ("16777216", "16777200.0000000000")]);
    check(
        PLAIN_NUMERIC,
        SqlType::Double,
        &[("0.1", "0.1"), ("12345678901234567890.1234567891", "1.2345678901234567e+19")],
    );
    check(SqlType::BigInt, SqlType::SmallInt, &[("-32768", "-32768")]);
    refused(SqlType::BigInt, SqlType::SmallInt, "40000", "22003", "smallint out of range");
    refused(SqlType::Double, SqlType::Integer, "NaN", "22003", "integer out of range");
    refused(SqlType::Double, SqlType::Real, "1e300", "22003", "value out of range: overflow");
    refused(SqlType::Double, SqlType::Real, "1e-300", "22003", "value out of range: underflow");
    refused(SqlType::Double, money, "10000", "22003", "numeric field overflow");
    refused(PLAIN_NUMERIC, money, "9999.995", "22003", "numeric field overflow");
    refused(SqlType::BigInt, money, "10000", "22003", "numeric field overflow");
}

#[test]
fn times_keep_their_range() {
    check(SqlType::Timestamp, SqlType::Date, &[("9999-12-31 23:59", "9999-12-31"), ("1969-12-31 23:00", "1969-12-31")]);
    check(SqlType::Date, SqlType::Timestamp, &[("0044-03-15 BC", "0044-03-15 00:00:00 BC")]);
    check(SqlType::Date, SqlType::TimestampTz, &[("9999-12-31", "9999-12-31 00:00:00+00")]);
    check(SqlType::TimestampTz, SqlType::Timestamp, &[("2500-01-01 00:00+01", "2499-12-31 23:00:00")]);
    check(SqlType::TimestampTz, SqlType::Text, &[("2500-01-01", "2500-01-01 00:00:00+00")]);
    refused(SqlType::Date, SqlType::Timestamp, "400000-01-01", "22008", "date out of range for timestamp");
}
