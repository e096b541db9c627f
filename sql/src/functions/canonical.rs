//! Functions that give floats, with results in one form: no -0, and one NaN. Then Arrow's order of floats is Postgres'.

use crate::operators::{self, of_no_rows};
use datafusion::arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// The function, with canonical floats. Functions that only choose among their arguments need none of it.
pub(super) fn canonical(function: Arc<ScalarUDF>) -> Arc<ScalarUDF> {
    if function.short_circuits() {
        return function;
    }
    Arc::new(ScalarUDF::new_from_impl(Canonical { inner: function }))
}

/// A value with floats in one form.
pub(super) fn canonical_value(value: ColumnarValue) -> ColumnarValue {
    match value {
        ColumnarValue::Array(array) => ColumnarValue::Array(operators::canonical(array)),
        ColumnarValue::Scalar(ScalarValue::Float64(Some(value))) => {
            let value = if value.is_nan() { f64::NAN.copysign(1.0) } else { value + 0.0 };
            ColumnarValue::Scalar(ScalarValue::Float64(Some(value)))
        }
        ColumnarValue::Scalar(ScalarValue::Float32(Some(value))) => {
            let value = if value.is_nan() { f32::NAN.copysign(1.0) } else { value + 0.0 };
            ColumnarValue::Scalar(ScalarValue::Float32(Some(value)))
        }
        other => other,
    }
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Canonical {
    inner: Arc<ScalarUDF>,
}

impl ScalarUDFImpl for Canonical {
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
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.inner().return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn simplify(&self, arguments: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(arguments, context)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        self.inner.invoke_with_args(arguments).map(canonical_value)
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType;

    #[test]
    fn results_have_one_form() {
        assert_eq!(call("ceil", &[("-0.5", SqlType::Double)]), "0");
        assert_eq!(call("degrees", &[("-0", SqlType::Double)]), "0");
        assert_eq!(call("round", &[("-0.4", SqlType::Double)]), "0");
    }
}
