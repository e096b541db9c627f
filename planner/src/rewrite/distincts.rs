//! DISTINCT over rows that differ already.
//!
//! **Law.** Rows differ if some of their columns (a *key*) do. A grouping has its group columns as key, DISTINCT,
//! UNION, EXCEPT and INTERSECT without ALL all their columns, DISTINCT ON what it is on; filters, sorts, limits, semi
//! and anti joins and window functions only take rows or add columns; a projection keeps a key if it passes all its
//! columns on. Where there is a key, DISTINCT changes nothing; nor does DISTINCT ON of columns with a key among them.
//!
//! A key of one side of another join is none of the pairs: a row may have many.

use attune_sql::algebra::{Column, ColumnId, Expr, JoinKind, Rel};
use std::collections::{BTreeMap, BTreeSet};

/// The plan without DISTINCT where it does nothing.
pub(super) fn drop_distincts(mut rel: Rel) -> Rel {
    for input in rel.inputs_mut() {
        *input = drop_distincts(std::mem::replace(input, Rel::Unit));
    }
    match rel {
        Rel::Distinct { input } if key(&input).is_some() => *input,
        Rel::DistinctOn { input, on, order } => {
            let columns: BTreeSet<ColumnId> = on.iter().filter_map(Expr::as_column).map(id).collect();
            if key(&input).is_some_and(|key| key.is_subset(&columns)) {
                *input
            } else {
                Rel::DistinctOn { input, on, order }
            }
        }
        other => other,
    }
}

fn id(column: &Column) -> ColumnId {
    column.id
}

/// Columns in which any two rows differ; none if there is one row at most.
fn key(rel: &Rel) -> Option<BTreeSet<ColumnId>> {
    match rel {
        Rel::Unit => Some(BTreeSet::new()),
        Rel::Values { rows, .. } => (rows.len() <= 1).then(BTreeSet::new),
        Rel::Aggregate { group, .. } => Some(group.iter().map(|(column, _)| column.id).collect()),
        Rel::Distinct { input } => Some(input.ids()),
        Rel::SetOperation { all: false, columns, .. } => Some(columns.iter().map(id).collect()),
        Rel::DistinctOn { on, .. } => on.iter().map(|expr| expr.as_column().map(id)).collect(),
        Rel::Filter { input, .. } | Rel::Sort { input, .. } | Rel::Limit { input, .. } | Rel::Window { input, .. } => {
            key(input)
        }
        Rel::Join(join) if matches!(join.kind, JoinKind::Semi | JoinKind::Anti) => key(&join.left),
        Rel::Project { input, exprs } => {
            let passed = exprs.iter().filter_map(|(column, expr)| Some((expr.as_column()?.id, column.id)));
            let passed: BTreeMap<ColumnId, ColumnId> = passed.collect();
            key(input)?.iter().map(|column| passed.get(column).copied()).collect()
        }
        Rel::Scan(_) | Rel::Join(_) | Rel::Unnest { .. } | Rel::SetOperation { .. } => None,
    }
}
