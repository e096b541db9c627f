//! Values as Postgres' output functions print them.

use super::calendar::{write_date, write_time, write_timestamp};
use super::{bytea, float, integer, numeric};
use attune_sql::types::SqlType;
use attune_storage::codec::Value;
use bytes::{BufMut, BytesMut};

/// Appends the text of a value. `sql_type` gives the scale of a numeric; the rest is in the value.
#[inline]
pub(in crate::serve) fn write_text(out: &mut BytesMut, value: Value<'_>, sql_type: SqlType) {
    match value {
        Value::Boolean(v) => out.put_u8(if v { b't' } else { b'f' }),
        Value::Int16(v) => integer::write(out, i64::from(v)),
        Value::Int32(v) => integer::write(out, i64::from(v)),
        Value::Int64(v) => integer::write(out, v),
        Value::UInt64(v) => integer::write_unsigned(out, v, 1),
        Value::Float32(v) => float::write_real(out, v),
        Value::Float64(v) => float::write_double(out, v),
        Value::Decimal(v) => numeric::write_text(out, v, numeric::scale_of(sql_type)),
        Value::Text(v) => out.put_slice(v.as_bytes()),
        Value::Bytes(v) => bytea::write_hex(out, v),
        Value::Date(v) => write_date(out, v),
        Value::Timestamp(v) => write_timestamp(out, v, b""),
        Value::TimestampTz(v) => write_timestamp(out, v, b"+00"),
        Value::Interval(months, days, nanos) => write_interval(out, months, days, nanos / 1_000),
    }
}

/// `1 year 2 mons -3 days +04:05:06`: as `EncodeInterval` of Postgres' `datetime.c` does for IntervalStyle `postgres`.
fn write_interval(out: &mut BytesMut, months: i32, days: i32, micros: i64) {
    let mut empty = true;
    let mut after_negative = false;
    for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if value == 0 {
            continue;
        }
        if !empty {
            out.put_u8(b' ');
        }
        if after_negative && value > 0 {
            out.put_u8(b'+');
        }
        integer::write(out, i64::from(value));
        out.put_u8(b' ');
        out.put_slice(unit.as_bytes());
        if value != 1 {
            out.put_u8(b's');
        }
        after_negative = value < 0;
        empty = false;
    }
    if empty || micros != 0 {
        if !empty {
            out.put_u8(b' ');
        }
        if micros < 0 {
            out.put_u8(b'-');
        } else if after_negative {
            out.put_u8(b'+');
        }
        write_time(out, micros.unsigned_abs());
    }
}
