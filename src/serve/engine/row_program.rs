//! Expressions over rows at hand: SET and WHERE of ON CONFLICT, RETURNING, DEFAULT, and computed VALUES.

use super::select::now_micros;
use super::{Engine, errors};
use attune_planner::{RowExpression, compile};
use attune_sql::SqlError;
use datafusion::arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::Schema;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

/// Bound expressions over the columns of one schema.
pub(super) struct RowProgram {
    schema: DFSchema,
    exprs: Vec<RowExpression>,
}

/// What an execution of a statement gives to its expressions.
#[derive(Clone, Copy)]
pub(super) struct Execution<'a> {
    /// Values of the parameters.
    pub(super) parameters: &'a [ScalarValue],
    /// Its time, in microseconds since 1970: the same for all of them.
    pub(super) now: i64,
}

impl<'a> Execution<'a> {
    /// One that begins now.
    pub(super) fn begin(parameters: &'a [ScalarValue]) -> Execution<'a> {
        Execution { parameters, now: now_micros() }
    }
}

impl RowProgram {
    /// A program of bound expressions.
    pub(super) fn new(schema: DFSchema, exprs: Vec<RowExpression>) -> RowProgram {
        RowProgram { schema, exprs }
    }

    /// Whether there is nothing to compute.
    pub(super) fn is_empty(&self) -> bool {
        self.exprs.is_empty()
    }

    /// The value of each expression for each row of `batch`, whose columns are those of the schema, by position.
    pub(super) fn evaluate(
        &self,
        engine: &Engine,
        execution: Execution<'_>,
        batch: &RecordBatch,
    ) -> Result<Vec<ArrayRef>, SqlError> {
        if self.exprs.is_empty() {
            return Ok(Vec::new());
        }
        let state = engine.queries.expression_state();
        self.exprs.iter().map(|expr| self.one(&state, expr, execution, batch)).collect()
    }

    /// Evaluates expressions that use no columns.
    pub(super) fn constants(&self, engine: &Engine, execution: Execution<'_>) -> Result<Vec<ScalarValue>, SqlError> {
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::new(Schema::empty()), Vec::new(), &options);
        let arrays = self.evaluate(engine, execution, &batch.map_err(errors::arrow)?)?;
        arrays.iter().map(|a| ScalarValue::try_from_array(a, 0).map_err(errors::datafusion)).collect()
    }

    fn one(
        &self,
        state: &SessionState,
        expr: &RowExpression,
        execution: Execution<'_>,
        batch: &RecordBatch,
    ) -> Result<ArrayRef, SqlError> {
        let expr = expr.with_values(execution.parameters, execution.now)?;
        let physical = compile(&expr, &self.schema, state.config_options()).map_err(errors::datafusion)?;
        let value = physical.evaluate(batch).and_then(|value| value.into_array(batch.num_rows()));
        value.map_err(errors::datafusion)
    }
}

/// The index of `$n`, from 0.
pub(super) fn parameter_number(id: &str) -> Option<usize> {
    id.strip_prefix('$')?.parse::<usize>().ok()?.checked_sub(1)
}
