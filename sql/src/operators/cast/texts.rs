//! Casts from text, row by row by the readers of [`crate::types::text`], and to text.

use super::{cast_array, strict};
use crate::SqlError;
use crate::operators::moment::timestamps;
use crate::operators::{canonical, temporal};
use crate::types::{SqlType, text};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BinaryBuilder, BooleanArray, ListArray, PrimitiveArray, PrimitiveBuilder, StringArray,
    StringBuilder,
};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Date32Type, Decimal128Type, FieldRef, Float32Type, Float64Type, Int16Type, Int32Type,
    Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use std::sync::Arc;

/// The values of texts.
pub(super) fn read(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    let texts = array.as_string::<i32>();
    let internal = |error: &dyn std::fmt::Display| SqlError::internal(error.to_string());
    Ok(match to {
        DataType::Boolean => {
            let values = texts.iter().map(|text| text.map(text::read_boolean).transpose());
            Arc::new(values.collect::<Result<BooleanArray, SqlError>>()?)
        }
        DataType::Int16 => each::<Int16Type>(texts, |t| text::read_integer(t, SqlType::SmallInt))?,
        DataType::Int32 => each::<Int32Type>(texts, |t| text::read_integer(t, SqlType::Integer))?,
        DataType::Int64 => each::<Int64Type>(texts, |t| text::read_integer(t, SqlType::BigInt))?,
        DataType::Float32 => canonical(each::<Float32Type>(texts, text::read_real)?),
        DataType::Float64 => canonical(each::<Float64Type>(texts, text::read_double)?),
        DataType::Decimal128(precision, scale) => {
            let values = primitive::<Decimal128Type>(texts, |t| text::read_numeric(t, *precision, *scale))?;
            Arc::new(values.with_precision_and_scale(*precision, *scale).map_err(|e| internal(&e))?)
        }
        DataType::Binary => {
            let mut bytes = BinaryBuilder::with_capacity(texts.len(), texts.value_data().len());
            for text in texts {
                bytes.append_option(text.map(text::read_bytea).transpose()?);
            }
            Arc::new(bytes.finish())
        }
        DataType::Date32 => each::<Date32Type>(texts, text::read_date)?,
        DataType::Timestamp(_, None) => each::<TimestampMicrosecondType>(texts, text::read_timestamp)?,
        DataType::Timestamp(_, zone) => {
            let values = primitive::<TimestampMicrosecondType>(texts, text::read_timestamptz)?;
            Arc::new(values.with_timezone_opt(zone.clone()))
        }
        DataType::Interval(_) => each::<IntervalMonthDayNanoType>(texts, text::read_interval)?,
        DataType::List(field) => read_lists(texts, field)?,
        other => return Err(SqlError::internal(format!("{other} has no reader"))),
    })
}

fn each<T: ArrowPrimitiveType>(
    texts: &StringArray,
    read: impl Fn(&str) -> Result<T::Native, SqlError>,
) -> Result<ArrayRef, SqlError> {
    Ok(Arc::new(primitive::<T>(texts, read)?))
}

fn primitive<T: ArrowPrimitiveType>(
    texts: &StringArray,
    read: impl Fn(&str) -> Result<T::Native, SqlError>,
) -> Result<PrimitiveArray<T>, SqlError> {
    let mut values = PrimitiveBuilder::<T>::with_capacity(texts.len());
    for text in texts {
        values.append_option(text.map(&read).transpose()?);
    }
    Ok(values.finish())
}

/// The elements of all texts in one array, read together.
fn read_lists(texts: &StringArray, field: &FieldRef) -> Result<ArrayRef, SqlError> {
    let mut elements = StringBuilder::new();
    let mut lengths = Vec::with_capacity(texts.len());
    for text in texts {
        let mut length = 0;
        if let Some(text) = text {
            text::read_elements(text, &mut |element| {
                elements.append_option(element);
                length += 1;
                Ok(())
            })?;
        }
        lengths.push(length);
    }
    let elements: ArrayRef = Arc::new(elements.finish());
    let elements = cast_array(&elements, field.data_type())?;
    let nulls: Option<NullBuffer> = texts.nulls().cloned();
    let lists = ListArray::try_new(Arc::clone(field), OffsetBuffer::from_lengths(lengths), elements, nulls);
    Ok(Arc::new(lists.map_err(|e| SqlError::internal(e.to_string()))?))
}

/// The texts of values.
pub(super) fn print(array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    let array = match array.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, _) => Arc::clone(array),
        moment @ DataType::Timestamp(..) => timestamps(array, moment)?,
        DataType::Duration(_) => temporal::days_and_time(&strict(array, &DataType::Duration(TimeUnit::Microsecond))?),
        DataType::Interval(_) => strict(array, &DataType::Interval(IntervalUnit::MonthDayNano))?,
        DataType::Time32(_) | DataType::Time64(_) | DataType::Date64 => return strict(array, &DataType::Utf8),
        _ => Arc::clone(array),
    };
    let mut out = StringBuilder::with_capacity(array.len(), 16 * array.len());
    let mut buffer = String::new();
    for row in 0..array.len() {
        if array.is_null(row) {
            out.append_null();
        } else {
            buffer.clear();
            text::write_value(&mut buffer, array.as_ref(), row)?;
            out.append_value(&buffer);
        }
    }
    Ok(Arc::new(out.finish()))
}
