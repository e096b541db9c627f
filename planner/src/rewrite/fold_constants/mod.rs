//! Expressions whose value is known are constants, and others as simple as they can be for all values, NULL included.
//!
//! **Law.** An expression may be replaced by one that gives the same for every row, in three-valued logic:
//!
//! - operators, casts and immutable functions of constants are evaluated, by the same kernels that would run. What
//!   fails stays as it is: it may never be evaluated, and if it is, the error comes then. Stable functions such as
//!   now() stay;
//! - an operator, comparison or cast of a NULL constant is NULL; a function decides for itself;
//! - AND, OR, NOT and IS: see [`booleans`]; CASE: see [`case`]; IN and its like: see [`lists`].
//!
//! There is no rule that compares conditions on one column with each other: for a NULL, `i IN (1) AND i IN (2)` is NULL
//! and not false, and `i NOT IN (1) OR i NOT IN (2)` is NULL and not true. `x = x` is TRUE only where x is not NULL.
//!
//! As in Postgres, what cannot change the result is left out even if it could fail: `x AND false` is false whatever x
//! is.
//!
//! A comparison with a constant or parameter on its left is turned round: lookups find keys in one form.

pub(super) mod booleans;
mod case;
mod evaluate;
mod lists;

use super::facts::{is_strict, is_value};
use attune_sql::algebra::{CompareOp, Expr, Rel, Truth, Type};
use evaluate::evaluated;

/// The plan with its expressions simplified.
pub(super) fn fold(mut rel: Rel) -> Rel {
    fold_in(&mut rel);
    rel
}

fn fold_in(rel: &mut Rel) {
    for input in rel.inputs_mut() {
        fold_in(input);
    }
    for expr in rel.exprs_mut() {
        let old = std::mem::replace(expr, Expr::boolean(true));
        *expr = simplified(old);
    }
}

/// The expression and all in it, as simple as can be.
pub(super) fn simplified(expr: Expr) -> Expr {
    expr.rewrite(&mut node)
}

/// One node whose operands are simple.
fn node(expr: Expr) -> Expr {
    match expr {
        Expr::And(all) => booleans::and(all),
        Expr::Or(any) => booleans::or(any),
        Expr::Not(expr) => booleans::not(*expr),
        Expr::Is { expr, test, negated } => booleans::is_test(*expr, test, negated),
        Expr::Compare { op, left, right } => compare(op, *left, *right),
        Expr::Case { operand, branches, otherwise, ty } => {
            case::case(operand.map(|o| *o), branches, otherwise.map(|o| *o), ty)
        }
        Expr::Cast { expr, to } if expr.ty() == to => *expr,
        Expr::Cast { expr, to } if expr.is_null_constant() => Expr::null(to),
        Expr::InList { expr, list, negated } => lists::in_list(*expr, list, negated),
        Expr::Like { expr, pattern, .. } if expr.is_null_constant() || pattern.is_null_constant() => {
            Expr::null(Type::BOOLEAN)
        }
        Expr::Call { callee, args, ty } => {
            if is_strict(&callee, ty) && args.iter().any(Expr::is_null_constant) {
                return Expr::null(ty);
            }
            lists::any_of(evaluated(Expr::Call { callee, args, ty }))
        }
        other => evaluated(other),
    }
}

/// A comparison.
fn compare(op: CompareOp, left: Expr, right: Expr) -> Expr {
    let (op, left, right) =
        if is_value(&left) && !is_value(&right) { (op.swapped(), right, left) } else { (op, left, right) };
    if left.is_null_constant() || right.is_null_constant() {
        if op.is_strict() {
            return Expr::null(Type::BOOLEAN);
        }
        // IS [NOT] DISTINCT FROM NULL, from either side.
        let other = if right.is_null_constant() { left } else { right };
        return booleans::is_test(other, Truth::Null, op == CompareOp::Distinct);
    }
    if let (Expr::Column(a), Expr::Column(b)) = (&left, &right)
        && a == b
        && (!left.nullable() || !op.is_strict())
    {
        let holds = matches!(op, CompareOp::Eq | CompareOp::LtEq | CompareOp::GtEq | CompareOp::NotDistinct);
        return Expr::boolean(holds);
    }
    evaluated(Expr::compare(op, left, right))
}
