//! Constant rows.

use super::{Fault, Operator, StepScope};
use crate::dataflow::Expression;
use crate::dataflow::batch::batch_of;
use arrow::compute::concat;
use arrow::datatypes::{Schema, SchemaRef};
use attune_storage::Delta;
use std::sync::Arc;

/// Rows of constants: all of them when the view starts, nothing ever after.
///
/// Example, `VALUES (1), (1), (2)`: the start gives `{(1): +2, (2): +1}`.
pub(crate) struct Values {
    /// Per row, one constant expression per column.
    rows: Vec<Vec<Expression>>,
    schema: SchemaRef,
}

impl Values {
    /// Constant rows of `schema`.
    pub(crate) fn new(rows: Vec<Vec<Expression>>, schema: SchemaRef) -> Values {
        Values { rows, schema }
    }
}

impl Operator for Values {
    fn step(&mut self, _inputs: &[&Delta], _scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        Ok(Delta::empty(self.schema.clone()))
    }

    fn start(&mut self, scope: &mut StepScope<'_>) -> Result<Option<Delta>, Fault> {
        if self.rows.is_empty() {
            return Ok(None);
        }
        let nothing = batch_of(&Arc::new(Schema::empty()), Vec::new(), 1)?;
        let mut columns = Vec::with_capacity(self.schema.fields().len());
        for column in 0..self.schema.fields().len() {
            let values = self.rows.iter().map(|row| row[column].evaluate(&nothing, scope.row_errors));
            let values = values.collect::<Result<Vec<_>, _>>()?;
            columns.push(concat(&values.iter().map(AsRef::as_ref).collect::<Vec<_>>())?);
        }
        Ok(Some(Delta::inserts(batch_of(&self.schema, columns, self.rows.len())?)))
    }
}
