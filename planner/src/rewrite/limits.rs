//! Limits of limits, and limits beside their sorts.
//!
//! **Law.** `LIMIT f OFFSET s` of `LIMIT g OFFSET t` is `LIMIT min(f, g - s) OFFSET s + t`: each offset counts once,
//! and the rows that the outer one skips are of those that the inner one left. Only for counts that are known and not
//! negative; a parameter or a negative count (which is an error when the query runs) stays as it is written.
//!
//! A limit goes below a projection, which changes neither how many rows there are nor their order: then it is beside
//! the sort, if there is one, and expressions are evaluated for the rows that are left. Nothing goes past a limit in
//! the other direction.
//!
//! No count, NULL, and OFFSET 0 are no limit.

use attune_sql::algebra::{Expr, Rel, Type};
use datafusion::common::ScalarValue;

/// The plan with as few limits as can be.
pub(super) fn merge(mut rel: Rel) -> Rel {
    for input in rel.inputs_mut() {
        *input = merge(std::mem::replace(input, Rel::Unit));
    }
    match rel {
        Rel::Limit { input, skip, fetch } => limit(*input, skip, fetch),
        other => other,
    }
}

fn limit(input: Rel, skip: Option<Expr>, fetch: Option<Expr>) -> Rel {
    let (skip, fetch) = (without_null(skip).filter(|skip| !is_zero(Some(skip))), without_null(fetch));
    if skip.is_none() && fetch.is_none() {
        return input;
    }
    match input {
        Rel::Project { input, exprs } => limit(*input, skip, fetch).project(exprs),
        Rel::Limit { input, skip: inner_skip, fetch: inner_fetch } => {
            match merged((skip.as_ref(), fetch.as_ref()), (inner_skip.as_ref(), inner_fetch.as_ref())) {
                Some((skip, fetch)) => limit(*input, skip, fetch),
                None => {
                    let inner = Rel::Limit { input, skip: inner_skip, fetch: inner_fetch };
                    Rel::Limit { input: Box::new(inner), skip, fetch }
                }
            }
        }
        other => Rel::Limit { input: Box::new(other), skip, fetch },
    }
}

/// OFFSET and LIMIT as they are written.
type Counts<'a> = (Option<&'a Expr>, Option<&'a Expr>);

fn merged(outer: Counts<'_>, inner: Counts<'_>) -> Option<(Option<Expr>, Option<Expr>)> {
    let skip = |counts: Counts<'_>| counts.0.map_or(Some(0), count);
    let fetch = |counts: Counts<'_>| counts.1.map_or(Some(None), |expr| count(expr).map(Some));
    let (skipped, left) = (skip(outer)?, fetch(inner)?);
    let left = left.map(|left| left.saturating_sub(skipped).max(0));
    let fetch = match (fetch(outer)?, left) {
        (Some(outer), Some(left)) => Some(outer.min(left)),
        (outer, left) => outer.or(left),
    };
    let constant = |count: i64| Expr::constant(ScalarValue::Int64(Some(count)), Type::BIGINT);
    Some((Some(constant(skipped.saturating_add(skip(inner)?))), fetch.map(constant)))
}

/// A count that is known and can be counted to.
fn count(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Constant { value: ScalarValue::Int64(Some(count)), .. } if *count >= 0 => Some(*count),
        _ => None,
    }
}

fn without_null(expr: Option<Expr>) -> Option<Expr> {
    expr.filter(|expr| !expr.is_null_constant())
}

/// Whether a count is there and 0.
pub(super) fn is_zero(expr: Option<&Expr>) -> bool {
    expr.and_then(count) == Some(0)
}
