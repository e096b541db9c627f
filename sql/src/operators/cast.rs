//! Casts with Postgres' results: numbers are rounded to integers, and texts are what Postgres prints.

use super::arithmetic::scalar_again;
use super::{only, strict_function, temporal};
use crate::types::{SqlType, text};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray, StringBuilder};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Date32Type, DurationMicrosecondType, Float32Type, Float64Type,
    IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result};
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
        let differs = match to {
            to if to.is_integer() => from.is_floating() || from.is_decimal(),
            to if is_text(to) => {
                from.is_floating() || from.is_temporal() || matches!(from, DataType::Binary | DataType::LargeBinary)
            }
            DataType::Binary => is_text(from),
            DataType::Interval(_) => matches!(from, DataType::Duration(_)),
            // The same, but the optimiser moves a cast that it knows to the other side of a comparison, as if nothing were rounded.
            DataType::Decimal128(_, to) => matches!(from, DataType::Decimal128(_, from) if from > to),
            _ => false,
        };
        differs.then(|| CastTo { to: to.clone() })
    }
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

impl ScalarUDFImpl for CastTo {
    strict_function!(1);

    fn name(&self) -> &str {
        match &self.to {
            to if to.is_integer() => "to_integer",
            DataType::Binary => "to_bytea",
            DataType::Interval(_) => "to_interval",
            DataType::Decimal128(..) => "to_numeric",
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
        let operand = only(&arguments.args, self)?;
        let scalar = matches!(operand, ColumnarValue::Scalar(_));
        let array = operand.to_array(if scalar { 1 } else { arguments.number_rows })?;
        let result = match &self.to {
            to if to.is_integer() => to_integer(&array, to)?,
            DataType::Binary => to_bytea(&array)?,
            to @ DataType::Decimal128(..) => strict(&array, to)?,
            DataType::Interval(_) => {
                temporal::days_and_time(&strict(&array, &DataType::Duration(TimeUnit::Microsecond))?)
            }
            to => strict(&to_text(&array)?, to)?,
        };
        scalar_again(result, scalar)
    }
}

fn strict(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(cast_with_options(array, to, &CastOptions { safe: false, ..CastOptions::default() })?)
}

/// Floats round half to even, numerics half away from zero.
fn to_integer(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    let rounded: ArrayRef = match array.data_type() {
        DataType::Float32 => {
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
        }
        DataType::Float64 => {
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
        }
        _ => strict(array, &DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0))?,
    };
    strict(&rounded, to).map_err(|_| {
        let name = SqlType::from_arrow(to).map_or_else(|| to.to_string(), |sql_type| sql_type.to_string());
        external(SqlError::new(SqlState::NumericValueOutOfRange, format!("{name} out of range")))
    })
}

fn to_bytea(array: &ArrayRef) -> Result<ArrayRef> {
    let texts = strict(array, &DataType::Utf8)?;
    let bytes = texts.as_string::<i32>().iter().map(|text| text.map(text::read_bytea).transpose());
    let bytes: Vec<Option<Vec<u8>>> = bytes.collect::<std::result::Result<_, _>>().map_err(external)?;
    Ok(Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryArray>()))
}

fn to_text(array: &ArrayRef) -> Result<ArrayRef> {
    let mut out = StringBuilder::with_capacity(array.len(), 16 * array.len());
    let mut each = |write: &mut dyn FnMut(&mut String, usize)| {
        let mut buffer = String::new();
        for row in 0..array.len() {
            if array.is_null(row) {
                out.append_null();
            } else {
                buffer.clear();
                write(&mut buffer, row);
                out.append_value(&buffer);
            }
        }
    };
    match array.data_type() {
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            each(&mut |out, row| text::write_real(out, values.value(row)));
        }
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>();
            each(&mut |out, row| text::write_double(out, values.value(row)));
        }
        DataType::Date32 => {
            let values = array.as_primitive::<Date32Type>();
            each(&mut |out, row| text::write_date(out, values.value(row)));
        }
        DataType::Timestamp(_, zone) => {
            let micros = strict(array, &DataType::Timestamp(TimeUnit::Microsecond, zone.clone()))?;
            let values = micros.as_primitive::<TimestampMicrosecondType>();
            let zone = if zone.is_some() { "+00" } else { "" };
            each(&mut |out, row| text::write_timestamp(out, values.value(row), zone));
        }
        DataType::Interval(_) | DataType::Duration(_) => {
            let intervals = match array.data_type() {
                DataType::Duration(_) => {
                    let micros = strict(array, &DataType::Duration(TimeUnit::Microsecond))?;
                    debug_assert!(micros.as_primitive_opt::<DurationMicrosecondType>().is_some());
                    temporal::days_and_time(&micros)
                }
                _ => strict(array, &DataType::Interval(IntervalUnit::MonthDayNano))?,
            };
            let values = intervals.as_primitive::<IntervalMonthDayNanoType>();
            each(&mut |out, row| {
                let value = values.value(row);
                text::write_interval(out, value.months, value.days, value.nanoseconds / 1_000);
            });
        }
        DataType::Binary | DataType::LargeBinary => {
            let bytes = strict(array, &DataType::Binary)?;
            let values = bytes.as_binary::<i32>();
            each(&mut |out, row| text::write_bytea(out, values.value(row)));
        }
        _ => return strict(array, &DataType::Utf8),
    }
    Ok(Arc::new(out.finish()))
}

fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
