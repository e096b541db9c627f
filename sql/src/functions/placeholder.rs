//! Calls that mean something only while a SELECT is bound: the binder puts columns or relations in their place, so nothing computes
//! them.

use super::own::{Arguments, Own};
use crate::SqlError;
use datafusion::arrow::array::ArrayRef;
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use std::sync::{Arc, LazyLock};

static ELEMENTS: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::function("unnest", element, never));
static GROUPING: LazyLock<Arc<ScalarUDF>> = LazyLock::new(|| Own::function("grouping", left_out, never));

/// The elements of an array, each in a row of its own: what every function that gives rows is bound to.
pub(crate) fn elements() -> &'static Arc<ScalarUDF> {
    &ELEMENTS
}

/// `grouping(a, b)`: which of these keys the set of a row leaves out, a bit each.
pub(crate) fn grouping() -> &'static Arc<ScalarUDF> {
    &GROUPING
}

fn element(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [list @ DataType::List(element)] => Some((vec![list.clone()], element.data_type().clone())),
        _ => None,
    }
}

fn left_out(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    Some((arguments.to_vec(), DataType::Int32))
}

fn never(_: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    Err(SqlError::internal("a call that the binder had to replace"))
}
