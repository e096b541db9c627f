//! Integers as decimal digits.

use super::{push, push_zeros};
use std::fmt::Write;

/// Most digits of a u128.
const MOST: usize = 39;

/// The decimal digits of an integer, without leading zeros; those of zero are `0`.
#[derive(Clone, Copy, Debug)]
pub struct Digits {
    /// They end at the end.
    bytes: [u8; MOST],
    first: usize,
}

impl Digits {
    /// The digits of `value`.
    #[must_use]
    #[inline]
    pub fn of(mut value: u128) -> Digits {
        let mut digits = Digits { bytes: [b'0'; MOST], first: MOST };
        // Division of 128 bits is slow: only the part above 64 bits is divided so.
        while value > u128::from(u64::MAX) {
            digits.prepend((value % 10) as u8);
            value /= 10;
        }
        let mut small = value as u64;
        loop {
            digits.prepend((small % 10) as u8);
            small /= 10;
            if small == 0 {
                return digits;
            }
        }
    }

    fn prepend(&mut self, digit: u8) {
        self.first -= 1;
        self.bytes[self.first] = b'0' + digit;
    }

    /// As ASCII.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[self.first..]
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        // They are ASCII.
        std::str::from_utf8(self.as_bytes()).unwrap_or_default()
    }
}

/// Appends a signed integer.
#[inline]
pub fn write_integer(out: &mut impl Write, value: i64) {
    if value < 0 {
        push(out, "-");
    }
    write_unsigned(out, value.unsigned_abs(), 1);
}

/// Appends an unsigned integer, padded with zeros to `width` digits.
#[inline]
pub fn write_unsigned(out: &mut impl Write, value: u64, width: usize) {
    let digits = Digits::of(u128::from(value));
    let text = digits.as_str();
    push_zeros(out, width.saturating_sub(text.len()));
    push(out, text);
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn integers_have_all_their_digits() {
        for value in [0, 7, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(written(|out| write_integer(out, value)), value.to_string());
        }
        for value in [0, u128::from(u64::MAX), u128::from(u64::MAX) + 1, u128::MAX] {
            assert_eq!(Digits::of(value).as_str(), value.to_string());
        }
        assert_eq!(written(|out| write_unsigned(out, 42, 4)), "0042");
        assert_eq!(written(|out| write_unsigned(out, 42, 1)), "42");
    }
}
