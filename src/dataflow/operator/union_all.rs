//! All rows of all inputs.

use super::{Fault, Operator, StepScope};
use crate::dataflow::batch::batch_of;
use arrow::datatypes::SchemaRef;
use attune_storage::Delta;

/// The sum of its inputs.
///
/// Linear: `(A + dA) + (B + dB) = (A + B) + (dA + dB)`.
///
/// Example: `{(1): +1}` and `{(1): +1, (2): -1}` give `{(1): +2, (2): -1}`.
pub(crate) struct UnionAll {
    schema: SchemaRef,
}

impl UnionAll {
    /// A union of inputs with the column types of `schema`.
    pub(crate) fn new(schema: SchemaRef) -> UnionAll {
        UnionAll { schema }
    }
}

impl Operator for UnionAll {
    fn step(&mut self, inputs: &[&Delta], _scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let mut renamed = Vec::with_capacity(inputs.len());
        for input in inputs.iter().filter(|input| !input.is_empty()) {
            // Inputs may name their columns as they like.
            renamed.push(input.with_rows(batch_of(&self.schema, input.rows().columns().to_vec(), input.len())?));
        }
        Ok(Delta::concat(&self.schema, &renamed)?)
    }
}
