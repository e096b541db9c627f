//! LIMIT and windows for each outer row.
//!
//! Law: the first rows of each group are those whose number within the group, in the order that LIMIT has below it, is small
//! enough. LIMIT itself would count the rows of all outer rows together.

use super::{passed, push};
use crate::decorrelate::call;
use crate::decorrelate::order::ordered;
use attune_sql::SqlError;
use attune_sql::algebra::{Callee, Column, CompareOp, Expr, Ids, Rel, SortKey, Type, WindowCall};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::Operator;

pub(super) fn push_limit(
    domain: Rel,
    input: Rel,
    skip: Option<Expr>,
    fetch: Option<Expr>,
    ids: &mut Ids,
) -> Result<Rel, SqlError> {
    let outer = domain.columns();
    let columns: Vec<(Column, Expr)> = passed(&outer).chain(passed(&input.columns())).collect();
    let (input, order) = ordered(input, ids);
    let rel = push(domain, input, ids)?;
    let partition = outer.into_iter().map(Expr::Column).collect();
    Ok(limited(rel, partition, order, skip, fetch, ids)?.project(columns))
}

/// The rows of each partition that OFFSET and LIMIT let through, with their numbers beside.
pub(in crate::decorrelate) fn limited(
    rel: Rel,
    partition: Vec<Expr>,
    order: Vec<SortKey>,
    skip: Option<Expr>,
    fetch: Option<Expr>,
    ids: &mut Ids,
) -> Result<Rel, SqlError> {
    let number = ids.column("number", Type::BIGINT, false);
    let condition = bounds(&Expr::Column(number.clone()), skip, fetch);
    let calls = vec![(number, call::row_number(partition, order)?)];
    Ok(Rel::Window { input: Box::new(rel), calls }.filter(condition))
}

/// `skip < number AND number - skip <= fetch`; NULL is none.
fn bounds(number: &Expr, skip: Option<Expr>, fetch: Option<Expr>) -> Expr {
    let compare = |op, left: &Expr, right: Expr| Expr::compare(op, left.clone(), right);
    let skip = skip.filter(|skip| !matches!(value(skip), Some(None | Some(0))));
    let fetch = fetch.filter(|fetch| value(fetch) != Some(None));
    let least = skip.clone().map(|skip| or_null(&skip, compare(CompareOp::Gt, number, skip.clone())));
    let most = fetch.map(|fetch| {
        let within = match &skip {
            None => compare(CompareOp::LtEq, number, fetch.clone()),
            Some(skip) => match (value(skip), value(&fetch)) {
                (Some(Some(skip)), Some(Some(fetch))) => {
                    compare(CompareOp::LtEq, number, bigint(skip.saturating_add(fetch)))
                }
                _ => compare(CompareOp::LtEq, &minus(number, skip), fetch.clone()),
            },
        };
        or_null(&fetch, within)
    });
    Expr::and(least.into_iter().chain(most))
}

/// The value of a constant.
fn value(count: &Expr) -> Option<Option<i64>> {
    match count {
        Expr::Constant { value: ScalarValue::Int64(value), .. } => Some(*value),
        Expr::Constant { value, .. } if value.is_null() => Some(None),
        _ => None,
    }
}

/// A condition that holds too if a parameter is NULL.
fn or_null(count: &Expr, condition: Expr) -> Expr {
    if count.nullable() { Expr::Or(vec![Expr::is_null(count.clone()), condition]) } else { condition }
}

fn bigint(value: i64) -> Expr {
    Expr::constant(ScalarValue::Int64(Some(value)), Type::BIGINT)
}

/// The number behind those that are skipped. It cannot overflow: neither is negative.
fn minus(number: &Expr, skip: &Expr) -> Expr {
    let branches = vec![(Expr::is_null(skip.clone()), bigint(0))];
    let skip = Expr::Case { operand: None, branches, otherwise: Some(Box::new(skip.clone())), ty: Type::BIGINT };
    let args = vec![number.clone(), skip];
    Expr::Call { callee: Callee::Operator(Operator::Minus), args, ty: Type::BIGINT }
}

/// Window calls within the partitions of these expressions, too.
pub(in crate::decorrelate) fn within(calls: Vec<(Column, WindowCall)>, by: &[Expr]) -> Vec<(Column, WindowCall)> {
    let within = |(column, mut call): (Column, WindowCall)| {
        call.partition.splice(0..0, by.iter().cloned());
        (column, call)
    };
    calls.into_iter().map(within).collect()
}
