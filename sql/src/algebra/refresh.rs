//! A second copy of a relation.
//!
//! Law: ids are unique in a statement, so a relation that is put in twice gets new ids for all that it gives, and for all that any
//! relation in it gives. Columns that it reads from outside stay what they are. Without it the two copies' columns would be one, and
//! a comparison of them always true.

use super::{Column, ColumnId, Expr, Ids, Rel, SubqueryKind};
use std::collections::BTreeMap;

/// The relation with new ids for every column that is given in it, in its subqueries too, and which new column stands for which old
/// id.
#[must_use]
pub fn refresh(mut rel: Rel, ids: &mut Ids) -> (Rel, BTreeMap<ColumnId, Column>) {
    let mut new = BTreeMap::new();
    rel.visit(&mut |node| {
        for column in given(node) {
            new.entry(column.id).or_insert_with(|| ids.column(column.name.clone(), column.ty, column.nullable));
        }
    });
    rename(&mut rel, &new);
    (rel, new)
}

/// The columns that a node defines, those it passes on left out.
#[must_use]
pub fn given(rel: &Rel) -> Vec<&Column> {
    match rel {
        Rel::Scan(scan) => scan.columns.iter().map(|(column, _)| column).collect(),
        Rel::Values { columns, .. } | Rel::SetOperation { columns, .. } => columns.iter().collect(),
        Rel::Project { exprs, .. } => defined(exprs).collect(),
        Rel::Aggregate { group, aggregates, .. } => {
            defined(group).chain(aggregates.iter().map(|(column, _)| column)).collect()
        }
        Rel::Window { calls, .. } => calls.iter().map(|(column, _)| column).collect(),
        Rel::Unnest { arrays, ordinality, .. } => arrays.iter().map(|(column, _)| column).chain(ordinality).collect(),
        Rel::Unit
        | Rel::Filter { .. }
        | Rel::Join(_)
        | Rel::Distinct { .. }
        | Rel::DistinctOn { .. }
        | Rel::Sort { .. }
        | Rel::Limit { .. } => Vec::new(),
    }
}

fn defined(exprs: &[(Column, Expr)]) -> impl Iterator<Item = &Column> {
    exprs.iter().filter(|(column, expr)| expr.as_column() != Some(column)).map(|(column, _)| column)
}

fn rename(rel: &mut Rel, new: &BTreeMap<ColumnId, Column>) {
    // What is known of a reference (that it may be NULL above an outer join, say) stays.
    let one = |column: &mut Column| {
        if let Some(other) = new.get(&column.id) {
            column.id = other.id;
        }
    };
    match rel {
        Rel::Scan(scan) => scan.columns.iter_mut().for_each(|(column, _)| one(column)),
        Rel::Values { columns, .. } => columns.iter_mut().for_each(one),
        Rel::SetOperation { columns, inputs_columns, .. } => {
            columns.iter_mut().chain(inputs_columns.iter_mut().flatten()).for_each(one);
        }
        Rel::Project { exprs, .. } => exprs.iter_mut().for_each(|(column, _)| one(column)),
        Rel::Aggregate { group, aggregates, .. } => {
            group.iter_mut().for_each(|(column, _)| one(column));
            aggregates.iter_mut().for_each(|(column, _)| one(column));
        }
        Rel::Window { calls, .. } => calls.iter_mut().for_each(|(column, _)| one(column)),
        Rel::Unnest { arrays, ordinality, .. } => {
            arrays.iter_mut().map(|(column, _)| column).chain(ordinality).for_each(one);
        }
        _ => {}
    }
    for expr in rel.exprs_mut() {
        let old = std::mem::replace(expr, Expr::boolean(true));
        *expr = old.rewrite(&mut |expr| match expr {
            Expr::Column(mut column) => {
                one(&mut column);
                Expr::Column(column)
            }
            Expr::Subquery(mut subquery) => {
                match &mut subquery.kind {
                    SubqueryKind::Scalar(column) | SubqueryKind::Array(column) => one(column),
                    SubqueryKind::Quantified { columns, .. } => columns.iter_mut().for_each(one),
                    SubqueryKind::Exists => {}
                }
                rename(&mut subquery.rel, new);
                Expr::Subquery(subquery)
            }
            other => other,
        });
    }
    for input in rel.inputs_mut() {
        rename(input, new);
    }
}
