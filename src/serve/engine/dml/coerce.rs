//! Assignment casts: a value of an expression becomes a value of a column, as in Postgres.

use super::target::shown;
use crate::serve::engine::errors;
use attune_sql::catalog::Column;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::Value;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray, new_null_array};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, Float32Type, Float64Type};
use std::borrow::Cow;
use std::sync::Arc;

/// The array with the column's type.
///
/// # Errors
/// 42804 when there is no assignment cast, 22003 when a value does not fit, 22001 when a text is too long.
pub(super) fn array(array: &ArrayRef, column: &Column) -> Result<ArrayRef, SqlError> {
    let target = column.sql_type.to_arrow();
    let array = if array.data_type().is_null() {
        new_null_array(&target, array.len())
    } else if *array.data_type() == target {
        array.clone()
    } else {
        convert(array, column, &target)?
    };
    match column.sql_type {
        SqlType::Varchar { limit: Some(limit) } => within_length(&array, limit),
        _ => Ok(array),
    }
}

/// Whether values of a type can be assigned to the column, before there are any.
///
/// # Errors
/// 42804.
pub(super) fn check(from: SqlType, column: &Column) -> Result<(), SqlError> {
    let same = from.to_arrow() == column.sql_type.to_arrow();
    if same || is_assignable(from, column.sql_type) { Ok(()) } else { Err(mismatch(column, &from.to_string())) }
}

fn convert(array: &ArrayRef, column: &Column, target: &DataType) -> Result<ArrayRef, SqlError> {
    let from =
        SqlType::from_arrow(array.data_type()).ok_or_else(|| mismatch(column, &array.data_type().to_string()))?;
    let array = cast(array, &from.to_arrow()).map_err(|_| out_of_range(from))?;
    if array.data_type() == target {
        return Ok(array);
    }
    if !is_assignable(from, column.sql_type) {
        return Err(mismatch(column, &from.to_string()));
    }
    if matches!(column.sql_type, SqlType::Text | SqlType::Varchar { .. }) {
        return to_text(&array, from);
    }
    // Arrow cuts fractions off where Postgres rounds.
    let rounded: ArrayRef = match (from, is_integer(column.sql_type)) {
        (SqlType::Real, true) => {
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
        }
        (SqlType::Double, true) => {
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
        }
        (SqlType::Numeric { .. }, true) => {
            cast(&array, &DataType::Decimal128(38, 0)).map_err(|_| out_of_range(column.sql_type))?
        }
        _ => array,
    };
    cast(&rounded, target).map_err(|_| out_of_range(column.sql_type))
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, datafusion::arrow::error::ArrowError> {
    cast_with_options(array, target, &CastOptions { safe: false, ..CastOptions::default() })
}

fn is_integer(sql_type: SqlType) -> bool {
    matches!(sql_type, SqlType::SmallInt | SqlType::Integer | SqlType::BigInt)
}

fn is_number(sql_type: SqlType) -> bool {
    is_integer(sql_type) || matches!(sql_type, SqlType::Real | SqlType::Double | SqlType::Numeric { .. })
}

fn is_moment(sql_type: SqlType) -> bool {
    matches!(sql_type, SqlType::Date | SqlType::Timestamp | SqlType::TimestampTz)
}

fn is_assignable(from: SqlType, to: SqlType) -> bool {
    matches!(to, SqlType::Text | SqlType::Varchar { .. })
        || (is_number(from) && is_number(to))
        || (is_moment(from) && is_moment(to))
}

fn to_text(array: &ArrayRef, from: SqlType) -> Result<ArrayRef, SqlError> {
    let mut texts = Vec::with_capacity(array.len());
    for row in 0..array.len() {
        let value = Value::from_array(array.as_ref(), row).map_err(errors::storage)?;
        texts.push(value.map(|v| match v {
            Value::Boolean(b) => b.to_string(),
            v => shown(v, from),
        }));
    }
    Ok(Arc::new(StringArray::from(texts)))
}

fn within_length(array: &ArrayRef, limit: u32) -> Result<ArrayRef, SqlError> {
    let texts = array.as_string::<i32>();
    let limit = limit as usize;
    // Bytes are at least characters: short ones need no counting.
    if texts.iter().flatten().all(|t| t.len() <= limit || t.chars().count() <= limit) {
        return Ok(array.clone());
    }
    let cut: Vec<Option<Cow<'_, str>>> =
        texts.iter().map(|t| t.map(|t| cut_spaces(t, limit)).transpose()).collect::<Result<_, _>>()?;
    Ok(Arc::new(cut.iter().map(|t| t.as_deref()).collect::<StringArray>()))
}

/// The text if it fits; Postgres cuts spaces beyond the limit, and nothing else.
pub(super) fn cut_spaces(text: &str, limit: usize) -> Result<Cow<'_, str>, SqlError> {
    let Some((end, _)) = text.char_indices().nth(limit) else { return Ok(Cow::Borrowed(text)) };
    if text[end..].bytes().all(|b| b == b' ') {
        return Ok(Cow::Owned(text[..end].to_owned()));
    }
    let message = format!("value too long for type character varying({limit})");
    Err(SqlError::new(SqlState::StringDataRightTruncation, message))
}

/// 42804 as Postgres words it.
pub(super) fn mismatch(column: &Column, found: &str) -> SqlError {
    let message =
        format!("column \"{}\" is of type {} but expression is of type {found}", column.name, column.sql_type);
    SqlError::new(SqlState::DatatypeMismatch, message).with_hint("You will need to rewrite or cast the expression.")
}

/// 22003 as Postgres words it.
pub(super) fn out_of_range(sql_type: SqlType) -> SqlError {
    match sql_type {
        SqlType::Numeric { precision, scale } => {
            let whole = i16::from(precision) - i16::from(scale);
            SqlError::new(SqlState::NumericValueOutOfRange, "numeric field overflow").with_detail(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{whole}."
            ))
        }
        other => SqlError::new(SqlState::NumericValueOutOfRange, format!("{other} out of range")),
    }
}
