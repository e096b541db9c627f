//! VALUES whose expressions read outer columns.
//!
//! Law: rows of expressions are a projection: of the one row without columns if there is one, else of the numbers of the rows, by CASE.
//! A projection over an outer row needs no law of its own.

use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr, Ids, Rel, Type};
use datafusion::common::ScalarValue;

/// What is projected, and the projection.
pub(in crate::decorrelate) fn as_projection(
    columns: Vec<Column>,
    mut rows: Vec<Vec<Expr>>,
    ids: &mut Ids,
) -> Result<(Rel, Vec<(Column, Expr)>), SqlError> {
    if rows.len() == 1 {
        return Ok((Rel::Unit, columns.into_iter().zip(rows.remove(0)).collect()));
    }
    let number = ids.column("number", Type::BIGINT, false);
    let mut numbers = Vec::with_capacity(rows.len());
    let mut branches: Vec<Vec<(Expr, Expr)>> = columns.iter().map(|_| Vec::with_capacity(rows.len())).collect();
    for (place, row) in rows.into_iter().enumerate() {
        let place = i64::try_from(place).map_err(|_| SqlError::internal("too many rows in VALUES"))?;
        let place = Expr::constant(ScalarValue::Int64(Some(place)), Type::BIGINT);
        for (branches, expr) in branches.iter_mut().zip(row) {
            branches.push((place.clone(), expr));
        }
        numbers.push(vec![place]);
    }
    let one = |(column, branches): (Column, Vec<(Expr, Expr)>)| {
        let operand = Some(Box::new(Expr::Column(number.clone())));
        let ty = column.ty;
        (column, Expr::Case { operand, branches, otherwise: None, ty })
    };
    let exprs = columns.into_iter().zip(branches).map(one).collect();
    Ok((Rel::Values { columns: vec![number], rows: numbers }, exprs))
}
