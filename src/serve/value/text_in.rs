//! Values from text, as Postgres' input functions read them.

use super::{Datum, datetime_in, interval_in, invalid_syntax, numeric, out_of_range};
use attune_sql::types::SqlType;
use attune_sql::types::text::read_bytea;
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::Value;
use std::num::IntErrorKind;
use std::str::FromStr;

/// Reads a value of `sql_type`: parameters, literals and COPY fields.
///
/// # Errors
/// 22P02, 22003, 22007, 22008 or 22001, worded as Postgres does.
pub(in crate::serve) fn parse_text(text: &str, sql_type: SqlType) -> Result<Datum<'_>, SqlError> {
    Ok(Datum::Value(match sql_type {
        SqlType::Boolean => Value::Boolean(boolean(text).ok_or_else(|| invalid_syntax(sql_type, text))?),
        SqlType::SmallInt => Value::Int16(integer(text, sql_type)?),
        SqlType::Integer => Value::Int32(integer(text, sql_type)?),
        SqlType::BigInt => Value::Int64(integer(text, sql_type)?),
        SqlType::Real => Value::Float32(real(text)?),
        SqlType::Double => Value::Float64(double(text)?),
        SqlType::Numeric { precision, scale } => {
            let exact = numeric::parse_text(text, scale)?.ok_or_else(|| invalid_syntax(sql_type, text))?;
            Value::Decimal(numeric::check(exact.unscaled, precision, scale)?)
        }
        SqlType::Text | SqlType::Varchar { limit: None } => Value::Text(text),
        SqlType::Varchar { limit: Some(limit) } => Value::Text(within(text, limit)?),
        SqlType::Bytea => return read_bytea(text).map(Datum::Bytes),
        SqlType::Date => Value::Date(datetime_in::date(text)?),
        SqlType::Timestamp => Value::Timestamp(datetime_in::timestamp(text)?),
        SqlType::TimestampTz => Value::TimestampTz(datetime_in::timestamptz(text)?),
        SqlType::Interval => {
            let (months, days, micros) = interval_in::parse(text)?;
            let nanos = micros.checked_mul(1_000).ok_or_else(|| interval_in::out_of_range(text))?;
            Value::Interval(months, days, nanos)
        }
    }))
}

/// `t`, `true`, `yes`, `on`, `1` and their unique prefixes, in any case.
fn boolean(text: &str) -> Option<bool> {
    let word = trim(text).to_ascii_lowercase();
    let starts = |full: &str, least: usize| word.len() >= least && full.starts_with(word.as_str());
    if starts("true", 1) || starts("yes", 1) || word == "on" || word == "1" {
        Some(true)
    } else if starts("false", 1) || starts("no", 1) || starts("off", 2) || word == "0" {
        Some(false)
    } else {
        None
    }
}

fn integer<T: FromStr<Err = std::num::ParseIntError>>(text: &str, sql_type: SqlType) -> Result<T, SqlError> {
    trim(text).parse::<T>().map_err(|e| match e.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => out_of_range(sql_type, text),
        _ => invalid_syntax(sql_type, text),
    })
}

fn double(text: &str) -> Result<f64, SqlError> {
    let value: f64 = float_text(text, SqlType::Double)?;
    check_float(value.is_infinite(), value == 0.0, text, SqlType::Double)?;
    Ok(value)
}

fn real(text: &str) -> Result<f32, SqlError> {
    let value: f32 = float_text(text, SqlType::Real)?;
    check_float(value.is_infinite(), value == 0.0, text, SqlType::Real)?;
    Ok(value)
}

fn float_text<T: FromStr>(text: &str, sql_type: SqlType) -> Result<T, SqlError> {
    trim(text).parse().map_err(|_| invalid_syntax(sql_type, text))
}

/// A finite text must not become infinite, nor a non-zero one zero.
fn check_float(infinite: bool, zero: bool, text: &str, sql_type: SqlType) -> Result<(), SqlError> {
    let overflow = infinite && text.bytes().any(|byte| byte.is_ascii_digit());
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let underflow = zero && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if overflow || underflow { Err(out_of_range(sql_type, trim(text))) } else { Ok(()) }
}

/// Text of at most `limit` characters; blanks beyond it are cut off, as the standard wants.
fn within(text: &str, limit: u32) -> Result<&str, SqlError> {
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
fn trim(text: &str) -> &str {
    text.trim_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c'])
}
