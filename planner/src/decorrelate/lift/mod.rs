//! Subqueries in expressions become dependent joins below the node that holds them, innermost first.
//!
//! Law: a node over `input` whose expressions hold subqueries is the node over `input` with one column more per subquery, which
//! holds its value. Each such column comes from a left join that gives at most one row for a row, so no row is lost or doubled.
//! Nodes that pass on their input's columns get a projection above that hides the new ones: a DISTINCT above would see them.

mod array;
mod conjunct;
mod exists;
mod join_condition;
mod own;
mod quantified;
mod scalar;
mod value;

use super::order::{ordered, sorted};
use super::push::only;
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, Ids, Rel};
use value::Extended;

/// The relation without subqueries; joins may be dependent.
pub(super) fn lift(mut rel: Rel, ids: &mut Ids) -> Result<Rel, SqlError> {
    for input in rel.inputs_mut() {
        let old = std::mem::replace(input, Rel::Unit);
        *input = lift(old, ids)?;
    }
    let rel = own::given_only(rel, ids);
    if !rel.exprs().into_iter().any(has_subquery) {
        return Ok(rel);
    }
    match rel {
        Rel::Filter { input, predicate } => conjunct::filter(*input, predicate, ids),
        Rel::Join(join) => join_condition::join(join, ids),
        Rel::Values { columns, rows } => values(columns, rows, ids),
        Rel::Limit { .. } => Err(SqlError::internal("a subquery as the count of LIMIT or OFFSET")),
        other => above(other, ids),
    }
}

fn has_subquery(expr: &Expr) -> bool {
    expr.any(|e| matches!(e, Expr::Subquery(_)))
}

/// A node of one input.
fn above(mut rel: Rel, ids: &mut Ids) -> Result<Rel, SqlError> {
    let columns = rel.columns();
    let gives_itself = matches!(rel, Rel::Project { .. } | Rel::Aggregate { .. });
    let mut exprs: Vec<Expr> = Vec::new();
    for expr in rel.exprs_mut() {
        exprs.push(std::mem::replace(expr, Expr::boolean(true)));
    }
    let mut inputs = rel.inputs_mut();
    let Some(input) = inputs.first_mut() else { return Err(SqlError::internal("a subquery where no input is")) };
    // A projection keeps the order of what is below, which a join does not.
    let (below, order) = ordered(std::mem::replace(*input, Rel::Unit), ids);
    let mut extended = Extended::new(below);
    for expr in &mut exprs {
        let old = std::mem::replace(expr, Expr::boolean(true));
        *expr = extended.value(old, ids)?;
    }
    **input = sorted(extended.rel, order);
    for (place, expr) in rel.exprs_mut().into_iter().zip(exprs) {
        *place = expr;
    }
    Ok(if gives_itself { rel } else { only(rel, &columns) })
}

/// VALUES with subqueries: each row is a SELECT.
fn values(columns: Vec<Column>, rows: Vec<Vec<Expr>>, ids: &mut Ids) -> Result<Rel, SqlError> {
    let mut inputs = Vec::with_capacity(rows.len());
    let mut inputs_columns = Vec::with_capacity(rows.len());
    for row in rows {
        let row_columns: Vec<Column> = columns.iter().map(|c| ids.column(c.name.clone(), c.ty, c.nullable)).collect();
        let exprs = row_columns.iter().cloned().zip(row).collect();
        inputs.push(above(Rel::Unit.project(exprs), ids)?);
        inputs_columns.push(row_columns);
    }
    let op = attune_sql::algebra::SetOperator::Union;
    if inputs.len() == 1 {
        let exprs = columns.into_iter().zip(inputs_columns.remove(0).into_iter().map(Expr::Column)).collect();
        return Ok(inputs.remove(0).project(exprs));
    }
    Ok(Rel::SetOperation { op, all: true, inputs, inputs_columns, columns })
}
