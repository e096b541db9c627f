//! Values of every type from text, as Postgres' input functions read them.

use super::{
    read_bytea, read_date, read_double, read_integer, read_interval, read_numeric, read_real, read_timestamp,
    read_timestamptz,
};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;

/// The value of a text, of the Arrow type of `sql_type`. Floats are canonical: there is no -0, and one NaN.
///
/// A text that is too long for `varchar(n)` is refused, as on writing; an explicit cast cuts it instead.
///
/// # Errors
/// 22P02, 22003, 22007, 22008 or 22001, worded as Postgres does; 0A000 for what Attune's types do not have (infinite times).
pub fn read_value(text: &str, sql_type: SqlType) -> Result<ScalarValue, SqlError> {
    Ok(match sql_type {
        SqlType::Boolean => ScalarValue::Boolean(Some(read_boolean(text)?)),
        SqlType::SmallInt => ScalarValue::Int16(Some(read_integer(text, sql_type)?)),
        SqlType::Integer => ScalarValue::Int32(Some(read_integer(text, sql_type)?)),
        SqlType::BigInt => ScalarValue::Int64(Some(read_integer(text, sql_type)?)),
        SqlType::Real => {
            let value = read_real(text)?;
            ScalarValue::Float32(Some(if value.is_nan() { f32::NAN } else { value + 0.0 }))
        }
        SqlType::Double => {
            let value = read_double(text)?;
            ScalarValue::Float64(Some(if value.is_nan() { f64::NAN } else { value + 0.0 }))
        }
        SqlType::Numeric { precision, scale } => {
            ScalarValue::Decimal128(Some(read_numeric(text, precision, scale)?), precision, scale)
        }
        SqlType::Text | SqlType::Varchar { limit: None } => ScalarValue::Utf8(Some(text.to_owned())),
        SqlType::Varchar { limit: Some(limit) } => ScalarValue::Utf8(Some(fit_varchar(text, limit)?.to_owned())),
        SqlType::Bytea => ScalarValue::Binary(Some(read_bytea(text)?)),
        SqlType::Date => ScalarValue::Date32(Some(read_date(text)?)),
        SqlType::Timestamp => ScalarValue::TimestampMicrosecond(Some(read_timestamp(text)?), None),
        SqlType::TimestampTz => {
            let DataType::Timestamp(_, zone) = sql_type.to_arrow() else {
                return Err(SqlError::internal("a timestamptz that is no timestamp"));
            };
            ScalarValue::TimestampMicrosecond(Some(read_timestamptz(text)?), zone)
        }
        SqlType::Interval => ScalarValue::IntervalMonthDayNano(Some(read_interval(text)?)),
    })
}

/// `t`, `true`, `yes`, `on`, `1` and their unique prefixes, in any case.
///
/// # Errors
/// 22P02.
pub fn read_boolean(text: &str) -> Result<bool, SqlError> {
    let word = trim(text).to_ascii_lowercase();
    let starts = |full: &str, least: usize| word.len() >= least && full.starts_with(word.as_str());
    if starts("true", 1) || starts("yes", 1) || word == "on" || word == "1" {
        Ok(true)
    } else if starts("false", 1) || starts("no", 1) || starts("off", 2) || word == "0" {
        Ok(false)
    } else {
        Err(invalid_syntax(SqlType::Boolean, text))
    }
}

/// Text of at most `limit` characters; blanks beyond it are cut off, as the standard wants.
///
/// # Errors
/// 22001 for a text that is longer.
pub fn fit_varchar(text: &str, limit: u32) -> Result<&str, SqlError> {
    let limit = limit as usize;
    if text.len() <= limit {
        return Ok(text);
    }
    match text.char_indices().nth(limit) {
        None => Ok(text),
        Some((end, _)) if text[end..].bytes().all(|byte| byte == b' ') => Ok(&text[..end]),
        Some(_) => {
            let message = format!("value too long for type character varying({limit})");
            Err(SqlError::new(SqlState::StringDataRightTruncation, message))
        }
    }
}

/// Without white space at the ends, as C's `isspace` has it.
pub(super) fn trim(text: &str) -> &str {
    text.trim_matches(is_blank)
}

