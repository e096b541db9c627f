//! Numbers and lines as people read them.

use std::io::Write;

/// Writes a line to stdout. A reader that went away is no reason to stop.
pub(super) fn say(line: &str) {
    let _ = writeln!(std::io::stdout().lock(), "{line}");
}

/// 165095 as `165,095`.
pub(super) fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// Microseconds as `140 µs`, `8.1 ms` or `2.4 s`.
pub(super) fn delay(micros: u64) -> String {
    match micros {
        0..1_000 => format!("{micros} µs"),
        1_000..1_000_000 => format!("{:.1} ms", micros as f64 / 1e3),
        _ => format!("{:.1} s", micros as f64 / 1e6),
    }
}

/// A text in exactly `width` characters, cut or filled with spaces.
pub(super) fn column(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return format!("{text:width$}");
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_grouped() {
        assert_eq!(
            [0, 12, 999, 1_000, 165_095, 1_000_000].map(thousands),
            ["0", "12", "999", "1,000", "165,095", "1,000,000"]
        );
    }

    #[test]
    fn delays_have_a_fitting_unit() {
        assert_eq!([0, 999, 1_000, 8_149, 2_400_000].map(delay), ["0 µs", "999 µs", "1.0 ms", "8.1 ms", "2.4 s"]);
    }

    #[test]
    fn columns_are_cut_and_filled() {
        assert_eq!((column("ab", 3), column("abc", 3), column("abcd", 3)), ("ab ".into(), "abc".into(), "ab…".into()));
    }
}
