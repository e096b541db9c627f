//! `asin`, `acos`, `acosh` and `atanh`, which fail outside of their domain, as in Postgres, and do not give NaN.

use super::own::{Arguments, Own, Types};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// All four.
pub(super) fn functions() -> [Arc<ScalarUDF>; 4] {
    [
        Own::function("asin", TYPES, |arguments| compute(arguments, f64::asin, |x| x.abs() <= 1.0)),
        Own::function("acos", TYPES, |arguments| compute(arguments, f64::acos, |x| x.abs() <= 1.0)),
        Own::function("acosh", TYPES, |arguments| compute(arguments, f64::acosh, |x| x >= 1.0)),
        Own::function("atanh", TYPES, |arguments| compute(arguments, f64::atanh, |x| x.abs() <= 1.0)),
    ]
}

const TYPES: Types = |arguments| {
    let [number] = arguments else { return None };
    (number.is_numeric() || number.is_null()).then(|| (vec![DataType::Float64], DataType::Float64))
};

fn compute(arguments: &Arguments<'_>, function: fn(f64) -> f64, domain: fn(f64) -> bool) -> Result<ArrayRef, SqlError> {
    let numbers = arguments.primitive::<Float64Type>(0)?;
    let results = numbers.iter().map(|number| match number {
        // No -0 is kept.
        Some(x) if domain(x) => Ok(Some(function(x) + 0.0)),
        Some(x) if x.is_nan() => Ok(Some(f64::NAN)),
        Some(_) => Err(SqlError::new(SqlState::NumericValueOutOfRange, "input is out of range")),
        None => Ok(None),
    });
    Ok(Arc::new(results.collect::<Result<Float64Array, SqlError>>()?))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::Double;

    #[test]
    fn the_domain_is_that_of_postgres() {
        for (name, number, expected) in [
            ("asin", "1", "1.5707963267948966"),
            ("asin", "-0", "0"),
            ("asin", "1.01", "22003: input is out of range"),
            ("acos", "-Infinity", "22003: input is out of range"),
            ("acosh", "1", "0"),
            ("acosh", "Infinity", "Infinity"),
            ("acosh", "-Infinity", "22003: input is out of range"),
            ("atanh", "1", "Infinity"),
            ("atanh", "Infinity", "22003: input is out of range"),
            ("atanh", "NaN", "NaN"),
            ("acos", "NULL", "NULL"),
        ] {
            assert_eq!(call(name, &[(number, Double)]), expected, "{name}({number})");
        }
    }
}
