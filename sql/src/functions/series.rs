//! `series(from, to, step)`: the array of the values from one to another, which `generate_series` gives as rows.
//!
//! As in Postgres: NULL for a NULL argument (so no rows), an empty array where the step leads away, 22023 for a step of zero. A value
//! that would leave the range of its type ends the series.

use super::limit;
use super::own::{Arguments, Own};
use crate::binder::map_datafusion_error;
use crate::operators::{length, shift};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, ListArray, PrimitiveArray};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, Int32Type, Int64Type, IntervalMonthDayNanoType, IntervalUnit, TimeUnit,
    TimestampMicrosecondType,
};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `series`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("series", types, compute)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [from, to, step] = arguments else { return None };
    let fits = match from {
        DataType::Int32 | DataType::Int64 => step == from,
        DataType::Timestamp(TimeUnit::Microsecond, _) => *step == DataType::Interval(IntervalUnit::MonthDayNano),
        _ => false,
    };
    let list = DataType::List(Arc::new(Field::new_list_field(from.clone(), true)));
    (fits && from == to).then(|| (arguments.to_vec(), list))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let DataType::List(field) = arguments.returns else { return Err(SqlError::internal("a series of no list")) };
    match field.data_type() {
        DataType::Int32 => integers::<Int32Type>(arguments, |value| i32::try_from(value).ok()),
        DataType::Int64 => integers::<Int64Type>(arguments, Some),
        _ => moments(arguments),
    }
}

fn zero_step() -> SqlError {
    SqlError::new(SqlState::InvalidParameterValue, "step size cannot equal zero")
}

fn integers<T: ArrowPrimitiveType>(
    arguments: &Arguments<'_>,
    fits: fn(i64) -> Option<T::Native>,
) -> Result<ArrayRef, SqlError>
where
    i64: From<T::Native>,
{
    let (from, to) = (arguments.primitive::<T>(0)?, arguments.primitive::<T>(1)?);
    let step = arguments.primitive::<T>(2)?;
    let mut rows = Rows::<T>::new(arguments);
    for row in 0..arguments.rows() {
        if from.is_null(row) || to.is_null(row) || step.is_null(row) {
            rows.end(false);
            continue;
        }
        let (mut next, to, step) = (i64::from(from.value(row)), i64::from(to.value(row)), i64::from(step.value(row)));
        if step == 0 {
            return Err(zero_step());
        }
        while let Some(value) = fits(next).filter(|_| if step > 0 { next <= to } else { next >= to }) {
            rows.push(value)?;
            let Some(after) = next.checked_add(step) else { break };
            next = after;
        }
        rows.end(true);
    }
    rows.finish()
}

fn moments(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let from = arguments.primitive::<TimestampMicrosecondType>(0)?;
    let to = arguments.primitive::<TimestampMicrosecondType>(1)?;
    let step = arguments.primitive::<IntervalMonthDayNanoType>(2)?;
    let mut rows = Rows::<TimestampMicrosecondType>::new(arguments);
    for row in 0..arguments.rows() {
        if from.is_null(row) || to.is_null(row) || step.is_null(row) {
            rows.end(false);
            continue;
        }
        let (mut next, to, step) = (from.value(row), to.value(row), step.value(row));
        let direction = length(step);
        if direction == 0 {
            return Err(zero_step());
        }
        while if direction > 0 { next <= to } else { next >= to } {
            rows.push(next)?;
            next = shift(next, step, false)?;
        }
        rows.end(true);
    }
    rows.finish()
}

/// The lists as they are made, within the limit on what a function makes.
struct Rows<'a, T: ArrowPrimitiveType> {
    arguments: &'a Arguments<'a>,
    most: usize,
    values: Vec<T::Native>,
    ends: Vec<i32>,
    valid: Vec<bool>,
}

impl<'a, T: ArrowPrimitiveType> Rows<'a, T> {
    fn new(arguments: &'a Arguments<'a>) -> Rows<'a, T> {
        let bytes = limit::max_bytes(arguments.config) / size_of::<T::Native>() as u128;
        let most = usize::try_from(bytes).unwrap_or(usize::MAX).min(i32::MAX as usize);
        Rows { arguments, most, values: Vec::new(), ends: vec![0], valid: Vec::new() }
    }

    fn push(&mut self, value: T::Native) -> Result<(), SqlError> {
        if self.values.len() >= self.most {
            return Err(map_datafusion_error(&limit::too_large("generate_series", self.arguments.config)));
        }
        self.values.push(value);
        Ok(())
    }

    /// Ends a row's list; an invalid one is NULL.
    fn end(&mut self, valid: bool) {
        // Never more than `most`.
        self.ends.push(self.values.len() as i32);
        self.valid.push(valid);
    }

    fn finish(self) -> Result<ArrayRef, SqlError> {
        let internal = |error: datafusion::arrow::error::ArrowError| SqlError::internal(error.to_string());
        let DataType::List(field) = self.arguments.returns else {
            return Err(SqlError::internal("a series of no list"));
        };
        let values = PrimitiveArray::<T>::from_iter_values(self.values).with_data_type(field.data_type().clone());
        let offsets = OffsetBuffer::new(self.ends.into());
        let nulls = NullBuffer::from(self.valid);
        let list = ListArray::try_new(Arc::clone(field), offsets, Arc::new(values), Some(nulls)).map_err(internal)?;
        Ok(Arc::new(list))
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::{BigInt, Integer, Interval, Timestamp};

    #[test]
    fn a_series_ends_where_postgres_ends_it() {
        let of = |from, to, step| call("series", &[(from, Integer), (to, Integer), (step, Integer)]);
        assert_eq!(of("1", "3", "1"), "{1,2,3}");
        assert_eq!(of("3", "1", "-2"), "{3,1}");
        assert_eq!(of("1", "3", "-1"), "{}");
        assert_eq!(of("2147483646", "2147483647", "1"), "{2147483646,2147483647}");
        assert_eq!(of("1", "NULL", "1"), "NULL");
        assert_eq!(of("1", "3", "0"), "22023: step size cannot equal zero");
        let most = "9223372036854775807";
        assert_eq!(call("series", &[(most, BigInt), (most, BigInt), ("1", BigInt)]), "{9223372036854775807}");
        assert!(call("series", &[("0", BigInt), (most, BigInt), ("1", BigInt)]).starts_with("54000"));
    }

    #[test]
    fn months_are_added_one_after_another() {
        let moments = [("2024-01-31 00:00:00", Timestamp), ("2024-04-01 00:00:00", Timestamp), ("1 mon", Interval)];
        assert_eq!(
            call("series", &moments),
            "{\"2024-01-31 00:00:00\",\"2024-02-29 00:00:00\",\"2024-03-29 00:00:00\"}"
        );
    }
}
