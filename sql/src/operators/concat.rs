//! `||` of texts, within the limit on what an expression may make (each `x || x` of a nested query doubles a text).

use super::arithmetic::scalar_again;
use super::{both, operator_name, strict_function};
use crate::functions::limit;
use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_utf8;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use std::sync::Arc;

/// `text || text`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concat {}

impl Concat {
    pub(super) fn of(left: &DataType, right: &DataType) -> Option<Concat> {
        (*left == DataType::Utf8 && *right == DataType::Utf8).then_some(Concat {})
    }
}

impl ScalarUDFImpl for Concat {
    strict_function!(2);

    fn name(&self) -> &str {
        "text_concat"
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(operator_name(Operator::StringConcat, arguments))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (left, right) = both(&arguments.args, self)?;
        let scalar = [left, right].iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { arguments.number_rows };
        // Checked before a constant is repeated for every row.
        let each = |value: &ColumnarValue| match value {
            ColumnarValue::Array(array) => text_bytes(array),
            ColumnarValue::Scalar(value) => value.try_as_str().flatten().map_or(0, str::len) as u128 * rows as u128,
        };
        limit::check("||", each(left) + each(right), &arguments.config_options)?;
        let (left, right) = (left.to_array(rows)?, right.to_array(rows)?);
        let joined = concat_elements_utf8(left.as_string::<i32>(), right.as_string::<i32>())?;
        scalar_again(Arc::new(joined), scalar)
    }
}

fn text_bytes(array: &ArrayRef) -> u128 {
    let offsets = array.as_string::<i32>().value_offsets();
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => u128::from(last.abs_diff(*first)),
        _ => 0,
    }
}
