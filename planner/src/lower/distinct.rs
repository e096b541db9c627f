//! DISTINCT, and DISTINCT ON as the first row per key.

use super::Lowering;
use crate::expr::Scope;
use crate::plan::{Kept, Op};
use attune_sql::SqlError;
use datafusion::logical_expr::{DistinctOn, LogicalPlan};

impl Lowering<'_> {
    pub(super) fn distinct(&mut self, input: &LogicalPlan) -> Result<usize, SqlError> {
        let input = self.lower(input)?;
        Ok(self.push_distinct(input))
    }

    /// Each row once. Rows with a key are distinct already.
    pub(super) fn push_distinct(&mut self, input: usize) -> usize {
        if self.nodes[input].key.is_some() {
            return input;
        }
        let schema = self.schema(input).to_vec();
        self.push(Op::Distinct, vec![input], schema)
    }

    /// The sort of DISTINCT ON begins with the ON expressions; the rest of it says which row per key is the first.
    pub(super) fn distinct_on(&mut self, on: &DistinctOn) -> Result<usize, SqlError> {
        let input = self.lower(&on.input)?;
        let scope = Scope::of(on.input.schema());
        let keys: Vec<_> = on.on_expr.iter().collect();
        let (node, partition) = self.as_columns(input, &keys, scope)?;
        let (node, order) = self.order_columns(node, on.sort_expr.as_deref().unwrap_or_default(), scope, &partition)?;
        let schema = self.schema(node).to_vec();
        let op = Op::TopK { partition, order, offset: 0, limit: Some(1), rank: false, kept: Kept::Rows };
        let first = self.push(op, vec![node], schema);
        self.project(first, &on.select_expr, scope, &on.schema)
    }
}
