//! Dependent joins become joins, innermost first.
//!
//! What a right side reads of its left side is pulled up into conditions ([`Puller`]); the ordinary join of the rest on
//! these conditions, and expressions above it, give the same. Columns of queries further out are constants here: their turn comes
//! with the join that gives them.

use super::pull::{Pulled, Puller};
use super::push::{linear, only, passed, push};
use super::{call, keys, limit};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, ColumnId, Expr, Ids, Join, JoinKind, Rel, Truth, Type};
use std::collections::BTreeSet;

/// The relation without dependent and single joins.
pub(super) fn unnest(mut rel: Rel, ids: &mut Ids) -> Result<Rel, SqlError> {
    for input in rel.inputs_mut() {
        let old = std::mem::replace(input, Rel::Unit);
        *input = unnest(old, ids)?;
    }
    match rel {
        Rel::Join(join) => unnest_join(join, ids),
        other => Ok(other),
    }
}

/// One join, whose sides have none of these left.
pub(super) fn unnest_join(join: Join, ids: &mut Ids) -> Result<Rel, SqlError> {
    let join = if join.kind == JoinKind::Single { single(join, ids)? } else { join };
    let outer = join.left.ids();
    if join.right.free().is_disjoint(&outer) {
        return Ok(independent(join));
    }
    let Join { kind, left, right, on } = join;
    if kind == JoinKind::Inner && unnests(&right, &outer) && linear(&right, &outer) {
        return Ok(push(*left, *right, ids)?.filter(on));
    }
    let pulled = Puller::new(&left, &on, ids).pull(&right)?;
    combine(kind, *left, on, pulled, &right.columns(), ids)
}

/// A join whose sides stand by themselves. Law: a left join with exactly one row is an inner join, and one row without columns
/// changes nothing.
fn independent(join: Join) -> Rel {
    let Join { kind, left, right, on } = join;
    let kind = if kind == JoinKind::Left && on.is_true() && keys::exactly_one(&right) { JoinKind::Inner } else { kind };
    match (kind, *left, *right) {
        (JoinKind::Inner, Rel::Unit, rel) | (JoinKind::Inner, rel, Rel::Unit) => rel.filter(on),
        (JoinKind::Semi, left, Rel::Unit) => left.filter(on),
        (JoinKind::Anti, left, Rel::Unit) => left.filter(is_not_true(on)),
        (_, left, right) => left.join(kind, right, on),
    }
}

/// A single join. Law: it is a left join if the right side surely has at most one row for a row; else with the aggregate of the
/// rows that fails on a second one.
fn single(join: Join, ids: &mut Ids) -> Result<Join, SqlError> {
    let Join { left, right, on, .. } = join;
    let columns = right.columns();
    let matching = (*right).filter(on);
    let (right, on) = if keys::at_most_one(&matching) {
        (matching, Expr::boolean(true))
    } else {
        let (copy, new) = limit::copied(&matching, ids)?;
        let only = |column: Column| {
            let value = new.get(&column.id).cloned().unwrap_or_else(|| column.clone());
            (column, call::only_value(Expr::Column(value)))
        };
        let aggregates = columns.into_iter().map(only).collect();
        (Rel::Aggregate { input: Box::new(copy), group: Vec::new(), aggregates }, Expr::boolean(true))
    };
    Ok(Join { kind: JoinKind::Left, left, right: Box::new(right), on })
}

/// Whether it takes arrays of outer rows apart. Such a relation is computed for the outer rows themselves, not for the distinct
/// arrays among them.
fn unnests(rel: &Rel, outer: &BTreeSet<ColumnId>) -> bool {
    let own = matches!(rel, Rel::Unnest { arrays, .. } if arrays.iter().any(|(_, e)| !e.columns().is_disjoint(outer)));
    own || rel.inputs().into_iter().any(|input| unnests(input, outer))
}

