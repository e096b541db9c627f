//! Postgres' templates for times: `YYYY-MM-DD HH24:MI:SS` and the rest of "Template Patterns for Date/Time Formatting".
//!
//! Pure: a template is parsed once and then writes any number of moments. The rules are those of PostgreSQL 15's
//! `formatting.c`: its keywords in its order, upper and lower case, `FM` before a field against padding, `TH` behind it,
//! text in double quotes. Names are English.

use crate::types::calendar::{DAY_US, civil, days};
use std::fmt::Write;

/// A parsed template.
#[derive(Clone, Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    is_empty: bool,
}

#[derive(Clone, Debug)]
enum Part {
    Text(String),
    Field { field: Field, case: Case, fill: bool, ordinal: Option<Case> },
}

/// How a keyword is written, and so its names: `MONTH`, `Month`, `month`.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Case {
    Upper,
    Capital,
    Lower,
}

#[derive(Clone, Copy, PartialEq, Debug)]
enum Field {
    /// `A.D.` and its like with points, `AD` without.
    Era {
        points: bool,
    },
    Half {
        points: bool,
    },
    Century,
    Day,
    DayShort,
    DayOfYear,
    DayOfMonth,
    DayOfWeek,
    Fraction(u8),
    Exact,
    Hour24,
    Hour12,
    IsoDayOfYear,
    IsoDayOfWeek,
    IsoWeek,
    IsoYear(u8),
    Julian,
    Minute,
    Month,
    MonthName,
    MonthShort,
    Milliseconds,
    Offset,
    OffsetHours,
    OffsetMinutes,
    Quarter,
    Roman,
    SecondOfDay,
    Second,
    Zone,
    Microseconds,
    WeekOfYear,
    WeekOfMonth,
    YearComma,
    Year(u8),
}

/// Keywords in upper case, longer ones before those they begin with. Those with names of days and months are written in three ways.
const KEYWORDS: &[(&str, Field)] = &[
    ("A.D.", Field::Era { points: true }),
    ("A.M.", Field::Half { points: true }),
    ("AD", Field::Era { points: false }),
    ("AM", Field::Half { points: false }),
    ("B.C.", Field::Era { points: true }),
    ("BC", Field::Era { points: false }),
    ("CC", Field::Century),
    ("DAY", Field::Day),
    ("DDD", Field::DayOfYear),
    ("DD", Field::DayOfMonth),
    ("DY", Field::DayShort),
    ("D", Field::DayOfWeek),
    ("FF1", Field::Fraction(1)),
    ("FF2", Field::Fraction(2)),
    ("FF3", Field::Fraction(3)),
    ("FF4", Field::Fraction(4)),
    ("FF5", Field::Fraction(5)),
    ("FF6", Field::Fraction(6)),
    ("FX", Field::Exact),
    ("HH24", Field::Hour24),
    ("HH12", Field::Hour12),
    ("HH", Field::Hour12),
    ("IDDD", Field::IsoDayOfYear),
    ("ID", Field::IsoDayOfWeek),
    ("IW", Field::IsoWeek),
    ("IYYY", Field::IsoYear(4)),
    ("IYY", Field::IsoYear(3)),
    ("IY", Field::IsoYear(2)),
    ("I", Field::IsoYear(1)),
    ("J", Field::Julian),
    ("MI", Field::Minute),
    ("MM", Field::Month),
    ("MONTH", Field::MonthName),
    ("MON", Field::MonthShort),
    ("MS", Field::Milliseconds),
    ("OF", Field::Offset),
    ("P.M.", Field::Half { points: true }),
    ("PM", Field::Half { points: false }),
    ("Q", Field::Quarter),
    ("RM", Field::Roman),
    ("SSSSS", Field::SecondOfDay),
    ("SSSS", Field::SecondOfDay),
    ("SS", Field::Second),
    ("TZH", Field::OffsetHours),
    ("TZM", Field::OffsetMinutes),
    ("TZ", Field::Zone),
    ("US", Field::Microseconds),
    ("WW", Field::WeekOfYear),
    ("W", Field::WeekOfMonth),
    ("Y,YYY", Field::YearComma),
    ("YYYY", Field::Year(4)),
    ("YYY", Field::Year(3)),
    ("YY", Field::Year(2)),
    ("Y", Field::Year(1)),
];

const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ROMAN: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// The keyword a text begins with, how it is written, and the text behind it.
fn keyword(text: &str) -> Option<(Field, Case, &str)> {
    KEYWORDS.iter().find_map(|(name, field)| {
        let (head, rest) = text.split_at_checked(name.len())?;
        let named = matches!(field, Field::Day | Field::DayShort | Field::MonthName | Field::MonthShort);
        let case = if head == *name {
            Case::Upper
        } else if head == name.to_ascii_lowercase() {
            Case::Lower
        } else if named && head == in_case(name, Case::Capital) {
            Case::Capital
        } else {
            return None;
        };
        Some((*field, case, rest))
    })
}

