//! Limits of what may grow. A plan may be copied (once per level of nesting) and an expression be put in place of a column
//! (wherever that is read), so both could double with each level of a hostile text.

use attune_sql::algebra::{Column, ColumnId, Expr, Ids, Rel, refresh};
use attune_sql::{SqlError, SqlState};
use std::collections::BTreeMap;

/// Nodes of a relation that may be put in twice.
const MAX_COPIED_NODES: usize = 5_000;

/// Columns that a statement may have while relations are put in twice. Each copy has some.
const MAX_COLUMNS: u32 = 50_000;

/// Nodes of an expression after columns were replaced.
const MAX_EXPR_NODES: usize = 100_000;

fn too_complex() -> SqlError {
    SqlError::new(SqlState::StatementTooComplex, "the subqueries of the statement are nested too deeply")
        .with_hint("Nest fewer subqueries that compare with columns of outer queries by anything but equality.")
}

/// A second copy of a relation, as [`refresh`] makes it, if neither it nor all copies are too large.
pub(super) fn copied(rel: &Rel, ids: &mut Ids) -> Result<(Rel, BTreeMap<ColumnId, Column>), SqlError> {
    let mut nodes = 0usize;
    rel.visit(&mut |_| nodes += 1);
    if nodes > MAX_COPIED_NODES || ids.fresh().0 > MAX_COLUMNS {
        return Err(too_complex());
    }
    Ok(refresh(rel.clone(), ids))
}

fn nodes(expr: &Expr) -> usize {
    let mut nodes = 0;
    expr.visit(&mut |_| nodes += 1);
    nodes
}

/// The expression with columns replaced by expressions.
pub(super) fn substituted(expr: Expr, with: &BTreeMap<ColumnId, Expr>) -> Result<Expr, SqlError> {
    if with.is_empty() {
        return Ok(expr);
    }
    let mut size = 0usize;
    expr.visit(&mut |e| {
        size += match e {
            Expr::Column(column) => with.get(&column.id).map_or(1, nodes),
            _ => 1,
        }
    });
    if size > MAX_EXPR_NODES { Err(too_complex()) } else { Ok(expr.substitute(with)) }
}
