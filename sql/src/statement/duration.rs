//! Durations in options: `'30 days'`, `'1 week 2 days'`, `'90 minutes'`.

use crate::{SqlError, SqlState};

const DAY: u64 = 86_400;

/// The seconds of an interval text made of numbers with units. A month is 30 days and a year 365, since a retention is a length of time and
/// not a date.
///
/// # Errors
/// 22007 for other texts, 22023 for zero.
pub(super) fn seconds(text: &str) -> Result<u64, SqlError> {
    let invalid = || {
        let message = format!("invalid input syntax for type interval: \"{text}\"");
        SqlError::new(SqlState::InvalidDatetimeFormat, message)
            .with_hint("Write a number and a unit, such as '30 days', '12 hours' or '1 week'.")
    };
    let mut total = 0_u64;
    let mut rest = text.trim();
    while !rest.is_empty() {
        let digits = rest.find(|ch: char| !ch.is_ascii_digit()).unwrap_or(rest.len());
        let (number, tail) = rest.split_at(digits);
        let number: u64 = number.parse().map_err(|_| invalid())?;
        let tail = tail.trim_start();
        let letters = tail.find(|ch: char| !ch.is_ascii_alphabetic()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let unit = unit_seconds(unit).ok_or_else(invalid)?;
        total = number.checked_mul(unit).and_then(|s| s.checked_add(total)).ok_or_else(invalid)?;
        rest = tail.trim_start();
    }
    if total == 0 {
        return Err(SqlError::new(SqlState::InvalidParameterValue, "retention must be longer than zero"));
    }
    Ok(total)
}

fn unit_seconds(unit: &str) -> Option<u64> {
    Some(match unit.to_ascii_lowercase().as_str() {
        "s" | "sec" | "secs" | "second" | "seconds" => 1,
        "m" | "min" | "mins" | "minute" | "minutes" => 60,
        "h" | "hr" | "hrs" | "hour" | "hours" => 3600,
        "d" | "day" | "days" => DAY,
        "w" | "week" | "weeks" => 7 * DAY,
        "mon" | "mons" | "month" | "months" => 30 * DAY,
        "y" | "yr" | "yrs" | "year" | "years" => 365 * DAY,
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals() {
        assert_eq!(seconds("30 days"), Ok(30 * DAY));
        assert_eq!(seconds(" 1 week 2days 90 min "), Ok(9 * DAY + 5400));
        for bad in
            ["", "days", "5", "5 parsecs", "-1 day", "99999999999999999999 s", "18446744073709551615 days", "0 s"]
        {
            assert!(seconds(bad).is_err(), "{bad}");
        }
    }
}
