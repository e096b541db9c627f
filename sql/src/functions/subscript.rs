//! `array_subscript(array, n)`: Postgres' `array[n]`, which counts from 1 and is NULL where there is no element.

use super::own::{Arguments, Own};
use crate::SqlError;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, UInt32Array};
use datafusion::arrow::compute::kernels::take::take;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `array_subscript`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("array_subscript", types, compute)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [list @ DataType::List(element), index] if index.is_integer() || index.is_null() => {
            Some((vec![list.clone(), DataType::Int64], element.data_type().clone()))
        }
        _ => None,
    }
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let internal = |error: &dyn std::fmt::Display| SqlError::internal(error.to_string());
    let lists = arguments.array(0)?;
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| internal(&"an array that is no list"))?;
    let indices = crate::operators::cast_array(&arguments.array(1)?, &DataType::Int64)?;
    let indices = indices.as_primitive::<Int64Type>();
    let places = (0..lists.len()).map(|row| {
        if lists.is_null(row) || indices.is_null(row) {
            return None;
        }
        let index = indices.value(row);
        let exists = index >= 1 && index <= i64::from(lists.value_length(row));
        exists.then(|| lists.value_offsets()[row] as u32 + (index - 1) as u32)
    });
    take(lists.values(), &places.collect::<UInt32Array>(), None).map_err(|e| internal(&e))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::{call_values, list};
    use crate::types::SqlType;
    use datafusion::common::ScalarValue;

    #[test]
    fn elements_count_from_one() {
        for (index, expected) in [(1, "a"), (2, "NULL"), (3, "c"), (0, "NULL"), (-1, "NULL"), (4, "NULL")] {
            let values = vec![list("{a,NULL,c}", SqlType::Text), ScalarValue::Int64(Some(index))];
            assert_eq!(call_values("array_subscript", values), expected, "{index}");
        }
    }
}
