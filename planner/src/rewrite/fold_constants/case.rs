//! CASE whose conditions are known.
//!
//! **Law.** A branch whose condition is false or NULL is never taken; one whose condition is true ends the CASE: its
//! result is that of ELSE. In `CASE x WHEN y`, the condition is `x = y`, so a NULL on either side is never taken.
//!
//! Results are not looked at and not moved out: `CASE WHEN x <> 0 THEN 1 / x END` computes what is in a branch only
//! when it is taken.

use super::compare;
use attune_sql::algebra::{CompareOp, Expr, Type};
use datafusion::common::ScalarValue;

/// CASE.
pub(super) fn case(operand: Option<Expr>, branches: Vec<(Expr, Expr)>, mut otherwise: Option<Expr>, ty: Type) -> Expr {
    let mut open = Vec::with_capacity(branches.len());
    for (when, then) in branches {
        match taken(operand.as_ref(), &when) {
            Some(false) => {}
            Some(true) => {
                otherwise = Some(then);
                break;
            }
            None => open.push((when, then)),
        }
    }
    if open.is_empty() {
        return otherwise.unwrap_or_else(|| Expr::null(ty));
    }
    Expr::Case { operand: operand.map(Box::new), branches: open, otherwise: otherwise.map(Box::new), ty }
}

/// Whether a branch is taken, if that is known.
fn taken(operand: Option<&Expr>, when: &Expr) -> Option<bool> {
    let constant = |expr: &Expr| match expr {
        Expr::Constant { value: ScalarValue::Boolean(Some(value)), .. } => Some(*value),
        other => other.is_null_constant().then_some(false),
    };
    match operand {
        None => constant(when),
        Some(operand) if operand.is_null_constant() || when.is_null_constant() => Some(false),
        Some(operand @ Expr::Constant { .. }) if matches!(when, Expr::Constant { .. }) => {
            constant(&compare(CompareOp::Eq, operand.clone(), when.clone()))
        }
        Some(_) => None,
    }
}
