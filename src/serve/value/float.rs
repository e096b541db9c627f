//! Floats as Postgres 12 and later print them: the shortest digits that read back as the same value.

use bytes::{BufMut, BytesMut};
use std::fmt::{LowerExp, Write as _};

/// Postgres writes an exponent from this power of ten on: FLT_DIG and DBL_DIG of C.
const REAL_DIGITS: i32 = 6;
const DOUBLE_DIGITS: i32 = 15;

/// Appends a `real`.
pub(super) fn write_real(out: &mut BytesMut, value: f32) {
    match special(f64::from(value)) {
        Some(name) => out.put_slice(name),
        None => write_shortest(out, value, REAL_DIGITS),
    }
}

/// Appends a `double precision`.
pub(super) fn write_double(out: &mut BytesMut, value: f64) {
    match special(value) {
        Some(name) => out.put_slice(name),
        None => write_shortest(out, value, DOUBLE_DIGITS),
    }
}

fn special(value: f64) -> Option<&'static [u8]> {
    if value.is_nan() {
        Some(b"NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { b"Infinity" } else { b"-Infinity" })
    } else {
        None
    }
}

/// `{:e}` of Rust gives the shortest digits and the exponent; only the layout is Postgres' own.
fn write_shortest(out: &mut BytesMut, value: impl LowerExp, most_digits: i32) {
    let mut text = Scientific { bytes: [0; 40], length: 0 };
    // Shortest digits of an f64 are at most 17, so this always fits.
    let _ = write!(text, "{value:e}");
    let text = &text.bytes[..text.length];
    let (negative, text) = match text.split_first() {
        Some((b'-', rest)) => (true, rest),
        _ => (false, text),
    };
    let split = text.iter().position(|byte| *byte == b'e').unwrap_or(text.len());
    let exponent =
        std::str::from_utf8(&text[(split + 1).min(text.len())..]).ok().and_then(|e| e.parse().ok()).unwrap_or(0);
    let first = text[0];
    let rest = if split > 2 { &text[2..split] } else { &[] };
    if negative {
        out.put_u8(b'-');
    }
    if exponent < -4 || exponent >= most_digits {
        write_scientific(out, first, rest, exponent);
    } else {
        write_plain(out, first, rest, exponent);
    }
}

fn write_scientific(out: &mut BytesMut, first: u8, rest: &[u8], exponent: i32) {
    out.put_u8(first);
    if !rest.is_empty() {
        out.put_u8(b'.');
        out.put_slice(rest);
    }
    out.put_slice(if exponent < 0 { b"e-" } else { b"e+" });
    super::integer::write_unsigned(out, u64::from(exponent.unsigned_abs()), 2);
}

fn write_plain(out: &mut BytesMut, first: u8, rest: &[u8], exponent: i32) {
    if exponent < 0 {
        out.put_slice(b"0.");
        out.put_bytes(b'0', (-exponent - 1) as usize);
        out.put_u8(first);
        out.put_slice(rest);
        return;
    }
    let before = exponent as usize;
    out.put_u8(first);
    if rest.len() <= before {
        out.put_slice(rest);
        out.put_bytes(b'0', before - rest.len());
    } else {
        out.put_slice(&rest[..before]);
        out.put_u8(b'.');
        out.put_slice(&rest[before..]);
    }
}

/// Text on the stack.
struct Scientific {
    bytes: [u8; 40],
    length: usize,
}

impl std::fmt::Write for Scientific {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}
