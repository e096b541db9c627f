//! `value op ANY (array)` and `value op ALL (array)` as functions `any_eq(value, array)` to `all_not_ilike`, with SQL's three
//! values: a comparison with a NULL element is unknown.

use super::own::{Arguments, Own};
use crate::SqlError;
use crate::operators::lengths;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Datum, ListArray, Scalar, UInt32Array};
use datafusion::arrow::compute::kernels::cmp::{eq, gt, gt_eq, lt, lt_eq, neq};
use datafusion::arrow::compute::kernels::comparison::{ilike, like, nilike, nlike};
use datafusion::arrow::compute::kernels::take::take;
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

type Comparison = fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray, ArrowError>;

/// All of them.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Own::function("any_eq", types, |a| quantified(a, eq, true)),
        Own::function("any_ne", types, |a| quantified(a, neq, true)),
        Own::function("any_lt", types, |a| quantified(a, lt, true)),
        Own::function("any_le", types, |a| quantified(a, lt_eq, true)),
        Own::function("any_gt", types, |a| quantified(a, gt, true)),
        Own::function("any_ge", types, |a| quantified(a, gt_eq, true)),
        Own::function("all_eq", types, |a| quantified(a, eq, false)),
        Own::function("all_ne", types, |a| quantified(a, neq, false)),
        Own::function("all_lt", types, |a| quantified(a, lt, false)),
        Own::function("all_le", types, |a| quantified(a, lt_eq, false)),
        Own::function("all_gt", types, |a| quantified(a, gt, false)),
        Own::function("all_ge", types, |a| quantified(a, gt_eq, false)),
        Own::function("any_like", types, |a| quantified(a, like, true)),
        Own::function("any_not_like", types, |a| quantified(a, nlike, true)),
        Own::function("any_ilike", types, |a| quantified(a, ilike, true)),
        Own::function("any_not_ilike", types, |a| quantified(a, nilike, true)),
        Own::function("all_like", types, |a| quantified(a, like, false)),
        Own::function("all_not_like", types, |a| quantified(a, nlike, false)),
        Own::function("all_ilike", types, |a| quantified(a, ilike, false)),
        Own::function("all_not_ilike", types, |a| quantified(a, nilike, false)),
    ]
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [value, DataType::List(element)] if value == element.data_type() || value.is_null() => {
            Some((vec![element.data_type().clone(), arguments[1].clone()], DataType::Boolean))
        }
        _ => None,
    }
}

/// For each row: with `any` whether a comparison is true, else whether all are.
fn quantified(arguments: &Arguments<'_>, comparison: Comparison, any: bool) -> Result<ArrayRef, SqlError> {
    let value = comparable(arguments.array(0)?);
    if let Some(list) = arguments.constant_list(1) {
        return constant(&value, list, comparison, any);
    }
    let lists = arguments.array(1)?;
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| SqlError::internal("an array that is no list"))?;
    // The value once for each element of its list.
    let (mut rows, mut elements) = (Vec::new(), Vec::new());
    for row in 0..lists.len() {
        if lists.is_valid(row) {
            let offsets = lists.value_offsets();
            let range = offsets[row] as u32..offsets[row + 1] as u32;
            rows.extend(range.clone().map(|_| row as u32));
            elements.extend(range);
        }
    }
    let taken = |array: &ArrayRef, indices: Vec<u32>| take(array, &UInt32Array::from(indices), None);
    let values = taken(&value, rows).map_err(|e| internal(&e))?;
    let elements = taken(&comparable(Arc::clone(lists.values())), elements).map_err(|e| internal(&e))?;
    let compared = comparison(&values, &elements).map_err(|e| internal(&e))?;
    let mut at = 0;
    let results = (0..lists.len()).map(|row| {
        if lists.is_null(row) {
            return None;
        }
        let length = lists.value_length(row) as usize;
        let one = fold(compared.slice(at, length).iter(), any);
        at += length;
        one
    });
    Ok(Arc::new(results.collect::<BooleanArray>()))
}

