//! Values as Postgres' output functions print them.

use super::numeric;
use attune_sql::types::{SqlType, text};
use attune_storage::codec::Value;
use bytes::{BufMut, BytesMut};

/// Appends the text of a value. `sql_type` gives the scale of a numeric; the rest is in the value.
#[inline]
pub(in crate::serve) fn write_text(out: &mut BytesMut, value: Value<'_>, sql_type: SqlType) {
    match value {
        Value::Boolean(v) => out.put_u8(if v { b't' } else { b'f' }),
        Value::Int16(v) => text::write_integer(out, i64::from(v)),
        Value::Int32(v) => text::write_integer(out, i64::from(v)),
        Value::Int64(v) => text::write_integer(out, v),
        Value::UInt64(v) => text::write_unsigned(out, v, 1),
        Value::Float32(v) => text::write_real(out, v),
        Value::Float64(v) => text::write_double(out, v),
        Value::Decimal(v) => numeric::write_text(out, v, numeric::scale_of(sql_type)),
        Value::Text(v) => out.put_slice(v.as_bytes()),
        Value::Bytes(v) => text::write_bytea(out, v),
        Value::Date(v) => text::write_date(out, v),
        Value::Timestamp(v) => text::write_timestamp(out, v, ""),
        Value::TimestampTz(v) => text::write_timestamp(out, v, "+00"),
        Value::Interval(months, days, nanos) => text::write_interval(out, months, days, nanos / 1_000),
    }
}
