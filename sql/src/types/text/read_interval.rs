//! Intervals from text, as `DecodeInterval` of Postgres' `datetime.c` reads them: `1 year 2 days 03:04:05`, `1.5 hours ago`,
//! `1-2`, `1 2:03`, `P1DT2H`.

use super::read::{invalid_syntax, is_blank};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::IntervalMonthDayNano;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The interval of a text.
///
/// # Errors
/// 22007; 22008 beyond 32 bits of months or days, or 292 years of time.
pub fn read_interval(text: &str) -> Result<IntervalMonthDayNano, SqlError> {
    let trimmed = text.trim_matches(is_blank);
    let sum = match trimmed.strip_prefix('P') {
        Some(designators) => iso(designators),
        None => words(trimmed),
    };
    sum.and_then(|sum| sum.interval()).map_err(|wrong| match wrong {
        Wrong::Syntax => invalid_syntax(SqlType::Interval, text),
        Wrong::Range => {
            SqlError::new(SqlState::DatetimeFieldOverflow, format!("interval field value out of range: \"{text}\""))
        }
    })
}

/// What is wrong with a text.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Wrong {
    Syntax,
    Range,
}

/// Units of a number. One may be named once.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Year,
    Decade,
    Century,
    Millennium,
}

impl Unit {
    fn of(word: &str) -> Option<Unit> {
        Some(match word.to_ascii_lowercase().as_str() {
            "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => Unit::Microsecond,
            "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => Unit::Millisecond,
            "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
            "d" | "day" | "days" => Unit::Day,
            "w" | "week" | "weeks" => Unit::Week,
            "mon" | "mons" | "month" | "months" => Unit::Month,
            "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
            "dec" | "decs" | "decade" | "decades" => Unit::Decade,
            "c" | "cent" | "century" | "centuries" => Unit::Century,
            "mil" | "mils" | "millennium" | "millennia" => Unit::Millennium,
            _ => return None,
        })
    }

    /// What may not be named again.
    fn mask(self) -> u16 {
        1 << self as u16
    }
}

/// A number as Postgres splits it: whole units, and a fraction of one with the same sign.
#[derive(Clone, Copy, PartialEq, Debug)]
struct Amount {
    whole: i64,
    fraction: f64,
}

impl Amount {
    /// `-1`, `1.5`, `.5`, `+2.`
    fn read(text: &str) -> Result<Amount, Wrong> {
        let (negative, unsigned) = split_sign(text);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
        if whole.len() + fraction.len() == 0 || !digits(whole) || !digits(fraction) {
            return Err(Wrong::Syntax);
        }
        let whole: i64 = if whole.is_empty() { 0 } else { whole.parse().map_err(|_| Wrong::Range)? };
        let fraction: f64 = format!("0.{fraction}0").parse().map_err(|_| Wrong::Syntax)?;
        Ok(match negative {
            true => Amount { whole: -whole, fraction: -fraction },
            false => Amount { whole, fraction },
        })
    }
}

fn split_sign(text: &str) -> (bool, &str) {
    match text.strip_prefix('-') {
        Some(unsigned) => (true, unsigned.trim_start_matches(is_blank)),
        None => (false, text.strip_prefix('+').unwrap_or(text).trim_start_matches(is_blank)),
    }
}

/// Months, days, microseconds, summed up. Fractions are carried down as Postgres does: years to months, months to days of 30 a
/// month, days to time.
#[derive(Default)]
struct Sum {
    months: i64,
    days: i64,
    micros: i64,
}

impl Sum {
    fn add(&mut self, amount: Amount, unit: Unit) -> Result<(), Wrong> {
        match unit {
            Unit::Microsecond => self.micros(amount, 1),
            Unit::Millisecond => self.micros(amount, 1_000),
            Unit::Second => self.micros(amount, SECOND),
            Unit::Minute => self.micros(amount, 60 * SECOND),
            Unit::Hour => self.micros(amount, 3_600 * SECOND),
            Unit::Day => self.days(amount, 1),
            Unit::Week => self.days(amount, 7),
            Unit::Month => {
                sum(&mut self.months, amount.whole, 1)?;
                self.part_of_days(amount.fraction, 30)
            }
            Unit::Year => self.years(amount, 1),
            Unit::Decade => self.years(amount, 10),
            Unit::Century => self.years(amount, 100),
            Unit::Millennium => self.years(amount, 1_000),
        }
    }

    fn years(&mut self, amount: Amount, scale: i64) -> Result<(), Wrong> {
        sum(&mut self.months, amount.whole, 12 * scale)?;
        let months = (amount.fraction * scale as f64 * 12.0).round_ties_even();
        sum(&mut self.months, months as i64, 1)
    }

