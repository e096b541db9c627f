//! Values from text, as Postgres' input functions read them: what `attune_sql` reads, without a copy of texts.

use super::Datum;
use attune_sql::SqlError;
use attune_sql::types::{SqlType, text as sql_text};
use attune_storage::codec::Value;

/// Reads a value of `sql_type`: parameters, literals and COPY fields.
///
/// # Errors
/// 22P02, 22003, 22007, 22008 or 22001, worded as Postgres does.
pub(in crate::serve) fn parse_text(text: &str, sql_type: SqlType) -> Result<Datum<'_>, SqlError> {
    Ok(Datum::Value(match sql_type {
        SqlType::Boolean => Value::Boolean(sql_text::read_boolean(text)?),
        SqlType::SmallInt => Value::Int16(sql_text::read_integer(text, sql_type)?),
        SqlType::Integer => Value::Int32(sql_text::read_integer(text, sql_type)?),
        SqlType::BigInt => Value::Int64(sql_text::read_integer(text, sql_type)?),
        SqlType::Real => Value::Float32(sql_text::read_real(text)?),
        SqlType::Double => Value::Float64(sql_text::read_double(text)?),
        SqlType::Numeric { precision, scale } => Value::Decimal(sql_text::read_numeric(text, precision, scale)?),
        SqlType::Text | SqlType::Varchar { limit: None } => Value::Text(text),
        SqlType::Varchar { limit: Some(limit) } => Value::Text(sql_text::fit_varchar(text, limit)?),
        SqlType::Bytea => return sql_text::read_bytea(text).map(Datum::Bytes),
        SqlType::Date => Value::Date(sql_text::read_date(text)?),
        SqlType::Timestamp => Value::Timestamp(sql_text::read_timestamp(text)?),
        SqlType::TimestampTz => Value::TimestampTz(sql_text::read_timestamptz(text)?),
        SqlType::Interval => {
            let value = sql_text::read_interval(text)?;
            Value::Interval(value.months, value.days, value.nanoseconds)
        }
    }))
}
