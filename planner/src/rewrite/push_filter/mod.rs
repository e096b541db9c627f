//! Conditions go down to the rows they are about.
//!
//! **Law.** A filter commutes with what decides about a row by that row alone, or treats all rows for which the
//! condition has one value together:
//!
//! - a projection, with what its columns stand for in the place of the columns;
//! - a sort, DISTINCT and every set operation (into each input, over its columns);
//! - unnest, if the condition reads the input's columns only;
//! - grouping, window functions and DISTINCT ON, if the condition reads only what rows are grouped, partitioned or made
//!   distinct by: then whole groups stay or go. Without a group there is a row even of no input, so nothing passes;
//! - joins, see [`join`].
//!
//! Nothing passes a limit: which rows are counted would change. A filter on any other column below DISTINCT ON would
//! make the next row of a group the first one (item 1 of issue 30).
//!
//! A volatile condition stays, and nothing passes it. A condition that can fail does not pass a place where one that
//! was asked before it had to stay. At the end of the way conditions that cannot fail are asked first, then the others
//! one by one, in the order in which they were written: each sees only the rows that those before it left.

mod join;

use super::facts::{can_fail, distinct, is_volatile};
use super::substitution::Substitution;
use attune_sql::algebra::{Column, ColumnId, Expr, Rel, SetOperator, WindowCall};
use std::collections::BTreeSet;

/// Filters above one another for conditions that can fail; more of them are one filter.
const MOST_FILTERS: usize = 16;

/// The plan with all conditions where they belong.
pub(super) fn push(rel: Rel) -> Rel {
    place(rel, Vec::new(), &[])
}

/// The rows of a relation that meet `conditions`. Every row that is used meets those of `later`, too, which are asked
/// elsewhere. No condition is volatile.
fn place(rel: Rel, conditions: Vec<Expr>, later: &[Expr]) -> Rel {
    match rel {
        Rel::Filter { input, predicate } => filter(*input, predicate, conditions, later),
        Rel::Project { input, exprs } => project(*input, exprs, conditions, later),
        Rel::Join(join) => join::place_join(join, conditions, later),
        Rel::Unnest { input, arrays, ordinality } => {
            let added: BTreeSet<ColumnId> =
                arrays.iter().map(|(column, _)| column).chain(&ordinality).map(id).collect();
            let (down, stay) = split(conditions, |c| c.columns().is_disjoint(&added).then(|| c.clone()));
            let input = Box::new(place(*input, down, &[]));
            wrap(Rel::Unnest { input, arrays, ordinality }, stay)
        }
        Rel::Aggregate { input, group, aggregates } => {
            let keys: BTreeSet<ColumnId> = group.iter().map(|(column, _)| column.id).collect();
            let defined = Substitution::of(&group);
            let (down, stay) = split(conditions, |c| {
                let passes = !group.is_empty() && c.columns().is_subset(&keys);
                if passes { defined.apply(c) } else { None }
            });
            let input = Box::new(place(*input, down, &[]));
            wrap(Rel::Aggregate { input, group, aggregates }, stay)
        }
        Rel::Window { input, calls } => {
            let fixed = partition(&calls);
            let passes = |c: &Expr| fixed.as_ref().is_none_or(|fixed| c.columns().is_subset(fixed));
            let (down, stay) = split(conditions, |c| passes(c).then(|| c.clone()));
            let input = Box::new(place(*input, down, &[]));
            wrap(Rel::Window { input, calls }, stay)
        }
        Rel::Distinct { input } => Rel::Distinct { input: Box::new(place(*input, conditions, &[])) },
        Rel::DistinctOn { input, on, order } => {
            let keys: BTreeSet<ColumnId> = on.iter().filter_map(Expr::as_column).map(id).collect();
            let (down, stay) = split(conditions, |c| c.columns().is_subset(&keys).then(|| c.clone()));
            let input = Box::new(place(*input, down, &[]));
            wrap(Rel::DistinctOn { input, on, order }, stay)
        }
        Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
            // Of EXCEPT and INTERSECT there are rows below that are not in the result.
            let passes = |c: &Expr| op == SetOperator::Union || !can_fail(c);
            let (down, stay) = split(conditions, |c| passes(c).then(|| c.clone()));
            let renaming = inputs_columns.iter().map(|own| Substitution::renaming(&columns, own));
            let inputs = inputs.into_iter().zip(renaming).map(|(input, renaming)| {
                // Columns in the place of columns: none is refused.
                let own = down.iter().filter_map(|c| renaming.apply(c)).collect();
                place(input, own, &[])
            });
            let inputs = inputs.collect();
            wrap(Rel::SetOperation { op, all, inputs, inputs_columns, columns }, stay)
        }
        Rel::Sort { input, by } => Rel::Sort { input: Box::new(place(*input, conditions, &[])), by },
        Rel::Limit { input, skip, fetch } => {
            let input = Box::new(place(*input, Vec::new(), &[]));
            wrap(Rel::Limit { input, skip, fetch }, conditions)
        }
        leaf @ (Rel::Unit | Rel::Scan(_) | Rel::Values { .. }) => wrap(leaf, conditions),
    }
}

