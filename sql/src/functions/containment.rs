//! `array @> array` and `array && array` as functions `array_holds` and `array_meets`. A NULL element is equal to none, as in Postgres.

use super::own::{Arguments, Own};
use super::quantified::comparable;
use crate::SqlError;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, ListArray, Scalar};
use datafusion::arrow::compute::kernels::cmp::eq;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// Both.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Own::function("array_holds", types, |a| rows(a, |left, right| found(left, right, false))),
        Own::function("array_meets", types, |a| rows(a, |left, right| found(left, right, true))),
    ]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [DataType::List(left), DataType::List(right)] if left.data_type() == right.data_type() => {
            Some((arguments.to_vec(), DataType::Boolean))
        }
        _ => None,
    }
}

fn rows(
    arguments: &Arguments<'_>,
    holds: impl Fn(&ArrayRef, &ArrayRef) -> Result<bool, SqlError>,
) -> Result<ArrayRef, SqlError> {
    let (left, right) = (arguments.array(0)?, arguments.array(1)?);
    let (left, right) = (lists(&left)?, lists(&right)?);
    let one = |row: usize| match left.is_null(row) || right.is_null(row) {
        true => Ok(None),
        false => holds(&comparable(left.value(row)), &comparable(right.value(row))).map(Some),
    };
    let found = (0..arguments.rows()).map(one).collect::<Result<BooleanArray, SqlError>>()?;
    Ok(Arc::new(found))
}

fn lists(array: &ArrayRef) -> Result<&ListArray, SqlError> {
    array.as_list_opt::<i32>().ok_or_else(|| SqlError::internal("an array that is no list"))
}

/// Whether any element of the right side is in the left one, or else all are.
fn found(left: &ArrayRef, right: &ArrayRef, any: bool) -> Result<bool, SqlError> {
    for index in 0..right.len() {
        let element = Scalar::new(right.slice(index, 1));
        let is = right.is_valid(index) && {
            let equal = eq(left, &element).map_err(|error| SqlError::internal(error.to_string()))?;
            equal.iter().any(|equal| equal == Some(true))
        };
        if is == any {
            return Ok(any);
        }
    }
    Ok(!any)
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::{call_values, list};
    use crate::types::SqlType;

    fn of(name: &str, left: &str, right: &str) -> String {
        call_values(name, vec![list(left, SqlType::BigInt), list(right, SqlType::BigInt)])
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn null_elements_are_in_no_array() {
        assert_eq!(of("array_holds", "{1,2,3}", "{2,3,3}"), "true");
        assert_eq!(of("array_holds", "{1,2}", "{2,4}"), "false");
        assert_eq!(of("array_holds", "{1,NULL}", "{NULL}"), "false");
        assert_eq!(of("array_holds", "{}", "{}"), "true");
        assert_eq!(of("array_meets", "{1,2}", "{2,4}"), "true");
        assert_eq!(of("array_meets", "{1,NULL}", "{NULL}"), "false");
        assert_eq!(of("array_meets", "{}", "{}"), "false");
    }
}
