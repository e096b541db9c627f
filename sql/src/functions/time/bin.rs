//! `date_bin(stride, timestamp [, origin])`: the beginning of the stride that a timestamp lies in.

use super::super::own::{Arguments, Own};
use crate::operators::out_of_range;
use crate::types::SqlType;
use crate::types::calendar::DAY_US;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{
    DataType, IntervalMonthDayNano, IntervalMonthDayNanoType, TimestampMicrosecondType,
};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `date_bin`.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Own::function("date_bin", types, compute)]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let (stride, source, origin) = match arguments {
        [stride, source] => (stride, source, source),
        [stride, source, origin] => (stride, source, origin),
        _ => return None,
    };
    let zoned = |argument: &DataType| matches!(argument, DataType::Timestamp(_, Some(_)));
    let moment = |argument: &DataType| {
        matches!(argument, DataType::Timestamp(..) | DataType::Date32) || argument.is_null() || argument.is_string()
    };
    let known = matches!(stride, DataType::Interval(_)) || stride.is_null() || stride.is_string();
    if !known || !moment(source) || !moment(origin) {
        return None;
    }
    let moment = if zoned(source) { SqlType::TimestampTz } else { SqlType::Timestamp }.to_arrow();
    let mut types = vec![SqlType::Interval.to_arrow(), moment.clone()];
    types.extend((arguments.len() == 3).then(|| moment.clone()));
    Some((types, moment))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let strides = arguments.primitive::<IntervalMonthDayNanoType>(0)?;
    let sources = arguments.primitive::<TimestampMicrosecondType>(1)?;
    let origins = match arguments.len() {
        3 => arguments.primitive::<TimestampMicrosecondType>(2)?,
        // 1970-01-01, which Postgres wants to be written.
        _ => TimestampMicrosecondArray::from(vec![0; arguments.rows()]),
    };
    let rows = (0..arguments.rows()).map(|row| {
        if strides.is_null(row) || sources.is_null(row) || origins.is_null(row) {
            return Ok(None);
        }
        bin(strides.value(row), sources.value(row), origins.value(row)).map(Some)
    });
    let bins = rows.collect::<Result<TimestampMicrosecondArray, SqlError>>()?;
    Ok(Arc::new(bins.with_data_type(arguments.returns.clone())))
}

fn bin(stride: IntervalMonthDayNano, source: i64, origin: i64) -> Result<i64, SqlError> {
    if stride.months != 0 {
        let message = "timestamps cannot be binned into intervals containing months or years";
        return Err(SqlError::unsupported(message, "Use date_trunc('month', ...)."));
    }
    let micros =
        i64::from(stride.days).checked_mul(DAY_US).and_then(|days| days.checked_add(stride.nanoseconds / 1_000));
    let micros = micros.ok_or_else(|| out_of_range("interval"))?;
    if micros <= 0 {
        return Err(SqlError::new(SqlState::DatetimeFieldOverflow, "stride must be greater than zero"));
    }
    let past = i128::from(source) - i128::from(origin);
    let start = i128::from(source) - past.rem_euclid(i128::from(micros));
    i64::try_from(start).map_err(|_| out_of_range("timestamp"))
}

#[cfg(test)]
mod tests {
    use super::super::super::own::tests::call;
    use crate::types::SqlType::{Interval, Timestamp};

    fn bin(stride: &str, source: &str, origin: &str) -> String {
        call("date_bin", &[(stride, Interval), (source, Timestamp), (origin, Timestamp)])
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn moments_lie_in_strides() {
        assert_eq!(bin("15 min", "2024-01-01 00:01", "2024-01-01 00:30"), "2024-01-01 00:00:00");
        assert_eq!(bin("15 min", "2024-01-01 00:00", "2024-01-01 00:30"), "2024-01-01 00:00:00");
        assert_eq!(bin("1 day", "9999-12-31 12:00", "2001-01-01"), "9999-12-31 00:00:00");
        assert_eq!(bin("1 week", "1500-06-15", "2001-01-01"), "1500-06-11 00:00:00");
        assert!(bin("1 month", "2024-01-01", "2024-01-01").starts_with("0A000: timestamps cannot be binned"));
        assert_eq!(bin("0", "2024-01-01", "2024-01-01"), "22008: stride must be greater than zero");
        let from_1970 = call("date_bin", &[("1 hour", Interval), ("1969-12-31 23:59", Timestamp)]);
        assert_eq!(from_1970, "1969-12-31 23:00:00");
    }
}
