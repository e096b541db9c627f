//! Casts with Postgres' results: texts are read and printed as its input and output functions do, numbers are rounded and
//! checked, times keep their range.

pub(super) mod numbers;
mod texts;

use super::moment::{dates, timestamps};
use super::{map, of_no_rows, only, strict_function, temporal};
use crate::SqlError;
use crate::binder::map_datafusion_error;
use crate::types::SqlType;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDFImpl};
use std::sync::Arc;

/// A cast to a type that Arrow would make otherwise.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct CastTo {
    pub(super) to: DataType,
}

impl CastTo {
    /// The function, if the cast differs between these types.
    pub(super) fn between(from: &DataType, to: &DataType) -> Option<CastTo> {
        differs(from, to).then(|| CastTo { to: to.clone() })
    }
}

fn differs(from: &DataType, to: &DataType) -> bool {
    if from == to || from.is_null() {
        return false;
    }
    match (from, to) {
        (from, DataType::List(element)) if is_text(from) => {
            is_text(element.data_type()) || is_readable(element.data_type())
        }
        (from, to) if is_text(from) => is_readable(to),
        (from, to) if is_text(to) => {
            let binary = matches!(from, DataType::Binary | DataType::LargeBinary);
            from.is_floating() || from.is_temporal() || binary || matches!(from, DataType::List(_))
        }
        (DataType::List(from), DataType::List(to)) => from.data_type() != to.data_type(),
        (from, to) if to.is_integer() => {
            from.is_floating() || from.is_decimal() || (from.is_integer() && is_narrower(to, from))
        }
        (from, DataType::Float32) => from.is_decimal() || *from == DataType::Float64,
        (from, DataType::Float64) => from.is_decimal(),
        (from, DataType::Decimal128(precision, scale)) => numbers::is_lossy(from, *precision, *scale),
        (from, DataType::Date32) => matches!(from, DataType::Timestamp(..)),
        (from, DataType::Timestamp(TimeUnit::Microsecond, _)) => {
            matches!(from, DataType::Timestamp(..) | DataType::Date32)
        }
        (from, DataType::Interval(_)) => matches!(from, DataType::Duration(_)),
        _ => false,
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// Whether there is a reader for the type: one of the type map that is no text.
fn is_readable(to: &DataType) -> bool {
    SqlType::from_arrow(to).is_some_and(|sql_type| sql_type.to_arrow() == *to && !is_text(to))
}

/// Whether an integer type of SQL has fewer bits than another.
fn is_narrower(to: &DataType, from: &DataType) -> bool {
    match to {
        DataType::Int16 => matches!(from, DataType::Int32 | DataType::Int64),
        DataType::Int32 => *from == DataType::Int64,
        _ => false,
    }
}

impl ScalarUDFImpl for CastTo {
    strict_function!(1);

    fn name(&self) -> &str {
        match &self.to {
            to if to.is_integer() => "to_integer",
            to if to.is_floating() => "to_float",
            DataType::Boolean => "to_boolean",
            DataType::Binary => "to_bytea",
            DataType::Date32 => "to_day",
            DataType::Timestamp(..) => "to_moment",
            DataType::Interval(_) => "to_interval",
            DataType::Decimal128(..) => "to_numeric",
            DataType::List(_) => "to_array",
            _ => "to_text",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(only(arguments, self)?.schema_name().to_string())
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.to.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        map(only(&arguments.args, self)?, |array| cast_array(array, &self.to))
    }
}

/// The array in another type, as Postgres casts.
///
/// # Errors
/// What Postgres refuses: 22P02, 22003, 22007, 22008.
pub(crate) fn cast_array(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    let from = array.data_type();
    if !differs(from, to) {
        return strict(array, to);
    }
    match (from, to) {
        (from, to) if is_text(from) => texts::read(&strict(array, &DataType::Utf8)?, to),
        (_, to) if is_text(to) => strict(&texts::print(array)?, to),
        (DataType::List(_), DataType::List(_)) => cast_elements(array, to),
        (_, DataType::Date32) => dates(array),
        (_, DataType::Timestamp(..)) => timestamps(array, to),
        (_, DataType::Interval(_)) => {
            let micros = strict(array, &DataType::Duration(TimeUnit::Microsecond))?;
            strict(&temporal::days_and_time(&micros), to)
        }
        (_, to) => numbers::cast(array, to),
    }
}

/// Arrow's cast, an error where it has no value.
fn strict(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    if array.data_type() == to {
        return Ok(Arc::clone(array));
    }
    let options = CastOptions { safe: false, ..CastOptions::default() };
    cast_with_options(array, to, &options).map_err(|e| map_datafusion_error(&e.into()))
}

fn cast_elements(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    let (lists, DataType::List(field)) = (array.as_list::<i32>(), to) else {
        return Err(SqlError::internal("a list that is none"));
    };
    let values = cast_array(lists.values(), field.data_type())?;
    let list = ListArray::try_new(Arc::clone(field), lists.offsets().clone(), values, lists.nulls().cloned());
    Ok(Arc::new(list.map_err(|e| SqlError::internal(e.to_string()))?))
}

#[cfg(test)]
mod tests;
