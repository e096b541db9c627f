//! The general law: a relation for all values of what it reads, at once.
//!
//! `push(D, R)` is each row of `D` beside the rows that `R` gives for it: `D` LATERAL-joined to `R`, node by node, until what is left
//! reads nothing of `D` and is paired with it. `D` is a set (rows are distinct), so that a node which looks at several rows of `R`
//! (GROUP BY, DISTINCT, LIMIT, a window, EXCEPT) looks at those of one row of `D` if it treats `D`'s columns as further group
//! columns. Without that the groups of different outer rows would mix.

pub(super) mod domain;
mod join;
mod limit;
mod set;
mod values;

pub(super) use limit::{limited, within};
pub(super) use values::as_projection;

use attune_sql::SqlError;
use attune_sql::algebra::{AggregateCall, Column, ColumnId, Expr, Ids, Join, JoinKind, Rel};
use datafusion::common::ScalarValue;
use domain::{matches, replaced, second};
use std::collections::{BTreeMap, BTreeSet};

/// Each row of `domain` beside the rows of `rel` for it: the columns of both and no others. If `rel` is [`linear`], rows of
/// `domain` need not be distinct.
pub(super) fn push(domain: Rel, rel: Rel, ids: &mut Ids) -> Result<Rel, SqlError> {
    if matches!(rel, Rel::Unit) {
        return Ok(domain);
    }
    if rel.free().is_disjoint(&domain.ids()) {
        return Ok(domain.join(JoinKind::Inner, rel, Expr::boolean(true)));
    }
    let outer = domain.columns();
    Ok(match rel {
        Rel::Filter { input, predicate } => push(domain, *input, ids)?.filter(predicate),
        Rel::Project { input, exprs } => {
            let exprs = passed(&outer).chain(exprs).collect();
            push(domain, *input, ids)?.project(exprs)
        }
        Rel::Unnest { input, arrays, ordinality } => {
            Rel::Unnest { input: Box::new(push(domain, *input, ids)?), arrays, ordinality }
        }
        Rel::Values { columns, rows } => {
            let (input, exprs) = as_projection(columns, rows, ids)?;
            push(domain, input.project(exprs), ids)?
        }
        Rel::Aggregate { input, group, aggregates } if group.is_empty() => {
            scalar_aggregate(domain, *input, aggregates, ids)?
        }
        Rel::Aggregate { input, group, aggregates } => {
            let group = passed(&outer).chain(group).collect();
            Rel::Aggregate { input: Box::new(push(domain, *input, ids)?), group, aggregates }
        }
        Rel::Distinct { input } => Rel::Distinct { input: Box::new(push(domain, *input, ids)?) },
        Rel::DistinctOn { input, on, order } => {
            let on = outer.into_iter().map(Expr::Column).chain(on).collect();
            Rel::DistinctOn { input: Box::new(push(domain, *input, ids)?), on, order }
        }
        Rel::Window { input, calls } => Rel::Window {
            input: Box::new(push(domain, *input, ids)?),
            calls: within(calls, &outer.into_iter().map(Expr::Column).collect::<Vec<_>>()),
        },
        Rel::Sort { input, .. } => push(domain, *input, ids)?,
        Rel::Limit { input, skip, fetch } => limit::push_limit(domain, *input, skip, fetch, ids)?,
        Rel::Join(join) => join::push_join(domain, join, ids)?,
        Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
            set::push_set(&domain, op, all, inputs.into_iter().zip(inputs_columns), columns, ids)?
        }
        Rel::Unit | Rel::Scan(_) => return Err(SqlError::internal("a relation that reads no column is dependent")),
    })
}

/// Whether `push` works for rows that repeat, too: each node looks at one row at a time.
pub(super) fn linear(rel: &Rel, outer: &BTreeSet<ColumnId>) -> bool {
    if rel.free().is_disjoint(outer) {
        return true;
    }
    match rel {
        Rel::Filter { input, .. }
        | Rel::Project { input, .. }
        | Rel::Unnest { input, .. }
        | Rel::Sort { input, .. } => linear(input, outer),
        Rel::Join(Join { kind: JoinKind::Inner, left, right, .. }) => {
            let (left_free, right_free) = (left.free().is_disjoint(outer), right.free().is_disjoint(outer));
            (left_free || right_free) && linear(left, outer) && linear(right, outer)
        }
        Rel::Values { .. } => true,
        _ => false,
    }
}

/// Columns that a projection or group passes on.
pub(super) fn passed(columns: &[Column]) -> impl Iterator<Item = (Column, Expr)> {
    columns.iter().map(|column| (column.clone(), Expr::Column(column.clone())))
}

/// These columns of a relation and no others.
pub(super) fn only(rel: Rel, columns: &[Column]) -> Rel {
    rel.project(passed(columns).collect())
}

/// An aggregate without groups gives a row for no rows, too: groups by a second copy of the domain, beside the domain.
fn scalar_aggregate(
    domain: Rel,
    input: Rel,
    aggregates: Vec<(Column, AggregateCall)>,
    ids: &mut Ids,
) -> Result<Rel, SqlError> {
    let (copy, new) = second(&domain, ids)?;
    let input = push(copy, input.substitute(&replaced(&new)), ids)?;
    let replaced = replaced(&new);
    let group: Vec<Column> = new.iter().map(|(_, column)| column.clone()).collect();
    let mut exprs: Vec<(Column, Expr)> = passed(&domain.columns()).collect();
    let mut calls = Vec::with_capacity(aggregates.len());
    for (column, mut call) in aggregates {
        substitute(&mut call, &replaced);
        let found = ids.column(column.name.clone(), column.ty, call.nullable);
        exprs.push((column, over_no_rows(&found, &call)?));
        calls.push((found, call));
    }
    let grouped = Rel::Aggregate { input: Box::new(input), group: passed(&group).collect(), aggregates: calls };
    Ok(domain.join(JoinKind::Left, grouped, Expr::and(matches(new))).project(exprs))
}

/// The arguments, filter and order of an aggregate with columns replaced.
fn substitute(call: &mut AggregateCall, with: &BTreeMap<ColumnId, Expr>) {
    let order = call.order.iter_mut().map(|key| &mut key.expr);
    for expr in call.args.iter_mut().chain(&mut call.filter).chain(order) {
        let old = std::mem::replace(expr, Expr::boolean(true));
        *expr = old.substitute(with);
    }
}

/// The value of an aggregate beside an outer row: of a group, or where the left join found none what the aggregate is over no rows.
/// That is 0 for counts and NULL for others.
pub(super) fn over_no_rows(found: &Column, call: &AggregateCall) -> Result<Expr, SqlError> {
    let of_group = Expr::Column(Column { nullable: true, ..found.clone() });
    let to = found.ty.to_arrow();
    let none = call.function.default_value(&to).unwrap_or(ScalarValue::Null);
    if none.is_null() {
        return Ok(of_group);
    }
    let none = none.cast_to(&to).map_err(|_| SqlError::internal("the value of an aggregate over no rows"))?;
    let branches = vec![(Expr::is_null(of_group.clone()), Expr::constant(none, found.ty))];
    Ok(Expr::Case { operand: None, branches, otherwise: Some(Box::new(of_group)), ty: found.ty })
}
