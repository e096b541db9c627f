//! What gives no rows is the empty relation, and so is most of what reads it.
//!
//! **Law.** A filter whose condition is never true (FALSE, NULL, or made of them) gives nothing; so does LIMIT 0. Of
//! nothing, everything gives nothing, but for:
//!
//! - an aggregate without groups: one row, also of nothing;
//! - a left join whose right side is empty: the left rows beside NULLs (the same if its condition is never true). A
//!   full join likewise, for either side;
//! - an anti join whose right side is empty: the left rows;
//! - set operations: UNION without that input; EXCEPT whose second input is empty gives the first one, each row once
//!   unless ALL.
//!
//! The empty relation gives the same columns as what it stands for.

use super::limits::is_zero;
use super::nulls::never_true;
use attune_sql::algebra::{Column, Expr, Join, JoinKind, Rel, SetOperator};

/// The plan with empty relations as far up as they reach.
pub(super) fn propagate(mut rel: Rel) -> Rel {
    for input in rel.inputs_mut() {
        *input = propagate(std::mem::replace(input, Rel::Unit));
    }
    match rel {
        Rel::Filter { input, predicate } => {
            if is_empty(&input) || never(&predicate) {
                empty(&input)
            } else {
                Rel::Filter { input, predicate }
            }
        }
        Rel::Limit { ref input, ref fetch, .. } if is_empty(input) || is_zero(fetch.as_ref()) => empty(input),
        Rel::Aggregate { ref input, ref group, .. } if !group.is_empty() && is_empty(input) => empty(&rel),
        Rel::Project { ref input, .. }
        | Rel::Unnest { ref input, .. }
        | Rel::Window { ref input, .. }
        | Rel::Distinct { ref input }
        | Rel::DistinctOn { ref input, .. }
        | Rel::Sort { ref input, .. }
            if is_empty(input) =>
        {
            empty(&rel)
        }
        Rel::Join(join) => of_join(join),
        Rel::SetOperation { op, all, inputs, inputs_columns, columns } => {
            of_set_operation(op, all, inputs, inputs_columns, columns)
        }
        other => other,
    }
}

fn is_empty(rel: &Rel) -> bool {
    matches!(rel, Rel::Values { rows, .. } if rows.is_empty())
}

/// No rows of the same columns.
fn empty(rel: &Rel) -> Rel {
    Rel::Values { columns: rel.columns(), rows: Vec::new() }
}

fn never(condition: &Expr) -> bool {
    never_true(condition, &|_| false)
}

fn of_join(join: Join) -> Rel {
    let (left, right) = (is_empty(&join.left), is_empty(&join.right));
    // No pairs.
    let none = left || right || never(&join.on);
    match join.kind {
        JoinKind::Inner | JoinKind::Semi if none => empty(&Rel::Join(join)),
        JoinKind::Left | JoinKind::Single | JoinKind::Anti if left => empty(&Rel::Join(join)),
        JoinKind::Left | JoinKind::Single if none => beside_nulls(*join.left, join.right.columns()),
        JoinKind::Anti if none => *join.left,
        JoinKind::Full if left && right => empty(&Rel::Join(join)),
        JoinKind::Full if right => beside_nulls(*join.left, join.right.columns()),
        JoinKind::Full if left => beside_nulls(*join.right, join.left.columns()),
        _ => Rel::Join(join),
    }
}

/// The rows with these columns beside them, NULL.
fn beside_nulls(rel: Rel, columns: Vec<Column>) -> Rel {
    let null = |column: Column| {
        let value = Expr::null(column.ty);
        (Column { nullable: true, ..column }, value)
    };
    rel.extend(columns.into_iter().map(null).collect())
}

fn of_set_operation(
    op: SetOperator,
    all: bool,
    inputs: Vec<Rel>,
    inputs_columns: Vec<Vec<Column>>,
    columns: Vec<Column>,
) -> Rel {
    let first = inputs.first().is_none_or(is_empty);
    let nothing = match op {
        SetOperator::Union => inputs.iter().all(is_empty),
        SetOperator::Except => first,
        SetOperator::Intersect => inputs.iter().any(is_empty),
    };
    if nothing {
        return Rel::Values { columns, rows: Vec::new() };
    }
    // Neither UNION nor EXCEPT lacks an input that is empty.
    let kept = inputs.into_iter().zip(inputs_columns).filter(|(input, _)| !is_empty(input));
    let (mut inputs, mut inputs_columns): (Vec<Rel>, Vec<Vec<Column>>) = kept.unzip();
    if inputs.len() == 1 {
        let own = inputs_columns.remove(0).into_iter().map(Expr::Column);
        let only = inputs.remove(0).project(columns.into_iter().zip(own).collect());
        return if all { only } else { Rel::Distinct { input: Box::new(only) } };
    }
    Rel::SetOperation { op, all, inputs, inputs_columns, columns }
}
