//! Values as Postgres' `_send` functions write them.

use super::numeric;
use attune_sql::types::SqlType;
use attune_sql::types::calendar::{POSTGRES_EPOCH_DAYS, POSTGRES_EPOCH_US};
use attune_storage::codec::Value;
use bytes::{BufMut, BytesMut};

/// Appends the binary form of a value. `sql_type` gives the scale of a numeric.
#[inline]
pub(super) fn write_binary(out: &mut BytesMut, value: Value<'_>, sql_type: SqlType) {
    match value {
        Value::Boolean(v) => out.put_u8(u8::from(v)),
        Value::Int16(v) => out.put_i16(v),
        Value::Int32(v) => out.put_i32(v),
        Value::Int64(v) => out.put_i64(v),
        // SQL has no unsigned type: columns of it are announced as bigint.
        Value::UInt64(v) => out.put_i64(i64::try_from(v).unwrap_or(i64::MAX)),
        Value::Float32(v) => out.put_f32(v),
        Value::Float64(v) => out.put_f64(v),
        Value::Decimal(v) => numeric::write_binary(out, v, numeric::scale_of(sql_type)),
        Value::Text(v) => out.put_slice(v.as_bytes()),
        Value::Bytes(v) => out.put_slice(v),
        // Saturating: the ends are Postgres' infinities.
        Value::Date(v) => out.put_i32(v.saturating_sub(POSTGRES_EPOCH_DAYS)),
        Value::Timestamp(v) | Value::TimestampTz(v) => out.put_i64(v.saturating_sub(POSTGRES_EPOCH_US)),
        Value::Interval(months, days, nanos) => {
            out.put_i64(nanos / 1_000);
            out.put_i32(days);
            out.put_i32(months);
        }
    }
}
