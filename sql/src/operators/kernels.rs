//! Which function computes an operator or a cast, for a front end that has decided all types itself.

use super::arithmetic::{Arithmetic, Negate, is_arithmetic};
use super::cast::CastTo;
use super::concat::Concat;
use super::interval::IntervalComparison;
use super::temporal::Temporal;
use super::{Function, joined};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, ScalarUDF};
use std::sync::Arc;

/// The function of an operator between operands of these types; `None` where DataFusion's operator is Postgres' (comparisons,
/// conditions, operators on bits, regular expressions).
///
/// `returns` counts for numbers only: numerics are rounded to it, integers and floats are computed in it. The other types are
/// those of Postgres.
#[must_use]
pub fn binary(left: &DataType, op: Operator, right: &DataType, returns: &DataType) -> Option<Arc<ScalarUDF>> {
    function(left, op, right, returns).map(|function| {
        Arc::new(match function {
            Function::Arithmetic(function) => ScalarUDF::new_from_impl(function),
            Function::Concat(function) => ScalarUDF::new_from_impl(function),
            Function::Other(function) => function,
        })
    })
}

/// The call of that function, taken into the call of `left` where that is a chain of the same kind; else the operator.
#[must_use]
pub fn operator(
    (left, left_type): (Expr, &DataType),
    op: Operator,
    (right, right_type): (Expr, &DataType),
    returns: &DataType,
) -> Expr {
    match function(left_type, op, right_type, returns) {
        Some(function) => joined(function, left, right),
        None => Expr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right))),
    }
}

fn function(left: &DataType, op: Operator, right: &DataType, returns: &DataType) -> Option<Function> {
    if let Some(function) = Temporal::between(left, op, right) {
        return Some(Function::Other(ScalarUDF::new_from_impl(function)));
    }
    if let Some(function) = IntervalComparison::of(left, op, right) {
        return Some(Function::Other(ScalarUDF::new_from_impl(function)));
    }
    if op == Operator::StringConcat {
        return Concat::of(left, right).map(Function::Concat);
    }
    is_arithmetic(left, op, right).then(|| Function::Arithmetic(Arithmetic::returning(op, returns.clone())))
}

/// The function of `+ - * / %` between numbers of one kind, with a result of this type.
#[must_use]
pub fn arithmetic(op: Operator, returns: DataType) -> Arc<ScalarUDF> {
    Arc::new(ScalarUDF::new_from_impl(Arithmetic::returning(op, returns)))
}

/// The function of unary minus; `None` for types that have none.
#[must_use]
pub fn negate(operand: &DataType) -> Option<Arc<ScalarUDF>> {
    Negate::of(operand).map(|function| Arc::new(ScalarUDF::new_from_impl(function)))
}

/// The function of a cast; `None` where Arrow's cast is Postgres' (or there is none in Postgres).
#[must_use]
pub fn cast(from: &DataType, to: &DataType) -> Option<Arc<ScalarUDF>> {
    CastTo::between(from, to).map(|function| Arc::new(ScalarUDF::new_from_impl(function)))
}

/// The type of what a function of this module gives, where its arguments alone do not decide it; `None` for other functions.
#[must_use]
pub fn returns(function: &ScalarUDF) -> Option<DataType> {
    result_types(function).pop()
}

/// The types of the results of each operator that [`super::original`] names, for a chain one by one. Empty for other functions.
#[must_use]
pub fn result_types(function: &ScalarUDF) -> Vec<DataType> {
    let inner = function.inner();
    if let Some(arithmetic) = inner.downcast_ref::<Arithmetic>() {
        arithmetic.steps.iter().map(|step| step.returns.clone()).collect()
    } else if let Some(temporal) = inner.downcast_ref::<Temporal>() {
        vec![temporal.returns.clone()]
    } else {
        Vec::new()
    }
}
