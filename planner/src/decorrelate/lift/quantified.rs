//! `x op ANY (subquery)` and ALL as values, with the three values of SQL: IN and NOT IN under OR, in CASE, in select lists, and NOT IN
//! where there may be NULLs.
//!
//! Laws: `x op ALL (q)` is `NOT (x negated-op ANY (q))`. And `x op ANY (q)` is
//!
//! - true if some row compares true,
//! - else NULL if some row compares NULL: there is a row and `x` is NULL, or a row has a NULL,
//! - else false; so without rows always.
//!
//! What is asked of the rows is found by joins and aggregates only, which views keep: for `=` a left join with the distinct
//! rows that are equal; for `<` and its like the least or greatest value; for the rest counts of the rows that compare true
//! and NULL, for each distinct `x`. A plain anti join for NOT IN would say true where a NULL makes it NULL.

use super::exists;
use super::own::own;
use super::value::{Extended, beside};
use crate::decorrelate::{call, limit, order};
use attune_sql::SqlError;
use attune_sql::algebra::{AggregateCall, Category, Column, CompareOp, Expr, Ids, Rel, Type};
use datafusion::common::ScalarValue;

pub(super) fn value(
    to: &mut Extended,
    left: &[Expr],
    op: CompareOp,
    all: bool,
    rel: Rel,
    columns: Vec<Column>,
    ids: &mut Ids,
) -> Result<Expr, SqlError> {
    let (rel, _) = order::ordered(rel, ids);
    let (rel, columns) = own(rel, columns, ids);
    let op = if all { op.negated() } else { op };
    let never_null = !left.iter().any(Expr::nullable) && !columns.iter().any(|column| column.nullable);
    let any = match (op, left, &columns[..]) {
        (CompareOp::Eq, _, _) if never_null => equal(to, left, rel, &columns, ids)?,
        (CompareOp::Eq, [_], [_]) => equal(to, left, rel, &columns, ids)?,
        (CompareOp::NotEq, [x], [column]) if is_ordered(column.ty) => extreme(to, x, op, rel, column, ids)?,
        (CompareOp::Lt | CompareOp::LtEq | CompareOp::Gt | CompareOp::GtEq, [x], [column]) if is_ordered(column.ty) => {
            extreme(to, x, op, rel, column, ids)?
        }
        _ => counted(to, left, op, rel, &columns, ids)?,
    };
    Ok(if all { Expr::Not(Box::new(any)) } else { any })
}

/// Types whose `min` and `max` agree with their comparisons, and exist.
fn is_ordered(ty: Type) -> bool {
    matches!(ty.category(), Category::Numeric | Category::String | Category::DateTime)
}

/// By a left join with the distinct equal rows, and counts of rows and NULLs where there may be any.
fn equal(to: &mut Extended, left: &[Expr], rel: Rel, columns: &[Column], ids: &mut Ids) -> Result<Expr, SqlError> {
    let nullable_left = left.iter().find(|expr| expr.nullable()).cloned();
    let nullable_column = columns.iter().find(|column| column.nullable).cloned();
    let is_counted = nullable_left.is_some() || nullable_column.is_some();
    let counted = if is_counted { Some(limit::copied(&rel, ids)?) } else { None };
    let pairs = left.iter().zip(columns);
    let same = pairs.map(|(x, c)| Expr::compare(CompareOp::Eq, x.clone(), Expr::Column(c.clone())));
    let found = exists::found(to, rel.filter(Expr::and(same)), ids);
    let mut branches = vec![(Expr::is_not_null(found), Expr::boolean(true))];
    if let Some((rel, new)) = counted {
        let column = nullable_column.and_then(|column| new.get(&column.id).cloned());
        let counts = Counts::new(to, rel, column, Vec::new(), ids)?;
        counts.unknown(nullable_left, &mut branches);
    }
    Ok(otherwise_false(branches))
}