fn id(column: &Column) -> ColumnId {
    column.id
}

fn filter(input: Rel, predicate: Expr, conditions: Vec<Expr>, later: &[Expr]) -> Rel {
    let mut own = Vec::new();
    predicate.into_conjuncts(&mut own);
    let (volatile, mut own): (Vec<Expr>, Vec<Expr>) = own.into_iter().partition(is_volatile);
    if volatile.is_empty() {
        own.extend(conditions);
        return place(input, own, later);
    }
    wrap(place(input, own, later).filter(Expr::and(volatile)), conditions)
}

fn project(input: Rel, exprs: Vec<(Column, Expr)>, conditions: Vec<Expr>, later: &[Expr]) -> Rel {
    if conditions.is_empty() && later.is_empty() {
        return place(input, Vec::new(), &[]).project(exprs);
    }
    let defined = Substitution::of(&exprs);
    let (down, stay) = split(conditions, |c| defined.apply(c));
    let later: Vec<Expr> = later.iter().filter_map(|c| defined.apply(c)).collect();
    wrap(place(input, down, &later).project(exprs), stay)
}

/// The columns by which all calls partition; `None` without a call.
fn partition(calls: &[(Column, WindowCall)]) -> Option<BTreeSet<ColumnId>> {
    let of_call = |(_, call): &(Column, WindowCall)| -> BTreeSet<ColumnId> {
        call.partition.iter().filter_map(Expr::as_column).map(id).collect()
    };
    calls.iter().map(of_call).reduce(|a, b| a.intersection(&b).copied().collect())
}

/// Conditions as they are asked below (`through`), and those that stay. What can fail stays behind one that stays.
fn split(conditions: Vec<Expr>, through: impl Fn(&Expr) -> Option<Expr>) -> (Vec<Expr>, Vec<Expr>) {
    let (mut down, mut stay) = (Vec::new(), Vec::new());
    for condition in conditions {
        match through(&condition).filter(|below| stay.is_empty() || !can_fail(below)) {
            Some(below) => down.push(below),
            None => stay.push(condition),
        }
    }
    (down, stay)
}

/// The rows that meet conditions, asked here.
fn wrap(rel: Rel, conditions: Vec<Expr>) -> Rel {
    let (mut fallible, safe): (Vec<Expr>, Vec<Expr>) = distinct(conditions).into_iter().partition(can_fail);
    let rest = fallible.split_off(fallible.len().min(MOST_FILTERS));
    let rel = fallible.into_iter().fold(rel.filter(Expr::and(safe)), Rel::filter);
    rel.filter(Expr::and(rest))
}
