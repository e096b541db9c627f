//! Integers as decimal digits.

use bytes::{BufMut, BytesMut};

/// Most digits of a u128.
const MAX_DIGITS: usize = 39;

/// The decimal digits of `value`, without leading zeros; zero is `0`. They end at the end of `buffer`.
pub(super) fn digits(mut value: u128, buffer: &mut [u8; MAX_DIGITS]) -> &[u8] {
    let mut at = MAX_DIGITS;
    // Division of 128 bits is slow: only the part above 64 bits is divided so.
    while value > u128::from(u64::MAX) {
        at -= 1;
        buffer[at] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    let mut small = value as u64;
    loop {
        at -= 1;
        buffer[at] = b'0' + (small % 10) as u8;
        small /= 10;
        if small == 0 {
            return &buffer[at..];
        }
    }
}

/// An empty buffer for [`digits`].
pub(super) const fn buffer() -> [u8; MAX_DIGITS] {
    [b'0'; MAX_DIGITS]
}

/// Appends a signed integer.
#[inline]
pub(super) fn write(out: &mut BytesMut, value: i64) {
    if value < 0 {
        out.put_u8(b'-');
    }
    write_unsigned(out, value.unsigned_abs(), 1);
}

/// Appends an unsigned integer, padded with zeros to `width` digits.
#[inline]
pub(super) fn write_unsigned(out: &mut BytesMut, value: u64, width: usize) {
    let mut buffer = buffer();
    let digits = digits(u128::from(value), &mut buffer);
    for _ in digits.len()..width {
        out.put_u8(b'0');
    }
    out.put_slice(digits);
}
