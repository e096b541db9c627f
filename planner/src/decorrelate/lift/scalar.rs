//! A subquery as a value.
//!
//! Law: its value is that of a left join if it surely gives at most one row. Else it is the aggregate `single_value` over its rows,
//! which is NULL over none and fails (21000) on a second one, even where values are equal or NULL. Without it a second row would
//! double the outer one.

use super::own::own;
use super::value::{Extended, beside};
use crate::decorrelate::{call, keys, order};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, Ids, Rel};

pub(super) fn value(to: &mut Extended, rel: Rel, column: Column, ids: &mut Ids) -> Result<Expr, SqlError> {
    let (rel, mut columns) = own(rel, vec![column], ids);
    let Some(column) = columns.pop() else { return Err(SqlError::internal("a scalar subquery without a column")) };
    if keys::at_most_one(&rel) {
        to.join(rel);
        return Ok(beside(column));
    }
    let (rel, _) = order::ordered(rel, ids);
    let only = ids.column(column.name.clone(), column.ty, true);
    let call = call::only_value(Expr::Column(column));
    to.join_guarded(Rel::Aggregate { input: Box::new(rel), group: Vec::new(), aggregates: vec![(only.clone(), call)] });
    Ok(beside(only))
}
