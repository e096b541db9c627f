//! `numeric`: an unscaled integer of up to 38 digits with a fixed scale.

use attune_sql::types::SqlType;
use attune_sql::types::text::Digits;
use attune_sql::{SqlError, SqlState};
use bytes::{BufMut, BytesMut};

/// Signs of the binary form.
const POSITIVE: u16 = 0;
const NEGATIVE: u16 = 0x4000;
const NAN: u16 = 0xc000;
const PLUS_INFINITY: u16 = 0xd000;
const MINUS_INFINITY: u16 = 0xf000;

/// A number brought to a scale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::serve) struct Exact {
    /// The unscaled integer, rounded half away from zero.
    pub(in crate::serve) unscaled: i128,
    /// Whether nothing was lost by rounding.
    pub(in crate::serve) exact: bool,
}

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

/// Reads `-12.5`, `.5`, `1e3`. `None` when it is no number.
///
/// # Errors
/// 22003 when it has too many digits, 0A000 for NaN and infinities.
pub(in crate::serve) fn parse_text(text: &str, scale: i8) -> Result<Option<Exact>, SqlError> {
    let text = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let (negative, unsigned) = match text.as_bytes().first() {
        Some(b'-') => (true, &text[1..]),
        Some(b'+') => (false, &text[1..]),
        _ => (false, text),
    };
    if ["nan", "inf", "infinity"].iter().any(|name| unsigned.eq_ignore_ascii_case(name)) {
        return Err(not_finite());
    }
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => match exponent.parse::<i32>() {
            Ok(exponent) if exponent.abs() < 100_000 => (mantissa, exponent),
            _ => return Ok(None),
        },
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit()) {
        return Ok(None);
    }
    let digits = whole.bytes().chain(fraction.bytes()).map(|byte| byte - b'0');
    collect(digits, whole.len() as i64 - 1 + i64::from(exponent), scale, negative).map(Some)
}

/// Reads the binary form; `None` when the bytes are none.
///
/// # Errors
/// As [`parse_text`].
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
    collect(decimal, weight * 4 + 3, scale, negative).map(Some)
}

/// The number whose decimal digits start at `10 ^ power`.
fn collect(digits: impl Iterator<Item = u8>, mut power: i64, scale: i8, negative: bool) -> Result<Exact, SqlError> {
    let last = -i64::from(scale);
    let mut sum: i128 = 0;
    let (mut exact, mut round_up) = (true, false);
    for digit in digits {
        if power >= last {
            sum = sum.checked_mul(10).and_then(|sum| sum.checked_add(i128::from(digit))).ok_or_else(too_large)?;
        } else {
            // The first digit that does not fit decides, half away from zero.
            round_up |= power == last - 1 && digit >= 5;
            exact &= digit == 0;
        }
        power -= 1;
    }
    let missing = power + 1 - last;
    if sum != 0 && missing > 0 {
        let factor = u32::try_from(missing).ok().and_then(|missing| 10_i128.checked_pow(missing));
        sum = factor.and_then(|factor| sum.checked_mul(factor)).ok_or_else(too_large)?;
    }
    let unscaled = sum.checked_add(i128::from(round_up)).ok_or_else(too_large)?;
    Ok(Exact { unscaled: if negative { -unscaled } else { unscaled }, exact })
}

/// Refuses a number with more digits than `precision`.
pub(super) fn check(unscaled: i128, precision: u8, scale: i8) -> Result<i128, SqlError> {
    match 10_u128.checked_pow(u32::from(precision)) {
        Some(limit) if unscaled.unsigned_abs() < limit => Ok(unscaled),
        _ => {
            let whole = i16::from(precision) - i16::from(scale);
            Err(SqlError::new(SqlState::NumericValueOutOfRange, "numeric field overflow").with_detail(format!(
                "A field with precision {precision}, scale {scale} must round to an absolute value less than 10^{whole}."
            )))
        }
    }
}

fn too_large() -> SqlError {
    SqlError::new(SqlState::NumericValueOutOfRange, "numeric field overflow")
        .with_detail("A numeric has at most 38 digits.")
        .with_hint("Use double precision or text for larger numbers.")
}

fn not_finite() -> SqlError {
    SqlError::unsupported("numeric has no NaN and no infinity", "Use double precision.")
}
