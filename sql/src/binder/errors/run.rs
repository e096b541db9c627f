//! Errors of running: arithmetic, casts, parsing of values.

use super::{between, fault, first_line};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;

/// An error of an Arrow kernel.
pub(super) fn arrow(error: &ArrowError) -> SqlError {
    if let Some(error) = regular_expression(&error.to_string()) {
        return error;
    }
    match error {
        ArrowError::DivideByZero => division_by_zero(),
        ArrowError::ArithmeticOverflow(message) => out_of_range(message),
        ArrowError::CastError(message) => cast(message),
        ArrowError::ParseError(message) => cast(message),
        ArrowError::ComputeError(message) | ArrowError::InvalidArgumentError(message) => execution(message),
        ArrowError::NotYetImplemented(message) => SqlError::new(SqlState::FeatureNotSupported, first_line(message)),
        ArrowError::MemoryError(message) => SqlError::new(SqlState::OutOfMemory, first_line(message)),
        ArrowError::IoError(message, _) => SqlError::new(SqlState::IoError, first_line(message)),
        other => fault(&other.to_string()),
    }
}

/// An error while executing, told apart by its message.
pub(super) fn execution(message: &str) -> SqlError {
    if let Some(error) = regular_expression(message) {
        return error;
    }
    let lower = message.to_lowercase();
    if lower.contains("divide by zero") || lower.contains("division by zero") {
        return division_by_zero();
    }
    if lower.contains("more than one row") {
        let message = "more than one row returned by a subquery used as an expression";
        return SqlError::new(SqlState::CardinalityViolation, message);
    }
    if lower.contains("overflow") || lower.contains("too large") || lower.contains("out of range") {
        return out_of_range(message);
    }
    if lower.contains("cast") || lower.contains("parsing") || lower.contains("parse") {
        return cast(message);
    }
    SqlError::new(SqlState::InvalidParameterValue, first_line(message))
}

/// An error of the regex crate: its last line says what is wrong.
pub(super) fn regular_expression(message: &str) -> Option<SqlError> {
    let too_large = message.contains("CompiledTooBig") || message.contains("exceeds size limit");
    let is_one = message.contains("regex parse error") || message.contains("Regular expression did not compile");
    if !is_one && !too_large {
        return None;
    }
    let reason = match message.rsplit_once("error: ") {
        _ if too_large => "it is too large".to_owned(),
        Some((_, reason)) => first_line(reason).trim_end_matches(['"', ')', ',', '~', '\n']).to_owned(),
        None => first_line(message),
    };
    let error = SqlError::new(SqlState::InvalidRegularExpression, format!("invalid regular expression: {reason}"));
    Some(error.with_hint("Regular expressions are those of Rust's regex crate: no look-around, no back references."))
}

fn division_by_zero() -> SqlError {
    SqlError::new(SqlState::DivisionByZero, "division by zero")
}

fn out_of_range(message: &str) -> SqlError {
    SqlError::new(SqlState::NumericValueOutOfRange, "value out of range").with_detail(first_line(message))
}

/// A value that is not one of the type.
fn cast(message: &str) -> SqlError {
    if let (Some(value), Some(to)) =
        (between(message, "Cannot cast string '", "' to value of "), between(message, "to value of ", " type"))
    {
        return invalid_text(&type_name(to), value);
    }
    if let Some(value) = between(message, "Error parsing timestamp from '", "'") {
        return invalid_datetime("timestamp", value);
    }
    if let Some((value, to)) =
        message.split_once("Can't cast value ").and_then(|(_, rest)| rest.split_once(" to type "))
    {
        let to = type_name(to.trim());
        let message = if value.is_empty() {
            "value out of range".to_owned()
        } else {
            format!("value {value} is out of range for type {to}")
        };
        return SqlError::new(SqlState::NumericValueOutOfRange, message);
    }
    if message.contains("verflow") || message.contains("too large") {
        return out_of_range(message);
    }
    let lower = message.to_lowercase();
    if lower.contains("interval") || lower.contains("timestamp") || lower.contains("date") || lower.contains("time") {
        return SqlError::new(SqlState::InvalidDatetimeFormat, first_line(message));
    }
    SqlError::new(SqlState::InvalidTextRepresentation, first_line(message))
}

fn invalid_text(type_name: &str, value: &str) -> SqlError {
    if matches!(type_name, "date" | "interval") || type_name.starts_with("time") {
        return invalid_datetime(type_name, value);
    }
    SqlError::new(
        SqlState::InvalidTextRepresentation,
        format!("invalid input syntax for type {type_name}: \"{value}\""),
    )
}

fn invalid_datetime(type_name: &str, value: &str) -> SqlError {
    SqlError::new(SqlState::InvalidDatetimeFormat, format!("invalid input syntax for type {type_name}: \"{value}\""))
}

/// The SQL name of an Arrow type as Arrow prints it (`Int32`, `Decimal128(38, 10)`).
fn type_name(arrow: &str) -> String {
    if arrow.starts_with("Decimal") {
        return "numeric".to_owned();
    }
    match arrow.parse::<DataType>().ok().and_then(|t| SqlType::from_arrow(&t)) {
        Some(sql_type) => sql_type.to_string(),
        None => arrow.to_lowercase(),
    }
}