/// OR of the values, or AND.
fn fold(values: impl Iterator<Item = Option<bool>>, any: bool) -> Option<bool> {
    let mut result = Some(!any);
    for value in values {
        match value {
            Some(value) if value == any => return Some(any),
            Some(_) => {}
            None => result = None,
        }
    }
    result
}

/// The same with one list for all rows: a comparison of the column with each element.
fn constant(value: &ArrayRef, list: &ListArray, comparison: Comparison, any: bool) -> Result<ArrayRef, SqlError> {
    if list.is_null(0) {
        return Ok(Arc::new(BooleanArray::new_null(value.len())));
    }
    let elements = comparable(list.value(0));
    let mut result = BooleanArray::from(vec![!any; value.len()]);
    for index in 0..elements.len() {
        let element = Scalar::new(elements.slice(index, 1));
        let compared = comparison(value, &element).map_err(|e| internal(&e))?;
        result = match any {
            true => datafusion::arrow::compute::or_kleene(&result, &compared),
            false => datafusion::arrow::compute::and_kleene(&result, &compared),
        }
        .map_err(|e| internal(&e))?;
    }
    Ok(Arc::new(result))
}

/// Intervals as their lengths, which Arrow orders as Postgres orders intervals.
pub(super) fn comparable(array: ArrayRef) -> ArrayRef {
    match array.data_type() {
        DataType::Interval(_) => lengths(&array),
        _ => array,
    }
}

fn internal(error: &ArrowError) -> SqlError {
    SqlError::internal(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::{call_values, list};
    use super::*;
    use crate::types::SqlType;
    use datafusion::common::ScalarValue;

    fn of(name: &str, value: Option<i64>, text: &str) -> String {
        call_values(name, vec![ScalarValue::Int64(value), list(text, SqlType::BigInt)])
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn unknown_comparisons_count() {
        assert_eq!(of("any_eq", Some(2), "{1,NULL}"), "NULL");
        assert_eq!(of("any_eq", Some(1), "{1,NULL}"), "true");
        assert_eq!(of("any_eq", Some(2), "{1,3}"), "false");
        assert_eq!(of("any_eq", None, "{1}"), "NULL");
        assert_eq!(of("any_eq", None, "{}"), "false");
        assert_eq!(of("any_lt", Some(1), "{2,NULL}"), "true");
        assert_eq!(of("any_lt", Some(3), "{2,NULL}"), "NULL");
        assert_eq!(of("all_ne", Some(2), "{1,NULL}"), "NULL");
        assert_eq!(of("all_ne", Some(1), "{1,NULL}"), "false");
        assert_eq!(of("all_gt", Some(3), "{1,2}"), "true");
        assert_eq!(of("all_gt", None, "{}"), "true");
    }

    #[test]
    fn lists_of_columns_are_compared_row_by_row() {
        let lists = ["{1,2}", "{}", "{NULL}", "{5}"].map(|text| list(text, SqlType::BigInt));
        let lists = ScalarValue::iter_to_array(lists).unwrap();
        let values: ArrayRef = Arc::new(datafusion::arrow::array::Int64Array::from(vec![2, 2, 2, 2]));
        let function = super::super::Registry::standard().scalar("any_eq").unwrap();
        let fields: Vec<_> = [&values, &lists]
            .map(|array| Arc::new(datafusion::arrow::datatypes::Field::new("a", array.data_type().clone(), true)))
            .to_vec();
        let result = function
            .invoke_with_args(datafusion::logical_expr::ScalarFunctionArgs {
                args: vec![values.into(), lists.into()],
                arg_fields: fields,
                number_rows: 4,
                return_field: Arc::new(datafusion::arrow::datatypes::Field::new("b", DataType::Boolean, true)),
                config_options: Arc::default(),
            })
            .unwrap();
        let result = result.to_array(4).unwrap();
        let result: Vec<_> = result.as_boolean().iter().collect();
        assert_eq!(result, [Some(true), Some(false), None, Some(false)]);
    }
}
