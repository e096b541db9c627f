//! `coalesce(a, b, ..)`: the first value that is not NULL, of values that are all computed.
//!
//! Where a later argument must not be computed for a row that does not need it, the binder makes a CASE of the call instead;
//! DataFusion's optimizer does so always, and its own function computes nothing.

use crate::operators::{cast_array, scalar_again};
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::compute::is_not_null;
use datafusion::arrow::compute::kernels::zip::zip;
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// The function in the place of DataFusion's, if it is that.
pub(super) fn coalesce(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let is = function.name() == "coalesce";
    is.then(|| Arc::new(ScalarUDF::new_from_impl(Coalesce { inner: Arc::clone(function) })))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Coalesce {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Coalesce {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            // The binder has given them one type: no other form of it is wanted.
            [first, rest @ ..] if rest.iter().all(|other| other == first) => Ok(arguments.to_vec()),
            _ => self.inner.coerce_types(arguments),
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    /// NULL only if all arguments may be.
    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match arguments.arg_fields {
            [] => internal_err!("coalesce of nothing"),
            _ => self.inner.return_field_from_args(arguments),
        }
    }

    fn simplify(&self, arguments: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(arguments, context)
    }

    fn conditional_arguments<'a>(&self, arguments: &'a [Expr]) -> Option<(Vec<&'a Expr>, Vec<&'a Expr>)> {
        self.inner.conditional_arguments(arguments)
    }

    fn short_circuits(&self) -> bool {
        self.inner.short_circuits()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = arguments.args.iter().all(|value| matches!(value, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { arguments.number_rows };
        let returns = arguments.return_type();
        let mut values = arguments.args.iter();
        let Some(first) = values.next() else { return internal_err!("coalesce of nothing") };
        let mut result = of_type(first.to_array(rows)?, returns)?;
        for value in values {
            if result.null_count() == 0 {
                break;
            }
            let present = is_not_null(&result)?;
            result = match value {
                ColumnarValue::Scalar(value) if value.is_null() => continue,
                ColumnarValue::Scalar(value) => {
                    let value = of_type(value.to_array()?, returns)?;
                    zip(&present, &result, &datafusion::arrow::array::Scalar::new(value))?
                }
                ColumnarValue::Array(array) => zip(&present, &result, &of_type(Arc::clone(array), returns)?)?,
            };
        }
        scalar_again(result, constant)
    }
}

/// The array in exactly the type of the result: that of lists has a name for its elements.
fn of_type(array: ArrayRef, to: &DataType) -> Result<ArrayRef> {
    if array.data_type() == to {
        return Ok(array);
    }
    cast_array(&array, to).map_err(|error| DataFusionError::External(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::super::Registry;
    use super::super::own::tests::{call, call_values, list};
    use super::*;
    use crate::types::SqlType::{BigInt, Double, Interval, Numeric, Text};
    use datafusion::arrow::array::{AsArray, Int64Array};
    use datafusion::arrow::datatypes::{Field, Int64Type};
    use datafusion::common::ScalarValue;

    #[test]
    fn constants() {
        assert_eq!(call("coalesce", &[("NULL", Text), ("a", Text), ("b", Text)]), "a");
        assert_eq!(call("coalesce", &[("1", BigInt), ("NULL", BigInt)]), "1");
        assert_eq!(call("coalesce", &[("NULL", Interval), ("NULL", Interval)]), "NULL");
        let money = Numeric { precision: 10, scale: 2 };
        assert_eq!(call("coalesce", &[("NULL", money), ("1.5", money)]), "1.50");
        assert_eq!(call("coalesce", &[("NULL", Double)]), "NULL");
        let none = ScalarValue::try_new_null(&list("{}", BigInt).data_type()).unwrap();
        assert_eq!(call_values("coalesce", vec![none, list("{1,NULL}", BigInt)]), "{1,NULL}");
    }

    fn columns(values: Vec<ColumnarValue>, rows: usize) -> Vec<Option<i64>> {
        let fields: Vec<FieldRef> = values.iter().map(|v| Arc::new(Field::new("a", v.data_type(), true))).collect();
        let result = Registry::standard().scalar("coalesce").unwrap().invoke_with_args(ScalarFunctionArgs {
            args: values,
            arg_fields: fields,
            number_rows: rows,
            return_field: Arc::new(Field::new("b", DataType::Int64, true)),
            config_options: Arc::default(),
        });
        result.unwrap().to_array(rows).unwrap().as_primitive::<Int64Type>().iter().collect()
    }

    #[test]
    fn each_row_has_the_first_that_is_there() {
        let column = |values: [Option<i64>; 3]| ColumnarValue::Array(Arc::new(Int64Array::from(values.to_vec())));
        let constant = |value| ColumnarValue::Scalar(ScalarValue::Int64(value));
        let (a, b) = (column([Some(1), None, None]), column([Some(7), Some(2), None]));
        assert_eq!(columns(vec![a.clone(), b.clone()], 3), [Some(1), Some(2), None]);
        assert_eq!(columns(vec![a.clone(), b.clone(), constant(Some(9))], 3), [Some(1), Some(2), Some(9)]);
        assert_eq!(columns(vec![constant(None), a.clone(), constant(None), b], 3), [Some(1), Some(2), None]);
        assert_eq!(columns(vec![constant(Some(5)), a], 3), [Some(5), Some(5), Some(5)]);
    }

    #[test]
    fn it_is_null_only_if_all_may_be() {
        let nullable = |all: &[bool]| {
            let fields: Vec<FieldRef> = all.iter().map(|n| Arc::new(Field::new("a", DataType::Int64, *n))).collect();
            let constants = vec![None; fields.len()];
            let arguments = ReturnFieldArgs { arg_fields: &fields, scalar_arguments: &constants };
            Registry::standard().scalar("coalesce").unwrap().return_field_from_args(arguments).unwrap().is_nullable()
        };
        assert!(nullable(&[true, true]));
        assert!(!nullable(&[true, false]));
        assert!(!nullable(&[false, true]));
    }
}
