//! The column types that can be stored, independent of Arrow's own serialisation.

use crate::{Result, StorageError};
use arrow::datatypes::{DataType, TimeUnit};
use serde::{Deserialize, Serialize};
use std::fmt;

/// The physical type of a stored column. The variants and their names are part of the format on disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ColumnType {
    /// True or false.
    Boolean,
    /// 16-bit signed integer.
    Int16,
    /// 32-bit signed integer.
    Int32,
    /// 64-bit signed integer.
    Int64,
    /// 64-bit unsigned integer; only inside plans (`row_number()`), SQL has no such type.
    UInt64,
    /// 32-bit float.
    Float32,
    /// 64-bit float.
    Float64,
    /// Fixed-point decimal: precision (1 to 38) and scale.
    Decimal {
        /// Number of digits.
        precision: u8,
        /// Digits right of the point.
        scale: i8,
    },
    /// UTF-8 text.
    Text,
    /// Bytes.
    Bytes,
    /// Days since 1970-01-01 (i32).
    Date,
    /// Microseconds since 1970-01-01 (i64), without a time zone.
    Timestamp,
    /// Microseconds since 1970-01-01 UTC (i64).
    TimestampTz,
    /// Months, days, nanoseconds.
    Interval,
}

/// The time zone name used for every `TimestampTz` Arrow array.
pub const UTC: &str = "+00:00";

impl ColumnType {
    /// The Arrow type that holds this column in memory.
    #[must_use]
    pub fn to_arrow(self) -> DataType {
        match self {
            ColumnType::Boolean => DataType::Boolean,
            ColumnType::Int16 => DataType::Int16,
            ColumnType::Int32 => DataType::Int32,
            ColumnType::Int64 => DataType::Int64,
            ColumnType::UInt64 => DataType::UInt64,
            ColumnType::Float32 => DataType::Float32,
            ColumnType::Float64 => DataType::Float64,
            ColumnType::Decimal { precision, scale } => DataType::Decimal128(precision, scale),
            ColumnType::Text => DataType::Utf8,
            ColumnType::Bytes => DataType::Binary,
            ColumnType::Date => DataType::Date32,
            ColumnType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            ColumnType::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            ColumnType::Interval => DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano),
        }
    }

    /// The column type of exactly this Arrow type.
    ///
    /// # Errors
    /// [`StorageError::UnsupportedType`] when the type is none that [`ColumnType::to_arrow`] gives.
    pub fn from_arrow(data_type: &DataType) -> Result<ColumnType> {
        Ok(match data_type {
            DataType::Boolean => ColumnType::Boolean,
            DataType::Int16 => ColumnType::Int16,
            DataType::Int32 => ColumnType::Int32,
            DataType::Int64 => ColumnType::Int64,
            DataType::UInt64 => ColumnType::UInt64,
            DataType::Float32 => ColumnType::Float32,
            DataType::Float64 => ColumnType::Float64,
            DataType::Decimal128(precision, scale) => ColumnType::Decimal { precision: *precision, scale: *scale },
            DataType::Utf8 => ColumnType::Text,
            DataType::Binary => ColumnType::Bytes,
            DataType::Date32 => ColumnType::Date,
            DataType::Timestamp(TimeUnit::Microsecond, None) => ColumnType::Timestamp,
            DataType::Timestamp(TimeUnit::Microsecond, Some(zone)) if zone.as_ref() == UTC => ColumnType::TimestampTz,
            DataType::Interval(arrow::datatypes::IntervalUnit::MonthDayNano) => ColumnType::Interval,
            other => return Err(StorageError::UnsupportedType(other.to_string())),
        })
    }
}

impl fmt::Display for ColumnType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ColumnType::Decimal { precision, scale } => write!(f, "decimal({precision},{scale})"),
            other => f.write_str(&format!("{other:?}").to_lowercase()),
        }
    }
}
