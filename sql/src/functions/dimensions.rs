//! The bounds of arrays: `array_length`, `array_lower`, `array_upper`, `array_ndims`. Arrays have one dimension that begins
//! with 1; one without elements has none.

use super::own::{Arguments, Own};
use crate::SqlError;
use crate::operators::cast_array;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Int32Array};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// The four functions.
pub(super) fn functions() -> [Arc<ScalarUDF>; 4] {
    [
        Own::with_alias("array_length", Some("list_length"), length_types, |a| bound(a, |elements| elements)),
        Own::function("array_upper", length_types, |a| bound(a, |elements| elements)),
        Own::function("array_lower", length_types, |a| bound(a, |_| 1)),
        Own::with_alias("array_ndims", Some("list_ndims"), ndims_types, |a| bound(a, |_| 1)),
    ]
}

fn length_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [list @ DataType::List(_)] => Some((vec![list.clone()], DataType::Int32)),
        [list @ DataType::List(_), dimension] if dimension.is_integer() || dimension.is_null() => {
            Some((vec![list.clone(), DataType::Int64], DataType::Int32))
        }
        _ => None,
    }
}

fn ndims_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    if arguments.len() == 1 { length_types(arguments) } else { None }
}

/// Of each array that has the dimension, something of the number of its elements. Without a dimension it is the first.
fn bound(arguments: &Arguments<'_>, of: fn(i32) -> i32) -> Result<ArrayRef, SqlError> {
    let lists = arguments.array(0)?;
    let lists = lists.as_list_opt::<i32>().ok_or_else(|| SqlError::internal("an array that is no list"))?;
    let dimensions = match arguments.len() {
        1 => None,
        _ => Some(cast_array(&arguments.array(1)?, &DataType::Int64)?),
    };
    let dimensions = dimensions.as_ref().map(|array| array.as_primitive::<Int64Type>());
    let exists = |row: usize| {
        let first = dimensions.is_none_or(|dimensions| dimensions.is_valid(row) && dimensions.value(row) == 1);
        first && lists.is_valid(row) && lists.value_length(row) > 0
    };
    let bounds = (0..lists.len()).map(|row| exists(row).then(|| of(lists.value_length(row))));
    Ok(Arc::new(bounds.collect::<Int32Array>()))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::{call_values, list};
    use crate::types::SqlType;
    use datafusion::common::ScalarValue;

    fn of(name: &str, array: &str, dimension: Option<i32>) -> String {
        call_values(name, vec![list(array, SqlType::Text), ScalarValue::Int32(dimension)])
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn bounds() {
        assert_eq!(of("array_length", "{a,NULL}", Some(1)), "2");
        assert_eq!(of("array_upper", "{a,b,c}", Some(1)), "3");
        assert_eq!(of("array_lower", "{a,b,c}", Some(1)), "1");
        for name in ["array_length", "array_upper", "array_lower"] {
            assert_eq!(of(name, "{}", Some(1)), "NULL", "{name}");
            for dimension in [Some(0), Some(2), Some(-1), None] {
                assert_eq!(of(name, "{a}", dimension), "NULL", "{name}");
            }
        }
        assert_eq!(call_values("array_ndims", vec![list("{a}", SqlType::Text)]), "1");
        assert_eq!(call_values("array_ndims", vec![list("{}", SqlType::Text)]), "NULL");
    }
}
