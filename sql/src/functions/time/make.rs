//! Dates and timestamps from numbers: `make_date`, `make_timestamp`, `to_timestamp(seconds)`.

use super::super::own::{Arguments, Own, is};
use crate::operators::{out_of_range, timestamp};
use crate::types::SqlType;
use crate::types::calendar::days;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, Date32Array, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, Float64Type, Int32Type};
use datafusion::common::config::ConfigOptions;
use datafusion::functions::datetime;
use datafusion::logical_expr::{
    ColumnarValue, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

const SECOND: f64 = 1_000_000.0;

/// All of them.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Own::function("make_date", date_types, make_date),
        Own::function("make_timestamp", timestamp_types, make_timestamp),
        Arc::new(ScalarUDF::new_from_impl(ToTimestamp { inner: datetime::to_timestamp(&ConfigOptions::default()) })),
    ]
}

fn is_number(argument: &DataType) -> bool {
    argument.is_integer() || argument.is_null() || argument.is_string()
}

fn date_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let fits = arguments.len() == 3 && arguments.iter().all(is_number);
    fits.then(|| (vec![DataType::Int32; 3], DataType::Date32))
}

fn make_date(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let [years, months, days] = [0, 1, 2].map(|index| arguments.primitive::<Int32Type>(index));
    let (years, months, days) = (years?, months?, days?);
    let rows = (0..arguments.rows()).map(|row| {
        if years.is_null(row) || months.is_null(row) || days.is_null(row) {
            return Ok(None);
        }
        let day = day(years.value(row), months.value(row), days.value(row))?;
        i32::try_from(day).map(Some).map_err(|_| out_of_range("date"))
    });
    let rows: Vec<Option<i32>> = rows.collect::<Result<_, SqlError>>()?;
    Ok(Arc::new(Date32Array::from(rows)))
}

/// The day of a date; a negative year is before Christ, and there is no year 0.
fn day(year: i32, month: i32, day: i32) -> Result<i64, SqlError> {
    let wrong = || {
        let message = format!("date field value out of range: {year}-{month:02}-{day:02}");
        SqlError::new(SqlState::DatetimeFieldOverflow, message)
    };
    let astronomical = match year {
        0 => return Err(wrong()),
        year if year < 0 => i64::from(year) + 1,
        year => i64::from(year),
    };
    let (Ok(month), Ok(day)) = (u32::try_from(month), u32::try_from(day)) else { return Err(wrong()) };
    days(astronomical, month, day).filter(|day| timestamp(*day, 0).is_some()).ok_or_else(wrong)
}

fn timestamp_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let (seconds, integers) = arguments.split_last()?;
    let fits = integers.len() == 5
        && integers.iter().all(is_number)
        && (seconds.is_numeric() || is(seconds, &DataType::Float64) || seconds.is_string());
    let mut types = vec![DataType::Int32; 5];
    types.push(DataType::Float64);
    fits.then(|| (types, SqlType::Timestamp.to_arrow()))
}

fn make_timestamp(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let fields = (0..5).map(|index| arguments.primitive::<Int32Type>(index)).collect::<Result<Vec<_>, SqlError>>()?;
    let seconds = arguments.primitive::<Float64Type>(5)?;
    let rows = (0..arguments.rows()).map(|row| {
        if seconds.is_null(row) || fields.iter().any(|field| field.is_null(row)) {
            return Ok(None);
        }
        let value = |field: usize| fields.get(field).map_or(0, |values| values.value(row));
        let day = day(value(0), value(1), value(2))?;
        let micros = time(value(3), value(4), seconds.value(row))?;
        timestamp(day, micros).map(Some).ok_or_else(|| out_of_range("timestamp"))
    });
    Ok(Arc::new(rows.collect::<Result<TimestampMicrosecondArray, SqlError>>()?))
}

/// Microseconds of a time of day; 24:00 and a leap second give the next day.
fn time(hour: i32, minute: i32, second: f64) -> Result<i64, SqlError> {
    let late = hour == 24 && (minute > 0 || second > 0.0);
    let fits = (0..=24).contains(&hour) && (0..60).contains(&minute) && (0.0..=60.0).contains(&second);
    if !fits || late {
        let message = format!("time field value out of range: {hour}:{minute:02}:{second:02}");
        return Err(SqlError::new(SqlState::DatetimeFieldOverflow, message));
    }
    let micros = (second * SECOND).round_ties_even() as i64;
    Ok((i64::from(hour) * 3_600 + i64::from(minute) * 60) * 1_000_000 + micros)
}