    fn days(&mut self, amount: Amount, scale: i64) -> Result<(), Wrong> {
        sum(&mut self.days, amount.whole, scale)?;
        match scale {
            1 => self.part_of_micros(amount.fraction, DAY),
            _ => self.part_of_days(amount.fraction, scale),
        }
    }

    fn part_of_days(&mut self, fraction: f64, scale: i64) -> Result<(), Wrong> {
        let days = fraction * scale as f64;
        sum(&mut self.days, days as i64, 1)?;
        self.part_of_micros(days.fract(), DAY)
    }

    fn micros(&mut self, amount: Amount, scale: i64) -> Result<(), Wrong> {
        sum(&mut self.micros, amount.whole, scale)?;
        self.part_of_micros(amount.fraction, scale)
    }

    /// A rest of exactly half a microsecond is dropped.
    fn part_of_micros(&mut self, fraction: f64, scale: i64) -> Result<(), Wrong> {
        let micros = fraction * scale as f64;
        let rest = micros.fract();
        let up = i64::from(rest > 0.5) - i64::from(rest < -0.5);
        sum(&mut self.micros, micros as i64 + up, 1)
    }

    fn negated(self) -> Result<Sum, Wrong> {
        let micros = self.micros.checked_neg().ok_or(Wrong::Range)?;
        Ok(Sum { months: -self.months, days: -self.days, micros })
    }

    fn interval(self) -> Result<IntervalMonthDayNano, Wrong> {
        let (months, days) = (i32::try_from(self.months), i32::try_from(self.days));
        match (months, days, self.micros.checked_mul(1_000)) {
            (Ok(months), Ok(days), Some(nanos)) => Ok(IntervalMonthDayNano::new(months, days, nanos)),
            _ => Err(Wrong::Range),
        }
    }
}

/// Adds `amount * scale`. Months and days end far below the limits of 64 bits.
fn sum(total: &mut i64, amount: i64, scale: i64) -> Result<(), Wrong> {
    let added = amount.checked_mul(scale).and_then(|amount| total.checked_add(amount));
    *total = added.filter(|total| *total != i64::MIN).ok_or(Wrong::Range)?;
    Ok(())
}

/// Numbers with units, a time of day, `1-2` for years and months, `ago`.
fn words(text: &str) -> Result<Sum, Wrong> {
    let mut total = Sum::default();
    let mut seen = 0_u16;
    let mut once = |mask: u16| {
        let again = seen & mask != 0;
        seen |= mask;
        if again { Err(Wrong::Syntax) } else { Ok(()) }
    };
    let (mut pending, mut ago, mut any) = (None, false, false);
    let mut rest = text;
    while let Some((part, after)) = next_part(rest)? {
        rest = after;
        any = true;
        match part {
            Part::Number(_) | Part::YearMonth(_) if pending.is_some() => return Err(Wrong::Syntax),
            Part::Number(number) => pending = Some(Amount::read(number)?),
            Part::YearMonth(text) => {
                once(Unit::Month.mask())?;
                sum(&mut total.months, year_month(text)?, 1)?;
            }
            Part::Time(text) => {
                // A number before a time of day is a number of days.
                if let Some(amount) = pending.take() {
                    once(Unit::Day.mask())?;
                    total.add(amount, Unit::Day)?;
                }
                once(Unit::Hour.mask() | Unit::Minute.mask() | Unit::Second.mask())?;
                sum(&mut total.micros, time(text)?, 1)?;
            }
            Part::Word(word) if word.eq_ignore_ascii_case("ago") && pending.is_none() => ago = true,
            Part::Word(word) => {
                let unit = Unit::of(word).ok_or(Wrong::Syntax)?;
                once(unit.mask())?;
                total.add(pending.take().ok_or(Wrong::Syntax)?, unit)?;
            }
        }
    }
    if let Some(amount) = pending {
        once(Unit::Second.mask())?;
        total.add(amount, Unit::Second)?;
    }
    match (any && seen != 0, ago) {
        (false, _) => Err(Wrong::Syntax),
        (true, true) => total.negated(),
        (true, false) => Ok(total),
    }
}

