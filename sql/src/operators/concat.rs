//! `||` of texts, within the limit on what an expression may make (each `x || x` of a nested query doubles a text).

use super::arithmetic::scalar_again;
use super::{operator_name, strict_function};
use crate::functions::limit;
use datafusion::arrow::array::{ArrayRef, AsArray, StringArray};
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_utf8_many;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use std::sync::Arc;

/// `text || text || text`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concat {
    /// How many times `||`.
    pub(super) operators: usize,
}

impl Concat {
    pub(super) fn of(left: &DataType, right: &DataType) -> Option<Concat> {
        (*left == DataType::Utf8 && *right == DataType::Utf8).then_some(Concat { operators: 1 })
    }

    /// This, and one more text.
    pub(super) fn then(&self) -> Concat {
        Concat { operators: self.operators + 1 }
    }
}

impl ScalarUDFImpl for Concat {
    strict_function!(many);

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
        let scalar = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { arguments.number_rows };
        // Checked before a constant is repeated for every row.
        let each = |value: &ColumnarValue| match value {
            ColumnarValue::Array(array) => text_bytes(array),
            ColumnarValue::Scalar(value) => value.try_as_str().flatten().map_or(0, str::len) as u128 * rows as u128,
        };
        limit::check("||", arguments.args.iter().map(each).sum(), &arguments.config_options)?;
        let texts: Vec<ArrayRef> = arguments.args.iter().map(|value| value.to_array(rows)).collect::<Result<_>>()?;
        let texts: Vec<&StringArray> = texts.iter().map(|array| array.as_string::<i32>()).collect();
        scalar_again(Arc::new(concat_elements_utf8_many(&texts)?), scalar)
    }
}

fn text_bytes(array: &ArrayRef) -> u128 {
    let offsets = array.as_string::<i32>().value_offsets();
    match (offsets.first(), offsets.last()) {
        (Some(first), Some(last)) => u128::from(last.abs_diff(*first)),
        _ => 0,
    }
}
