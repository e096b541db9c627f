//! Intervals from text: `1 year 2 days 03:04:05`, `1.5 hours ago`, `1-2`, `P1DT2H`.

use super::{SqlType, invalid_syntax};
use attune_sql::{SqlError, SqlState};

const SECOND: f64 = 1_000_000.0;

/// Months, days, microseconds, summed up with their fractions carried down as Postgres does: years to months, months to
/// days of 30 a month, days to time.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i64,
}

impl Sum {
    fn add(&mut self, amount: f64, unit: &str) -> Option<()> {
        match unit {
            "microsecond" | "us" | "usec" => self.micros(amount),
            "millisecond" | "ms" | "msec" => self.micros(amount * 1_000.0),
            "" | "s" | "sec" | "second" => self.micros(amount * SECOND),
            "m" | "min" | "minute" => self.micros(amount * 60.0 * SECOND),
            "h" | "hr" | "hour" => self.micros(amount * 3_600.0 * SECOND),
            "d" | "day" => self.days(amount),
            "w" | "week" => self.days(amount * 7.0),
            "mon" | "month" => self.months(amount),
            "y" | "yr" | "year" => self.years(amount),
            "dec" | "decade" => self.years(amount * 10.0),
            "c" | "cent" | "century" => self.years(amount * 100.0),
            "mil" | "millennium" => self.years(amount * 1_000.0),
            _ => None,
        }
    }

    fn years(&mut self, amount: f64) -> Option<()> {
        self.months = self.months.checked_add(whole((amount * 12.0).round())?)?;
        Some(())
    }

    fn months(&mut self, amount: f64) -> Option<()> {
        self.months = self.months.checked_add(whole(amount.trunc())?)?;
        self.days(amount.fract() * 30.0)
    }

    fn days(&mut self, amount: f64) -> Option<()> {
        // 0.1 * 30 is not quite 3 in binary.
        let near = amount.round();
        let amount = if (amount - near).abs() < 1e-9 { near } else { amount };
        self.days = self.days.checked_add(whole(amount.trunc())?)?;
        self.micros(amount.fract() * 86_400.0 * SECOND)
    }

    fn micros(&mut self, amount: f64) -> Option<()> {
        self.micros = self.micros.checked_add(whole(amount.round())?)?;
        Some(())
    }
}

fn whole(value: f64) -> Option<i64> {
    (value.abs() < 9.0e18).then_some(value as i64)
}

/// Months, days, microseconds.
pub(super) fn parse(text: &str) -> Result<(i32, i32, i64), SqlError> {
    let lower = text.trim().to_ascii_lowercase();
    let sum = match lower.strip_prefix('p') {
        Some(designators) => iso(designators),
        None => words(&lower),
    };
    let sum = sum.ok_or_else(|| {
        let error = invalid_syntax(SqlType::Interval, text);
        SqlError { state: SqlState::InvalidDatetimeFormat, ..error }
    })?;
    match (i32::try_from(sum.months), i32::try_from(sum.days)) {
        (Ok(months), Ok(days)) => Ok((months, days, sum.micros)),
        _ => Err(out_of_range(text)),
    }
}

/// 22008 as Postgres words it.
pub(super) fn out_of_range(text: &str) -> SqlError {
    SqlError::new(SqlState::DatetimeFieldOverflow, format!("interval field value out of range: \"{text}\""))
}

/// `1Y2M3W4DT5H6M7S`.
fn iso(text: &str) -> Option<Sum> {
    let mut sum = Sum::default();
    let mut rest = text;
    let mut time = false;
    if rest.is_empty() {
        return None;
    }
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('t') {
            (time, rest) = (true, after);
            continue;
        }
        let end = rest.find(|c: char| c.is_ascii_alphabetic())?;
        let amount: f64 = rest[..end].parse().ok()?;
        let unit = match (&rest[end..=end], time) {
            ("m", false) => "month",
            (unit @ ("y" | "w" | "d"), false) | (unit @ ("h" | "m" | "s"), true) => unit,
            _ => return None,
        };
        sum.add(amount, unit)?;
        rest = &rest[end + 1..];
    }
    Some(sum)
}

/// Numbers with units, a time of day, `1-2` for years and months, `ago` at the end.
fn words(text: &str) -> Option<Sum> {
    let mut sum = Sum::default();
    let text = text.strip_prefix('@').unwrap_or(text);
    let (text, ago) = match text.trim_end().strip_suffix("ago") {
        Some(before) => (before, true),
        None => (text, false),
    };
    let mut pending: Option<f64> = None;
    let mut any = false;
    for word in text.split_whitespace() {
        any = true;
        if word.contains(':') {
            // A number before a time of day is a number of days.
            if let Some(amount) = pending.take() {
                sum.add(amount, "day")?;
            }
            sum.micros = sum.micros.checked_add(time(word)?)?;
            continue;
        }
        // `1h30m` has several.
        let mut rest = word;
        while !rest.is_empty() {
            let (number, after) = rest.split_at(rest.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(rest.len()));
            let (unit, after) = after.split_at(after.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(after.len()));
            rest = after;
            if !number.is_empty() {
                if pending.is_some() {
                    return None;
                }
                match year_month(number) {
                    Some(months) if unit.is_empty() => {
                        sum.months = sum.months.checked_add(months)?;
                        continue;
                    }
                    _ => pending = Some(number.parse().ok().filter(|amount: &f64| amount.is_finite())?),
                }
            }
            if !unit.is_empty() {
                sum.add(pending.take()?, singular(unit))?;
            }
        }
    }
    if let Some(amount) = pending {
        sum.add(amount, "second")?;
    }
    if !any {
        return None;
    }
    if ago {
        sum = Sum { months: -sum.months, days: -sum.days, micros: sum.micros.checked_neg()? };
    }
    Some(sum)
}

fn singular(unit: &str) -> &str {
    match unit {
        "s" | "us" | "ms" => unit,
        "centuries" => "century",
        "millennia" => "millennium",
        _ => unit.strip_suffix('s').unwrap_or(unit),
    }
}

/// Months of `1-2`.
fn year_month(text: &str) -> Option<i64> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1, unsigned),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (years, months) = unsigned.split_once('-')?;
    let (years, months): (u32, u32) = (years.parse().ok()?, months.parse().ok()?);
    (months < 12).then(|| sign * (i64::from(years) * 12 + i64::from(months)))
}

/// Microseconds of `[-]hh:mm[:ss[.f]]`.
fn time(text: &str) -> Option<i64> {
    let (sign, unsigned) = match text.strip_prefix('-') {
        Some(unsigned) => (-1.0, unsigned),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let mut parts = unsigned.split(':');
    let hours: u32 = parts.next()?.parse().ok()?;
    let minutes: u32 = parts.next()?.parse().ok().filter(|minutes| *minutes < 60)?;
    let seconds: f64 = match parts.next() {
        Some(seconds) if seconds.starts_with(|c: char| c.is_ascii_digit()) => seconds.parse().ok()?,
        Some(_) => return None,
        None => 0.0,
    };
    if parts.next().is_some() || !(0.0..61.0).contains(&seconds) {
        return None;
    }
    whole(sign * ((f64::from(hours) * 3_600.0 + f64::from(minutes) * 60.0 + seconds) * SECOND).round())
}
