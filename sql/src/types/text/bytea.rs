//! `bytea`: hex, and on input also the old escape form.

use super::push;
use crate::{SqlError, SqlState};
use std::fmt::Write;

const DIGITS: &[u8; 16] = b"0123456789abcdef";
/// Bytes that are written together.
const TOGETHER: usize = 32;

/// Appends `\x` and two digits per byte.
pub fn write_bytea(out: &mut impl Write, bytes: &[u8]) {
    push(out, "\\x");
    for some in bytes.chunks(TOGETHER) {
        let mut hex = [0; 2 * TOGETHER];
        for (pair, byte) in hex.chunks_exact_mut(2).zip(some) {
            pair.copy_from_slice(&[DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
        }
        // They are ASCII.
        push(out, std::str::from_utf8(&hex[..2 * some.len()]).unwrap_or_default());
    }
}

/// Reads `\x00ff` (white space between bytes allowed) or `a\\b\000`.
///
/// # Errors
/// 22023 for what is no hexadecimal, 22P02 for what is neither.
pub fn read_bytea(text: &str) -> Result<Vec<u8>, SqlError> {
    match text.strip_prefix("\\x") {
        Some(hex) => read_hex(hex),
        None => read_escaped(text.as_bytes()),
    }
}

fn read_hex(hex: &str) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::with_capacity(hex.len() / 2);
    let mut high = None;
    for character in hex.chars() {
        let Some(digit) = character.to_digit(16) else {
            if high.is_none() && character.is_ascii_whitespace() {
                continue;
            }
            return Err(no_hex(format!("invalid hexadecimal digit: \"{character}\"")));
        };
        match high.take() {
            None => high = Some(digit),
            Some(first) => bytes.push((first * 16 + digit) as u8),
        }
    }
    match high {
        None => Ok(bytes),
        Some(_) => Err(no_hex("invalid hexadecimal data: odd number of digits".to_owned())),
    }
}

fn read_escaped(text: &[u8]) -> Result<Vec<u8>, SqlError> {
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
            (b'\\', _) => {
                return Err(SqlError::new(SqlState::InvalidTextRepresentation, "invalid input syntax for type bytea"));
            }
            (byte, tail) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    Ok(bytes)
}

/// The code that PostgreSQL has for it, though its text is no value.
fn no_hex(message: String) -> SqlError {
    SqlError::new(SqlState::InvalidParameterValue, message)
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    #[test]
    fn bytes_are_read_in_both_forms() {
        assert_eq!(read_bytea("\\x00 fF"), Ok(vec![0, 255]));
        assert_eq!(read_bytea("a\\\\\\377"), Ok(vec![b'a', b'\\', 255]));
        for wrong in ["\\9", "\\400"] {
            assert_eq!(read_bytea(wrong).map_err(|e| e.state), Err(SqlState::InvalidTextRepresentation), "{wrong}");
        }
        for (wrong, message) in [
            ("\\xabc", "invalid hexadecimal data: odd number of digits"),
            ("\\xag", "invalid hexadecimal digit: \"g\""),
            ("\\x0 0", "invalid hexadecimal digit: \" \""),
        ] {
            let error = SqlError::new(SqlState::InvalidParameterValue, message);
            assert_eq!(read_bytea(wrong), Err(error), "{wrong}");
        }
        assert_eq!(written(|out| write_bytea(out, &[0, 255])), "\\x00ff");
        let many = vec![0xa5; 2 * TOGETHER + 1];
        assert_eq!(written(|out| write_bytea(out, &many)), "\\x".to_owned() + &"a5".repeat(many.len()));
    }
}
