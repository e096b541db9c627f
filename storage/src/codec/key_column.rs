//! One column of a key as bytes: a marker, then the payload.
//!
//! Markers sort NULL to its side whatever the direction; descending inverts the payload only.

use super::Value;
use super::value::{canonical_f32, canonical_f64};
use crate::{ColumnType, KeyColumn, Result, StorageError};

/// NULL of a column with NULLS FIRST.
const NULL_FIRST: u8 = 0;
/// A value follows.
const VALUE: u8 = 1;
/// NULL of a column with NULLS LAST.
const NULL_LAST: u8 = 2;

/// A zero byte inside text is written as `0x00 ESCAPED_ZERO`.
const ESCAPED_ZERO: u8 = 0xff;
/// Text ends with `0x00 TERMINATOR`, which sorts before every continuation.
const TERMINATOR: u8 = 1;

const NANOS_PER_DAY: i128 = 86_400_000_000_000;
const DAYS_PER_MONTH: i128 = 30;

/// Type and direction of one key column.
#[derive(Clone, Copy, Debug)]
pub(super) struct KeyField {
    pub(super) column: ColumnType,
    /// XORed into every payload byte: 0 ascending, 0xff descending.
    mask: u8,
    null: u8,
}

impl KeyField {
    pub(super) fn new(column: ColumnType, order: KeyColumn) -> KeyField {
        KeyField {
            column,
            mask: if order.descending { 0xff } else { 0 },
            null: if order.nulls_first { NULL_FIRST } else { NULL_LAST },
        }
    }

    /// The same column ascending, NULLS LAST: the form that is hashed to the vnode.
    pub(super) fn plain(self) -> KeyField {
        KeyField { mask: 0, null: NULL_LAST, ..self }
    }

    pub(super) fn is_plain(self) -> bool {
        self.mask == 0 && self.null == NULL_LAST
    }

    /// Appends a value of the column's type.
    #[inline]
    pub(super) fn write(self, value: Option<Value<'_>>, out: &mut Vec<u8>) {
        let Some(value) = value else { return out.push(self.null) };
        out.push(VALUE);
        match value {
            Value::Boolean(v) => self.put([u8::from(v)], out),
            Value::Int16(v) => self.put((v ^ i16::MIN).to_be_bytes(), out),
            Value::Int32(v) | Value::Date(v) => self.put((v ^ i32::MIN).to_be_bytes(), out),
            Value::Int64(v) | Value::Timestamp(v) | Value::TimestampTz(v) => {
                self.put((v ^ i64::MIN).to_be_bytes(), out);
            }
            Value::UInt64(v) => self.put(v.to_be_bytes(), out),
            Value::Float32(v) => self.put(ordered_f32(v).to_be_bytes(), out),
            Value::Float64(v) => self.put(ordered_f64(v).to_be_bytes(), out),
            Value::Decimal(v) => self.put((v ^ i128::MIN).to_be_bytes(), out),
            Value::Text(v) => self.put_variable(v.as_bytes(), out),
            Value::Bytes(v) => self.put_variable(v, out),
            Value::Interval(months, days, nanos) => {
                let total = interval_days(months, days) * NANOS_PER_DAY + i128::from(nanos);
                self.put((total ^ i128::MIN).to_be_bytes(), out);
                // The total decides the order; months and days make the key give back the very same interval.
                self.put((months ^ i32::MIN).to_be_bytes(), out);
                self.put((days ^ i32::MIN).to_be_bytes(), out);
            }
        }
    }

    #[inline]
    fn put<const N: usize>(self, payload: [u8; N], out: &mut Vec<u8>) {
        out.extend_from_slice(&payload.map(|byte| byte ^ self.mask));
    }

    fn put_variable(self, bytes: &[u8], out: &mut Vec<u8>) {
        let start = out.len();
        for (i, piece) in bytes.split(|byte| *byte == 0).enumerate() {
            if i > 0 {
                out.extend_from_slice(&[0, ESCAPED_ZERO]);
            }
            out.extend_from_slice(piece);
        }
        out.extend_from_slice(&[0, TERMINATOR]);
        if self.mask != 0 {
            out[start..].iter_mut().for_each(|byte| *byte ^= self.mask);
        }
    }

    /// Moves `input` behind this column.
    pub(super) fn skip(self, input: &mut &[u8]) -> Result<()> {
        if self.read_marker(input)? {
            match payload_width(self.column) {
                Some(width) => drop(take(input, width)?),
                None => drop(take(input, self.variable_len(input)?)?),
            }
        }
        Ok(())
    }

