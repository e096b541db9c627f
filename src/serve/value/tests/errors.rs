//! What cannot be read, in Postgres' words.

use super::super::{parse_text, utf8};
use attune_sql::types::SqlType;

fn check(sql_type: SqlType, text: &str, code: &str, message: &str) {
    let error = parse_text(text, sql_type).expect_err(text);
    assert_eq!((error.state.code(), error.message.as_str()), (code, message));
}

#[test]
fn words_of_postgres() {
    check(SqlType::BigInt, "x", "22P02", "invalid input syntax for type bigint: \"x\"");
    check(SqlType::Integer, "", "22P02", "invalid input syntax for type integer: \"\"");
    check(SqlType::Integer, "2147483648", "22003", "value \"2147483648\" is out of range for type integer");
    check(SqlType::SmallInt, "-40000", "22003", "value \"-40000\" is out of range for type smallint");
    check(SqlType::Boolean, "maybe", "22P02", "invalid input syntax for type boolean: \"maybe\"");
    check(SqlType::Double, "1.5x", "22P02", "invalid input syntax for type double precision: \"1.5x\"");
    check(SqlType::Double, "1e400", "22003", "\"1e400\" is out of range for type double precision");
    check(SqlType::Double, "1e-400", "22003", "\"1e-400\" is out of range for type double precision");
    check(SqlType::Real, "1e40", "22003", "\"1e40\" is out of range for type real");
    check(SqlType::Date, "tomorrowish", "22007", "invalid input syntax for type date: \"tomorrowish\"");
    check(SqlType::Date, "2024-02-30", "22008", "date/time field value out of range: \"2024-02-30\"");
    check(SqlType::Timestamp, "2024-13-01", "22008", "date/time field value out of range: \"2024-13-01\"");
    check(SqlType::Timestamp, "2024-01-01 25:00", "22008", "date/time field value out of range: \"2024-01-01 25:00\"");
    check(SqlType::Timestamp, "2024-01-01 x", "22007", "invalid input syntax for type timestamp: \"2024-01-01 x\"");
    // Microseconds since 1970 end in the year 294247.
    check(SqlType::Timestamp, "294248-01-01", "22008", "date/time field value out of range: \"294248-01-01\"");
    check(SqlType::Interval, "1 fortnight", "22007", "invalid input syntax for type interval: \"1 fortnight\"");
    check(SqlType::Bytea, "\\x0", "22023", "invalid hexadecimal data: odd number of digits");
    check(SqlType::Bytea, "\\xzz", "22023", "invalid hexadecimal digit: \"z\"");
    let money = SqlType::Numeric { precision: 5, scale: 2 };
    check(money, "1000", "22003", "numeric field overflow");
    check(money, "1,5", "22P02", "invalid input syntax for type numeric: \"1,5\"");
    check(money, "NaN", "0A000", "numeric has no NaN and no infinity");
    let detail = parse_text("1000", money).unwrap_err().detail;
    assert_eq!(
        detail.as_deref(),
        Some("A field with precision 5, scale 2 must round to an absolute value less than 10^3.")
    );
}

#[test]
fn bytes_that_are_no_text() {
    let error = utf8(b"a\xc3(").unwrap_err();
    assert_eq!(error.message, "invalid byte sequence for encoding \"UTF8\": 0xc3");
    assert_eq!(utf8(b"a\0b").unwrap_err().state.code(), "22021");
    assert_eq!(utf8("é".as_bytes()), Ok("é"));
}
