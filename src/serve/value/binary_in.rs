//! Values from Postgres' binary form.

use super::{Datum, numeric, utf8};
use attune_sql::types::SqlType;
use attune_sql::types::calendar::{POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US};
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::Value;

/// Reads a value of `sql_type` from its binary form.
///
/// # Errors
/// 22P03 when the bytes are none, 22003 and 22008 when it is out of range, 22021 for text that is not UTF-8.
pub(in crate::serve) fn parse_binary(bytes: &[u8], sql_type: SqlType) -> Result<Datum<'_>, SqlError> {
    let value = match sql_type {
        SqlType::Boolean => Value::Boolean(fixed::<1>(bytes)? != [0]),
        SqlType::SmallInt => Value::Int16(i16::from_be_bytes(fixed(bytes)?)),
        SqlType::Integer => Value::Int32(i32::from_be_bytes(fixed(bytes)?)),
        SqlType::BigInt => Value::Int64(i64::from_be_bytes(fixed(bytes)?)),
        SqlType::Real => Value::Float32(f32::from_be_bytes(fixed(bytes)?)),
        SqlType::Double => Value::Float64(f64::from_be_bytes(fixed(bytes)?)),
        SqlType::Numeric { precision, scale } => {
            let exact = numeric::parse_binary(bytes, scale)?.ok_or_else(invalid)?;
            Value::Decimal(numeric::check(exact.unscaled, precision, scale)?)
        }
        SqlType::Text | SqlType::Varchar { .. } => return super::parse_text(utf8(bytes)?, sql_type),
        SqlType::Bytea => Value::Bytes(bytes),
        SqlType::Date => {
            let days = i32::from_be_bytes(fixed(bytes)?);
            check_finite(days == i32::MAX || days == i32::MIN)?;
            Value::Date(days.checked_add(POSTGRES_EPOCH_DAYS).ok_or_else(overflow)?)
        }
        SqlType::Timestamp => Value::Timestamp(micros(bytes)?),
        SqlType::TimestampTz => Value::TimestampTz(micros(bytes)?),
        SqlType::Interval => {
            let bytes: [u8; 16] = fixed(bytes)?;
            let [a, b, c, d, e, f, g, h, days @ .., k, l, m, n] = bytes;
            let micros = i64::from_be_bytes([a, b, c, d, e, f, g, h]);
            let nanos = micros.checked_mul(1_000).ok_or_else(overflow)?;
            Value::Interval(i32::from_be_bytes([k, l, m, n]), i32::from_be_bytes(days), nanos)
        }
    };
    Ok(Datum::Value(value))
}

fn micros(bytes: &[u8]) -> Result<i64, SqlError> {
    let micros = i64::from_be_bytes(fixed(bytes)?);
    check_finite(micros == i64::MAX || micros == i64::MIN)?;
    micros.checked_add(POSTGRES_EPOCH_US).ok_or_else(overflow)
}

fn check_finite(infinite: bool) -> Result<(), SqlError> {
    if infinite {
        return Err(SqlError::unsupported(
            "dates and timestamps have no infinity",
            "Use NULL, or a date far away such as 9999-12-31.",
        ));
    }
    Ok(())
}

fn fixed<const N: usize>(bytes: &[u8]) -> Result<[u8; N], SqlError> {
    bytes.try_into().map_err(|_| invalid())
}

/// 22P03; who reads a parameter adds its number.
pub(super) fn invalid() -> SqlError {
    SqlError::new(SqlState::InvalidBinaryRepresentation, "incorrect binary data format")
}

fn overflow() -> SqlError {
    SqlError::new(SqlState::DatetimeFieldOverflow, "date/time field value out of range")
}
