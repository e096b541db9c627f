//! `date_trunc(unit, timestamp | timestamptz | interval)`.

use super::super::own::{Arguments, Own};
use super::unit::{Unit, unknown, unsupported};
use crate::SqlError;
use crate::operators::{out_of_range, timestamp};
use crate::types::SqlType;
use crate::types::calendar::{DAY_US, civil, days};
use datafusion::arrow::array::{Array, ArrayRef, PrimitiveArray, PrimitiveBuilder};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `date_trunc`.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Own::with_alias("date_trunc", Some("datetrunc"), types, compute)]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [unit, value] = arguments else { return None };
    let value = match value {
        DataType::Timestamp(_, Some(_)) => SqlType::TimestampTz,
        DataType::Interval(_) => SqlType::Interval,
        DataType::Timestamp(..) | DataType::Date32 | DataType::Null => SqlType::Timestamp,
        text if text.is_string() => SqlType::Timestamp,
        _ => return None,
    };
    let value = value.to_arrow();
    (unit.is_string() || unit.is_null()).then(|| (vec![DataType::Utf8, value.clone()], value))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    match arguments.returns {
        DataType::Interval(_) => {
            let values = arguments.primitive::<IntervalMonthDayNanoType>(1)?;
            Ok(Arc::new(each(arguments, &values, interval)?))
        }
        returns => {
            let values = arguments.primitive::<TimestampMicrosecondType>(1)?;
            let truncated = each(arguments, &values, moment)?;
            Ok(Arc::new(truncated.with_data_type(returns.clone())))
        }
    }
}

/// Why there is no value.
enum Wrong {
    Unit,
    Range,
}

/// The values, cut by the unit of their row.
fn each<T: ArrowPrimitiveType>(
    arguments: &Arguments<'_>,
    values: &PrimitiveArray<T>,
    cut: impl Fn(T::Native, Unit) -> Result<T::Native, Wrong>,
) -> Result<PrimitiveArray<T>, SqlError> {
    let one = |value: T::Native, word: &str, unit: Unit| {
        cut(value, unit).map_err(|wrong| match wrong {
            Wrong::Unit => unsupported(word, arguments.returns),
            Wrong::Range => out_of_range("timestamp"),
        })
    };
    let read = |word: &str| Unit::read(word).ok_or_else(|| unknown(word, arguments.returns));
    if let Some(word) = arguments.constant(0) {
        let unit = read(word)?;
        return values.try_unary(|value| one(value, word, unit));
    }
    let words = arguments.text(0)?;
    let mut out = PrimitiveBuilder::<T>::with_capacity(values.len());
    for row in 0..values.len() {
        if words.is_null(row) || values.is_null(row) {
            out.append_null();
        } else {
            let word = words.value(row);
            out.append_value(one(values.value(row), word, read(word)?)?);
        }
    }
    Ok(out.finish())
}

/// The first moment of the unit that a timestamp lies in.
fn moment(micros: i64, unit: Unit) -> Result<i64, Wrong> {
    let fixed = |length: i64| Ok(micros - micros.rem_euclid(length));
    let day = micros.div_euclid(DAY_US);
    let first = |year: i64, month: u32| days(year, month, 1).and_then(|day| timestamp(day, 0)).ok_or(Wrong::Range);
    let (year, month, _) = civil(day);
    match unit {
        Unit::Microsecond => Ok(micros),
        Unit::Millisecond => fixed(1_000),
        Unit::Second => fixed(1_000_000),
        Unit::Minute => fixed(60_000_000),
        Unit::Hour => fixed(3_600_000_000),
        Unit::Day => fixed(DAY_US),
        // 1970-01-01 was a Thursday.
        Unit::Week => timestamp(day - (day + 3).rem_euclid(7), 0).ok_or(Wrong::Range),
        Unit::Month => first(year, month),
        Unit::Quarter => first(year, (month - 1) / 3 * 3 + 1),
        Unit::Year => first(year, 1),
        Unit::Decade => first(year.div_euclid(10) * 10, 1),
        // The first century begins with the year 1, the one before it with 100 BC.
        Unit::Century => first((year - 1).div_euclid(100) * 100 + 1, 1),
        Unit::Millennium => first((year - 1).div_euclid(1_000) * 1_000 + 1, 1),
        _ => Err(Wrong::Unit),
    }
}

