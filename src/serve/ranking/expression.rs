//! Compiled expressions of a ranking. Parameters in them get their values when it runs: each is a call of a function without
//! arguments, which is replaced by a literal.

use attune_planner::{compile, placeholder_index};
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{
    ColumnarValue, Expr, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use datafusion::physical_expr::expressions::Literal;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use std::sync::Arc;

/// An expression over the rows of a step.
pub(super) struct Expression {
    physical: Arc<dyn PhysicalExpr>,
    has_parameters: bool,
}

impl Expression {
    /// Compiles an expression whose value depends on the row and on parameters alone; `None` for any other.
    pub(super) fn compile(expr: &Expr, schema: &DFSchema, state: &SessionState) -> Option<Expression> {
        let other = expr.exists(|e| {
            Ok(match e {
                Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) => true,
                Expr::ScalarFunction(call) => call.func.signature().volatility != Volatility::Immutable,
                _ => false,
            })
        });
        if other.ok()? {
            return None;
        }
        let expr = expr.clone().transform(|e| {
            let parameter = match &e {
                Expr::Placeholder(placeholder) => Parameter::of(placeholder),
                _ => None,
            };
            Ok(parameter.map_or_else(|| Transformed::no(e), |parameter| Transformed::yes(parameter.call())))
        });
        let expr = expr.ok()?;
        let physical = compile(&expr.data, schema, state.config_options()).ok()?;
        Some(Expression { physical, has_parameters: expr.transformed })
    }

    /// Whether it has a value only when parameters have.
    pub(super) fn has_parameters(&self) -> bool {
        self.has_parameters
    }

    /// The value for each row.
    pub(super) fn evaluate(&self, batch: &RecordBatch, values: &[ScalarValue]) -> Result<ArrayRef> {
        let rows = batch.num_rows();
        if !self.has_parameters {
            return self.physical.evaluate(batch)?.into_array(rows);
        }
        let bound = self.physical.clone().transform_up(|node| {
            let call = node.downcast_ref::<ScalarFunctionExpr>();
            let value = match call.and_then(|call| call.fun().inner().downcast_ref::<Parameter>()) {
                Some(parameter) => parameter.value(values)?,
                None => return Ok(Transformed::no(node)),
            };
            Ok(Transformed::yes(Arc::new(Literal::new(value)) as Arc<dyn PhysicalExpr>))
        });
        bound.data()?.evaluate(batch)?.into_array(rows)
    }
}

/// `$n` of a type.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Parameter {
    number: usize,
    data_type: DataType,
    signature: Signature,
}

impl Parameter {
    fn of(placeholder: &datafusion::logical_expr::expr::Placeholder) -> Option<Parameter> {
        let data_type = placeholder.field.as_ref()?.data_type().clone();
        // Nothing may compute it before it has a value.
        let signature = Signature::nullary(Volatility::Volatile);
        Some(Parameter { number: placeholder_index(placeholder)?, data_type, signature })
    }

    fn call(self) -> Expr {
        Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(ScalarUDF::new_from_impl(self)), Vec::new()))
    }

    /// The value in the type the plan was made for.
    fn value(&self, values: &[ScalarValue]) -> Result<ScalarValue> {
        match values.get(self.number) {
            Some(value) if value.data_type() == self.data_type => Ok(value.clone()),
            Some(value) => value.cast_to(&self.data_type),
            None => Err(DataFusionError::Internal(format!("parameter ${} has no value", self.number + 1))),
        }
    }
}

impl ScalarUDFImpl for Parameter {
    fn name(&self) -> &'static str {
        "parameter"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.data_type.clone())
    }

    fn invoke_with_args(&self, _: ScalarFunctionArgs) -> Result<ColumnarValue> {
        Err(DataFusionError::Internal(format!("parameter ${} was not bound", self.number + 1)))
    }
}
