//! Scalar expressions of a plan, evaluated over whole batches. A failure concerns a row, not the view: the operation that fails
//! gives NULL (see [`tolerant`](super::tolerant)).

use super::batch::row_text;
use super::fault::panic_message;
use super::tolerant::{Report, tolerant};
use super::{Fault, RowError, RowErrors};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, new_empty_array, new_null_array};
use arrow::compute::{CastOptions, can_cast_types, cast_with_options, concat};
use arrow::datatypes::{DataType, Schema};
use attune_planner::Expr;
use attune_sql::SqlError;
use attune_sql::binder::map_run_error;
use datafusion::physical_expr::PhysicalExpr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// What gives NULL where an operation fails on a row.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Failing {
    /// That operation; what lies around it goes on.
    Operation,
    /// The whole expression: of plans before version 5, whose rows must leave with the values they came with.
    Whole,
}

impl Failing {
    /// As a plan of this version has it.
    #[must_use]
    pub fn of_plan(version: u32) -> Failing {
        if version < 5 { Failing::Whole } else { Failing::Operation }
    }
}

/// A scalar expression over the columns of one input.
///
/// Evaluation is deterministic: the delete of a row gives what its insert gave, failures included.
#[derive(Debug)]
pub struct Expression {
    physical: Arc<dyn PhysicalExpr>,
    returns: DataType,
    /// In SQL, for row errors.
    text: String,
    /// For batches on which something fails: operation by operation, and where they report. `None`: the whole gives NULL.
    tolerant: Option<(Arc<dyn PhysicalExpr>, Report)>,
}

impl Expression {
    /// The expression over rows of `schema`, with results of exactly the type `returns`.
    ///
    /// # Errors
    /// When the expression does not fit the schema, or its type cannot be cast to `returns`.
    pub fn new(expr: &Expr, schema: &Schema, returns: DataType, failing: Failing) -> Result<Expression, SqlError> {
        let physical = attune_planner::physical(expr, schema)?;
        let found =
            physical.data_type(schema).map_err(|e| SqlError::internal(format!("expression {physical}: {e}")))?;
        if found != returns && !can_cast_types(&found, &returns) {
            return Err(SqlError::internal(format!("expression {physical} gives {found}, the plan says {returns}")));
        }
        let text = attune_planner::expression_sql(expr, schema);
        let tolerant = match failing {
            Failing::Whole => None,
            Failing::Operation => {
                let report = Report::default();
                let made = tolerant(&physical, &text, &report).map_err(|e| map_run_error(&e))?;
                Some((made, report))
            }
        };
        Ok(Expression { physical, returns, text, tolerant })
    }

    #[cfg(test)]
    pub(super) fn of_physical(physical: Arc<dyn PhysicalExpr>, returns: DataType) -> Expression {
        let text = physical.to_string();
        Expression { physical, returns, text, tolerant: None }
    }

    /// The value for each row. Rows for which the evaluation fails are NULL and are added to `errors`.
    ///
    /// # Errors
    /// When Arrow cannot put the results together: a fault.
    pub fn evaluate(&self, batch: &RecordBatch, errors: &mut RowErrors) -> Result<ArrayRef, Fault> {
        if batch.num_rows() == 0 {
            return Ok(new_empty_array(&self.returns));
        }
        if let Ok(values) = self.try_evaluate(&self.physical, batch) {
            return Ok(values);
        }
        if let Some((tolerant, report)) = &self.tolerant
            && let Ok(values) = self.try_evaluate(tolerant, batch)
        {
            errors.take(&mut report.lock());
            return Ok(values);
        }
        let mut parts = Vec::new();
        self.bisect(batch, &mut parts, errors);
        Ok(concat(&parts.iter().map(AsRef::as_ref).collect::<Vec<_>>())?)
    }

    /// For a predicate: the rows for which it is true, as an array without NULLs. Rows for which it fails are not.
    ///
    /// # Errors
    /// As [`Expression::evaluate`], and when the expression is not Boolean.
    pub fn matches(&self, batch: &RecordBatch, errors: &mut RowErrors) -> Result<BooleanArray, Fault> {
        let values = self.evaluate(batch, errors)?;
        let values = values.as_boolean_opt().ok_or_else(|| Fault::internal("a predicate that is not Boolean"))?;
        match values.nulls() {
            Some(valid) => Ok(BooleanArray::new(values.values() & valid.inner(), None)),
            None => Ok(values.clone()),
        }
    }

    fn try_evaluate(&self, physical: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Result<ArrayRef, String> {
        let values = || physical.evaluate(batch).and_then(|v| v.into_array_of_size(batch.num_rows()));
        // A kernel that panics on a value (an arithmetic overflow it did not expect) is a failing row like any other.
        let values = catch_unwind(AssertUnwindSafe(values)).map_err(|panic| panic_message(&*panic))?;
        let values = values.map_err(|e| map_run_error(&e).message)?;
        if values.data_type() == &self.returns {
            return Ok(values);
        }
        let strict = CastOptions { safe: false, ..CastOptions::default() };
        cast_with_options(&values, &self.returns, &strict).map_err(|e| map_run_error(&e.into()).message)
    }

    /// Halves a batch whose evaluation failed until the failing rows stand alone.
    fn bisect(&self, batch: &RecordBatch, parts: &mut Vec<ArrayRef>, errors: &mut RowErrors) {
        match self.try_evaluate(&self.physical, batch) {
            Ok(values) => parts.push(values),
            Err(message) if batch.num_rows() == 1 => {
                let expression = self.text.clone();
                errors.add(|| RowError { expression, message, row: row_text(batch, 0) });
                parts.push(new_null_array(&self.returns, 1));
            }
            Err(_) => {
                let half = batch.num_rows() / 2;
                self.bisect(&batch.slice(0, half), parts, errors);
                self.bisect(&batch.slice(half, batch.num_rows() - half), parts, errors);
            }
        }
    }
}
