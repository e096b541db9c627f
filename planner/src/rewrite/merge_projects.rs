//! Projections of projections are one.
//!
//! **Law.** A projection above another one is the same expressions over what the lower one's columns stand for. It is
//! made where nothing is computed twice by it: what is used more than once is a column, constant or parameter. A
//! volatile expression is only passed on, so that it is evaluated for the same rows as before, each time. There is no
//! filter or limit between the two, so no expression is evaluated for other rows.
//!
//! A projection that passes on all columns and no others does nothing and is dropped. One that passes on some of them
//! stays: for DISTINCT and set operations it counts which columns there are.

use super::facts::{extent, is_trivial, is_volatile};
use attune_sql::algebra::{Column, ColumnId, Expr, Rel};
use std::collections::{BTreeMap, BTreeSet};

/// How deep an expression may become by merging.
const DEEPEST: usize = 200;

/// The plan with as few projections as can be.
pub(super) fn merge(mut rel: Rel) -> Rel {
    for input in rel.inputs_mut() {
        *input = merge(std::mem::replace(input, Rel::Unit));
    }
    match rel {
        Rel::Project { input, exprs } => project(*input, exprs),
        other => other,
    }
}

fn project(input: Rel, exprs: Vec<(Column, Expr)>) -> Rel {
    if is_identity(&exprs, &input) {
        return input;
    }
    match input {
        Rel::Project { input: below, exprs: inner } if may_merge(&exprs, &inner) => {
            let with: BTreeMap<ColumnId, Expr> = inner.into_iter().map(|(column, expr)| (column.id, expr)).collect();
            let merged = exprs.into_iter().map(|(column, expr)| (column, expr.substitute(&with)));
            let merged: Vec<(Column, Expr)> = merged.collect();
            if is_identity(&merged, &below) { *below } else { below.project(merged) }
        }
        other => other.project(exprs),
    }
}

fn is_identity(exprs: &[(Column, Expr)], input: &Rel) -> bool {
    exprs.iter().all(|(column, expr)| expr.as_column() == Some(column))
        && input.ids() == exprs.iter().map(|(column, _)| column.id).collect::<BTreeSet<ColumnId>>()
}

fn may_merge(outer: &[(Column, Expr)], inner: &[(Column, Expr)]) -> bool {
    let mut uses: BTreeMap<ColumnId, usize> = BTreeMap::new();
    // Columns that an expression passes on as they are.
    let mut passed: BTreeMap<ColumnId, usize> = BTreeMap::new();
    let mut deepest = 0;
    for (_, expr) in outer {
        deepest = deepest.max(extent(expr).1);
        expr.visit(&mut |part| {
            if let Expr::Column(column) = part {
                *uses.entry(column.id).or_default() += 1;
            }
        });
        if let Expr::Column(column) = expr {
            *passed.entry(column.id).or_default() += 1;
        }
    }
    inner.iter().all(|(column, expr)| {
        let uses = uses.get(&column.id).copied().unwrap_or(0);
        let passed = passed.get(&column.id).copied().unwrap_or(0);
        match uses {
            0 => true,
            _ if is_trivial(expr) => true,
            1 => passed == 1 || !is_volatile(expr) && deepest + extent(expr).1 <= DEEPEST,
            _ => false,
        }
    })
}
