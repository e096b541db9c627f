//! Dates and timestamps from text, as Postgres reads them with DateStyle `ISO, MDY` (`DecodeDateTime` of its `datetime.c`):
//! ISO 8601, `20240229T123456`, `2/29/2024`, `29-Feb-2024`, `Thu Feb 29 12:34:56 2024`, with `AM`, `BC` and offsets of zones.

use super::read::{invalid_syntax, trim};
use super::read_fields::{Field, fields};
use crate::types::SqlType;
use crate::types::calendar::{DAY_US, days};
use crate::{SqlError, SqlState};

/// The first day that Postgres has: 4714-11-24 BC.
const FIRST_DAY: i64 = -2_440_588;
const SECOND_US: i64 = 1_000_000;

/// Days since 1970-01-01. A time of day behind the date is read and dropped.
///
/// # Errors
/// 22007, 22008; 0A000 for infinity.
pub fn read_date(text: &str) -> Result<i32, SqlError> {
    let moment = read(text, SqlType::Date)?;
    i32::try_from(moment.day).map_err(|_| overflow(text))
}

/// Microseconds since 1970-01-01. A zone is read and dropped, as Postgres does.
///
/// # Errors
/// 22007, 22008; 0A000 for infinity.
pub fn read_timestamp(text: &str) -> Result<i64, SqlError> {
    read(text, SqlType::Timestamp)?.micros().ok_or_else(|| overflow(text))
}

/// Microseconds since 1970-01-01 UTC; without a zone it is UTC.
///
/// # Errors
/// 22007, 22008; 0A000 for infinity and named zones.
pub fn read_timestamptz(text: &str) -> Result<i64, SqlError> {
    let moment = read(text, SqlType::TimestampTz)?;
    let east = moment.zone_seconds.unwrap_or(0) * SECOND_US;
    moment.micros().and_then(|micros| micros.checked_sub(east)).ok_or_else(|| overflow(text))
}

/// Seconds east of UTC of a zone as AT TIME ZONE takes it: `UTC`, `+02`, `-05:30`. An offset counts to the west there, as in
/// POSIX, and as in Postgres. `None` for other zones.
#[must_use]
pub fn read_zone(text: &str) -> Option<i64> {
    let text = trim(text);
    if is_utc(text) {
        return Some(0);
    }
    match fields(text)?.as_slice() {
        [Field::Zone { negative, text }] => offset(*negative, text).ok().map(|east| -east),
        _ => None,
    }
}

/// What is wrong with a text.
enum Wrong {
    /// 22007
    Syntax,
    /// 22008
    Range,
    /// 22008, in other words.
    Zone,
    /// 0A000
    Refused(SqlError),
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
    decode(text).map_err(|wrong| match wrong {
        Wrong::Syntax => invalid_syntax(sql_type, text),
        Wrong::Range => overflow(text),
        Wrong::Zone => {
            let message = format!("time zone displacement out of range: \"{text}\"");
            SqlError::new(SqlState::DatetimeFieldOverflow, message)
        }
        Wrong::Refused(error) => error,
    })
}

fn decode(text: &str) -> Result<Moment, Wrong> {
    let word = trim(text);
    if word.eq_ignore_ascii_case("epoch") {
        return Ok(Moment { day: 0, time: 0, zone_seconds: None });
    }
    if ["infinity", "+infinity", "-infinity"].iter().any(|infinity| word.eq_ignore_ascii_case(infinity)) {
        return Err(Wrong::Refused(SqlError::unsupported(
            "dates and timestamps have no infinity",
            "Use NULL, or a date far away such as 9999-12-31.",
        )));
    }
    let mut known = Known::default();
    for field in fields(text).ok_or(Wrong::Syntax)? {
        known.take(field)?;
    }
    known.finish()
}

fn overflow(text: &str) -> SqlError {
    SqlError::new(SqlState::DatetimeFieldOverflow, format!("date/time field value out of range: \"{text}\""))
}

/// What comes next, where a word said so.
#[derive(Default, PartialEq, Eq)]
enum Expected {
    #[default]
    Anything,
    /// After `T`.
    Time,
    /// After `J`.
    JulianDay,
}

/// What the fields so far say.
#[derive(Default)]
struct Known {
    year: Option<i64>,
    /// The year has one or two digits.
    short_year: bool,
    month: Option<i64>,
    /// The month was a name.
    named_month: bool,
    day: Option<i64>,
    day_of_year: Option<i64>,
    julian_day: Option<i64>,
    time: Option<Time>,
    /// PM, or AM.
    afternoon: Option<bool>,
    before_christ: Option<bool>,
    zone: Option<i64>,
    expected: Expected,
}

