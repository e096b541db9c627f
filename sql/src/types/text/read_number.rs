//! Numbers from text.

use super::read::{invalid_syntax, out_of_range, trim};
use crate::types::{PLAIN_NUMERIC, SqlType};
use crate::{SqlError, SqlState};
use std::num::{IntErrorKind, ParseIntError};
use std::str::FromStr;

/// An integer of the type's width, with white space around it and a sign.
///
/// # Errors
/// 22P02, 22003.
pub fn read_integer<T: FromStr<Err = ParseIntError>>(text: &str, sql_type: SqlType) -> Result<T, SqlError> {
    trim(text).parse::<T>().map_err(|e| match e.kind() {
        IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => out_of_range(sql_type, text),
        _ => invalid_syntax(sql_type, text),
    })
}

/// A `double precision`, as it is written (-0 stays).
///
/// # Errors
/// 22P02; 22003 for a finite number that would become infinite, and for another than 0 that would become 0.
pub fn read_double(text: &str) -> Result<f64, SqlError> {
    let value: f64 = float(text, SqlType::Double)?;
    check_float(value.is_infinite(), value == 0.0, text, SqlType::Double)?;
    Ok(value)
}

/// A `real`, as [`read_double`].
///
/// # Errors
/// 22P02, 22003.
pub fn read_real(text: &str) -> Result<f32, SqlError> {
    let value: f32 = float(text, SqlType::Real)?;
    check_float(value.is_infinite(), value == 0.0, text, SqlType::Real)?;
    Ok(value)
}

fn float<T: FromStr>(text: &str, sql_type: SqlType) -> Result<T, SqlError> {
    trim(text).parse().map_err(|_| invalid_syntax(sql_type, text))
}

fn check_float(infinite: bool, zero: bool, text: &str, sql_type: SqlType) -> Result<(), SqlError> {
    let overflow = infinite && text.bytes().any(|byte| byte.is_ascii_digit());
    let mantissa = text.split(['e', 'E']).next().unwrap_or_default();
    let underflow = zero && mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte));
    if overflow || underflow { Err(out_of_range(sql_type, trim(text))) } else { Ok(()) }
}

/// A number brought to a scale.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Exact {
    /// The unscaled integer, rounded half away from zero.
    pub unscaled: i128,
    /// Whether nothing was lost by rounding.
    pub exact: bool,
}

/// The unscaled integer of a `numeric(precision, scale)`, rounded half away from zero.
///
/// # Errors
/// 22P02; 22003 when it has too many digits; 0A000 for NaN and infinities.
pub fn read_numeric(text: &str, precision: u8, scale: i8) -> Result<i128, SqlError> {
    let exact = read_exact(text, scale)?.ok_or_else(|| invalid_syntax(PLAIN_NUMERIC, text))?;
    check_precision(exact.unscaled, precision, scale)
}

/// Reads `-12.5`, `.5`, `1e3` at a scale. `None` when it is no number.
///
/// # Errors
/// 22003 when it has too many digits, 0A000 for NaN and infinities.
pub fn read_exact(text: &str, scale: i8) -> Result<Option<Exact>, SqlError> {
    let text = trim(text);
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
    exact_of_digits(digits, whole.len() as i64 - 1 + i64::from(exponent), scale, negative).map(Some)
}

/// The number whose decimal digits start at `10 ^ power`, at a scale.
///
/// # Errors
/// 22003 when it has too many digits.
pub fn exact_of_digits(
    digits: impl Iterator<Item = u8>,
    mut power: i64,
    scale: i8,
    negative: bool,
) -> Result<Exact, SqlError> {
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

/// The number, if it has at most `precision` digits.
///
/// # Errors
/// 22003.
pub fn check_precision(unscaled: i128, precision: u8, scale: i8) -> Result<i128, SqlError> {
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
