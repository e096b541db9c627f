//! Sums of integers and decimals.

use super::Fault;
use crate::dataflow::operator::state_bytes::{damaged, get_byte, get_signed, put_signed, take};
use arrow::datatypes::i256;
use attune_storage::ColumnType;
use attune_storage::codec::Value;

/// The exact sum of integers (for decimals: of their unscaled integers) and their number. 256 bits hold the sum of 2^63
/// values of 128 bits, so that a sum which does not fit its type for a while is right again after deletes.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExactTotal {
    pub(super) count: i64,
    pub(super) sum: i256,
}

impl Default for ExactTotal {
    fn default() -> ExactTotal {
        ExactTotal { count: 0, sum: i256::ZERO }
    }
}

impl ExactTotal {
    /// Adds `value` `weight` times.
    #[inline]
    pub(super) fn add(&mut self, value: i128, weight: i64) {
        let value = i256::from_i128(value);
        self.sum = match weight {
            1 => self.sum.wrapping_add(value),
            -1 => self.sum.wrapping_sub(value),
            _ => self.sum.wrapping_add(value.wrapping_mul(i256::from_i128(i128::from(weight)))),
        };
        self.count = self.count.wrapping_add(weight);
    }

    /// Appends count and sum: the sum in as many bytes as it needs, little endian, two's complement.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_signed(self.count, out);
        put_trimmed(&self.sum.to_le_bytes(), out);
    }

    /// Reads what [`ExactTotal::write`] wrote.
    pub(super) fn read(input: &mut &[u8]) -> Result<ExactTotal, Fault> {
        let count = get_signed(input)?;
        if count < 0 {
            return Err(damaged("a sum that cannot be"));
        }
        Ok(ExactTotal { count, sum: i256::from_le_bytes(get_trimmed(input)?) })
    }
}

/// Appends an integer in as many bytes as it needs, their number in front; little endian, two's complement.
pub(super) fn put_trimmed(bytes: &[u8], out: &mut Vec<u8>) {
    let sign = if bytes.last().is_some_and(|byte| *byte >= 0x80) { 0xff } else { 0 };
    let mut len = bytes.len();
    while len > 0 && bytes[len - 1] == sign && (len == 1 || (bytes[len - 2] ^ sign) < 0x80) {
        len -= 1;
    }
    // -1 is all sign: one byte must stay to tell it from 0.
    let len = if sign == 0 { len } else { len.max(1) };
    out.push(len as u8);
    out.extend_from_slice(&bytes[..len]);
}

/// Reads what [`put_trimmed`] wrote of an integer of `N` bytes.
pub(super) fn get_trimmed<const N: usize>(input: &mut &[u8]) -> Result<[u8; N], Fault> {
    let len = usize::from(get_byte(input)?);
    if len > N {
        return Err(damaged("an integer of too many bytes"));
    }
    let stored = take(input, len)?;
    let negative = stored.last().is_some_and(|byte| *byte >= 0x80);
    let mut bytes = [if negative { 0xff } else { 0 }; N];
    bytes[..len].copy_from_slice(stored);
    Ok(bytes)
}

/// What a decimal of 38 digits, as most results have, does not reach.
const MOST: u128 = 10u128.pow(38);

/// `value` as a value of type `column`; `None` when it does not fit.
pub(super) fn fit(value: i256, column: ColumnType) -> Option<Value<'static>> {
    let value = value.to_i128()?;
    Some(match column {
        ColumnType::Int16 => Value::Int16(value.try_into().ok()?),
        ColumnType::Int32 => Value::Int32(value.try_into().ok()?),
        ColumnType::Int64 => Value::Int64(value.try_into().ok()?),
        ColumnType::UInt64 => Value::UInt64(value.try_into().ok()?),
        ColumnType::Float32 => Value::Float32(value as f32),
        ColumnType::Float64 => Value::Float64(value as f64),
        ColumnType::Decimal { precision, .. } => {
            let limit = if precision == 38 { MOST } else { 10u128.checked_pow(u32::from(precision))? };
            (value.unsigned_abs() < limit).then_some(Value::Decimal(value))?
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_comes_back_and_is_short() {
        for (value, len) in [(0i128, 2), (1, 3), (-1, 3), (127, 3), (128, 4), (-128, 3), (-129, 4), (i128::MAX, 18)] {
            let mut total = ExactTotal::default();
            total.add(value, 1);
            let mut bytes = Vec::new();
            total.write(&mut bytes);
            assert_eq!(bytes.len(), len, "{value}");
            let back = ExactTotal::read(&mut bytes.as_slice()).unwrap();
            assert_eq!((back.sum, back.count), (total.sum, 1), "{value}");
        }
    }

    #[test]
    fn an_overflow_is_undone_by_deletes() {
        let mut total = ExactTotal::default();
        total.add(i128::MAX, 3);
        assert_eq!(fit(total.sum, ColumnType::Int64), None);
        total.add(i128::MAX, -3);
        total.add(7, 1);
        assert_eq!(fit(total.sum, ColumnType::Int64), Some(Value::Int64(7)));
    }
}