#[derive(Clone, Copy, Default)]
struct Time {
    hours: i64,
    minutes: i64,
    seconds: i64,
    micros: i64,
}

/// Sets what is not set yet.
fn set<T>(slot: &mut Option<T>, value: T) -> Result<(), Wrong> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Wrong::Syntax),
    }
}

fn integer(text: &str) -> Result<i64, Wrong> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::Syntax);
    }
    // Longer ones are beyond any range, and must not overflow in what is computed of them.
    text.parse::<i32>().map(i64::from).map_err(|_| Wrong::Range)
}

/// Microseconds of the digits behind a point.
fn fraction(digits: &str) -> Result<i64, Wrong> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Wrong::Syntax);
    }
    let value: f64 = format!("0.{digits}0").parse().map_err(|_| Wrong::Syntax)?;
    Ok((value * SECOND_US as f64).round_ties_even() as i64)
}

fn is_utc(name: &str) -> bool {
    ["z", "utc", "gmt", "zulu", "ut", "uct", "etc/utc", "universal"].iter().any(|zone| name.eq_ignore_ascii_case(zone))
}

/// Seconds of an offset `hh[:mm[:ss]]` or `hhmm`, with its sign.
fn offset(negative: bool, text: &str) -> Result<i64, Wrong> {
    let mut parts = text.split(':');
    let first = parts.next().unwrap_or_default();
    let (mut hours, mut minutes, mut seconds) = (integer(first)?, 0, 0);
    match (parts.next(), parts.next(), parts.next()) {
        (None, ..) if first.len() > 2 => (hours, minutes) = (hours / 100, hours % 100),
        (None, ..) => {}
        (Some(second), third, None) => {
            minutes = integer(second)?;
            seconds = third.map_or(Ok(0), integer)?;
        }
        _ => return Err(Wrong::Syntax),
    }
    if hours > 15 || minutes > 59 || seconds > 59 {
        return Err(Wrong::Zone);
    }
    let seconds = hours * 3_600 + minutes * 60 + seconds;
    Ok(if negative { -seconds } else { seconds })
}

fn month(word: &str) -> Option<i64> {
    const NAMES: [&str; 12] = [
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
    ];
    let word = word.to_ascii_lowercase();
    let is = |name: &str| word == name || word == name[..3] || (word == "sept" && name == "september");
    NAMES.iter().position(|name| is(name)).map(|index| index as i64 + 1)
}

/// Days of the week, and words that only join the others.
fn says_nothing(word: &str) -> bool {
    const NAMES: [&str; 20] = [
        "sun",
        "sunday",
        "mon",
        "monday",
        "tue",
        "tues",
        "tuesday",
        "wed",
        "weds",
        "wednesday",
        "thu",
        "thur",
        "thurs",
        "thursday",
        "fri",
        "friday",
        "sat",
        "saturday",
        "at",
        "on",
    ];
    NAMES.iter().any(|name| name.eq_ignore_ascii_case(word))
}

impl Known {
    fn has_date(&self) -> bool {
        (self.year.is_some() && self.month.is_some() && self.day.is_some())
            || (self.year.is_some() && self.day_of_year.is_some())
            || self.julian_day.is_some()
    }

    fn take(&mut self, field: Field<'_>) -> Result<(), Wrong> {
        let expected = std::mem::take(&mut self.expected);
        match (field, expected) {
            (Field::Number(text), Expected::Anything) => self.number(text),
            (Field::Number(text), Expected::Time) => self.digits_of_time(text),
            (Field::Number(text), Expected::JulianDay) => {
                let day = integer(text)?;
                set(&mut self.julian_day, day)
            }
            (Field::Time(text), Expected::Anything | Expected::Time) => self.time(text),
            // `T123456-08`
            (Field::Parts(text), Expected::Time) => {
                let (time, zone) = text.split_once('-').ok_or(Wrong::Syntax)?;
                self.digits_of_time(time)?;
                set(&mut self.zone, offset(true, zone)?)
            }
            (Field::Parts(text), Expected::Anything) if self.has_date() => self.named_zone(text),
            (Field::Parts(text), Expected::Anything) => self.date(text),
            (Field::Zone { negative, text }, Expected::Anything) => {
                let east = offset(negative, text)?;
                set(&mut self.zone, east)
            }
            (Field::Word(text), Expected::Anything) => self.word(text),
            _ => Err(Wrong::Syntax),
        }
    }