/// By the least and greatest value.
fn extreme(
    to: &mut Extended,
    x: &Expr,
    op: CompareOp,
    rel: Rel,
    column: &Column,
    ids: &mut Ids,
) -> Result<Expr, SqlError> {
    let names: &[&str] = match op {
        // Some value differs from x if the least or the greatest does.
        CompareOp::NotEq => &["min", "max"],
        CompareOp::Lt | CompareOp::LtEq => &["max"],
        _ => &["min"],
    };
    let mut compared = Vec::new();
    let mut calls = Vec::new();
    for name in names {
        let found = ids.column(*name, column.ty, true);
        calls.push((found.clone(), call::aggregate(name, vec![Expr::Column(column.clone())], column.ty)?));
        compared.push(Expr::compare(op, x.clone(), beside(found)));
    }
    let is_true = if compared.len() == 1 { compared.remove(0) } else { Expr::Or(compared) };
    let mut branches = vec![(is_true, Expr::boolean(true))];
    let counts = Counts::new(to, rel, column.nullable.then(|| column.clone()), calls, ids)?;
    counts.unknown(x.nullable().then(|| x.clone()), &mut branches);
    Ok(otherwise_false(branches))
}

/// How many rows there are, and of how many a column has a value.
struct Counts {
    rows: Expr,
    values: Option<Expr>,
}

impl Counts {
    /// Counts rows beside the outer row, with other aggregates.
    fn new(
        to: &mut Extended,
        rel: Rel,
        column: Option<Column>,
        mut aggregates: Vec<(Column, AggregateCall)>,
        ids: &mut Ids,
    ) -> Result<Counts, SqlError> {
        let rows = ids.column("rows", Type::BIGINT, false);
        aggregates.push((rows.clone(), call::count_rows()?));
        let values = match column {
            None => None,
            Some(column) => {
                let values = ids.column("values", Type::BIGINT, false);
                aggregates.push((values.clone(), call::count(Expr::Column(column))?));
                Some(beside(values))
            }
        };
        to.join(Rel::Aggregate { input: Box::new(rel), group: Vec::new(), aggregates });
        Ok(Counts { rows: beside(rows), values })
    }

    /// Where the answer is NULL if it is not true.
    fn unknown(self, nullable_left: Option<Expr>, branches: &mut Vec<(Expr, Expr)>) {
        if let Some(left) = nullable_left {
            let some = Expr::compare(CompareOp::Gt, self.rows.clone(), zero());
            branches.push((Expr::and([some, Expr::is_null(left)]), Expr::null(Type::BOOLEAN)));
        }
        if let Some(values) = self.values {
            branches.push((Expr::compare(CompareOp::Lt, values, self.rows), Expr::null(Type::BOOLEAN)));
        }
    }
}

/// By counts of the rows that compare true and NULL.
fn counted(
    to: &mut Extended,
    left: &[Expr],
    op: CompareOp,
    rel: Rel,
    columns: &[Column],
    ids: &mut Ids,
) -> Result<Expr, SqlError> {
    let pairs = left.iter().zip(columns);
    let mut each: Vec<Expr> = pairs.map(|(x, c)| Expr::compare(op, x.clone(), Expr::Column(c.clone()))).collect();
    let row = match (op, each.len()) {
        (_, 1) => each.remove(0),
        // Rows differ if any of their columns do.
        (CompareOp::NotEq, _) => Expr::Or(each),
        _ => Expr::and(each),
    };
    let mut aggregates = Vec::new();
    let mut branches = Vec::new();
    for (test, answer) in [(row.clone(), Expr::boolean(true)), (Expr::is_null(row), Expr::null(Type::BOOLEAN))] {
        let count = ids.column("rows", Type::BIGINT, false);
        aggregates.push((count.clone(), AggregateCall { filter: Some(test), ..call::count_rows()? }));
        branches.push((Expr::compare(CompareOp::Gt, beside(count), zero()), answer));
    }
    to.join(Rel::Aggregate { input: Box::new(rel), group: Vec::new(), aggregates });
    Ok(otherwise_false(branches))
}

fn zero() -> Expr {
    Expr::constant(ScalarValue::Int64(Some(0)), Type::BIGINT)
}

fn otherwise_false(branches: Vec<(Expr, Expr)>) -> Expr {
    let otherwise = Some(Box::new(Expr::boolean(false)));
    Expr::Case { operand: None, branches, otherwise, ty: Type::BOOLEAN }
}