enum Part<'a> {
    Number(&'a str),
    YearMonth(&'a str),
    Time(&'a str),
    Word(&'a str),
}

/// The first part of a text, and what follows it. Other punctuation counts for nothing.
fn next_part(text: &str) -> Result<Option<(Part<'_>, &str)>, Wrong> {
    let text =
        text.trim_start_matches(|c: char| is_blank(c) || (c.is_ascii_punctuation() && !matches!(c, '+' | '-' | '.')));
    let Some(first) = text.bytes().next() else { return Ok(None) };
    if first.is_ascii_alphabetic() {
        let end = text.bytes().take_while(u8::is_ascii_alphabetic).count();
        let (word, after) = text.split_at(end);
        return Ok(Some((Part::Word(word), after)));
    }
    let (_, unsigned) = split_sign(text);
    let is_part = |byte: &u8| byte.is_ascii_digit() || matches!(byte, b':' | b'.' | b'-');
    let length = unsigned.bytes().take_while(is_part).count();
    if length == 0 {
        return Err(Wrong::Syntax);
    }
    let (number, after) = text.split_at(text.len() - unsigned.len() + length);
    let digits = &unsigned[..length];
    let part = match (digits.contains(':'), digits.contains('-')) {
        (false, false) => Part::Number(number),
        (true, false) => Part::Time(number),
        (false, true) => Part::YearMonth(number),
        (true, true) => return Err(Wrong::Syntax),
    };
    Ok(Some((part, after)))
}

fn small(text: &str) -> Result<i64, Wrong> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::Syntax);
    }
    text.parse::<u32>().map(i64::from).map_err(|_| Wrong::Range)
}

/// Months of `1-2`.
fn year_month(text: &str) -> Result<i64, Wrong> {
    let (negative, unsigned) = split_sign(text);
    let (years, months) = unsigned.split_once('-').ok_or(Wrong::Syntax)?;
    let (years, months) = (small(years)?, small(months)?);
    if months >= 12 {
        return Err(Wrong::Range);
    }
    let months = years * 12 + months;
    Ok(if negative { -months } else { months })
}

/// Microseconds of `[-]hh:mm[:ss[.f]]`, `mm:ss.f`.
fn time(text: &str) -> Result<i64, Wrong> {
    let (negative, unsigned) = split_sign(text);
    let (clock, behind) = match unsigned.split_once('.') {
        Some((clock, behind)) => (clock, Some(behind)),
        None => (unsigned, None),
    };
    let parts: Vec<&str> = clock.split(':').collect();
    let (hours, minutes, seconds) = match (parts.as_slice(), behind) {
        ([hours, minutes, seconds], _) => (*hours, *minutes, *seconds),
        ([minutes, seconds], Some(_)) => ("0", *minutes, *seconds),
        ([hours, minutes], None) => (*hours, *minutes, "0"),
        _ => return Err(Wrong::Syntax),
    };
    let (hours, minutes, seconds) = (small(hours)?, small(minutes)?, small(seconds)?);
    let part = Amount::read(&format!("0.{}", behind.unwrap_or("0")))?.fraction * SECOND as f64;
    if minutes > 59 || seconds > 60 {
        return Err(Wrong::Range);
    }
    let whole = (hours * 3_600 + minutes * 60 + seconds).checked_mul(SECOND);
    let micros = whole.and_then(|whole| whole.checked_add(part.round_ties_even() as i64)).ok_or(Wrong::Range)?;
    Ok(if negative { -micros } else { micros })
}

/// `1Y2M3W4DT5H6M7S`, `0001-02-03T04:05:06`.
fn iso(text: &str) -> Result<Sum, Wrong> {
    if text.is_empty() {
        return Err(Wrong::Syntax);
    }
    let mut total = Sum::default();
    let (date, clock) = match text.split_once('T') {
        Some((date, clock)) => (date, Some(clock)),
        None => (text, None),
    };
    let has_letters = |text: &str| text.bytes().any(|byte| byte.is_ascii_alphabetic());
    if date.is_empty() || has_letters(date) {
        designators(&mut total, date, |designator| match designator {
            'Y' => Some(Unit::Year),
            'M' => Some(Unit::Month),
            'W' => Some(Unit::Week),
            'D' => Some(Unit::Day),
            _ => None,
        })?;
    } else {
        let parts: Vec<&str> = date.split('-').collect();
        let [years, months, days] = parts.as_slice() else { return Err(Wrong::Syntax) };
        sum(&mut total.months, small(years)? * 12 + small(months)?, 1)?;
        sum(&mut total.days, small(days)?, 1)?;
    }
    match clock {
        Some(clock) if clock.contains(':') => sum(&mut total.micros, time(clock)?, 1)?,
        Some(clock) => designators(&mut total, clock, |designator| match designator {
            'H' => Some(Unit::Hour),
            'M' => Some(Unit::Minute),
            'S' => Some(Unit::Second),
            _ => None,
        })?,
        None => {}
    }
    Ok(total)
}

/// Numbers with a letter each.
fn designators(total: &mut Sum, text: &str, unit: impl Fn(char) -> Option<Unit>) -> Result<(), Wrong> {
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| c.is_ascii_alphabetic()).ok_or(Wrong::Syntax)?;
        let designator = rest[end..].chars().next().and_then(&unit).ok_or(Wrong::Syntax)?;
        total.add(Amount::read(&rest[..end])?, designator)?;
        rest = &rest[end + 1..];
    }
    Ok(())
}

#[cfg(test)]
mod tests;
