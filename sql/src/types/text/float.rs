//! Floats as Postgres 12 and later print them: the shortest digits that read back as the same value.

use super::{push, push_zeros, write_unsigned};
use std::fmt::{LowerExp, Write};

/// Postgres writes an exponent from this power of ten on: FLT_DIG and DBL_DIG of C.
const REAL_DIGITS: i32 = 6;
const DOUBLE_DIGITS: i32 = 15;
/// Sign, 17 digits, point and exponent take less.
const SCIENTIFIC_BYTES: usize = 40;

/// Appends a `real`.
pub fn write_real(out: &mut impl Write, value: f32) {
    match special(f64::from(value)) {
        Some(name) => push(out, name),
        None => write_shortest(out, value, REAL_DIGITS),
    }
}

/// Appends a `double precision`.
pub fn write_double(out: &mut impl Write, value: f64) {
    match special(value) {
        Some(name) => push(out, name),
        None => write_shortest(out, value, DOUBLE_DIGITS),
    }
}

fn special(value: f64) -> Option<&'static str> {
    if value.is_nan() {
        Some("NaN")
    } else if value.is_infinite() {
        Some(if value > 0.0 { "Infinity" } else { "-Infinity" })
    } else {
        None
    }
}

/// `{:e}` of Rust gives the shortest digits and the exponent; only the layout is Postgres' own.
fn write_shortest(out: &mut impl Write, value: impl LowerExp, most_digits: i32) {
    let mut text = Scientific { bytes: [0; SCIENTIFIC_BYTES], length: 0 };
    // There is room for it.
    let _ = write!(text, "{value:e}");
    let text = std::str::from_utf8(&text.bytes[..text.length]).unwrap_or_default();
    let (sign, text) = text.strip_prefix('-').map_or(("", text), |rest| ("-", rest));
    let (mantissa, exponent) = text.split_once('e').unwrap_or((text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (first, rest) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    push(out, sign);
    if exponent < -4 || exponent >= most_digits {
        write_scientific(out, first, rest, exponent);
    } else {
        write_plain(out, first, rest, exponent);
    }
}

fn write_scientific(out: &mut impl Write, first: &str, rest: &str, exponent: i32) {
    push(out, first);
    if !rest.is_empty() {
        push(out, ".");
        push(out, rest);
    }
    push(out, if exponent < 0 { "e-" } else { "e+" });
    write_unsigned(out, u64::from(exponent.unsigned_abs()), 2);
}

/// `1`, `25` and exponent 1: `12.5`.
fn write_plain(out: &mut impl Write, first: &str, rest: &str, exponent: i32) {
    let Ok(before) = usize::try_from(exponent) else {
        push(out, "0.");
        push_zeros(out, exponent.unsigned_abs() as usize - 1);
        push(out, first);
        return push(out, rest);
    };
    push(out, first);
    match rest.split_at_checked(before) {
        Some((whole, "")) => push(out, whole),
        Some((whole, fraction)) => {
            push(out, whole);
            push(out, ".");
            push(out, fraction);
        }
        None => {
            push(out, rest);
            push_zeros(out, before - rest.len());
        }
    }
}

/// Text on the stack.
struct Scientific {
    bytes: [u8; SCIENTIFIC_BYTES],
    length: usize,
}

impl Write for Scientific {
    fn write_str(&mut self, text: &str) -> std::fmt::Result {
        let room = self.bytes.get_mut(self.length..self.length + text.len()).ok_or(std::fmt::Error)?;
        room.copy_from_slice(text.as_bytes());
        self.length += text.len();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::written;
    use super::*;

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn floats_are_as_postgres_prints_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (12.5, "12.5"),
            (100.0, "100"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e15, "1e+15"),
            (-1.25e300, "-1.25e+300"),
            (-f64::MIN_POSITIVE, "-2.2250738585072014e-308"),
            (f64::NAN, "NaN"),
            (f64::INFINITY, "Infinity"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            assert_eq!(written(|out| write_double(out, value)), expected);
        }
        assert_eq!(written(|out| write_real(out, 1e6)), "1e+06");
        assert_eq!(written(|out| write_real(out, 123_456.0)), "123456");
    }
}