/// DataFusion's `to_timestamp`, of which that of a number is our own.
#[derive(Debug, PartialEq, Eq, Hash)]
struct ToTimestamp {
    inner: Arc<ScalarUDF>,
}

fn is_seconds(arguments: &[DataType]) -> bool {
    matches!(arguments, [number] if number.is_numeric())
}

impl ScalarUDFImpl for ToTimestamp {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> datafusion::common::Result<DataType> {
        match is_seconds(arguments) {
            true => Ok(SqlType::Timestamp.to_arrow()),
            false => self.inner.inner().return_type(arguments),
        }
    }

    fn return_field_from_args(
        &self,
        arguments: ReturnFieldArgs<'_>,
    ) -> datafusion::common::Result<datafusion::arrow::datatypes::FieldRef> {
        let types: Vec<DataType> = arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
        if !is_seconds(&types) {
            return self.inner.return_field_from_args(arguments);
        }
        let returns = SqlType::Timestamp.to_arrow();
        Ok(Arc::new(datafusion::arrow::datatypes::Field::new(self.name(), returns, true)))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> datafusion::common::Result<ColumnarValue> {
        if let Some(none) = crate::operators::of_no_rows(&arguments) {
            return Ok(none);
        }
        let types: Vec<DataType> = arguments.args.iter().map(ColumnarValue::data_type).collect();
        match arguments.args.first() {
            Some(seconds) if is_seconds(&types) => crate::operators::map(seconds, to_timestamp),
            _ => self.inner.invoke_with_args(arguments),
        }
    }
}

fn to_timestamp(seconds: &ArrayRef) -> Result<ArrayRef, SqlError> {
    use datafusion::arrow::array::AsArray;
    let doubles = crate::operators::cast_array(seconds, &DataType::Float64)?;
    let one = |seconds: f64| {
        if seconds.is_nan() {
            return Err(SqlError::new(SqlState::DatetimeFieldOverflow, "timestamp cannot be NaN"));
        }
        let micros = (seconds * SECOND).round_ties_even();
        // Both ends are powers of two.
        match (i64::MIN as f64..i64::MAX as f64).contains(&micros) {
            true => Ok(micros as i64),
            false => {
                Err(SqlError::new(SqlState::DatetimeFieldOverflow, format!("timestamp out of range: \"{seconds:e}\"")))
            }
        }
    };
    let moments: TimestampMicrosecondArray = doubles.as_primitive::<Float64Type>().try_unary(one)?;
    Ok(Arc::new(moments))
}

#[cfg(test)]
mod tests {
    use super::super::super::own::tests::call;
    use crate::types::SqlType::{Double, Integer, Interval};

    fn date(year: &str, month: &str, day: &str) -> String {
        call("make_date", &[(year, Integer), (month, Integer), (day, Integer)])
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn dates_are_made_of_numbers() {
        assert_eq!(date("2024", "2", "29"), "2024-02-29");
        assert_eq!(date("-2024", "1", "26"), "2024-01-26 BC");
        assert_eq!(date("9999", "12", "31"), "9999-12-31");
        assert_eq!(date("0", "1", "1"), "22008: date field value out of range: 0-01-01");
        assert_eq!(date("2024", "13", "1"), "22008: date field value out of range: 2024-13-01");
        assert_eq!(date("NULL", "13", "1"), "NULL");
    }

    #[test]
    fn timestamps_are_made_of_numbers() {
        let make = |hour: &str, minute: &str, second: &str| {
            let numbers = ["2024", "1", "1", hour, minute].map(|number| (number, Integer));
            call("make_timestamp", &[numbers.as_slice(), &[(second, Double)]].concat())
        };
        assert_eq!(make("1", "2", "3.5"), "2024-01-01 01:02:03.5");
        assert_eq!(make("23", "59", "60"), "2024-01-02 00:00:00");
        assert!(make("25", "0", "0").starts_with("22008: time field value out of range"));
        assert_eq!(call("to_timestamp", &[("1.5", Double)]), "1970-01-01 00:00:01.5");
        assert_eq!(call("to_timestamp", &[("253402214400", Double)]), "9999-12-31 00:00:00");
        assert_eq!(call("to_timestamp", &[("NaN", Double)]), "22008: timestamp cannot be NaN");
        assert!(call("to_timestamp", &[("1e20", Double)]).starts_with("22008: timestamp out of range"));
        assert_eq!(call("justify_hours", &[("27 hours", Interval)]), "1 day 03:00:00");
    }
}
