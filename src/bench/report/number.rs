//! Numbers as people read them: three digits that count.

/// `1234567.8` as `1,234,568`, `21.84` as `21.8`, `0.4567` as `0.457`.
#[must_use]
pub fn plain(value: f64) -> String {
    if !value.is_finite() {
        return "–".to_owned();
    }
    let decimals = match value.abs() {
        size if size >= 99.95 || size == 0.0 => 0,
        size if size >= 9.995 => 1,
        size if size >= 0.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    let (sign, digits) = text.strip_prefix('-').map_or(("", text.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    if let Some(fraction) = fraction {
        out.push('.');
        out.push_str(fraction);
    }
    out
}

/// The same, shorter: `1.23 M`, `35.7 k`. For labels in charts.
#[must_use]
pub fn compact(value: f64) -> String {
    match value.abs() {
        size if size >= 999.5e6 => format!("{} G", plain(value / 1e9)),
        size if size >= 999.5e3 => format!("{} M", plain(value / 1e6)),
        size if size >= 9_999.5 => format!("{} k", plain(value / 1e3)),
        _ => plain(value),
    }
}

/// With its unit; long times in a longer one: `432 ms` for 432,500 µs.
pub(super) fn labelled(value: f64, unit: &str) -> String {
    // Times stay in their unit as long as they can be read in it beside others.
    let (value, unit) = match unit {
        "µs" if value >= 9_999.5e3 => (value / 1e6, "s"),
        "µs" if value >= 9_999.5 => (value / 1e3, "ms"),
        "ms" if value >= 9_999.5 => (value / 1e3, "s"),
        _ => (value, unit),
    };
    let space = if unit.is_empty() || unit.starts_with('/') { "" } else { " " };
    format!("{}{space}{unit}", compact(value))
}

/// A round number on an axis: `20 ms`, `1 k`, without the digits that say nothing there.
pub(super) fn tick(value: f64, unit: &str) -> String {
    let text = labelled(value, unit);
    let (number, rest) = text.split_once(' ').map_or((text.as_str(), None), |(number, rest)| (number, Some(rest)));
    let short = if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number };
    rest.map_or_else(|| short.to_owned(), |rest| format!("{short} {rest}"))
}
