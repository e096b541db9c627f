//! AND, OR, NOT and IS in three-valued logic.
//!
//! **Laws**, true for TRUE, FALSE and NULL alike:
//!
//! - `x AND true` is x, `x AND false` is false, `x AND x` is x; OR likewise. `x AND NULL` stays: it is false for a
//!   false x;
//! - `(a AND b) OR (a AND c)` is `a AND (b OR c)`, which may join by `a`; not for an `a` that can fail, which may have
//!   been asked only where `b` is true;
//! - NOT of a comparison is the opposite comparison, of AND the OR of the opposites;
//! - `x IS NULL` is false only if x is never NULL and cannot fail; then `x IS TRUE` is x.

use crate::rewrite::facts::{can_fail, distinct, is_volatile};
use attune_sql::algebra::{Expr, Truth, Type};
use datafusion::common::ScalarValue;

/// Comparisons that are made to find what all branches of an OR have in common.
const MOST_COMPARED: usize = 4_096;

/// AND.
pub(in crate::rewrite) fn and(list: Vec<Expr>) -> Expr {
    let mut all = Vec::with_capacity(list.len());
    list.into_iter().for_each(|expr| expr.into_conjuncts(&mut all));
    if all.iter().any(|expr| is(expr, false)) {
        return Expr::boolean(false);
    }
    Expr::and(distinct(all))
}

/// OR.
pub(in crate::rewrite) fn or(list: Vec<Expr>) -> Expr {
    let mut any = Vec::with_capacity(list.len());
    for expr in list {
        match expr {
            Expr::Or(list) => any.extend(list),
            other => any.push(other),
        }
    }
    if any.iter().any(|expr| is(expr, true)) {
        return Expr::boolean(true);
    }
    any.retain(|expr| !is(expr, false));
    let mut any = distinct(any);
    match any.len() {
        0 => Expr::boolean(false),
        1 => any.remove(0),
        _ => common(any),
    }
}

fn is(expr: &Expr, value: bool) -> bool {
    matches!(expr, Expr::Constant { value: ScalarValue::Boolean(Some(found)), .. } if *found == value)
}

/// OR of two or more, with what they have in common before it.
fn common(any: Vec<Expr>) -> Expr {
    let of = |branch: &Expr| match branch {
        Expr::And(all) => all.clone(),
        other => vec![other.clone()],
    };
    let Some(first) = any.first().map(of) else { return Expr::boolean(false) };
    let parts: usize = any.iter().map(|branch| if let Expr::And(all) = branch { all.len() } else { 1 }).sum();
    let within = first.len().saturating_mul(parts) <= MOST_COMPARED;
    let in_all = |part: &Expr| {
        any.iter().all(|branch| match branch {
            Expr::And(all) => all.contains(part),
            other => other == part,
        })
    };
    let shared: Vec<Expr> = if within {
        first.into_iter().filter(|part| in_all(part) && !is_volatile(part) && !can_fail(part)).collect()
    } else {
        Vec::new()
    };
    if shared.is_empty() {
        return Expr::Or(any);
    }
    let rests = any.iter().map(|branch| {
        let mut rest = of(branch);
        rest.retain(|part| !shared.contains(part));
        Expr::and(rest)
    });
    let rests = or(rests.collect());
    and(shared.into_iter().chain([rests]).collect())
}

/// NOT.
pub(super) fn not(expr: Expr) -> Expr {
    match expr {
        Expr::Constant { value, .. } if value.is_null() => Expr::null(Type::BOOLEAN),
        Expr::Constant { value: ScalarValue::Boolean(Some(value)), .. } => Expr::boolean(!value),
        Expr::Not(expr) => *expr,
        Expr::Compare { op, left, right } => Expr::Compare { op: op.negated(), left, right },
        Expr::Is { expr, test, negated } => Expr::Is { expr, test, negated: !negated },
        Expr::InList { expr, list, negated } => Expr::InList { expr, list, negated: !negated },
        Expr::Like { expr, pattern, negated, case_insensitive } => {
            Expr::Like { expr, pattern, negated: !negated, case_insensitive }
        }
        Expr::And(all) => or(all.into_iter().map(not).collect()),
        Expr::Or(any) => and(any.into_iter().map(not).collect()),
        other => Expr::Not(Box::new(other)),
    }
}

/// IS \[NOT\] NULL, TRUE, FALSE.
pub(super) fn is_test(expr: Expr, test: Truth, negated: bool) -> Expr {
    if let Expr::Constant { value, .. } = &expr {
        let found = match test {
            Truth::Null => value.is_null(),
            Truth::True => is(&expr, true),
            Truth::False => is(&expr, false),
        };
        return Expr::boolean(found != negated);
    }
    if expr.nullable() || can_fail(&expr) {
        return Expr::Is { expr: Box::new(expr), test, negated };
    }
    match (test, negated) {
        (Truth::Null, _) => Expr::boolean(negated),
        (Truth::True, false) | (Truth::False, true) => expr,
        (Truth::True, true) | (Truth::False, false) => not(expr),
    }
}
