//! What is known about NULL, at every column of the plan.
//!
//! **Law.** A column may be NULL above an outer join that gives it from the side that can be missing, wherever an
//! expression that gives it may be, and wherever such an expression can fail: a view keeps a row whose expression
//! failed, with NULL. Otherwise it is what its relation says. References say what the inputs of their node say.
//!
//! A reference keeps what was known where it was written, and rules move references: past a join that became an inner
//! one it knows too little, and out of a subquery that became the right side of an outer join it would know too much.
//! Then `x IS NULL` would be folded to false although the join adds NULLs.

use super::facts::can_fail;
use attune_sql::algebra::{Column, ColumnId, Expr, JoinKind, Rel, SetOperator};
use std::collections::BTreeMap;

/// Whether each column of a relation may be NULL.
type Known = BTreeMap<ColumnId, bool>;

/// The plan with all columns' nullability derived anew.
pub(super) fn refresh(mut rel: Rel) -> Rel {
    walk(&mut rel);
    rel
}

fn walk(rel: &mut Rel) -> Known {
    let mut inputs: Vec<Known> = rel.inputs_mut().into_iter().map(walk).collect();
    for expr in rel.exprs_mut() {
        note(expr, &inputs);
    }
    match rel {
        Rel::Unit => Known::new(),
        Rel::Scan(scan) => scan.columns.iter().map(|(column, _)| (column.id, column.nullable)).collect(),
        Rel::Values { columns, rows } => {
            for (place, column) in columns.iter_mut().enumerate() {
                column.nullable = rows.iter().filter_map(|row| row.get(place)).any(may_be_null);
            }
            given(columns.iter())
        }
        Rel::Project { exprs, .. } => {
            exprs.iter_mut().for_each(derive);
            given(exprs.iter().map(|(column, _)| column))
        }
        Rel::Aggregate { group, aggregates, .. } => {
            group.iter_mut().for_each(derive);
            given(group.iter().map(|(column, _)| column).chain(aggregates.iter().map(|(column, _)| column)))
        }
        Rel::Join(join) => {
            let (right, left) = (inputs.pop().unwrap_or_default(), inputs.pop().unwrap_or_default());
            joined(join.kind, left, right)
        }
        Rel::Unnest { arrays, ordinality, .. } => {
            let mut known = inputs.pop().unwrap_or_default();
            known.extend(arrays.iter().map(|(column, _)| (column.id, true)));
            known.extend(ordinality.iter().map(|column| (column.id, column.nullable)));
            known
        }
        Rel::Window { calls, .. } => {
            let mut known = inputs.pop().unwrap_or_default();
            known.extend(calls.iter().map(|(column, _)| (column.id, column.nullable)));
            known
        }
        Rel::SetOperation { op, inputs_columns, columns, .. } => {
            set_operation(*op, &inputs, inputs_columns, columns);
            given(columns.iter())
        }
        Rel::Filter { .. } | Rel::Distinct { .. } | Rel::DistinctOn { .. } | Rel::Sort { .. } | Rel::Limit { .. } => {
            inputs.pop().unwrap_or_default()
        }
    }
}

fn given<'a>(columns: impl IntoIterator<Item = &'a Column>) -> Known {
    columns.into_iter().map(|column| (column.id, column.nullable)).collect()
}

fn derive((column, expr): &mut (Column, Expr)) {
    column.nullable = may_be_null(expr);
}

fn may_be_null(expr: &Expr) -> bool {
    expr.nullable() || can_fail(expr)
}

/// Corrects the references in an expression.
fn note(expr: &mut Expr, inputs: &[Known]) {
    if let Expr::Column(column) = expr {
        column.nullable = looked_up(column, inputs);
    }
    for child in expr.children_mut() {
        note(child, inputs);
    }
}

fn looked_up(column: &Column, inputs: &[Known]) -> bool {
    inputs.iter().find_map(|known| known.get(&column.id).copied()).unwrap_or(column.nullable)
}

fn joined(kind: JoinKind, left: Known, right: Known) -> Known {
    let added = |known: Known| known.into_keys().map(|id| (id, true));
    match kind {
        JoinKind::Inner => left.into_iter().chain(right).collect(),
        JoinKind::Left | JoinKind::Single => {
            let mut known = left;
            known.extend(added(right));
            known
        }
        JoinKind::Full => added(left).chain(added(right)).collect(),
        JoinKind::Semi | JoinKind::Anti => left,
    }
}

fn set_operation(op: SetOperator, inputs: &[Known], inputs_columns: &mut [Vec<Column>], columns: &mut [Column]) {
    for (own, known) in inputs_columns.iter_mut().zip(inputs) {
        for column in own {
            column.nullable = looked_up(column, std::slice::from_ref(known));
        }
    }
    for (place, column) in columns.iter_mut().enumerate() {
        let mut of_inputs = inputs_columns.iter().filter_map(|own| own.get(place)).map(|own| own.nullable);
        column.nullable = match op {
            SetOperator::Union => of_inputs.any(|nullable| nullable),
            // Rows of the first.
            SetOperator::Except => of_inputs.next().unwrap_or(true),
            // Rows of both.
            SetOperator::Intersect => of_inputs.all(|nullable| nullable),
        };
    }
}
