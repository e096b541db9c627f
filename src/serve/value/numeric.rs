//! `numeric`: an unscaled integer of up to 38 digits with a fixed scale.

use attune_sql::SqlError;
use attune_sql::types::SqlType;
use attune_sql::types::text::{Digits, exact_of_digits};
pub(in crate::serve) use attune_sql::types::text::{Exact, check_precision as check, read_exact as parse_text};
use bytes::{BufMut, BytesMut};

/// Signs of the binary form.
const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const PLUS_INFINITY: u16 = 0xd000;
const MINUS_INFINITY: u16 = 0xf000;

/// Digits right of the point of a numeric type; 0 for others.
pub(super) fn scale_of(sql_type: SqlType) -> i8 {
    match sql_type {
        SqlType::Numeric { scale, .. } => scale,
        _ => 0,
    }
}

/// Appends `-12.50`: always with all digits of the scale.
pub(super) fn write_text(out: &mut BytesMut, unscaled: i128, scale: i8) {
    let digits = Digits::of(unscaled.unsigned_abs());
    let digits = digits.as_bytes();
    if unscaled < 0 {
        out.put_u8(b'-');
    }
    if scale <= 0 {
        out.put_slice(digits);
        if unscaled != 0 {
            out.put_bytes(b'0', usize::from(scale.unsigned_abs()));
        }
        return;
    }
    let after = usize::from(scale.unsigned_abs());
    if digits.len() <= after {
        out.put_slice(b"0.");
        out.put_bytes(b'0', after - digits.len());
        out.put_slice(digits);
    } else {
        let (before, fraction) = digits.split_at(digits.len() - after);
        out.put_slice(before);
        out.put_u8(b'.');
        out.put_slice(fraction);
    }
}

/// Appends the binary form: digits of base 10,000 aligned at the point, without zeros at either end.
pub(super) fn write_binary(out: &mut BytesMut, unscaled: i128, scale: i8) {
    let digits = Digits::of(unscaled.unsigned_abs());
    let digits = digits.as_bytes();
    // Position of a decimal digit: its power of ten. Four of them, from a multiple of four on, are one digit here.
    let low = -i32::from(scale);
    let high = low + digits.len() as i32 - 1;
    let group_of = |power: i32| power.div_euclid(4);
    let digit_at = |power: i32| match usize::try_from(high - power) {
        Ok(index) if power >= low => digits.get(index).map_or(0, |byte| i16::from(byte - b'0')),
        _ => 0,
    };
    let value_of = |group: i32| (0..4).rev().fold(0, |sum, i| sum * 10 + digit_at(group * 4 + i));
    let (mut first, mut last) = (group_of(high), group_of(low));
    while first >= last && value_of(first) == 0 {
        first -= 1;
    }
    while last < first && value_of(last) == 0 {
        last += 1;
    }
    let count = if first < last { 0 } else { first - last + 1 };
    out.put_i16(count as i16);
    out.put_i16(if count == 0 { 0 } else { first as i16 });
    out.put_u16(if unscaled < 0 { NEGATIVE } else { POSITIVE });
    out.put_u16(u16::from(scale.max(0).unsigned_abs()));
    for group in (last..first + 1).rev() {
        out.put_i16(value_of(group));
    }
}

/// Reads the binary form; `None` when the bytes are none.
///
/// # Errors
/// 22003 when it has too many digits, 0A000 for NaN and infinities.
pub(in crate::serve) fn parse_binary(bytes: &[u8], scale: i8) -> Result<Option<Exact>, SqlError> {
    let Some((header, digits)) = bytes.split_first_chunk::<8>() else { return Ok(None) };
    let word = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let negative = match word(4) {
        POSITIVE => false,
        NEGATIVE => true,
        NAN | PLUS_INFINITY | MINUS_INFINITY => return Err(not_finite()),
        _ => return Ok(None),
    };
    if digits.len() != 2 * usize::from(word(0)) {
        return Ok(None);
    }
    let digits = digits.chunks_exact(2).map(|pair| i16::from_be_bytes([pair[0], pair[1]]));
    if digits.clone().any(|digit| !(0..10_000).contains(&digit)) {
        return Ok(None);
    }
    let decimal = digits.flat_map(|digit| [1_000, 100, 10, 1].map(|unit| (digit / unit % 10) as u8));
    let weight = i64::from(word(2) as i16);
    exact_of_digits(decimal, weight * 4 + 3, scale, negative).map(Some)
}

fn not_finite() -> SqlError {
    SqlError::unsupported("numeric has no NaN and no infinity", "Use double precision.")
}
