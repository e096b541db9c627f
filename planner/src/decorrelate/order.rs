//! The order of a relation, as keys over its columns.
//!
//! Order is no property of a bag of rows, so a join loses it. Where it matters (LIMIT, `ARRAY(...)`, the result) it is taken off as
//! keys before, and put on again or used otherwise.

use attune_sql::algebra::{Column, Expr, Ids, Rel, SortKey};

/// The relation without the sort at its top, and the keys of that sort over its columns; some are added to it where a projection
/// hides what is sorted by. A sort that a LIMIT needs stays.
pub(super) fn ordered(rel: Rel, ids: &mut Ids) -> (Rel, Vec<SortKey>) {
    match rel {
        Rel::Sort { input, by } => (*input, by),
        Rel::Project { input, mut exprs } => {
            let (input, keys) = ordered(*input, ids);
            let keys = keys.into_iter().map(|key| through(key, &mut exprs, ids)).collect();
            (input.project(exprs), keys)
        }
        Rel::Limit { input, skip, fetch } => {
            let (input, keys) = ordered(*input, ids);
            let input = Box::new(sorted(input, keys.clone()));
            (Rel::Limit { input, skip, fetch }, keys)
        }
        other => (other, Vec::new()),
    }
}

/// The rows in this order; without keys in any.
pub(super) fn sorted(rel: Rel, by: Vec<SortKey>) -> Rel {
    if by.is_empty() { rel } else { Rel::Sort { input: Box::new(rel), by } }
}

/// A key above a projection, which gives what it sorts by.
fn through(key: SortKey, exprs: &mut Vec<(Column, Expr)>, ids: &mut Ids) -> SortKey {
    let known = exprs.iter().find(|(_, expr)| *expr == key.expr).map(|(column, _)| column.clone());
    let column = known.unwrap_or_else(|| {
        let column = ids.column("key", key.expr.ty(), key.expr.nullable());
        exprs.push((column.clone(), key.expr.clone()));
        column
    });
    SortKey { expr: Expr::Column(column), ..key }
}
