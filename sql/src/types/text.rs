//! Values as text, as Postgres' output functions print them: what a cast to text gives.

use super::calendar::{DAY_US, civil};
use crate::{SqlError, SqlState};
use std::fmt::{LowerExp, Write};

/// Postgres writes an exponent from this power of ten on: FLT_DIG and DBL_DIG of C.
const REAL_DIGITS: i32 = 6;
const DOUBLE_DIGITS: i32 = 15;

/// Appends a `real`.
pub fn write_real(out: &mut String, value: f32) {
    write_float(out, f64::from(value), value, REAL_DIGITS);
}

/// Appends a `double precision`.
pub fn write_double(out: &mut String, value: f64) {
    write_float(out, value, value, DOUBLE_DIGITS);
}

/// The shortest digits that read back as the same value, in Postgres' layout.
fn write_float(out: &mut String, value: f64, shortest: impl LowerExp, most_digits: i32) {
    if value.is_nan() {
        return out.push_str("NaN");
    }
    if value.is_infinite() {
        return out.push_str(if value > 0.0 { "Infinity" } else { "-Infinity" });
    }
    let text = format!("{shortest:e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if exponent < -4 || exponent >= most_digits {
        let sign = if exponent < 0 { '-' } else { '+' };
        write(out, format_args!("{mantissa}e{sign}{:02}", exponent.abs()));
    } else {
        write_plain(out, mantissa, exponent);
    }
}

/// `1.25` and exponent 1: `12.5`.
fn write_plain(out: &mut String, mantissa: &str, exponent: i32) {
    let (sign, mantissa) = mantissa.strip_prefix('-').map_or(("", mantissa), |rest| ("-", rest));
    let digits: String = mantissa.chars().filter(|c| *c != '.').collect();
    out.push_str(sign);
    if exponent < 0 {
        out.push_str("0.");
        out.extend(std::iter::repeat_n('0', (-exponent - 1) as usize));
        return out.push_str(&digits);
    }
    let before = exponent as usize + 1;
    match digits.split_at_checked(before) {
        Some((whole, "")) => out.push_str(whole),
        Some((whole, fraction)) => write(out, format_args!("{whole}.{fraction}")),
        None => write(out, format_args!("{digits:0<before$}")),
    }
}

/// Appends a date: `2024-01-31`, `12024-01-31`, `0044-03-15 BC`.
pub fn write_date(out: &mut String, days: i32) {
    if write_day(out, i64::from(days)) {
        out.push_str(" BC");
    }
}

/// Appends a timestamp: `2024-01-31 12:30:00.5`, with `zone` behind it.
pub fn write_timestamp(out: &mut String, micros: i64, zone: &str) {
    let before_christ = write_day(out, micros.div_euclid(DAY_US));
    out.push(' ');
    write_time(out, micros.rem_euclid(DAY_US).unsigned_abs());
    out.push_str(zone);
    if before_christ {
        out.push_str(" BC");
    }
}

/// Appends the day; true when it is before the year 1.
fn write_day(out: &mut String, days: i64) -> bool {
    let (year, month, day) = civil(days);
    let shown = if year <= 0 { 1 - year } else { year };
    write(out, format_args!("{shown:04}-{month:02}-{day:02}"));
    year <= 0
}

/// Appends `hh:mm:ss[.ffffff]`; hours may be more than 24 (intervals).
fn write_time(out: &mut String, micros: u64) {
    let seconds = micros / 1_000_000;
    write(out, format_args!("{:02}:{:02}:{:02}", seconds / 3_600, seconds / 60 % 60, seconds % 60));
    let fraction = micros % 1_000_000;
    if fraction > 0 {
        let digits = format!("{fraction:06}");
        write(out, format_args!(".{}", digits.trim_end_matches('0')));
    }
}

