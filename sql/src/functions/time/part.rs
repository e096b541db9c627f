//! `extract(unit, time)`, which EXTRACT is: exact, a numeric; `date_part`, of which stored plans have integers; and
//! `date_part_double`, which is Postgres' `date_part`.

use super::unit::{Unit, unknown, unsupported};
use crate::SqlError;
use crate::operators::{map, of_no_rows, power_of_128};
use crate::types::SqlType;
use crate::types::calendar::{DAY_US, civil, days};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, Float64Array, Int32Array};
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Date32Type, Field, FieldRef, IntervalMonthDayNano, IntervalMonthDayNanoType,
    TimestampMicrosecondType,
};
use datafusion::common::{DataFusionError, Result, plan_err};
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

/// Days from 4714-11-24 BC, the first Julian day, to 1970-01-01.
const JULIAN_DAYS: i64 = 2_440_588;
/// Digits right of the point of a Julian day.
const JULIAN_SCALE: u8 = 16;

/// The three functions.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    let function = |name, alias: Option<&str>, gives| {
        let signature = Signature::user_defined(Volatility::Immutable);
        let aliases = alias.map(str::to_owned).into_iter().collect();
        Arc::new(ScalarUDF::new_from_impl(Part { name, aliases, gives, signature }))
    };
    vec![
        function("extract", None, Gives::Numeric),
        function("date_part", Some("datepart"), Gives::Integer),
        function("date_part_double", None, Gives::Double),
    ]
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Gives {
    Numeric,
    /// Of the epoch a double.
    Integer,
    Double,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Part {
    name: &'static str,
    aliases: Vec<String>,
    gives: Gives,
    signature: Signature,
}

impl Part {
    fn returns(&self, unit: Option<Unit>, of: Option<&DataType>) -> DataType {
        let digits = match (unit, of) {
            (Some(_), Some(DataType::Date32)) => 0,
            // A numeric has one scale for all rows: that of seconds when the unit is known too late.
            _ => unit.map_or(6, scale),
        };
        match self.gives {
            Gives::Double => DataType::Float64,
            Gives::Integer if unit == Some(Unit::Epoch) => DataType::Float64,
            Gives::Integer => DataType::Int32,
            Gives::Numeric => DataType::Decimal128(DECIMAL128_MAX_PRECISION, digits as i8),
        }
    }
}

/// Digits right of the point.
fn scale(unit: Unit) -> u8 {
    match unit {
        Unit::Millisecond => 3,
        Unit::Second | Unit::Epoch => 6,
        Unit::Julian => JULIAN_SCALE,
        _ => 0,
    }
}

impl ScalarUDFImpl for Part {
    fn name(&self) -> &str {
        self.name
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [unit, value] = arguments else { return plan_err!("{} expects 2 arguments", self.name) };
        let value = match value {
            DataType::Date32 => SqlType::Date,
            DataType::Timestamp(_, Some(_)) => SqlType::TimestampTz,
            DataType::Interval(_) | DataType::Duration(_) => SqlType::Interval,
            DataType::Timestamp(..) | DataType::Null => SqlType::Timestamp,
            text if text.is_string() => SqlType::Timestamp,
            other => return plan_err!("{} of {other}", self.name),
        };
        let unit = if unit.is_string() || unit.is_null() { DataType::Utf8 } else { unit.clone() };
        Ok(vec![unit, value.to_arrow()])
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns(None, None))
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        let word = arguments.scalar_arguments.first().copied().flatten();
        let unit = word.and_then(|word| word.try_as_str().flatten()).and_then(Unit::read);
        if self.gives == Gives::Integer && word.is_none() {
            return plan_err!("{} requires a constant unit", self.name);
        }
        let of = arguments.arg_fields.get(1).map(|field| field.data_type());
        Ok(Arc::new(Field::new(self.name, self.returns(unit, of), true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let external = |error: SqlError| DataFusionError::External(Box::new(error));
        let returns = arguments.return_type();
        let [word, value] = arguments.args.as_slice() else {
            return plan_err!("{} expects 2 arguments", self.name);
        };
        let of = |word: Option<&str>, value: &ArrayRef| match word {
            Some(word) => parts(word, value, self.gives, returns),
            None => Ok(datafusion::arrow::array::new_null_array(returns, value.len())),
        };
        match word {
            ColumnarValue::Scalar(word) => map(value, |array| of(word.try_as_str().flatten(), array)),
            ColumnarValue::Array(words) => {
                let words = datafusion::arrow::compute::cast(words, &DataType::Utf8)?;
                let words = words.as_string::<i32>();
                let values = value.to_array(words.len())?;
                let rows = (0..words.len()).map(|row| {
                    let word = words.is_valid(row).then(|| words.value(row));
                    of(word, &values.slice(row, 1)).map_err(external)
                });
                let rows = rows.collect::<Result<Vec<ArrayRef>>>()?;
                if rows.is_empty() {
                    return Ok(ColumnarValue::Array(datafusion::arrow::array::new_empty_array(returns)));
                }
                let rows: Vec<&dyn Array> = rows.iter().map(AsRef::as_ref).collect();
                Ok(ColumnarValue::Array(datafusion::arrow::compute::concat(&rows)?))
            }
        }
    }
}

/// The part of each value.
fn parts(word: &str, value: &ArrayRef, gives: Gives, returns: &DataType) -> std::result::Result<ArrayRef, SqlError> {
    let of = value.data_type();
    let unit = Unit::read(word).ok_or_else(|| unknown(word, of))?;
    let refused = || unsupported(word, of);
    if unit == Unit::Timezone && !matches!(of, DataType::Timestamp(_, Some(_))) {
        return Err(refused());
    }
    let day_only = |unit| scale(unit) == 0 && !matches!(unit, Unit::Microsecond | Unit::Minute | Unit::Hour);
    let exact: std::result::Result<Vec<Option<i128>>, SqlError> = match of {
        // Of a date the numeric of Postgres has no time.
        DataType::Date32 if gives == Gives::Numeric && !day_only(unit) && !is_day_count(unit) => return Err(refused()),
        DataType::Date32 => {
            let one = |day: i32| moment(i64::from(day), 0, unit);
            value
                .as_primitive::<Date32Type>()
                .iter()
                .map(|v| v.map(|v| one(v).ok_or_else(refused)).transpose())
                .collect()
        }
        DataType::Interval(_) => {
            let values = value.as_primitive_opt::<IntervalMonthDayNanoType>().ok_or_else(refused)?;
            values.iter().map(|v| v.map(|v| interval(v, unit).ok_or_else(refused)).transpose()).collect()
        }
        _ => {
            let values = value.as_primitive_opt::<TimestampMicrosecondType>().ok_or_else(refused)?;
            let one = |micros: i64| moment(micros.div_euclid(DAY_US), micros.rem_euclid(DAY_US), unit);
            values.iter().map(|v| v.map(|v| one(v).ok_or_else(refused)).transpose()).collect()
        }
    };
    column(exact?, scale(unit), returns)
}

fn is_day_count(unit: Unit) -> bool {
    matches!(unit, Unit::Epoch | Unit::Julian)
}

/// Unscaled numbers as a column of the type of the result.
fn column(exact: Vec<Option<i128>>, scale: u8, returns: &DataType) -> std::result::Result<ArrayRef, SqlError> {
    let power = power_of_128(scale) as i128;
    Ok(match returns {
        DataType::Int32 => Arc::new(exact.iter().map(|v| v.map(|v| (v / power) as i32)).collect::<Int32Array>()),
        DataType::Float64 => {
            let double = |value: i128| crate::operators::double(value, scale as i8);
            Arc::new(exact.into_iter().map(|v| v.map(double)).collect::<Float64Array>())
        }
        DataType::Decimal128(precision, to) => {
            let rescaled = |v: i128| crate::operators::rescale(v, scale as i8, *precision, *to);
            let values = exact.into_iter().map(|v| v.map(rescaled).transpose());
            let values = values.collect::<std::result::Result<Decimal128Array, SqlError>>()?;
            Arc::new(values.with_data_type(returns.clone()))
        }
        other => return Err(SqlError::internal(format!("a part of type {other}"))),
    })
}

/// A part of a day and a time in it, unscaled.
fn moment(day: i64, time: i64, unit: Unit) -> Option<i128> {
    let (year, month, day_of_month) = civil(day);
    let (month, day_of_month) = (i64::from(month), i64::from(day_of_month));
    // There is no year 0.
    let shown = |year: i64| if year > 0 { year } else { year - 1 };
    Some(i128::from(match unit {
        // All of them with the seconds.
        Unit::Microsecond | Unit::Millisecond | Unit::Second => time % 60_000_000,
        Unit::Minute => time / 60_000_000 % 60,
        Unit::Hour => time / 3_600_000_000,
        Unit::Day => day_of_month,
        Unit::Month => month,
        Unit::Quarter => (month - 1) / 3 + 1,
        Unit::Year => shown(year),
        Unit::Decade => year.div_euclid(10),
        Unit::Century => shown((year - 1).div_euclid(100) + 1),
        Unit::Millennium => shown((year - 1).div_euclid(1_000) + 1),
        Unit::Week => {
            let thursday = thursday(day);
            (thursday - days(civil(thursday).0, 1, 1)?) / 7 + 1
        }
        Unit::IsoYear => shown(civil(thursday(day)).0),
        // 1970-01-01 was a Thursday.
        Unit::DayOfWeek => (day + 4).rem_euclid(7),
        Unit::IsoDayOfWeek => (day + 3).rem_euclid(7) + 1,
        Unit::DayOfYear => day - days(year, 1, 1)? + 1,
        Unit::Julian => {
            let power = power_of_128(JULIAN_SCALE) as i128;
            return Some(i128::from(day + JULIAN_DAYS) * power + i128::from(time) * power / i128::from(DAY_US));
        }
        Unit::Epoch => return Some(i128::from(day) * i128::from(DAY_US) + i128::from(time)),
        Unit::Timezone => 0,
    }))
}

/// The Thursday of the week, by which the year of the week is told.
fn thursday(day: i64) -> i64 {
    day - (day + 3).rem_euclid(7) + 3
}

/// A part of an interval, unscaled.
fn interval(value: IntervalMonthDayNano, unit: Unit) -> Option<i128> {
    let micros = value.nanoseconds / 1_000;
    let (years, months) = (i64::from(value.months / 12), i64::from(value.months % 12));
    Some(i128::from(match unit {
        Unit::Microsecond | Unit::Millisecond | Unit::Second => micros % 60_000_000,
        Unit::Minute => micros / 60_000_000 % 60,
        Unit::Hour => micros / 3_600_000_000,
        Unit::Day => i64::from(value.days),
        Unit::Month => months,
        Unit::Quarter => months / 3 + 1,
        Unit::Year => years,
        Unit::Decade => years / 10,
        Unit::Century => years / 100,
        Unit::Millennium => years / 1_000,
        Unit::Epoch => {
            // A year has 365.25 days: quarters of days.
            let quarters = years * 1_461 + months * 120 + i64::from(value.days) * 4;
            return Some(i128::from(quarters) * i128::from(DAY_US / 4) + i128::from(micros));
        }
        _ => return None,
    }))
}

#[cfg(test)]
mod tests {
    use super::super::super::own::tests::call;
    use crate::types::SqlType::{Date, Interval, Text, Timestamp, TimestampTz};

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn parts_are_exact() {
        for (unit, text, expected) in [
            ("second", "2024-01-01 00:00:05.5", "5.500000"),
            ("milliseconds", "2024-01-01 00:00:05.5", "5500.000"),
            ("microseconds", "2024-01-01 00:00:05.5", "5500000"),
            ("epoch", "2024-01-01 00:00:05.5", "1704067205.500000"),
            ("epoch", "9999-12-31", "253402214400.000000"),
            ("dow", "2024-01-07", "0"),
            ("isodow", "2024-01-07", "7"),
            ("week", "2024-01-07", "1"),
            ("isoyear", "2021-01-01", "2020"),
            ("century", "0001-01-01 BC", "-1"),
            ("century", "2000-01-01", "20"),
            ("decade", "0001-01-01 BC", "0"),
            ("millennium", "2001-01-01", "3"),
            ("year", "0001-01-01 BC", "-1"),
            ("doy", "2024-12-31", "366"),
            ("quarter", "2024-12-31", "4"),
            ("julian", "2024-01-01 12:00", "2460311.5000000000000000"),
        ] {
            assert_eq!(call("extract", &[(unit, Text), (text, Timestamp)]), expected, "{unit} {text}");
        }
        for (unit, text, expected) in [
            ("epoch", "13 months 1 day 1 sec", "34236001.000000"),
            ("quarter", "17 months", "2"),
            ("month", "17 months", "5"),
            ("year", "-17 months", "-1"),
            ("decade", "170 months", "1"),
            ("day", "1 mon 5 days", "5"),
            ("hour", "100:30", "100"),
            ("second", "-1.5 s", "-1.500000"),
        ] {
            assert_eq!(call("extract", &[(unit, Text), (text, Interval)]), expected, "{unit} {text}");
        }
        assert_eq!(call("extract", &[("timezone", Text), ("2024-01-01", TimestampTz)]), "0");
        assert_eq!(call("extract", &[("epoch", Text), ("1500-01-01", Date)]), "-14831769600");
        assert_eq!(call("extract", &[("julian", Text), ("2024-01-01", Date)]), "2460311");
    }

    #[test]
    fn what_a_type_does_not_have_is_refused() {
        let hour = call("extract", &[("hour", Text), ("2024-01-01", Date)]);
        assert_eq!(hour, "0A000: unit \"hour\" not supported for type date");
        let week = call("extract", &[("week", Text), ("10 days", Interval)]);
        assert_eq!(week, "0A000: unit \"week\" not supported for type interval");
        let wrong = call("extract", &[("foo", Text), ("2024-01-01", Timestamp)]);
        assert_eq!(wrong, "22023: unit \"foo\" not recognized for type timestamp without time zone");
    }

    #[test]
    fn other_types_have_the_same_values() {
        assert_eq!(call("date_part", &[("second", Text), ("2024-01-01 00:00:05.5", Timestamp)]), "5");
        assert_eq!(call("date_part", &[("epoch", Text), ("1500-01-01", Date)]), "-14831769600");
        assert_eq!(call("date_part_double", &[("second", Text), ("2024-01-01 00:00:05.5", Timestamp)]), "5.5");
    }
}
