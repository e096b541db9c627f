//! `interval_order(interval)`: what intervals are sorted by.

use super::own::{Arguments, Own, is};
use crate::SqlError;
use crate::operators::lengths;
use crate::types::SqlType;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType};
use datafusion::logical_expr::ScalarUDF;
use std::sync::{Arc, LazyLock};

static FUNCTION: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::function("interval_order", types, compute));

/// The length of an interval in nanoseconds, months being 30 days and days 24 hours: sorting by it is sorting by the interval.
#[must_use]
pub fn interval_order() -> Arc<ScalarUDF> {
    Arc::clone(&FUNCTION)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let interval = SqlType::Interval.to_arrow();
    match arguments {
        [argument] if is(argument, &interval) => {
            Some((vec![interval], DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)))
        }
        _ => None,
    }
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    Ok(lengths(&arguments.array(0)?))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::Interval;

    #[test]
    fn lengths_are_those_of_months_of_30_days() {
        assert_eq!(call("interval_order", &[("1 month", Interval)]), call("interval_order", &[("30 days", Interval)]));
        assert_eq!(call("interval_order", &[("-1 hour", Interval)]), "-3600000000000");
        assert_eq!(call("interval_order", &[("NULL", Interval)]), "NULL");
    }
}