    fn word(&mut self, word: &str) -> Result<(), Wrong> {
        if let Some(month) = month(word) {
            return self.named_month(month);
        }
        if is_utc(word) {
            return set(&mut self.zone, 0);
        }
        match word.to_ascii_lowercase().as_str() {
            "am" => set(&mut self.afternoon, false),
            "pm" => set(&mut self.afternoon, true),
            "ad" => set(&mut self.before_christ, false),
            "bc" => set(&mut self.before_christ, true),
            "t" if self.has_date() => {
                self.expected = Expected::Time;
                Ok(())
            }
            "j" => {
                self.expected = Expected::JulianDay;
                Ok(())
            }
            "now" | "today" | "tomorrow" | "yesterday" => Err(Wrong::Refused(SqlError::unsupported(
                format!("\"{word}\" as a date is not supported"),
                "Use now() or current_date.",
            ))),
            word if says_nothing(word) => Ok(()),
            _ => Err(Wrong::Syntax),
        }
    }

    /// `8 Jan`: what was taken for the month is the day.
    fn named_month(&mut self, month: i64) -> Result<(), Wrong> {
        if self.named_month {
            return Err(Wrong::Syntax);
        }
        if let Some(number) = self.month.take() {
            set(&mut self.day, number)?;
        }
        self.named_month = true;
        set(&mut self.month, month)
    }

    fn named_zone(&mut self, text: &str) -> Result<(), Wrong> {
        if is_utc(text) {
            return set(&mut self.zone, 0);
        }
        if text.contains('/') && text.starts_with(|c: char| c.is_ascii_alphabetic()) {
            return Err(Wrong::Refused(SqlError::unsupported(
                format!("named time zone \"{text}\" is not supported"),
                "Write the offset from UTC, such as +02:00.",
            )));
        }
        Err(Wrong::Syntax)
    }

    /// Parts of a date, in any of Postgres' orders.
    fn date(&mut self, text: &str) -> Result<(), Wrong> {
        let is_letter = |part: &str| part.starts_with(|c: char| c.is_ascii_alphabetic());
        let mut parts = Vec::new();
        for part in text.split(|c: char| !c.is_ascii_alphanumeric()) {
            if is_letter(part) {
                let month = month(part).ok_or(Wrong::Syntax)?;
                self.named_month(month)?;
            } else if !part.is_empty() {
                parts.push(part);
            }
        }
        for part in parts {
            let value = integer(part)?;
            self.part(value, part.len())?;
        }
        if self.has_date() { Ok(()) } else { Err(Wrong::Syntax) }
    }

    fn number(&mut self, text: &str) -> Result<(), Wrong> {
        match text.split_once('.') {
            Some(_) if !self.has_any_date() => self.date(text),
            Some((before, _)) if before.len() > 2 => self.digits_of_time(text),
            Some(_) => Err(Wrong::Syntax),
            None if text.len() >= 6 && !self.has_date() => self.digits_of_date(text),
            None if self.has_date() => self.digits_of_time(text),
            None => {
                let value = integer(text)?;
                self.part(value, text.len())
            }
        }
    }

    fn has_any_date(&self) -> bool {
        self.has_date() || self.year.is_some() || self.month.is_some() || self.day.is_some()
    }

    /// A number that is a part of a date, by what is known already.
    fn part(&mut self, value: i64, digits: usize) -> Result<(), Wrong> {
        let (year, month, day) = (self.year.is_some(), self.month.is_some(), self.day.is_some());
        match (year, month, day) {
            (true, false, false) if digits == 3 && (1..=366).contains(&value) => set(&mut self.day_of_year, value),
            (false, false, false) if digits >= 3 => self.set_year(value, digits),
            (false, false, false) | (true, false, false) | (false, false, true) => set(&mut self.month, value),
            (false, true, false) if self.named_month && digits >= 3 => self.set_year(value, digits),
            (false, true, false) => set(&mut self.day, value),
            // What was taken for a short year is the day: `8-Jan-1999`.
            (true, true, false) if self.named_month && digits >= 3 && self.short_year => {
                self.day = self.year.take();
                self.set_year(value, digits)
            }
            (true, true, false) => set(&mut self.day, value),
            (false, true, true) => self.set_year(value, digits),
            _ => Err(Wrong::Syntax),
        }
    }