fn in_case(name: &str, case: Case) -> String {
    match case {
        Case::Upper => name.to_uppercase(),
        Case::Lower => name.to_lowercase(),
        Case::Capital => match name.split_at_checked(1) {
            Some((first, rest)) => first.to_uppercase() + &rest.to_lowercase(),
            None => name.to_owned(),
        },
    }
}

impl Template {
    /// Reads a template. There are no wrong ones: what is no keyword stands for itself.
    pub(super) fn parse(text: &str) -> Template {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (fill, bare) = match strip(rest, &["FM", "fm", "TM", "tm"]) {
                Some(bare) => (false, bare),
                None => (true, rest),
            };
            if let Some((field, case, after)) = keyword(bare) {
                let (ordinal, after) = ordinal(after);
                parts.push(Part::Field { field, case, fill, ordinal });
                rest = after;
            } else {
                // A prefix without a field behind it disappears, as in Postgres.
                rest = literal(bare, &mut parts);
            }
        }
        Template { parts, is_empty: text.is_empty() }
    }

    /// Whether it is of an empty text.
    pub(super) fn is_empty(&self) -> bool {
        self.is_empty
    }

    /// Appends a moment: microseconds since 1970 in UTC, with its zone where it has one.
    pub(super) fn write(&self, out: &mut String, micros: i64, has_zone: bool) {
        let moment = Moment::new(micros, has_zone);
        for part in &self.parts {
            match part {
                Part::Text(text) => out.push_str(text),
                Part::Field { field, case, fill, ordinal } => {
                    let start = out.len();
                    moment.write(out, *field, *case, *fill);
                    if let Some(case) = ordinal
                        && let Some(ending) = ending(&out[start..])
                    {
                        out.push_str(&in_case(ending, *case));
                    }
                }
            }
        }
    }
}

fn strip<'a>(text: &'a str, prefixes: &[&str]) -> Option<&'a str> {
    prefixes.iter().find_map(|prefix| text.strip_prefix(prefix))
}

/// `TH` or `th` behind a field; `SP` is taken and means nothing, as in Postgres.
fn ordinal(text: &str) -> (Option<Case>, &str) {
    match (text.strip_prefix("TH"), text.strip_prefix("th"), text.strip_prefix("SP")) {
        (Some(rest), _, _) => (Some(Case::Upper), rest),
        (_, Some(rest), _) => (Some(Case::Lower), rest),
        (_, _, Some(rest)) => (None, rest),
        _ => (None, text),
    }
}

/// Takes a quoted text, or one character that stands for itself; gives the text behind it.
fn literal<'a>(text: &'a str, parts: &mut Vec<Part>) -> &'a str {
    let mut value = String::new();
    let mut characters = text.chars();
    match characters.next() {
        Some('"') => {
            while let Some(c) = characters.next() {
                match c {
                    '"' => break,
                    '\\' => value.push(characters.next().unwrap_or('\\')),
                    c => value.push(c),
                }
            }
        }
        Some('\\') if text[1..].starts_with('"') => {
            characters.next();
            value.push('"');
        }
        Some(c) => value.push(c),
        None => {}
    }
    match parts.last_mut() {
        Some(Part::Text(before)) => before.push_str(&value),
        _ => parts.push(Part::Text(value)),
    }
    characters.as_str()
}

/// The ordinal ending of a number; `None` of what is none.
fn ending(number: &str) -> Option<&'static str> {
    let bytes = number.as_bytes();
    let last = bytes.last().filter(|b| b.is_ascii_digit())?;
    if bytes.len() > 1 && bytes[bytes.len() - 2] == b'1' {
        return Some("TH");
    }
    Some(match last {
        b'1' => "ST",
        b'2' => "ND",
        b'3' => "RD",
        _ => "TH",
    })
}

/// A moment taken apart.
struct Moment {
    /// Days since 1970-01-01.
    day: i64,
    year: i64,
    month: u32,
    day_of_month: u32,
    /// Microseconds since midnight.
    time: i64,
    has_zone: bool,
}

impl Moment {
    fn new(micros: i64, has_zone: bool) -> Moment {
        let day = micros.div_euclid(DAY_US);
        let (year, month, day_of_month) = civil(day);
        Moment { day, year, month, day_of_month, time: micros.rem_euclid(DAY_US), has_zone }
    }

