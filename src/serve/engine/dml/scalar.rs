//! Scalars as storage values, without going through arrays.

use attune_storage::codec::Value;
use datafusion::scalar::ScalarValue;

/// The storage value of a scalar of a type that can be stored; outer `None` for other types, inner for NULL.
pub(super) fn value(scalar: &ScalarValue) -> Option<Option<Value<'_>>> {
    Some(match scalar {
        ScalarValue::Null => None,
        ScalarValue::Boolean(v) => v.map(Value::Boolean),
        ScalarValue::Int16(v) => v.map(Value::Int16),
        ScalarValue::Int32(v) => v.map(Value::Int32),
        ScalarValue::Int64(v) => v.map(Value::Int64),
        ScalarValue::Float32(v) => v.map(Value::Float32),
        ScalarValue::Float64(v) => v.map(Value::Float64),
        ScalarValue::Decimal128(v, _, _) => v.map(Value::Decimal),
        ScalarValue::Utf8(v) => v.as_deref().map(Value::Text),
        ScalarValue::Binary(v) => v.as_deref().map(Value::Bytes),
        ScalarValue::Date32(v) => v.map(Value::Date),
        ScalarValue::TimestampMicrosecond(v, None) => v.map(Value::Timestamp),
        ScalarValue::TimestampMicrosecond(v, Some(_)) => v.map(Value::TimestampTz),
        ScalarValue::IntervalMonthDayNano(v) => v.map(|v| Value::Interval(v.months, v.days, v.nanoseconds)),
        _ => return None,
    })
}
