//! An Arrow array built from values.

use super::Value;
use crate::{ColumnType, Result, StorageError};
use arrow::array::{
    ArrayRef, BinaryBuilder, BooleanBuilder, Date32Builder, Decimal128Builder, Float32Builder, Float64Builder,
    Int16Builder, Int32Builder, Int64Builder, IntervalMonthDayNanoBuilder, StringBuilder, TimestampMicrosecondBuilder,
    UInt64Builder,
};
use arrow::datatypes::IntervalMonthDayNano;
use std::sync::Arc;

/// Collects values of one column type into an Arrow array of type [`ColumnType::to_arrow`].
#[derive(Debug)]
pub struct ColumnBuilder {
    column: ColumnType,
    array: Builder,
}

/// The Arrow builder behind a [`ColumnBuilder`].
#[derive(Debug)]
enum Builder {
    Boolean(BooleanBuilder),
    Int16(Int16Builder),
    Int32(Int32Builder),
    Int64(Int64Builder),
    UInt64(UInt64Builder),
    Float32(Float32Builder),
    Float64(Float64Builder),
    Decimal(Decimal128Builder),
    Text(StringBuilder),
    Bytes(BinaryBuilder),
    Date(Date32Builder),
    Timestamp(TimestampMicrosecondBuilder),
    Interval(IntervalMonthDayNanoBuilder),
}

/// Runs the same code on whichever Arrow builder is inside.
macro_rules! each_builder {
    ($builder:expr, $inner:ident => $body:expr) => {
        match $builder {
            Builder::Boolean($inner) => $body,
            Builder::Int16($inner) => $body,
            Builder::Int32($inner) => $body,
            Builder::Int64($inner) => $body,
            Builder::UInt64($inner) => $body,
            Builder::Float32($inner) => $body,
            Builder::Float64($inner) => $body,
            Builder::Decimal($inner) => $body,
            Builder::Text($inner) => $body,
            Builder::Bytes($inner) => $body,
            Builder::Date($inner) => $body,
            Builder::Timestamp($inner) => $body,
            Builder::Interval($inner) => $body,
        }
    };
}

impl ColumnBuilder {
    /// An empty column with room for `rows` values.
    #[must_use]
    pub fn new(column: ColumnType, rows: usize) -> ColumnBuilder {
        let array = match column {
            ColumnType::Boolean => Builder::Boolean(BooleanBuilder::with_capacity(rows)),
            ColumnType::Int16 => Builder::Int16(Int16Builder::with_capacity(rows)),
            ColumnType::Int32 => Builder::Int32(Int32Builder::with_capacity(rows)),
            ColumnType::Int64 => Builder::Int64(Int64Builder::with_capacity(rows)),
            ColumnType::UInt64 => Builder::UInt64(UInt64Builder::with_capacity(rows)),
            ColumnType::Float32 => Builder::Float32(Float32Builder::with_capacity(rows)),
            ColumnType::Float64 => Builder::Float64(Float64Builder::with_capacity(rows)),
            ColumnType::Decimal { .. } => {
                Builder::Decimal(Decimal128Builder::with_capacity(rows).with_data_type(column.to_arrow()))
            }
            ColumnType::Text => Builder::Text(StringBuilder::with_capacity(rows, 0)),
            ColumnType::Bytes => Builder::Bytes(BinaryBuilder::with_capacity(rows, 0)),
            ColumnType::Date => Builder::Date(Date32Builder::with_capacity(rows)),
            ColumnType::Timestamp | ColumnType::TimestampTz => {
                Builder::Timestamp(TimestampMicrosecondBuilder::with_capacity(rows).with_data_type(column.to_arrow()))
            }
            ColumnType::Interval => Builder::Interval(IntervalMonthDayNanoBuilder::with_capacity(rows)),
        };
        ColumnBuilder { column, array }
    }

    /// Adds a value; `None` is NULL.
    ///
    /// # Errors
    /// [`StorageError::Mismatch`] when the value's type is not the column's, or an array of text or bytes would become
    /// larger than Arrow's 2 GiB.
    #[inline]
    pub fn append(&mut self, value: Option<Value<'_>>) -> Result<()> {
        let Some(value) = value else {
            each_builder!(&mut self.array, builder => builder.append_null());
            return Ok(());
        };
        match (&mut self.array, value) {
            (Builder::Boolean(array), Value::Boolean(v)) => array.append_value(v),
            (Builder::Int16(array), Value::Int16(v)) => array.append_value(v),
            (Builder::Int32(array), Value::Int32(v)) => array.append_value(v),
            (Builder::Int64(array), Value::Int64(v)) => array.append_value(v),
            (Builder::UInt64(array), Value::UInt64(v)) => array.append_value(v),
            (Builder::Float32(array), Value::Float32(v)) => array.append_value(v),
            (Builder::Float64(array), Value::Float64(v)) => array.append_value(v),
            (Builder::Decimal(array), Value::Decimal(v)) => array.append_value(v),
            (Builder::Text(array), Value::Text(v)) => {
                check_room(array.values_slice(), v.as_bytes())?;
                array.append_value(v);
            }
            (Builder::Bytes(array), Value::Bytes(v)) => {
                check_room(array.values_slice(), v)?;
                array.append_value(v);
            }
            (Builder::Date(array), Value::Date(v)) => array.append_value(v),
            (Builder::Timestamp(array), Value::Timestamp(v)) if self.column == ColumnType::Timestamp => {
                array.append_value(v);
            }
            (Builder::Timestamp(array), Value::TimestampTz(v)) if self.column == ColumnType::TimestampTz => {
                array.append_value(v);
            }
            (Builder::Interval(array), Value::Interval(months, days, nanoseconds)) => {
                array.append_value(IntervalMonthDayNano { months, days, nanoseconds });
            }
            _ => return value.expect_type(self.column),
        }
        Ok(())
    }

    /// The array of all values added.
    #[must_use]
    pub fn finish(mut self) -> ArrayRef {
        each_builder!(&mut self.array, builder => Arc::new(builder.finish()))
    }
}

/// Arrow's offsets are 32-bit and its builder panics on overflow; damaged or enormous data must not get that far.
fn check_room(present: &[u8], more: &[u8]) -> Result<()> {
    if present.len() + more.len() > i32::MAX as usize {
        return Err(StorageError::Mismatch("a column of one batch would be larger than 2 GiB".to_owned()));
    }
    Ok(())
}