    /// Reads this column and moves `input` behind it. Text and bytes are unescaped into `scratch`.
    pub(super) fn read<'s>(self, input: &mut &[u8], scratch: &'s mut Vec<u8>) -> Result<Option<Value<'s>>> {
        if !self.read_marker(input)? {
            return Ok(None);
        }
        Ok(Some(match self.column {
            ColumnType::Boolean => match self.get::<1>(input)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                [other] => return Err(corrupt(format!("boolean byte {other} in a key"))),
            },
            ColumnType::Int16 => Value::Int16(i16::from_be_bytes(self.get(input)?) ^ i16::MIN),
            ColumnType::Int32 => Value::Int32(i32::from_be_bytes(self.get(input)?) ^ i32::MIN),
            ColumnType::Int64 => Value::Int64(i64::from_be_bytes(self.get(input)?) ^ i64::MIN),
            ColumnType::UInt64 => Value::UInt64(u64::from_be_bytes(self.get(input)?)),
            ColumnType::Float32 => Value::Float32(from_ordered_f32(u32::from_be_bytes(self.get(input)?))),
            ColumnType::Float64 => Value::Float64(from_ordered_f64(u64::from_be_bytes(self.get(input)?))),
            ColumnType::Decimal { .. } => Value::Decimal(i128::from_be_bytes(self.get(input)?) ^ i128::MIN),
            ColumnType::Date => Value::Date(i32::from_be_bytes(self.get(input)?) ^ i32::MIN),
            ColumnType::Timestamp => Value::Timestamp(i64::from_be_bytes(self.get(input)?) ^ i64::MIN),
            ColumnType::TimestampTz => Value::TimestampTz(i64::from_be_bytes(self.get(input)?) ^ i64::MIN),
            ColumnType::Interval => self.read_interval(input)?,
            ColumnType::Bytes => Value::Bytes(self.read_variable(input, scratch)?),
            ColumnType::Text => {
                let text = std::str::from_utf8(self.read_variable(input, scratch)?);
                Value::Text(text.map_err(|e| corrupt(format!("text in a key is not UTF-8: {e}")))?)
            }
        }))
    }

    /// Whether a value follows; false is NULL.
    #[inline]
    fn read_marker(self, input: &mut &[u8]) -> Result<bool> {
        match take(input, 1)? {
            [VALUE] => Ok(true),
            [marker] if *marker == self.null => Ok(false),
            marker => Err(corrupt(format!("marker {marker:?} of a {} key column", self.column))),
        }
    }

    #[inline]
    fn get<const N: usize>(self, input: &mut &[u8]) -> Result<[u8; N]> {
        let (payload, rest) = input.split_first_chunk::<N>().ok_or_else(too_short)?;
        *input = rest;
        Ok(payload.map(|byte| byte ^ self.mask))
    }

    fn read_interval(self, input: &mut &[u8]) -> Result<Value<'static>> {
        let total = i128::from_be_bytes(self.get(input)?) ^ i128::MIN;
        let months = i32::from_be_bytes(self.get(input)?) ^ i32::MIN;
        let days = i32::from_be_bytes(self.get(input)?) ^ i32::MIN;
        let nanos = total.checked_sub(interval_days(months, days) * NANOS_PER_DAY).and_then(|n| i64::try_from(n).ok());
        let nanos = nanos.ok_or_else(|| corrupt("an interval in a key contradicts itself".to_owned()))?;
        Ok(Value::Interval(months, days, nanos))
    }

    /// Length of the text or bytes at the start of `input`, terminator included.
    fn variable_len(self, input: &[u8]) -> Result<usize> {
        let zero = self.mask;
        let mut at = 0;
        loop {
            at += input[at..].iter().position(|byte| *byte == zero).ok_or_else(too_short)?;
            let next = input.get(at + 1).ok_or_else(too_short)? ^ self.mask;
            at += 2;
            match next {
                TERMINATOR => return Ok(at),
                ESCAPED_ZERO => {}
                other => return Err(corrupt(format!("escape {other} in a {} key column", self.column))),
            }
        }
    }

    fn read_variable<'s>(self, input: &mut &[u8], scratch: &'s mut Vec<u8>) -> Result<&'s [u8]> {
        let escaped = take(input, self.variable_len(input)?)?;
        scratch.clear();
        let mut bytes = escaped[..escaped.len() - 2].iter().map(|byte| byte ^ self.mask);
        while let Some(byte) = bytes.next() {
            scratch.push(byte);
            if byte == 0 {
                bytes.next(); // the escape, which `variable_len` has checked
            }
        }
        Ok(scratch)
    }
}

/// Bytes of a value's payload; `None` for text and bytes.
pub(super) fn payload_width(column: ColumnType) -> Option<usize> {
    Some(match column {
        ColumnType::Boolean => 1,
        ColumnType::Int16 => 2,
        ColumnType::Int32 | ColumnType::Float32 | ColumnType::Date => 4,
        ColumnType::Int64 | ColumnType::UInt64 | ColumnType::Float64 => 8,
        ColumnType::Timestamp | ColumnType::TimestampTz => 8,
        ColumnType::Decimal { .. } => 16,
        ColumnType::Interval => 24,
        ColumnType::Text | ColumnType::Bytes => return None,
    })
}

/// Bits whose unsigned order is Postgres' float order: negative numbers are inverted, others get the sign bit set.
fn ordered_f32(value: f32) -> u32 {
    let bits = canonical_f32(value).to_bits();
    if bits >> 31 == 1 { !bits } else { bits ^ (1 << 31) }
}

fn from_ordered_f32(ordered: u32) -> f32 {
    f32::from_bits(if ordered >> 31 == 1 { ordered ^ (1 << 31) } else { !ordered })
}

/// As [`ordered_f32`].
fn ordered_f64(value: f64) -> u64 {
    let bits = canonical_f64(value).to_bits();
    if bits >> 63 == 1 { !bits } else { bits ^ (1 << 63) }
}

fn from_ordered_f64(ordered: u64) -> f64 {
    f64::from_bits(if ordered >> 63 == 1 { ordered ^ (1 << 63) } else { !ordered })
}

/// Days of the months and days of an interval, a month counted as 30 days as Postgres does to compare intervals.
fn interval_days(months: i32, days: i32) -> i128 {
    i128::from(months) * DAYS_PER_MONTH + i128::from(days)
}

fn take<'a>(input: &mut &'a [u8], len: usize) -> Result<&'a [u8]> {
    let (taken, rest) = input.split_at_checked(len).ok_or_else(too_short)?;
    *input = rest;
    Ok(taken)
}

fn too_short() -> StorageError {
    corrupt("a key ends within a column".to_owned())
}

fn corrupt(reason: String) -> StorageError {
    StorageError::Corrupt(reason)
}
