//! IN and its like.
//!
//! **Law.** `x IN (y)` is `x = y` and `x NOT IN (y)` is `x <> y`. `x = ANY (array)` of a constant array is IN of its
//! elements, NULLs among them too; of an array without elements it is false, also for a NULL x. `x <> ALL (array)`
//! likewise is NOT IN, and true.

use super::compare;
use super::evaluate::evaluated;
use attune_sql::algebra::{Callee, CompareOp, Expr, Type};
use datafusion::arrow::array::Array;
use datafusion::common::ScalarValue;

/// Elements of an array that are written as a list; those of longer ones are searched by the function.
const LONGEST: usize = 4_096;

/// `expr [NOT] IN (list)`.
pub(super) fn in_list(expr: Expr, mut list: Vec<Expr>, negated: bool) -> Expr {
    if expr.is_null_constant() {
        return Expr::null(Type::BOOLEAN);
    }
    if list.len() == 1 {
        let op = if negated { CompareOp::NotEq } else { CompareOp::Eq };
        return compare(op, expr, list.remove(0));
    }
    evaluated(Expr::InList { expr: Box::new(expr), list, negated })
}

/// `x = ANY (constant array)` and `x <> ALL (constant array)` as lists; anything else as it is.
pub(super) fn any_of(expr: Expr) -> Expr {
    let Expr::Call { callee: Callee::Function(function), args, .. } = &expr else { return expr };
    let negated = match function.name() {
        "any_eq" => false,
        "all_ne" => true,
        _ => return expr,
    };
    let [value, array] = args.as_slice() else { return expr };
    match elements(array) {
        Some(list) if list.is_empty() => Expr::boolean(negated),
        Some(list) => in_list(value.clone(), list, negated),
        None => expr,
    }
}

/// The elements of a constant array of the type that the elements have.
fn elements(array: &Expr) -> Option<Vec<Expr>> {
    let Expr::Constant { value: ScalarValue::List(list), ty: Type::Array(element) } = array else { return None };
    if list.len() != 1 || list.is_null(0) {
        return None;
    }
    let values = list.value(0);
    if values.len() > LONGEST || *values.data_type() != element.to_arrow() {
        return None;
    }
    let constant = |place| Some(Expr::constant(ScalarValue::try_from_array(&values, place).ok()?, Type::Sql(*element)));
    (0..values.len()).map(constant).collect()
}