/// The join of a left side with what was pulled out of the right side, which gave `columns`.
fn combine(
    kind: JoinKind,
    left: Rel,
    on: Expr,
    mut pulled: Pulled,
    columns: &[Column],
    ids: &mut Ids,
) -> Result<Rel, SqlError> {
    let on = limit::substituted(on, &pulled.exprs)?;
    pulled.one_row_if_unit();
    if pulled.once {
        return Ok(combine_once(kind, left, on, pulled, columns));
    }
    let Pulled { mut rel, conditions, mut exprs, .. } = pulled;
    let on = Expr::and(conditions.into_iter().chain([on]));
    if !kind.gives_right() {
        return Ok(left.join(kind, rel, on));
    }
    if kind == JoinKind::Left && !exprs.is_empty() {
        // What is computed above the join must be NULL beside a row without a pair.
        let mark = ids.column("found", Type::BOOLEAN, false);
        rel = rel.extend(vec![(mark.clone(), Expr::boolean(true))]);
        let found = Expr::is_not_null(Expr::Column(Column { nullable: true, ..mark }));
        let right = rel.ids();
        exprs = exprs.into_iter().map(|(id, e)| (id, only_if(found.clone(), nullable(e, &right)))).collect();
    }
    let left_columns = left.columns();
    let given = rel.ids();
    let joined = left.join(kind, rel, on);
    if exprs.is_empty() && given.len() == columns.len() {
        return Ok(joined);
    }
    let value = |column: &Column| {
        let column = Column { nullable: column.nullable || kind == JoinKind::Left, ..column.clone() };
        let expr = exprs.get(&column.id).cloned().unwrap_or_else(|| Expr::Column(column.clone()));
        (column, expr)
    };
    Ok(joined.project(passed(&left_columns).chain(columns.iter().map(value)).collect()))
}

/// Where the right side gives one row for each left row: all that may drop it again is asked above the join.
fn combine_once(kind: JoinKind, left: Rel, on: Expr, pulled: Pulled, columns: &[Column]) -> Rel {
    let Pulled { rel, conditions, exprs, guard, .. } = pulled;
    let left_columns = left.columns();
    let right = rel.ids();
    let keeps = nullable(Expr::and(guard.into_iter().chain([on])), &right);
    let joined = if matches!(rel, Rel::Unit) { left } else { left.join(JoinKind::Left, rel, Expr::and(conditions)) };
    let value = |column: &Column, wrap: &dyn Fn(Expr) -> Expr| {
        let expr = exprs.get(&column.id).cloned().unwrap_or_else(|| Expr::Column(column.clone()));
        wrap(nullable(expr, &right))
    };
    match kind {
        JoinKind::Semi => only(joined.filter(keeps), &left_columns),
        JoinKind::Anti => only(joined.filter(is_not_true(keeps)), &left_columns),
        JoinKind::Inner | JoinKind::Full => {
            let values = columns.iter().map(|column| (column.clone(), value(column, &|expr| expr)));
            joined.filter(keeps).project(passed(&left_columns).chain(values).collect())
        }
        JoinKind::Left | JoinKind::Single => {
            let wrap = |expr: Expr| if keeps.is_true() { expr } else { only_if(keeps.clone(), expr) };
            let values = columns.iter().map(|column| {
                let expr = value(column, &wrap);
                // Without a condition there is always a row.
                (Column { nullable: column.nullable || !keeps.is_true(), ..column.clone() }, expr)
            });
            joined.project(passed(&left_columns).chain(values).collect())
        }
    }
}

fn is_not_true(condition: Expr) -> Expr {
    Expr::Is { expr: Box::new(condition), test: Truth::True, negated: true }
}

fn only_if(condition: Expr, then: Expr) -> Expr {
    let ty = then.ty();
    Expr::Case { operand: None, branches: vec![(condition, then)], otherwise: None, ty }
}

/// The expression where these columns may be NULL, because a left join gave them.
fn nullable(expr: Expr, columns: &BTreeSet<ColumnId>) -> Expr {
    expr.rewrite(&mut |expr| match expr {
        Expr::Column(column) if columns.contains(&column.id) => Expr::Column(Column { nullable: true, ..column }),
        other => other,
    })
}
