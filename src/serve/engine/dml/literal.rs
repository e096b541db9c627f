//! Literals of VALUES, turned into values of their column when the statement is prepared.

use super::coerce;
use crate::serve::value::{self, Datum};
use attune_sql::catalog::Column;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::Value;
use datafusion::arrow::datatypes::IntervalMonthDayNano;
use datafusion::scalar::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, Spanned};

/// As [`parse`], for literals of the statement itself: errors say where it stands, except where Postgres does not know it
/// either (values that are too large or too long are found when they are stored).
pub(super) fn parse_at(expr: &ast::Expr, column: &Column) -> Result<Option<ScalarValue>, SqlError> {
    parse(expr, column).map_err(|error| match error.state {
        SqlState::NumericValueOutOfRange | SqlState::StringDataRightTruncation => error,
        _ => error.or_at(expr.span()),
    })
}

/// The value of a literal for a column; `None` when the expression is no plain literal.
pub(super) fn parse(expr: &ast::Expr, column: &Column) -> Result<Option<ScalarValue>, SqlError> {
    match expr {
        ast::Expr::Value(value) => literal(&value.value, false, column),
        ast::Expr::Nested(inner) => parse(inner, column),
        // `'2024-01-01'::date` for a date: read as Postgres reads it.
        ast::Expr::Cast {
            expr,
            data_type,
            format: None,
            kind: ast::CastKind::Cast | ast::CastKind::DoubleColon,
            ..
        } => match expr.as_ref() {
            ast::Expr::Value(value) if is_text(&value.value) && is_of(data_type, column) => {
                literal(&value.value, false, column)
            }
            _ => Ok(None),
        },
        ast::Expr::TypedString(typed) if is_of(&typed.data_type, column) => literal(&typed.value.value, false, column),
        ast::Expr::UnaryOp { op: ast::UnaryOperator::Minus, expr } => match expr.as_ref() {
            ast::Expr::Value(value) if matches!(value.value, ast::Value::Number(..)) => {
                literal(&value.value, true, column)
            }
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}

/// Whether a type named in a cast is the column's. A cast to `varchar(n)` would cut.
fn is_of(data_type: &ast::DataType, column: &Column) -> bool {
    !matches!(column.sql_type, SqlType::Varchar { .. })
        && SqlType::from_ast(data_type).is_ok_and(|named| named == column.sql_type)
}

fn is_text(value: &ast::Value) -> bool {
    matches!(
        value,
        ast::Value::SingleQuotedString(_) | ast::Value::EscapedStringLiteral(_) | ast::Value::DollarQuotedString(_)
    )
}

fn literal(value: &ast::Value, negative: bool, column: &Column) -> Result<Option<ScalarValue>, SqlError> {
    match value {
        ast::Value::Null => ScalarValue::try_from(&column.sql_type.to_arrow())
            .map(Some)
            .map_err(crate::serve::engine::errors::datafusion),
        ast::Value::Boolean(v) => match column.sql_type {
            SqlType::Boolean => Ok(Some(ScalarValue::Boolean(Some(*v)))),
            SqlType::Text | SqlType::Varchar { .. } => text(&v.to_string(), column).map(Some),
            _ => Err(coerce::mismatch(column, "boolean")),
        },
        ast::Value::Number(digits, _) => number(digits, negative, column).map(Some),
        ast::Value::SingleQuotedString(t) | ast::Value::EscapedStringLiteral(t) => text(t, column).map(Some),
        ast::Value::DollarQuotedString(t) => text(&t.value, column).map(Some),
        _ => Ok(None),
    }
}

fn number(digits: &str, negative: bool, column: &Column) -> Result<ScalarValue, SqlError> {
    let signed = if negative { format!("-{digits}") } else { digits.to_owned() };
    let whole = signed.parse::<i128>().ok();
    let out_of_range = || coerce::out_of_range(column.sql_type);
    match column.sql_type {
        SqlType::SmallInt | SqlType::Integer | SqlType::BigInt => {
            let whole = match whole {
                Some(whole) => whole,
                // A fraction is rounded, as the assignment cast from numeric does.
                None => match value::parse_text(&signed, SqlType::Numeric { precision: 38, scale: 0 })?.value() {
                    Value::Decimal(v) => v,
                    _ => return Err(out_of_range()),
                },
            };
            match column.sql_type {
                SqlType::SmallInt => {
                    i16::try_from(whole).map(|v| ScalarValue::Int16(Some(v))).map_err(|_| out_of_range())
                }
                SqlType::Integer => {
                    i32::try_from(whole).map(|v| ScalarValue::Int32(Some(v))).map_err(|_| out_of_range())
                }
                _ => i64::try_from(whole).map(|v| ScalarValue::Int64(Some(v))).map_err(|_| out_of_range()),
            }
        }
        SqlType::Real | SqlType::Double | SqlType::Numeric { .. } => {
            owned(value::parse_text(&signed, column.sql_type)?, column.sql_type)
        }
        SqlType::Text | SqlType::Varchar { .. } => text(&whole.map_or(signed, |w| w.to_string()), column),
        _ => Err(coerce::mismatch(column, if whole.is_some() { "integer" } else { "numeric" })),
    }
}

fn text(text: &str, column: &Column) -> Result<ScalarValue, SqlError> {
    match column.sql_type {
        SqlType::Text | SqlType::Varchar { limit: None } => Ok(ScalarValue::Utf8(Some(text.to_owned()))),
        SqlType::Varchar { limit: Some(limit) } => {
            Ok(ScalarValue::Utf8(Some(coerce::cut_spaces(text, limit as usize)?.into_owned())))
        }
        other => owned(value::parse_text(text, other)?, other),
    }
}

/// A value read from text, in its Arrow type.
fn owned(datum: Datum<'_>, sql_type: SqlType) -> Result<ScalarValue, SqlError> {
    Ok(match datum.value() {
        Value::Boolean(v) => ScalarValue::Boolean(Some(v)),
        Value::Int16(v) => ScalarValue::Int16(Some(v)),
        Value::Int32(v) => ScalarValue::Int32(Some(v)),
        Value::Int64(v) => ScalarValue::Int64(Some(v)),
        Value::Float32(v) => ScalarValue::Float32(Some(v)),
        Value::Float64(v) => ScalarValue::Float64(Some(v)),
        Value::Decimal(v) => match sql_type {
            SqlType::Numeric { precision, scale } => ScalarValue::Decimal128(Some(v), precision, scale),
            _ => return Err(SqlError::internal("a decimal for a column of another type")),
        },
        Value::Text(v) => ScalarValue::Utf8(Some(v.to_owned())),
        Value::Bytes(v) => ScalarValue::Binary(Some(v.to_vec())),
        Value::Date(v) => ScalarValue::Date32(Some(v)),
        Value::Timestamp(v) => ScalarValue::TimestampMicrosecond(Some(v), None),
        Value::TimestampTz(v) => ScalarValue::TimestampMicrosecond(Some(v), Some(attune_storage::UTC.into())),
        Value::Interval(months, days, nanoseconds) => {
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano { months, days, nanoseconds }))
        }
        Value::UInt64(_) => return Err(SqlError::internal("there is no unsigned SQL type")),
    })
}
