//! Expressions over rows at hand: SET and WHERE of ON CONFLICT, RETURNING, DEFAULT, and computed VALUES.

use super::{Engine, errors};
use attune_sql::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::DataFusionError;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::expr::Placeholder;
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

/// Bound expressions over the columns of one schema.
pub(super) struct RowProgram {
    schema: DFSchema,
    exprs: Vec<Expr>,
}

impl RowProgram {
    /// A program of bound expressions.
    ///
    /// # Errors
    /// 0A000 for subqueries, which need more than the row.
    pub(super) fn new(schema: DFSchema, exprs: Vec<Expr>) -> Result<RowProgram, SqlError> {
        let subquery = |e: &Expr| {
            Ok(matches!(e, Expr::ScalarSubquery(_) | Expr::Exists(_) | Expr::InSubquery(_) | Expr::SetComparison(_)))
        };
        for expr in &exprs {
            if expr.exists(subquery).map_err(errors::datafusion)? {
                return Err(SqlError::unsupported(
                    "subqueries are not supported here",
                    "Read the value with a SELECT first, or use INSERT INTO ... SELECT.",
                ));
            }
        }
        Ok(RowProgram { schema, exprs })
    }

    /// The bound expressions.
    pub(super) fn expressions(&self) -> &[Expr] {
        &self.exprs
    }

    /// Whether there is nothing to compute.
    pub(super) fn is_empty(&self) -> bool {
        self.exprs.is_empty()
    }

    /// The value of each expression for each row of `batch`, whose columns are those of the schema, by position.
    pub(super) fn evaluate(
        &self,
        engine: &Engine,
        parameters: &[ScalarValue],
        batch: &RecordBatch,
    ) -> Result<Vec<ArrayRef>, SqlError> {
        if self.exprs.is_empty() {
            return Ok(Vec::new());
        }
        let state = engine.queries.expression_state();
        self.exprs.iter().map(|expr| self.one(&state, expr, parameters, batch).map_err(errors::datafusion)).collect()
    }

    /// Evaluates expressions that use no columns.
    pub(super) fn constants(&self, engine: &Engine, parameters: &[ScalarValue]) -> Result<Vec<ScalarValue>, SqlError> {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options);
        let arrays = self.evaluate(engine, parameters, &batch.map_err(errors::arrow)?)?;
        arrays.iter().map(|a| ScalarValue::try_from_array(a, 0).map_err(errors::datafusion)).collect()
    }

    fn one(
        &self,
        state: &SessionState,
        expr: &Expr,
        parameters: &[ScalarValue],
        batch: &RecordBatch,
    ) -> Result<ArrayRef, DataFusionError> {
        let expr = expr.clone().transform(|e| match e {
            Expr::Placeholder(placeholder) => {
                Ok(Transformed::yes(Expr::Literal(value(&placeholder, parameters)?, None)))
            }
            other => Ok(Transformed::no(other)),
        })?;
        // Simplified, since now() and its like are only there to be replaced by the time of the statement.
        let context = SimplifyContext::builder()
            .with_schema(Arc::new(self.schema.clone()))
            .with_config_options(Arc::clone(state.config_options()))
            .with_query_execution_start_time(state.execution_props().query_execution_start_time)
            .build();
        let expr = ExprSimplifier::new(context).simplify(expr.data)?;
        let physical = state.create_physical_expr(expr, &self.schema)?;
        physical.evaluate(batch)?.into_array(batch.num_rows())
    }
}

/// The value of a parameter, in the type it was bound with.
fn value(placeholder: &Placeholder, parameters: &[ScalarValue]) -> Result<ScalarValue, DataFusionError> {
    let number = parameter_number(&placeholder.id);
    let Some(value) = number.and_then(|n| parameters.get(n)) else {
        let message = format!("there is no parameter {}", placeholder.id);
        return Err(errors::external(SqlError::new(SqlState::UndefinedParameter, message)));
    };
    match &placeholder.field {
        Some(field) if *field.data_type() != value.data_type() => value.cast_to(field.data_type()),
        _ => Ok(value.clone()),
    }
}

/// The index of `$n`, from 0.
pub(super) fn parameter_number(id: &str) -> Option<usize> {
    id.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}
