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
