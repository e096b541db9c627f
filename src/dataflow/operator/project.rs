//! One expression per output column.

use super::{Fault, Operator, StepScope, only};
use crate::dataflow::Expression;
use crate::dataflow::batch::batch_of;
use arrow::datatypes::SchemaRef;
use attune_storage::Delta;

/// Computes each output column from the input row.
///
/// Linear: `project(A + dA) = project(A) + project(dA)`; rows that become equal add up later.
///
/// Example, `x / 2`: `{(2): +1, (3): -1}` gives `{(1): +1, (1): -1}`, which is nothing.
pub(crate) struct Project {
    expressions: Vec<Expression>,
    schema: SchemaRef,
}

impl Project {
    /// A projection to `schema`, one expression per column.
    pub(crate) fn new(expressions: Vec<Expression>, schema: SchemaRef) -> Project {
        Project { expressions, schema }
    }
}

impl Operator for Project {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let input = only(inputs)?;
        let columns = self.expressions.iter().map(|e| e.evaluate(input.rows(), scope.row_errors));
        let rows = batch_of(&self.schema, columns.collect::<Result<_, _>>()?, input.len())?;
        Ok(input.with_rows(rows).canonical()?)
    }
}
