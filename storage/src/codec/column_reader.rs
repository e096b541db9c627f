//! Values of an Arrow array, with the array's type found out once instead of per row.

use super::Value;
use crate::{ColumnType, Result, StorageError};
use arrow::array::{Array, AsArray, BinaryArray, BooleanArray, StringArray};
use arrow::buffer::NullBuffer;
use arrow::datatypes::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, IntervalMonthDayNano,
    IntervalMonthDayNanoType, TimestampMicrosecondType, UInt64Type,
};

/// Reads the values of one array of a storable type.
#[derive(Clone, Debug)]
pub struct ColumnReader<'a> {
    column: ColumnType,
    nulls: Option<&'a NullBuffer>,
    values: Values<'a>,
}

/// The array behind a reader.
#[derive(Clone, Debug)]
enum Values<'a> {
    Boolean(&'a BooleanArray),
    Int16(&'a [i16]),
    Int32(&'a [i32]),
    Int64(&'a [i64]),
    UInt64(&'a [u64]),
    Float32(&'a [f32]),
    Float64(&'a [f64]),
    Decimal(&'a [i128]),
    Text(&'a StringArray),
    Bytes(&'a BinaryArray),
    Date(&'a [i32]),
    Timestamp(&'a [i64]),
    TimestampTz(&'a [i64]),
    Interval(&'a [IntervalMonthDayNano]),
}

impl<'a> ColumnReader<'a> {
    /// A reader of `array`.
    ///
    /// # Errors
    /// [`StorageError::UnsupportedType`] when the array's type cannot be stored.
    pub fn new(array: &'a dyn Array) -> Result<ColumnReader<'a>> {
        let column = ColumnType::from_arrow(array.data_type())?;
        let values = match column {
            ColumnType::Boolean => Values::Boolean(array.as_boolean()),
            ColumnType::Int16 => Values::Int16(array.as_primitive::<Int16Type>().values()),
            ColumnType::Int32 => Values::Int32(array.as_primitive::<Int32Type>().values()),
            ColumnType::Int64 => Values::Int64(array.as_primitive::<Int64Type>().values()),
            ColumnType::UInt64 => Values::UInt64(array.as_primitive::<UInt64Type>().values()),
            ColumnType::Float32 => Values::Float32(array.as_primitive::<Float32Type>().values()),
            ColumnType::Float64 => Values::Float64(array.as_primitive::<Float64Type>().values()),
            ColumnType::Decimal { .. } => Values::Decimal(array.as_primitive::<Decimal128Type>().values()),
            ColumnType::Text => Values::Text(array.as_string::<i32>()),
            ColumnType::Bytes => Values::Bytes(array.as_binary::<i32>()),
            ColumnType::Date => Values::Date(array.as_primitive::<Date32Type>().values()),
            ColumnType::Timestamp => Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>().values()),
            ColumnType::TimestampTz => Values::TimestampTz(array.as_primitive::<TimestampMicrosecondType>().values()),
            ColumnType::Interval => Values::Interval(array.as_primitive::<IntervalMonthDayNanoType>().values()),
        };
        let nulls = array.nulls().filter(|nulls| nulls.null_count() > 0);
        Ok(ColumnReader { column, nulls, values })
    }

    /// A reader of `array`, which must have exactly the type `column`.
    ///
    /// # Errors
    /// [`StorageError::Mismatch`] when it has another type.
    pub fn of_type(array: &'a dyn Array, column: ColumnType) -> Result<ColumnReader<'a>> {
        if array.data_type() != &column.to_arrow() {
            let found = array.data_type();
            return Err(StorageError::Mismatch(format!("an array of type {found} for a {column} column")));
        }
        ColumnReader::new(array)
    }

    /// The type of the column.
    #[must_use]
    pub fn column_type(&self) -> ColumnType {
        self.column
    }

    /// Whether the value at `row` is NULL.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    #[inline]
    pub fn is_null(&self, row: usize) -> bool {
        self.nulls.is_some_and(|nulls| nulls.is_null(row))
    }

    /// The value at `row`; `None` is NULL.
    ///
    /// # Panics
    /// When there is no such row.
    #[must_use]
    #[inline]
    pub fn value(&self, row: usize) -> Option<Value<'a>> {
        if self.is_null(row) {
            return None;
        }
        Some(match &self.values {
            Values::Boolean(array) => Value::Boolean(array.value(row)),
            Values::Int16(values) => Value::Int16(values[row]),
            Values::Int32(values) => Value::Int32(values[row]),
            Values::Int64(values) => Value::Int64(values[row]),
            Values::UInt64(values) => Value::UInt64(values[row]),
            Values::Float32(values) => Value::Float32(values[row]),
            Values::Float64(values) => Value::Float64(values[row]),
            Values::Decimal(values) => Value::Decimal(values[row]),
            Values::Text(array) => Value::Text(array.value(row)),
            Values::Bytes(array) => Value::Bytes(array.value(row)),
            Values::Date(values) => Value::Date(values[row]),
            Values::Timestamp(values) => Value::Timestamp(values[row]),
            Values::TimestampTz(values) => Value::TimestampTz(values[row]),
            Values::Interval(values) => {
                let IntervalMonthDayNano { months, days, nanoseconds } = values[row];
                Value::Interval(months, days, nanoseconds)
            }
        })
    }

    /// Bytes of all text or bytes values together (an upper bound: NULL rows may hide some); 0 for other types.
    pub(super) fn variable_bytes(&self) -> usize {
        let ends = match &self.values {
            Values::Text(array) => array.value_offsets(),
            Values::Bytes(array) => array.value_offsets(),
            _ => return 0,
        };
        match (ends.first(), ends.last()) {
            (Some(first), Some(last)) => usize::try_from(last - first).unwrap_or(0),
            _ => 0,
        }
    }
}