/// An interval without what is smaller than the unit.
fn interval(value: IntervalMonthDayNano, unit: Unit) -> Result<IntervalMonthDayNano, Wrong> {
    let months = |unit: i32| Ok(IntervalMonthDayNano::new(value.months / unit * unit, 0, 0));
    let nanos = |unit: i64| {
        let nanos = value.nanoseconds / unit * unit;
        Ok(IntervalMonthDayNano::new(value.months, value.days, nanos))
    };
    match unit {
        Unit::Millennium => months(12_000),
        Unit::Century => months(1_200),
        Unit::Decade => months(120),
        Unit::Year => months(12),
        Unit::Quarter => months(3),
        Unit::Month => months(1),
        Unit::Day => nanos(i64::MAX),
        Unit::Hour => nanos(3_600_000_000_000),
        Unit::Minute => nanos(60_000_000_000),
        Unit::Second => nanos(1_000_000_000),
        Unit::Millisecond => nanos(1_000_000),
        Unit::Microsecond => Ok(value),
        _ => Err(Wrong::Unit),
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::own::tests::call;
    use crate::types::SqlType::{Interval, Text, Timestamp, TimestampTz};

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn moments_are_cut_in_all_years() {
        for (unit, moment, expected) in [
            ("year", "1500-06-15 12:34", "1500-01-01 00:00:00"),
            ("year", "2500-06-15 12:34", "2500-01-01 00:00:00"),
            ("quarter", "9999-12-31", "9999-10-01 00:00:00"),
            ("month", "0044-03-15 01:02 BC", "0044-03-01 00:00:00 BC"),
            ("week", "2024-03-03 23:00", "2024-02-26 00:00:00"),
            ("WEEK", "1969-12-31", "1969-12-29 00:00:00"),
            ("day", "1969-12-31 23:59", "1969-12-31 00:00:00"),
            ("hour", "1969-12-31 23:59:01", "1969-12-31 23:00:00"),
            ("milliseconds", "1969-12-31 23:59:59.999999", "1969-12-31 23:59:59.999"),
            ("decade", "2019-06-01", "2010-01-01 00:00:00"),
            ("decade", "0005-01-01 BC", "0011-01-01 00:00:00 BC"),
            ("century", "2000-06-01", "1901-01-01 00:00:00"),
            ("century", "0001-01-01 BC", "0100-01-01 00:00:00 BC"),
            ("millennium", "2001-06-01", "2001-01-01 00:00:00"),
            ("millennium", "0001-01-01 BC", "1000-01-01 00:00:00 BC"),
        ] {
            assert_eq!(call("date_trunc", &[(unit, Text), (moment, Timestamp)]), expected, "{unit} {moment}");
        }
        let zoned = [("day", Text), ("2500-01-01 12:00", TimestampTz)];
        assert_eq!(call("date_trunc", &zoned), "2500-01-01 00:00:00+00");
        let wrong = call("date_trunc", &[("foo", Text), ("2024-01-01", Timestamp)]);
        assert_eq!(wrong, "22023: unit \"foo\" not recognized for type timestamp without time zone");
        assert_eq!(call("date_trunc", &[("NULL", Text), ("2024-01-01", Timestamp)]), "NULL");
    }

    #[test]
    fn intervals_are_cut() {
        assert_eq!(call("date_trunc", &[("quarter", Text), ("17 months", Interval)]), "1 year 3 mons");
        assert_eq!(call("date_trunc", &[("day", Text), ("1 mon 2 days 3:04", Interval)]), "1 mon 2 days");
        assert_eq!(call("date_trunc", &[("hour", Text), ("-1:30", Interval)]), "-01:00:00");
        let week = call("date_trunc", &[("week", Text), ("1 day", Interval)]);
        assert_eq!(week, "0A000: unit \"week\" not supported for type interval");
    }
}
