//! EXISTS.
//!
//! Laws: whether there is a row does not depend on what is selected, on order, on duplicates, on groups or on window functions, so
//! these are left out (and never fail). As a value it is a left join with TRUE, once, and the question whether that was found.

use super::value::{Extended, beside};
use attune_sql::algebra::{Expr, Ids, Rel, Type};
use datafusion::common::ScalarValue;

/// A relation that has a row exactly where this one has.
pub(super) fn bare(rel: Rel) -> Rel {
    match rel {
        Rel::Aggregate { group, .. } if group.is_empty() => Rel::Unit,
        Rel::Project { input, .. }
        | Rel::Window { input, .. }
        | Rel::Distinct { input }
        | Rel::DistinctOn { input, .. }
        | Rel::Sort { input, .. }
        | Rel::Aggregate { input, .. } => bare(*input),
        Rel::Limit { input, skip: None, fetch: Some(fetch) } if keeps_a_row(&fetch) => bare(*input),
        other => other,
    }
}

fn keeps_a_row(fetch: &Expr) -> bool {
    matches!(fetch, Expr::Constant { value: ScalarValue::Int64(n), .. } if n.is_none_or(|n| n > 0))
}

pub(super) fn value(to: &mut Extended, rel: Rel, ids: &mut Ids) -> Expr {
    let rel = bare(rel);
    if matches!(rel, Rel::Unit) {
        return Expr::boolean(true);
    }
    let found = found(to, rel, ids);
    Expr::is_not_null(found)
}

/// A column that is TRUE where the relation has a row, and NULL elsewhere.
pub(super) fn found(to: &mut Extended, rel: Rel, ids: &mut Ids) -> Expr {
    let mark = ids.column("found", Type::BOOLEAN, false);
    let rel = rel.project(vec![(mark.clone(), Expr::boolean(true))]);
    to.join(Rel::Distinct { input: Box::new(rel) });
    beside(mark)
}