    fn write(&self, out: &mut String, field: Field, case: Case, fill: bool) {
        let seconds = self.time / 1_000_000;
        let fraction = self.time % 1_000_000;
        let hour = seconds / 3_600;
        let mut number = |value: i64, width: usize| pad(out, value, if fill { width } else { 0 });
        match field {
            Field::Hour24 => number(hour, 2),
            Field::Hour12 => number(if hour % 12 == 0 { 12 } else { hour % 12 }, 2),
            Field::Minute => number(seconds / 60 % 60, 2),
            Field::Second => number(seconds % 60, 2),
            Field::SecondOfDay => number(seconds, 0),
            Field::Milliseconds => pad(out, fraction / 1_000, 3),
            Field::Microseconds => pad(out, fraction, 6),
            Field::Fraction(digits) => pad(out, fraction / 10_i64.pow(6 - u32::from(digits)), usize::from(digits)),
            Field::Month => number(i64::from(self.month), 2),
            Field::DayOfMonth => number(i64::from(self.day_of_month), 2),
            Field::DayOfYear => number(self.day_of_year(), 3),
            Field::DayOfWeek => number(self.day_of_week() + 1, 0),
            Field::IsoDayOfWeek => number(self.iso_day_of_week(), 0),
            Field::IsoDayOfYear => number(self.day - iso_year_start(self.iso_year()) + 1, 3),
            Field::IsoWeek => number((self.day - iso_year_start(self.iso_year())) / 7 + 1, 2),
            Field::WeekOfYear => number((self.day_of_year() - 1) / 7 + 1, 2),
            Field::WeekOfMonth => number(i64::from(self.day_of_month - 1) / 7 + 1, 0),
            Field::Quarter => number(i64::from(self.month - 1) / 3 + 1, 0),
            Field::Century => match self.year {
                year if year > 0 => number((year - 1) / 100 + 1, 2),
                // Years before Christ count from 0 here, and centuries of them are negative.
                year => number(year / 100 - 1, 3),
            },
            Field::Julian => number(self.day + 2_440_588, 0),
            Field::Year(4) => number(shown(self.year), 4),
            Field::Year(digits) => number(last_digits(self.year, digits), usize::from(digits)),
            Field::IsoYear(4) => number(shown(self.iso_year()), 4),
            Field::IsoYear(digits) => number(last_digits(self.iso_year(), digits), usize::from(digits)),
            Field::YearComma => {
                number(shown(self.year) / 1_000, 0);
                out.push(',');
                pad(out, shown(self.year) % 1_000, 3);
            }
            Field::Exact => {}
            other => self.write_name(out, other, case, fill),
        }
    }

    fn write_name(&self, out: &mut String, field: Field, case: Case, fill: bool) {
        let month = (self.month - 1) as usize;
        let day = self.day_of_week() as usize;
        let mut name = |name: &str, width: usize| {
            let width = if fill { width } else { 0 };
            append(out, format_args!("{:<width$}", in_case(name, case)));
        };
        match field {
            Field::MonthName => name(MONTHS[month], 9),
            Field::MonthShort => name(&MONTHS[month][..3], 0),
            Field::Day => name(DAYS[day], 9),
            Field::DayShort => name(&DAYS[day][..3], 0),
            Field::Roman => name(ROMAN[month], 4),
            Field::Era { points } => name(pointed(if self.year <= 0 { "BC" } else { "AD" }, points), 0),
            Field::Half { points } => name(pointed(if self.time >= DAY_US / 2 { "PM" } else { "AM" }, points), 0),
            Field::Zone if self.has_zone => name("UTC", 0),
            Field::Offset | Field::OffsetHours => {
                out.push('+');
                pad(out, 0, if fill || field == Field::OffsetHours { 2 } else { 0 });
            }
            Field::OffsetMinutes => pad(out, 0, 2),
            _ => {}
        }
    }

    fn day_of_year(&self) -> i64 {
        self.day - first_of_january(self.year) + 1
    }

    /// 0 is Sunday.
    fn day_of_week(&self) -> i64 {
        (self.day + 4).rem_euclid(7)
    }

    /// 1 is Monday.
    fn iso_day_of_week(&self) -> i64 {
        (self.day + 3).rem_euclid(7) + 1
    }

    /// The year that the week of this day belongs to.
    fn iso_year(&self) -> i64 {
        civil(self.day + 4 - self.iso_day_of_week()).0
    }
}

fn first_of_january(year: i64) -> i64 {
    // Timestamps of 64 bits have no years for which there is none.
    days(year, 1, 1).unwrap_or_default()
}

/// The Monday of the first ISO week of a year: the one with January 4 in it.
fn iso_year_start(year: i64) -> i64 {
    let fourth = first_of_january(year) + 3;
    fourth - (fourth + 3).rem_euclid(7)
}

/// Years before 1 are counted from 1 BC.
fn shown(year: i64) -> i64 {
    if year <= 0 { 1 - year } else { year }
}

fn last_digits(year: i64, digits: u8) -> i64 {
    shown(year) % 10_i64.pow(u32::from(digits))
}

fn pointed(name: &'static str, points: bool) -> &'static str {
    match (name, points) {
        ("AD", true) => "A.D.",
        ("BC", true) => "B.C.",
        ("AM", true) => "A.M.",
        ("PM", true) => "P.M.",
        (name, _) => name,
    }
}

fn pad(out: &mut String, value: i64, width: usize) {
    append(out, format_args!("{value:0width$}"));
}

fn append(out: &mut String, text: std::fmt::Arguments<'_>) {
    // Writing to a String cannot fail.
    let _ = out.write_fmt(text);
}

#[cfg(test)]
mod tests;
