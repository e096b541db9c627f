//! Dates and timestamps from text: ISO 8601, `YYYYMMDD`, and month/day/year (DateStyle `ISO, MDY`).

use super::{SqlType, invalid_syntax};
use attune_sql::types::calendar::{DAY_US, days};
use attune_sql::{SqlError, SqlState};

/// Days since 1970-01-01. A time of day behind the date is read and dropped.
pub(super) fn date(text: &str) -> Result<i32, SqlError> {
    let moment = read(text, SqlType::Date)?;
    i32::try_from(moment.day).map_err(|_| overflow(text))
}

/// Microseconds since 1970-01-01. A zone is read and dropped, as Postgres does.
pub(super) fn timestamp(text: &str) -> Result<i64, SqlError> {
    read(text, SqlType::Timestamp)?.micros().ok_or_else(|| overflow(text))
}

/// Microseconds since 1970-01-01 UTC; without a zone it is UTC.
pub(super) fn timestamptz(text: &str) -> Result<i64, SqlError> {
    let moment = read(text, SqlType::TimestampTz)?;
    let east = moment.zone_seconds.unwrap_or(0) * 1_000_000;
    moment.micros().and_then(|micros| micros.checked_sub(east)).ok_or_else(|| overflow(text))
}

struct Moment {
    day: i64,
    /// Microseconds of the day; 24:00:00 and a leap second give the next.
    time: i64,
    /// Seconds east of UTC.
    zone_seconds: Option<i64>,
}

impl Moment {
    fn micros(&self) -> Option<i64> {
        self.day.checked_mul(DAY_US)?.checked_add(self.time)
    }
}

fn read(text: &str, sql_type: SqlType) -> Result<Moment, SqlError> {
    let invalid = || {
        let error = invalid_syntax(sql_type, text);
        SqlError { state: SqlState::InvalidDatetimeFormat, ..error }
    };
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    match trimmed.to_ascii_lowercase().as_str() {
        "epoch" => return Ok(Moment { day: 0, time: 0, zone_seconds: None }),
        "infinity" | "+infinity" | "-infinity" => {
            return Err(SqlError::unsupported(
                "dates and timestamps have no infinity",
                "Use NULL, or a date far away such as 9999-12-31.",
            ));
        }
        _ => {}
    }
    let (body, before_christ) = match trimmed.len().checked_sub(2).and_then(|at| trimmed.split_at_checked(at)) {
        Some((body, era)) if era.eq_ignore_ascii_case("bc") => (body.trim_end(), true),
        Some((body, era)) if era.eq_ignore_ascii_case("ad") => (body.trim_end(), false),
        _ => (trimmed, false),
    };
    let mut input = Input { rest: body.as_bytes() };
    let (year, month, day) = input.date().ok_or_else(invalid)?;
    let year = if before_christ { 1 - year } else { year };
    if year == 0 && !before_christ {
        return Err(overflow(text));
    }
    let day = days(year, month, day).ok_or_else(|| overflow(text))?;
    let mut moment = Moment { day, time: 0, zone_seconds: None };
    let separated = input.takes(b'T') || input.takes(b't') || input.blanks();
    if separated && input.rest.first().is_some_and(u8::is_ascii_digit) {
        moment.time = input.time().ok_or_else(invalid)?.ok_or_else(|| overflow(text))?;
        input.blanks();
    }
    if !input.rest.is_empty() {
        moment.zone_seconds = Some(input.zone(text)?.ok_or_else(invalid)?);
    }
    if input.rest.is_empty() { Ok(moment) } else { Err(invalid()) }
}

/// What is left of the text.
struct Input<'a> {
    rest: &'a [u8],
}

