//! `||` of texts and of bytes, within the limit on what an expression may make (each `x || x` of a nested query doubles a text).

use super::arithmetic::scalar_again;
use super::{operator_name, strict_function};
use crate::functions::limit;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray, BinaryBuilder, StringArray};
use datafusion::arrow::compute::kernels::concat_elements::concat_elements_utf8_many;
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use std::sync::Arc;

/// `text || text || text`, or of bytes.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Concat {
    /// How many times `||`.
    pub(super) operators: usize,
    /// Of bytes.
    bytes: bool,
}

impl Concat {
    pub(super) fn of(left: &DataType, right: &DataType) -> Option<Concat> {
        match (left, right) {
            (DataType::Utf8, DataType::Utf8) => Some(Concat { operators: 1, bytes: false }),
            (DataType::Binary, DataType::Binary) => Some(Concat { operators: 1, bytes: true }),
            _ => None,
        }
    }

    /// This, and one more.
    pub(super) fn then(&self) -> Concat {
        Concat { operators: self.operators + 1, bytes: self.bytes }
    }
}

impl ScalarUDFImpl for Concat {
    strict_function!(many);

    fn name(&self) -> &str {
        if self.bytes { "bytea_concat" } else { "text_concat" }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(operator_name(Operator::StringConcat, arguments))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(if self.bytes { DataType::Binary } else { DataType::Utf8 })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { arguments.number_rows };
        // Checked before a constant is repeated for every row.
        let each = |value: &ColumnarValue| match value {
            ColumnarValue::Array(array) => self.size(array),
            ColumnarValue::Scalar(ScalarValue::Binary(Some(bytes))) => bytes.len() as u128 * rows as u128,
            ColumnarValue::Scalar(value) => value.try_as_str().flatten().map_or(0, str::len) as u128 * rows as u128,
        };
        limit::check("||", arguments.args.iter().map(each).sum(), &arguments.config_options)?;
        let arrays: Vec<ArrayRef> = arguments.args.iter().map(|value| value.to_array(rows)).collect::<Result<_>>()?;
        let joined: ArrayRef = if self.bytes {
            let all: Vec<&BinaryArray> = arrays.iter().map(|array| array.as_binary::<i32>()).collect();
            Arc::new(concat_bytes(&all, rows))
        } else {
            let all: Vec<&StringArray> = arrays.iter().map(|array| array.as_string::<i32>()).collect();
            Arc::new(concat_elements_utf8_many(&all)?)
        };
        scalar_again(joined, scalar)
    }
}

impl Concat {
    /// Bytes of all values of an array.
    fn size(&self, array: &ArrayRef) -> u128 {
        let offsets = match self.bytes {
            true => array.as_binary::<i32>().value_offsets(),
            false => array.as_string::<i32>().value_offsets(),
        };
        match (offsets.first(), offsets.last()) {
            (Some(first), Some(last)) => u128::from(last.abs_diff(*first)),
            _ => 0,
        }
    }
}

/// The values of each row in one, or NULL if any is.
fn concat_bytes(all: &[&BinaryArray], rows: usize) -> BinaryArray {
    let mut joined = BinaryBuilder::with_capacity(rows, 0);
    let mut buffer = Vec::new();
    for row in 0..rows {
        if all.iter().any(|array| array.is_null(row)) {
            joined.append_null();
        } else {
            buffer.clear();
            all.iter().for_each(|array| buffer.extend_from_slice(array.value(row)));
            joined.append_value(&buffer);
        }
    }
    joined.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::datatypes::Field;
    use datafusion::logical_expr::ScalarUDF;

    fn concat(values: Vec<ColumnarValue>, rows: usize) -> Vec<Option<Vec<u8>>> {
        let function =
            crate::operators::binary(&DataType::Binary, Operator::StringConcat, &DataType::Binary, &DataType::Binary);
        let function: Arc<ScalarUDF> = function.unwrap();
        let fields = values.iter().map(|value| Arc::new(Field::new("a", value.data_type(), true))).collect();
        let arguments = ScalarFunctionArgs {
            args: values,
            arg_fields: fields,
            number_rows: rows,
            return_field: Arc::new(Field::new("b", DataType::Binary, true)),
            config_options: Arc::default(),
        };
        let result = function.invoke_with_args(arguments).unwrap().to_array(rows).unwrap();
        result.as_binary::<i32>().iter().map(|value| value.map(<[u8]>::to_vec)).collect()
    }

    #[test]
    fn bytes_are_put_together() {
        let column = |values: [Option<&[u8]>; 3]| ColumnarValue::Array(Arc::new(BinaryArray::from_iter(values)));
        let constant = |value: Option<&[u8]>| ColumnarValue::Scalar(ScalarValue::Binary(value.map(<[u8]>::to_vec)));
        let a = column([Some(&[1]), None, Some(&[])]);
        assert_eq!(concat(vec![a.clone(), constant(Some(&[2, 3]))], 3), [Some(vec![1, 2, 3]), None, Some(vec![2, 3])]);
        assert_eq!(concat(vec![constant(None), a], 3), [None, None, None]);
        assert_eq!(concat(vec![constant(Some(&[0])), constant(Some(&[255]))], 1), [Some(vec![0, 255])]);
    }
}
