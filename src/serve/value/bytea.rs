//! `bytea` as text: hex, and on input also the old escape form.

use attune_sql::{SqlError, SqlState};
use bytes::{BufMut, BytesMut};

/// Appends `\x` and two digits per byte.
pub(super) fn write_hex(out: &mut BytesMut, bytes: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 + 2 * bytes.len());
    out.put_slice(b"\\x");
    for byte in bytes {
        out.put_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    }
}

/// Reads `\x00ff` (white space between bytes allowed) or `a\\b\000`.
pub(super) fn parse(text: &str) -> Result<Vec<u8>, SqlError> {
    match text.strip_prefix("\\x") {
        Some(hex) => parse_hex(hex),
        None => parse_escaped(text.as_bytes()),
    }
}

fn parse_hex(hex: &str) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    let mut high = None;
    for character in hex.chars() {
        let Some(digit) = character.to_digit(16) else {
            if high.is_none() && character.is_ascii_whitespace() {
                continue;
            }
            return Err(invalid(format!("invalid hexadecimal digit: \"{character}\"")));
        };
        match high.take() {
            None => high = Some(digit),
            Some(first) => bytes.push((first * 16 + digit) as u8),
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(invalid("invalid hexadecimal data: odd number of digits".to_owned())),
    }
}

fn parse_escaped(text: &[u8]) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    while let [first, tail @ ..] = rest {
        let octal = |digit: u8, most: u8| (b'0'..=most).contains(&digit);
        match (first, tail) {
            (b'\\', [b'\\', tail @ ..]) => {
                bytes.push(b'\\');
                rest = tail;
            }
            (b'\\', [a, b, c, tail @ ..]) if octal(*a, b'3') && octal(*b, b'7') && octal(*c, b'7') => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = tail;
            }
            (b'\\', _) => return Err(invalid("invalid input syntax for type bytea".to_owned())),
            (byte, tail) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    Ok(bytes)
}

fn invalid(message: String) -> SqlError {
    SqlError::new(SqlState::InvalidTextRepresentation, message)
}