impl Input<'_> {
    fn takes(&mut self, byte: u8) -> bool {
        match self.rest {
            [first, tail @ ..] if *first == byte => {
                self.rest = tail;
                true
            }
            _ => false,
        }
    }

    fn blanks(&mut self) -> bool {
        let before = self.rest.len();
        self.rest = self.rest.trim_ascii_start();
        self.rest.len() < before
    }

    /// A number and how many digits it has.
    fn number(&mut self) -> Option<(i64, usize)> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, tail) = self.rest.split_at(length);
        let value = std::str::from_utf8(digits).ok()?.parse().ok()?;
        self.rest = tail;
        Some((value, length))
    }

    fn small(&mut self) -> Option<u32> {
        let (value, length) = self.number()?;
        if length <= 2 { u32::try_from(value).ok() } else { None }
    }

    /// Year, month, day.
    fn date(&mut self) -> Option<(i64, u32, u32)> {
        let (first, length) = self.number()?;
        if length == 8 && !matches!(self.rest.first(), Some(b'-' | b'/' | b'.')) {
            return Some((first / 10_000, (first / 100 % 100) as u32, (first % 100) as u32));
        }
        let separator = *self.rest.first().filter(|byte| matches!(byte, b'-' | b'/' | b'.'))?;
        self.takes(separator);
        let second = self.small()?;
        if !self.takes(separator) {
            return None;
        }
        if length > 2 {
            return Some((first, second, self.small()?));
        }
        let (year, digits) = self.number()?;
        if digits < 4 {
            return None;
        }
        Some((year, u32::try_from(first).ok()?, second))
    }

    /// Microseconds of `hh:mm[:ss[.f]]`; the inner `None` is a time that does not exist.
    fn time(&mut self) -> Option<Option<i64>> {
        let hours = self.small()?;
        if !self.takes(b':') {
            return None;
        }
        let minutes = self.small()?;
        let mut seconds = 0;
        let mut micros = 0;
        if self.takes(b':') {
            seconds = self.small()?;
            if self.takes(b'.') {
                micros = self.fraction()?;
            }
        }
        let total = (i64::from(hours) * 3_600 + i64::from(minutes) * 60 + i64::from(seconds)) * 1_000_000 + micros;
        let exists = hours <= 24 && minutes < 60 && seconds <= 60 && total <= DAY_US;
        Some(exists.then_some(total))
    }

    /// Digits behind the point as microseconds, rounded.
    fn fraction(&mut self) -> Option<i64> {
        let length = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
        let (digits, tail) = self.rest.split_at(length);
        self.rest = tail;
        let digit = |at: usize| digits.get(at).map_or(0, |byte| i64::from(byte - b'0'));
        let micros = (0..6).fold(0, |sum, at| sum * 10 + digit(at));
        Some(micros + i64::from(digit(6) >= 5))
    }

    /// Seconds east of UTC.
    fn zone(&mut self, text: &str) -> Result<Option<i64>, SqlError> {
        let sign = match self.rest.first() {
            Some(b'+') => 1,
            Some(b'-') => -1,
            _ => return self.named_zone(text),
        };
        self.rest = &self.rest[1..];
        let Some((first, length)) = self.number() else { return Ok(None) };
        let (hours, mut minutes, mut seconds) = match length {
            1 | 2 => (first, 0, 0),
            3 | 4 => (first / 100, first % 100, 0),
            _ => return Ok(None),
        };
        if length <= 2 && self.takes(b':') {
            let Some(value) = self.small() else { return Ok(None) };
            minutes = i64::from(value);
            if self.takes(b':') {
                let Some(value) = self.small() else { return Ok(None) };
                seconds = i64::from(value);
            }
        }
        if hours > 15 || minutes > 59 || seconds > 59 {
            let message = format!("time zone displacement out of range: \"{text}\"");
            return Err(SqlError::new(SqlState::DatetimeFieldOverflow, message));
        }
        Ok(Some(sign * (hours * 3_600 + minutes * 60 + seconds)))
    }

    fn named_zone(&mut self, text: &str) -> Result<Option<i64>, SqlError> {
        let Ok(name) = std::str::from_utf8(self.rest) else { return Ok(None) };
        if ["z", "utc", "gmt", "zulu", "ut", "etc/utc"].iter().any(|zone| name.eq_ignore_ascii_case(zone)) {
            self.rest = &[];
            return Ok(Some(0));
        }
        if name.contains('/') && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte)) {
            return Err(SqlError::unsupported(
                format!("named time zone \"{name}\" in \"{text}\" is not supported"),
                "Write the offset from UTC, such as +02:00.",
            ));
        }
        Ok(None)
    }
}

fn overflow(text: &str) -> SqlError {
    SqlError::new(SqlState::DatetimeFieldOverflow, format!("date/time field value out of range: \"{text}\""))
}
