//! What an expression can be when some columns are NULL.
//!
//! Three-valued logic over sets: for each expression the values that are possible, when the given columns are NULL and
//! all others are anything. What is not known is possible, so a set is never too small. Operators, comparisons and
//! casts are strict: NULL for a NULL operand. Functions may do anything. IS NULL, IS DISTINCT FROM and their like are
//! never NULL.

use super::facts::is_strict;
use attune_sql::algebra::{ColumnId, CompareOp, Expr, Truth};
use datafusion::common::ScalarValue;

/// NULL.
const NULL: u8 = 1;
/// TRUE; of other types than boolean, with `FALSE`: some value.
const TRUE: u8 = 2;
/// FALSE.
const FALSE: u8 = 4;
/// A value.
const VALUE: u8 = TRUE | FALSE;
/// Anything.
const ANY: u8 = NULL | VALUE;

/// Whether a condition is never true when these columns are NULL.
pub(super) fn never_true(condition: &Expr, is_null: &dyn Fn(ColumnId) -> bool) -> bool {
    outcomes(condition, is_null) & TRUE == 0
}

fn outcomes(expr: &Expr, is_null: &dyn Fn(ColumnId) -> bool) -> u8 {
    let of = |expr: &Expr| outcomes(expr, is_null);
    match expr {
        Expr::Column(column) if is_null(column.id) => NULL,
        Expr::Constant { value, .. } if value.is_null() => NULL,
        Expr::Constant { value: ScalarValue::Boolean(Some(true)), .. } => TRUE,
        Expr::Constant { value: ScalarValue::Boolean(Some(false)), .. } => FALSE,
        Expr::Constant { .. } => VALUE,
        Expr::Call { callee, args, ty } if is_strict(callee, *ty) => strict(args.iter().map(of)),
        Expr::Compare { op, left, right } => compared(*op, of(left), of(right)),
        Expr::And(all) => all.iter().map(of).fold(TRUE, both),
        // a OR b is NOT (NOT a AND NOT b).
        Expr::Or(any) => flipped(any.iter().map(|e| flipped(of(e))).fold(TRUE, both)),
        Expr::Not(expr) => flipped(of(expr)),
        Expr::Is { expr, test, negated } => {
            let found = tested(of(expr), *test);
            if *negated { flipped(found) } else { found }
        }
        Expr::Case { operand, branches, otherwise, .. } => {
            case(operand.as_deref().map(of), branches, otherwise.as_deref(), is_null)
        }
        Expr::Cast { expr, .. } => strict([of(expr)].into_iter()),
        Expr::InList { expr, list, negated } => in_list(of(expr), list.iter().map(of), *negated),
        Expr::Like { expr, pattern, .. } => strict([of(expr), of(pattern)].into_iter()),
        Expr::Column(_)
        | Expr::Parameter { .. }
        | Expr::Call { .. }
        | Expr::Subquery(_)
        | Expr::Aggregate(_)
        | Expr::Window(_) => ANY,
    }
}

fn strict(mut operands: impl Iterator<Item = u8>) -> u8 {
    if operands.any(|operand| operand == NULL) { NULL } else { ANY }
}

fn compared(op: CompareOp, left: u8, right: u8) -> u8 {
    let distinct = match (left, right) {
        _ if op.is_strict() => return strict([left, right].into_iter()),
        (NULL, NULL) => FALSE,
        (NULL, other) | (other, NULL) if other & NULL == 0 => TRUE,
        _ => VALUE,
    };
    if op == CompareOp::Distinct { distinct } else { flipped(distinct) }
}

/// NOT.
fn flipped(set: u8) -> u8 {
    let flip = |from: u8, to: u8| if set & from == 0 { 0 } else { to };
    (set & NULL) | flip(TRUE, FALSE) | flip(FALSE, TRUE)
}

/// AND.
fn both(left: u8, right: u8) -> u8 {
    let mut found = (left & right & TRUE) | ((left | right) & FALSE);
    // Neither decides, and one of them is NULL.
    if (left & NULL != 0 && right & (NULL | TRUE) != 0) || (right & NULL != 0 && left & (NULL | TRUE) != 0) {
        found |= NULL;
    }
    found
}

/// IS NULL, IS TRUE, IS FALSE.
fn tested(set: u8, test: Truth) -> u8 {
    let wanted = match test {
        Truth::Null => NULL,
        Truth::True => TRUE,
        Truth::False => FALSE,
    };
    let yes = if set & wanted == 0 { 0 } else { TRUE };
    let no = if set & !wanted == 0 { 0 } else { FALSE };
    yes | no
}

fn case(
    operand: Option<u8>,
    branches: &[(Expr, Expr)],
    otherwise: Option<&Expr>,
    is_null: &dyn Fn(ColumnId) -> bool,
) -> u8 {
    let mut found = 0;
    for (when, then) in branches {
        let when = outcomes(when, is_null);
        let when = match operand {
            Some(operand) => strict([operand, when].into_iter()),
            None => when,
        };
        if when & TRUE != 0 {
            found |= outcomes(then, is_null);
        }
        if when == TRUE {
            return found;
        }
    }
    found | otherwise.map_or(NULL, |otherwise| outcomes(otherwise, is_null))
}

fn in_list(expr: u8, mut list: impl Iterator<Item = u8>, negated: bool) -> u8 {
    if expr == NULL {
        return NULL;
    }
    // A NULL in the list: what is not found may still be there.
    let found = if list.any(|item| item == NULL) { TRUE | NULL } else { ANY };
    if negated { flipped(found) } else { found }
}