    fn set_year(&mut self, value: i64, digits: usize) -> Result<(), Wrong> {
        self.short_year = digits <= 2;
        set(&mut self.year, value)
    }

    /// `20240229`, `240229`.
    fn digits_of_date(&mut self, text: &str) -> Result<(), Wrong> {
        if self.has_any_date() {
            return Err(Wrong::Syntax);
        }
        let (rest, day) = text.split_at(text.len() - 2);
        let (year, month) = rest.split_at(rest.len() - 2);
        (self.day, self.month) = (Some(integer(day)?), Some(integer(month)?));
        let value = integer(year)?;
        self.set_year(value, year.len())
    }

    /// `123456`, `1234`, with a fraction perhaps.
    fn digits_of_time(&mut self, text: &str) -> Result<(), Wrong> {
        let (digits, micros) = match text.split_once('.') {
            Some((digits, behind)) => (digits, fraction(behind)?),
            None => (text, 0),
        };
        let number = integer(digits)?;
        let (hours, minutes, seconds) = match digits.len() {
            6 => (number / 10_000, number / 100 % 100, number % 100),
            4 => (number / 100, number % 100, 0),
            _ => return Err(Wrong::Syntax),
        };
        self.set_time(Time { hours, minutes, seconds, micros })
    }

    /// `hh:mm[:ss[.f]]`, `mm:ss.f`.
    fn time(&mut self, text: &str) -> Result<(), Wrong> {
        let (clock, micros) = match text.split_once('.') {
            Some((clock, behind)) => (clock, Some(fraction(behind)?)),
            None => (text, None),
        };
        let mut parts = clock.split(':').map(integer);
        let mut next = || parts.next().transpose();
        let (first, second, third, more) = (next()?, next()?, next()?, next()?);
        let (Some(first), Some(second), None) = (first, second, more) else { return Err(Wrong::Syntax) };
        let (hours, minutes, seconds) = match (third, micros) {
            (Some(third), _) => (first, second, third),
            (None, Some(_)) => (0, first, second),
            (None, None) => (first, second, 0),
        };
        self.set_time(Time { hours, minutes, seconds, micros: micros.unwrap_or(0) })
    }

    fn set_time(&mut self, time: Time) -> Result<(), Wrong> {
        let late = time.hours == 24 && (time.minutes > 0 || time.seconds > 0 || time.micros > 0);
        if time.hours > 24 || late || time.minutes > 59 || time.seconds > 60 {
            return Err(Wrong::Range);
        }
        set(&mut self.time, time)
    }

    fn finish(&self) -> Result<Moment, Wrong> {
        if self.expected != Expected::Anything || !self.has_date() {
            return Err(Wrong::Syntax);
        }
        let day = self.day()?;
        if day < FIRST_DAY {
            return Err(Wrong::Range);
        }
        Ok(Moment { day, time: self.micros_of_day()?, zone_seconds: self.zone })
    }

    fn day(&self) -> Result<i64, Wrong> {
        if let Some(julian) = self.julian_day {
            return Ok(julian + FIRST_DAY);
        }
        let before_christ = self.before_christ == Some(true);
        let year = match self.year.ok_or(Wrong::Syntax)? {
            year if before_christ && year > 0 => 1 - year,
            _ if before_christ => return Err(Wrong::Range),
            year if self.short_year && year < 70 => year + 2_000,
            year if self.short_year => year + 1_900,
            0 => return Err(Wrong::Range),
            year => year,
        };
        if let Some(day_of_year) = self.day_of_year {
            return days(year, 1, 1).map(|first| first + day_of_year - 1).ok_or(Wrong::Range);
        }
        let number = |value: Option<i64>| value.and_then(|value| u32::try_from(value).ok()).ok_or(Wrong::Syntax);
        days(year, number(self.month)?, number(self.day)?).ok_or(Wrong::Range)
    }

    fn micros_of_day(&self) -> Result<i64, Wrong> {
        let Time { mut hours, minutes, seconds, micros } = self.time.unwrap_or_default();
        match self.afternoon {
            Some(_) if hours > 12 => return Err(Wrong::Range),
            Some(false) if hours == 12 => hours = 0,
            Some(true) if hours < 12 => hours += 12,
            _ => {}
        }
        Ok((hours * 3_600 + minutes * 60 + seconds) * SECOND_US + micros)
    }
}

#[cfg(test)]
mod tests;
