//! `array_bounds(array, lower, upper)`: Postgres' `array[lower:upper]`, which counts from 1 and has what there is between them.
//!
//! NULL for a NULL array or bound; empty where there is nothing between them. The result counts from 1 again. (DataFusion's
//! `array_slice` counts negative bounds from the end.)

use super::own::{Arguments, Own};
use crate::SqlError;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, ListArray, UInt32Array};
use datafusion::arrow::buffer::{NullBuffer, OffsetBuffer};
use datafusion::arrow::compute::kernels::take::take;
use datafusion::arrow::datatypes::{DataType, Int32Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `array_bounds`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("array_bounds", types, compute)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [list @ DataType::List(_), DataType::Int32, DataType::Int32] => Some((arguments.to_vec(), list.clone())),
        _ => None,
    }
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let internal = |error: &dyn std::fmt::Display| SqlError::internal(error.to_string());
    let lists = arguments.array(0)?;
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| internal(&"an array that is no list"))?;
    let (lower, upper) = (arguments.primitive::<Int32Type>(1)?, arguments.primitive::<Int32Type>(2)?);
    let mut places: Vec<u32> = Vec::new();
    let mut ends: Vec<i32> = vec![0];
    let mut valid = Vec::with_capacity(lists.len());
    for row in 0..lists.len() {
        let known = lists.is_valid(row) && lower.is_valid(row) && upper.is_valid(row);
        valid.push(known);
        if known {
            let first = lower.value(row).max(1);
            let last = upper.value(row).min(lists.value_length(row));
            let start = lists.value_offsets()[row];
            places.extend((first..=last).map(|place| (start + place - 1) as u32));
        }
        ends.push(places.len() as i32);
    }
    let values = take(lists.values(), &UInt32Array::from(places), None).map_err(|e| internal(&e))?;
    let DataType::List(field) = arguments.returns else { return Err(internal(&"a slice that is no list")) };
    let offsets = OffsetBuffer::new(ends.into());
    let list = ListArray::try_new(Arc::clone(field), offsets, values, Some(NullBuffer::from(valid)));
    Ok(Arc::new(list.map_err(|e| internal(&e))?))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::{call_values, list};
    use crate::types::SqlType;
    use datafusion::common::ScalarValue;

    #[test]
    fn what_is_not_there_is_left_out() {
        for (lower, upper, expected) in [
            (Some(1), Some(2), "{a,NULL}"),
            (Some(-5), Some(1), "{a}"),
            (Some(3), Some(9), "{c}"),
            (Some(2), Some(1), "{}"),
            (Some(4), Some(9), "{}"),
            (None, Some(1), "NULL"),
            (Some(1), None, "NULL"),
        ] {
            let bounds = [ScalarValue::Int32(lower), ScalarValue::Int32(upper)];
            let values = std::iter::once(list("{a,NULL,c}", SqlType::Text)).chain(bounds).collect();
            assert_eq!(call_values("array_bounds", values), expected, "{lower:?} {upper:?}");
        }
    }
}