/// Appends an interval: `1 year 2 mons -3 days +04:05:06`, as `EncodeInterval` of Postgres' `datetime.c` does for
/// IntervalStyle `postgres`.
pub fn write_interval(out: &mut String, months: i32, days: i32, micros: i64) {
    let start = out.len();
    let mut after_negative = false;
    for (value, unit) in [(months / 12, "year"), (months % 12, "mon"), (days, "day")] {
        if value == 0 {
            continue;
        }
        let space = if out.len() > start { " " } else { "" };
        let plus = if after_negative && value > 0 { "+" } else { "" };
        let plural = if value == 1 { "" } else { "s" };
        write(out, format_args!("{space}{plus}{value} {unit}{plural}"));
        after_negative = value < 0;
    }
    let empty = out.len() == start;
    if empty || micros != 0 {
        if !empty {
            out.push(' ');
        }
        if micros < 0 {
            out.push('-');
        } else if after_negative {
            out.push('+');
        }
        write_time(out, micros.unsigned_abs());
    }
}

/// Appends bytes in Postgres' hex form.
pub fn write_bytea(out: &mut String, bytes: &[u8]) {
    out.push_str("\\x");
    bytes.iter().for_each(|byte| write(out, format_args!("{byte:02x}")));
}

/// Reads bytes: `\x00ff`, or text with `\\` and `\377`.
///
/// # Errors
/// 22P02 for what is neither.
pub fn read_bytea(text: &str) -> Result<Vec<u8>, SqlError> {
    let invalid = || SqlError::new(SqlState::InvalidTextRepresentation, "invalid input syntax for type bytea");
    match text.strip_prefix("\\x") {
        Some(digits) => read_hex(digits).ok_or_else(invalid),
        None => read_escapes(text.as_bytes()).ok_or_else(invalid),
    }
}

fn read_hex(digits: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = digits.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let nibble = |c: u8| char::from(c).to_digit(16);
    let byte = |pair: &[u8]| match pair {
        [high, low] => u8::try_from(nibble(*high)? * 16 + nibble(*low)?).ok(),
        _ => None,
    };
    digits.chunks(2).map(byte).collect()
}

fn read_escapes(text: &[u8]) -> Option<Vec<u8>> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text;
    loop {
        rest = match rest {
            [] => return Some(bytes),
            [b'\\', b'\\', rest @ ..] => {
                bytes.push(b'\\');
                rest
            }
            [b'\\', a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', rest @ ..] => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest
            }
            [b'\\', ..] => return None,
            [byte, rest @ ..] => {
                bytes.push(*byte);
                rest
            }
        };
    }
}

fn write(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(write: impl Fn(&mut String)) -> String {
        let mut out = String::new();
        write(&mut out);
        out
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn floats_are_as_postgres_prints_them() {
        let cases = [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.5, "1.5"),
            (100.0, "100"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (123_456_789_012_345.0, "123456789012345"),
            (1e15, "1e+15"),
            (-1.25e300, "-1.25e+300"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ];
        for (value, expected) in cases {
            assert_eq!(text(|out| write_double(out, value)), expected);
        }
        assert_eq!(text(|out| write_real(out, 1e6)), "1e+06");
        assert_eq!(text(|out| write_real(out, 123_456.0)), "123456");
    }

    #[test]
    fn times_are_as_postgres_prints_them() {
        assert_eq!(text(|out| write_date(out, -800_000)), "0222-09-04 BC");
        assert_eq!(text(|out| write_timestamp(out, 1_500_000, "+00")), "1970-01-01 00:00:01.5+00");
        assert_eq!(text(|out| write_timestamp(out, -1, "")), "1969-12-31 23:59:59.999999");
        assert_eq!(text(|out| write_interval(out, 14, -3, 14_706_000_000)), "1 year 2 mons -3 days +04:05:06");
        assert_eq!(text(|out| write_interval(out, 0, 0, 0)), "00:00:00");
        assert_eq!(text(|out| write_interval(out, 0, 1, -1)), "1 day -00:00:00.000001");
    }

    #[test]
    fn bytes_are_read_in_both_forms() {
        assert_eq!(read_bytea("\\x00 fF"), Ok(vec![0, 255]));
        assert_eq!(read_bytea("a\\\\\\377"), Ok(vec![b'a', b'\\', 255]));
        for wrong in ["\\x0", "\\xzz", "\\9", "\\400"] {
            assert_eq!(read_bytea(wrong).map_err(|e| e.state), Err(SqlState::InvalidTextRepresentation), "{wrong}");
        }
        assert_eq!(text(|out| write_bytea(out, &[0, 255])), "\\x00ff");
    }
}
