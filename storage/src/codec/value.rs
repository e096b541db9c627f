//! One value of a row, borrowed from its bytes.

use super::ColumnReader;
use crate::{ColumnType, Result, StorageError};
use arrow::array::Array;

/// A single non-NULL value, borrowed from encoded bytes, a parameter or a literal. NULL is `Option::None` around it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Value<'a> {
    /// Boolean.
    Boolean(bool),
    /// Int16.
    Int16(i16),
    /// Int32.
    Int32(i32),
    /// Int64.
    Int64(i64),
    /// UInt64.
    UInt64(u64),
    /// Float32.
    Float32(f32),
    /// Float64.
    Float64(f64),
    /// The unscaled integer of a decimal; precision and scale are in the column type.
    Decimal(i128),
    /// Text.
    Text(&'a str),
    /// Bytes.
    Bytes(&'a [u8]),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01.
    Timestamp(i64),
    /// Microseconds since 1970-01-01 UTC.
    TimestampTz(i64),
    /// Months, days, nanoseconds.
    Interval(i32, i32, i64),
}

impl<'a> Value<'a> {
    /// The value at `row` of an array; `None` is NULL. For one value: to read many, build a [`ColumnReader`] once.
    ///
    /// # Errors
    /// [`StorageError::UnsupportedType`] for an array whose type cannot be stored, [`StorageError::Mismatch`] when the
    /// array has no such row.
    pub fn from_array(array: &'a dyn Array, row: usize) -> Result<Option<Value<'a>>> {
        if row >= array.len() {
            return Err(StorageError::Mismatch(format!("row {row} was asked of an array of {} rows", array.len())));
        }
        Ok(ColumnReader::new(array)?.value(row))
    }

    /// Whether a column of this type can hold the value. A decimal fits every decimal column: its digits are not counted.
    #[must_use]
    pub fn fits(&self, column: ColumnType) -> bool {
        matches!(
            (self, column),
            (Value::Boolean(_), ColumnType::Boolean)
                | (Value::Int16(_), ColumnType::Int16)
                | (Value::Int32(_), ColumnType::Int32)
                | (Value::Int64(_), ColumnType::Int64)
                | (Value::UInt64(_), ColumnType::UInt64)
                | (Value::Float32(_), ColumnType::Float32)
                | (Value::Float64(_), ColumnType::Float64)
                | (Value::Decimal(_), ColumnType::Decimal { .. })
                | (Value::Text(_), ColumnType::Text)
                | (Value::Bytes(_), ColumnType::Bytes)
                | (Value::Date(_), ColumnType::Date)
                | (Value::Timestamp(_), ColumnType::Timestamp)
                | (Value::TimestampTz(_), ColumnType::TimestampTz)
                | (Value::Interval(..), ColumnType::Interval)
        )
    }

    /// The name of the value's type, as [`ColumnType`] prints it (a decimal without precision and scale).
    #[must_use]
    pub fn type_name(&self) -> &'static str {
        match self {
            Value::Boolean(_) => "boolean",
            Value::Int16(_) => "int16",
            Value::Int32(_) => "int32",
            Value::Int64(_) => "int64",
            Value::UInt64(_) => "uint64",
            Value::Float32(_) => "float32",
            Value::Float64(_) => "float64",
            Value::Decimal(_) => "decimal",
            Value::Text(_) => "text",
            Value::Bytes(_) => "bytes",
            Value::Date(_) => "date",
            Value::Timestamp(_) => "timestamp",
            Value::TimestampTz(_) => "timestamptz",
            Value::Interval(..) => "interval",
        }
    }

    /// Refuses values that [do not fit](Value::fits) the column they are written to.
    pub(super) fn expect_type(&self, column: ColumnType) -> Result<()> {
        match self.fits(column) {
            true => Ok(()),
            false => Err(StorageError::Mismatch(format!("a value of type {} for a {column} column", self.type_name()))),
        }
    }
}

/// One bit pattern for all NaNs and one for both zeros, so that equal floats have equal bytes.
pub(super) fn canonical_f32(value: f32) -> f32 {
    if value.is_nan() { f32::NAN.copysign(1.0) } else { value + 0.0 }
}

/// As [`canonical_f32`].
pub(super) fn canonical_f64(value: f64) -> f64 {
    if value.is_nan() { f64::NAN.copysign(1.0) } else { value + 0.0 }
}
