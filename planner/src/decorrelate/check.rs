//! What must hold after decorrelation. A fault here would read a column that nothing gives, or two as one; better no answer.

use attune_sql::SqlError;
use attune_sql::algebra::{Expr, JoinKind, Rel};
use std::collections::BTreeSet;

/// Fails if a subquery, a dependent join, a single join or a free column is left, or an id is given twice.
pub(super) fn check(rel: &Rel) -> Result<(), SqlError> {
    let mut fault = None;
    let mut ids = BTreeSet::new();
    rel.visit(&mut |node| {
        if let Some(column) = node.defines().into_iter().find(|column| !ids.insert(column.id)) {
            fault = Some(format!("two relations give the column {column}"));
        }
        if node.exprs().iter().any(|expr| expr.any(|e| matches!(e, Expr::Subquery(_)))) {
            fault = Some("a subquery was left in a plan".to_owned());
        }
        if let Rel::Join(join) = node {
            if join.kind == JoinKind::Single {
                fault = Some("a single join was left in a plan".to_owned());
            } else if !join.right.free().is_disjoint(&join.left.ids()) {
                fault = Some("a dependent join was left in a plan".to_owned());
            }
        }
    });
    if let Some(id) = rel.free().first() {
        fault.get_or_insert_with(|| format!("nothing gives the column #{}", id.0));
    }
    fault.map_or(Ok(()), |fault| Err(SqlError::internal(fault)))
}
