//! Names of units, as `date_trunc` and EXTRACT take them.

use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;

/// A unit, or another thing that a timestamp has.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Julian,
    Epoch,
    Timezone,
}

impl Unit {
    /// The unit of a word, in any case.
    pub(super) fn read(word: &str) -> Option<Unit> {
        Some(match word.trim().to_ascii_lowercase().as_str() {
            "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecond" | "microseconds" => Unit::Microsecond,
            "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecond" | "milliseconds" => Unit::Millisecond,
            "s" | "sec" | "secs" | "second" | "seconds" => Unit::Second,
            "m" | "min" | "mins" | "minute" | "minutes" => Unit::Minute,
            "h" | "hr" | "hrs" | "hour" | "hours" => Unit::Hour,
            "d" | "day" | "days" => Unit::Day,
            "w" | "week" | "weeks" => Unit::Week,
            "mon" | "mons" | "month" | "months" => Unit::Month,
            "qtr" | "quarter" => Unit::Quarter,
            "y" | "yr" | "yrs" | "year" | "years" => Unit::Year,
            "dec" | "decs" | "decade" | "decades" => Unit::Decade,
            "c" | "cent" | "century" | "centuries" => Unit::Century,
            "mil" | "mils" | "millennium" | "millennia" => Unit::Millennium,
            "dow" => Unit::DayOfWeek,
            "isodow" => Unit::IsoDayOfWeek,
            "doy" => Unit::DayOfYear,
            "isoyear" => Unit::IsoYear,
            "julian" => Unit::Julian,
            "epoch" => Unit::Epoch,
            "timezone" => Unit::Timezone,
            _ => return None,
        })
    }
}

/// 22023 for a word that is no unit.
pub(super) fn unknown(word: &str, of: &DataType) -> SqlError {
    let message = format!("unit \"{word}\" not recognized for type {}", name(of));
    SqlError::new(SqlState::InvalidParameterValue, message)
}

/// 0A000 for a unit that a type does not have.
pub(super) fn unsupported(word: &str, of: &DataType) -> SqlError {
    SqlError::new(SqlState::FeatureNotSupported, format!("unit \"{word}\" not supported for type {}", name(of)))
}

fn name(of: &DataType) -> String {
    SqlType::from_arrow(of).map_or_else(|| of.to_string(), |sql_type| sql_type.to_string())
}
