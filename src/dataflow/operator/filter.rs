//! Rows for which a predicate is true.

use super::{Fault, Operator, StepScope, only};
use crate::dataflow::Expression;
use attune_storage::Delta;

/// Keeps the rows for which the predicate is true (not false, not NULL, not failing).
///
/// Linear: `filter(A + dA) = filter(A) + filter(dA)`, so the delta is filtered and nothing is remembered.
///
/// Example, `x > 1`: `{(1): +1, (2): +1, (NULL): -1}` gives `{(2): +1}`.
pub(crate) struct Filter {
    predicate: Expression,
}

impl Filter {
    /// A filter by a Boolean expression.
    pub(crate) fn new(predicate: Expression) -> Filter {
        Filter { predicate }
    }
}

impl Operator for Filter {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let input = only(inputs)?;
        let keep = self.predicate.matches(input.rows(), scope.row_errors)?;
        if keep.true_count() == keep.len() {
            return Ok(input.clone());
        }
        Ok(input.filter(&keep)?)
    }
}