/// As C's `isspace`.
pub(super) fn is_blank(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

/// The name of a type in error messages: without precision and length, as Postgres' input functions say it.
fn base_name(sql_type: SqlType) -> String {
    match sql_type {
        SqlType::Numeric { .. } => "numeric".to_owned(),
        SqlType::Varchar { .. } => "character varying".to_owned(),
        SqlType::Timestamp => "timestamp".to_owned(),
        other => other.to_string(),
    }
}

/// 22P02 (of times 22007) as Postgres words it.
pub(super) fn invalid_syntax(sql_type: SqlType, text: &str) -> SqlError {
    let state = match sql_type {
        SqlType::Date | SqlType::Timestamp | SqlType::TimestampTz | SqlType::Interval => {
            SqlState::InvalidDatetimeFormat
        }
        _ => SqlState::InvalidTextRepresentation,
    };
    SqlError::new(state, format!("invalid input syntax for type {}: \"{text}\"", base_name(sql_type)))
}

/// 22003 as Postgres words it for integers and floats.
pub(super) fn out_of_range(sql_type: SqlType, text: &str) -> SqlError {
    let name = base_name(sql_type);
    let message = match sql_type {
        SqlType::Real | SqlType::Double => format!("\"{text}\" is out of range for type {name}"),
        _ => format!("value \"{text}\" is out of range for type {name}"),
    };
    SqlError::new(SqlState::NumericValueOutOfRange, message)
}

#[cfg(test)]
mod tests {
    use super::super::write_value;
    use super::*;
    use crate::types::PLAIN_NUMERIC;

    /// Reads `text` and prints it again, as `SELECT 'text'::type` would.
    fn check(sql_type: SqlType, pairs: &[(&str, &str)]) {
        for (text, expected) in pairs {
            let value = read_value(text, sql_type).unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(value.data_type(), sql_type.to_arrow());
            let mut out = String::new();
            write_value(&mut out, &value.to_array().unwrap(), 0).unwrap();
            assert_eq!(out, *expected, "{text}");
        }
    }

    fn refused(sql_type: SqlType, text: &str, code: &str, message: &str) {
        let error = read_value(text, sql_type).expect_err(text);
        assert_eq!((error.state.code(), error.message.as_str()), (code, message));
    }

    #[test]
    fn booleans() {
        check(SqlType::Boolean, &[("t", "true"), (" TRUE ", "true"), ("ye", "true"), ("on", "true"), ("1", "true")]);
        check(SqlType::Boolean, &[("fal", "false"), ("off", "false"), ("of", "false"), ("0", "false"), ("n", "false")]);
        refused(SqlType::Boolean, "o", "22P02", "invalid input syntax for type boolean: \"o\"");
    }

    #[test]
    fn numbers() {
        check(SqlType::SmallInt, &[("-32768", "-32768"), (" 7 ", "7"), ("+7", "7"), ("007", "7")]);
        check(SqlType::Double, &[("-0", "0"), ("1.5e2", "150"), ("infinity", "Infinity"), ("-NaN", "NaN")]);
        check(PLAIN_NUMERIC, &[("1.5e2", "150.0000000000"), ("-.5", "-0.5000000000")]);
        check(SqlType::Numeric { precision: 5, scale: 0 }, &[("12.5", "13"), ("-12.5", "-13"), ("0", "0")]);
        refused(SqlType::Integer, "x", "22P02", "invalid input syntax for type integer: \"x\"");
        refused(SqlType::Integer, "2147483648", "22003", "value \"2147483648\" is out of range for type integer");
        refused(SqlType::Double, "1e400", "22003", "\"1e400\" is out of range for type double precision");
        refused(SqlType::Numeric { precision: 5, scale: 2 }, "1000", "22003", "numeric field overflow");
    }

    #[test]
    fn texts_and_bytes() {
        check(SqlType::Varchar { limit: Some(3) }, &[("abc", "abc"), ("äöü", "äöü"), ("abc  ", "abc")]);
        check(SqlType::Bytea, &[("123\\000", "\\x31323300"), ("\\x00 fF", "\\x00ff")]);
        let limited = SqlType::Varchar { limit: Some(3) };
        refused(limited, "abcd", "22001", "value too long for type character varying(3)");
    }
}
