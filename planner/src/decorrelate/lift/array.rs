//! `ARRAY(subquery)`.
//!
//! Law: it is `array_agg` of the column in the order of the subquery, and an empty array (not NULL) of no rows.

use super::own::own;
use super::value::{Extended, beside};
use crate::decorrelate::{call, order};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, Ids, Rel, Type};
use datafusion::common::ScalarValue;

pub(super) fn value(to: &mut Extended, rel: Rel, column: Column, ids: &mut Ids) -> Result<Expr, SqlError> {
    let (rel, mut columns) = own(rel, vec![column], ids);
    let element = columns.pop().and_then(|column| column.ty.sql().map(|ty| (column, ty)));
    let Some((column, element)) = element else {
        return Err(SqlError::unsupported("ARRAY(subquery) of arrays", "Select a column that is no array."));
    };
    let (rel, keys) = order::ordered(rel, ids);
    let ty = Type::Array(element);
    let mut call = call::aggregate("array_agg", vec![Expr::Column(column)], ty)?;
    call.order = keys;
    let array = ids.column("array", ty, true);
    to.join(Rel::Aggregate { input: Box::new(rel), group: Vec::new(), aggregates: vec![(array.clone(), call)] });
    let empty = ScalarValue::List(ScalarValue::new_list_nullable(&[], &element.to_arrow()));
    let found = beside(array);
    let branches = vec![(Expr::is_null(found.clone()), Expr::constant(empty, ty))];
    Ok(Expr::Case { operand: None, branches, otherwise: Some(Box::new(found)), ty })
}
