//! `justify_hours`, `justify_days`, `justify_interval`.

use super::super::own::{Arguments, Own, is};
use crate::SqlError;
use crate::operators::{justify_days, justify_hours, justify_interval};
use crate::types::SqlType;
use datafusion::arrow::array::{ArrayRef, IntervalMonthDayNanoArray};
use datafusion::arrow::datatypes::{DataType, IntervalMonthDayNano, IntervalMonthDayNanoType};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// All three.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Own::function("justify_hours", types, |arguments| each(arguments, justify_hours)),
        Own::function("justify_days", types, |arguments| each(arguments, justify_days)),
        Own::function("justify_interval", types, |arguments| each(arguments, justify_interval)),
    ]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let interval = SqlType::Interval.to_arrow();
    match arguments {
        [argument] if is(argument, &interval) => Some((vec![interval.clone()], interval)),
        _ => None,
    }
}

fn each(
    arguments: &Arguments<'_>,
    justify: fn(IntervalMonthDayNano) -> Result<IntervalMonthDayNano, SqlError>,
) -> Result<ArrayRef, SqlError> {
    let values = arguments.primitive::<IntervalMonthDayNanoType>(0)?;
    let values: IntervalMonthDayNanoArray = values.try_unary(justify)?;
    Ok(Arc::new(values))
}
