//! Operators and casts that mean what they mean in Postgres.
//!
//! DataFusion's integers wrap around, its casts cut fractions off, its floats divide by zero, and its texts of times are ISO's.
//! Where an operator or cast differs, the binder puts a function of this module in its place: before any optimisation, so
//! that constants are folded with it too. A plan of a view keeps the operator ([`original`]) and gets the function again when
//! it is compiled ([`replace`]), so that a SELECT and a view give the same.

mod arithmetic;
mod cast;
mod concat;
mod float;
mod interval;
mod kernels;
mod moment;
mod numeric;
mod span;
pub mod statistics;
mod temporal;
mod varchar;

pub use kernels::{arithmetic, binary, cast, negate, operator, result_types, returns};
pub use numeric::{numeric_result, numeric_type};
pub use varchar::{varchar, varchar_limit};

pub(crate) use arithmetic::scalar_again;
pub(crate) use cast::cast_array;
pub(crate) use cast::numbers::{double, rescale};
pub(crate) use float::canonical;
pub(crate) use interval::lengths;
pub(crate) use moment::{out_of_range, shift, timestamp};
pub(crate) use numeric::{
    Rounding, divide_rounded, division_by_zero, out_of_range as numeric_out_of_range, power_of_128,
};
pub(crate) use span::{
    divided, justify_days, justify_hours, justify_interval, length, sum as span_sum, times as span_times,
};

use crate::SqlError;
use arithmetic::{Arithmetic, Negate};
use cast::CastTo;
use concat::Concat;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, PrimitiveArray, new_empty_array};
use datafusion::arrow::buffer::NullBuffer;
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType};
use datafusion::arrow::error::ArrowError;
use datafusion::common::tree_node::Transformed;
#[cfg(test)]
use datafusion::common::tree_node::{TransformedResult, TreeNode};
use datafusion::common::{DFSchema, DataFusionError, Result};
use datafusion::logical_expr::expr::{Between, InList, ScalarFunction};
use datafusion::logical_expr::{
    BinaryExpr, Cast, ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, lit,
};
use interval::IntervalComparison;
use std::fmt::Write;
use std::sync::Arc;
use temporal::Temporal;

/// What a function of this module stands for.
#[derive(Clone, PartialEq, Debug)]
pub enum Original {
    /// Binary operators between the arguments, from the left: `a + b - c`.
    Binary(Vec<Operator>),
    /// Unary minus.
    Negative,
    /// A cast.
    Cast(DataType),
}

/// What `function` stands for; `None` for all other functions.
#[must_use]
pub fn original(function: &ScalarUDF) -> Option<Original> {
    let inner = function.inner();
    if let Some(arithmetic) = inner.downcast_ref::<Arithmetic>() {
        Some(Original::Binary(arithmetic.ops()))
    } else if let Some(temporal) = inner.downcast_ref::<Temporal>() {
        Some(Original::Binary(vec![temporal.op]))
    } else if let Some(comparison) = inner.downcast_ref::<IntervalComparison>() {
        Some(Original::Binary(vec![comparison.op]))
    } else if let Some(concat) = inner.downcast_ref::<Concat>() {
        Some(Original::Binary(vec![Operator::StringConcat; concat.operators]))
    } else if inner.is::<Negate>() {
        Some(Original::Negative)
    } else {
        inner.downcast_ref::<CastTo>().map(|cast| Original::Cast(cast.to.clone()))
    }
}

/// The expression with Postgres' operators. Its types are coerced.
#[cfg(test)]
pub(crate) fn replace_all(expr: Expr, schema: &DFSchema) -> Result<Expr> {
    expr.transform_up(|expr| replace(expr, schema)).data()
}

/// One operator or cast whose operands have their types, as Postgres has it.
///
/// # Errors
/// When an operand has no type in the schema.
pub fn replace(expr: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match expr {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) if is_replaceable(op) => {
            let function = stored(&type_of(&left, schema)?, op, &type_of(&right, schema)?);
            Ok(match function {
                Some(function) => Transformed::yes(joined(function, *left, *right)),
                None => Transformed::no(Expr::BinaryExpr(BinaryExpr { left, op, right })),
            })
        }
        Expr::Negative(operand) => Ok(match Negate::of(&operand.get_type(schema)?) {
            Some(negate) => Transformed::yes(call(ScalarUDF::new_from_impl(negate), vec![*operand])),
            None => Transformed::no(Expr::Negative(operand)),
        }),
        Expr::Cast(Cast { expr, field }) => {
            let to = field.data_type();
            Ok(match CastTo::between(&expr.get_type(schema)?, to) {
                Some(cast) => Transformed::yes(call(ScalarUDF::new_from_impl(cast), vec![*expr])),
                None => Transformed::no(Expr::Cast(Cast { expr, field })),
            })
        }
        Expr::Between(between) if matches!(between.expr.get_type(schema)?, DataType::Interval(_)) => {
            between_intervals(between, schema)
        }
        // The optimiser intersects two lists for the same value by what their items look like, which is only right for constants.
        Expr::InList(list)
            if list.list.iter().any(Expr::any_column_refs)
                || matches!(list.expr.get_type(schema)?, DataType::Interval(_)) =>
        {
            comparisons_of_list(list, schema)
        }
        other => Ok(Transformed::no(other)),
    }
}

/// Operators that differ for some types; the others need not be looked at.
fn is_replaceable(op: Operator) -> bool {
    use Operator::*;
    matches!(op, Plus | Minus | Multiply | Divide | Modulo | StringConcat) || interval::is_comparison(op)
}

/// The function of an operator.
enum Function {
    Arithmetic(Arithmetic),
    Concat(Concat),
    Other(ScalarUDF),
}

/// The function of an operator, with the result type that stored plans have.
fn stored(left: &DataType, op: Operator, right: &DataType) -> Option<Function> {
    if let Some(function) = Temporal::of(left, op, right) {
        return Some(Function::Other(ScalarUDF::new_from_impl(function)));
    }
    if let Some(function) = IntervalComparison::of(left, op, right) {
        return Some(Function::Other(ScalarUDF::new_from_impl(function)));
    }
    if op == Operator::StringConcat {
        return Concat::of(left, right).map(Function::Concat);
    }
    Arithmetic::of(left, op, right).map(Function::Arithmetic)
}

/// The call of a function for `left op right`. What is left of it and of the same kind is taken into it: a chain of operators
/// is one call, since DataFusion names and types a call by all that is in it, again and again.
fn joined(function: Function, left: Expr, right: Expr) -> Expr {
    let (inner, mut arguments) = match left {
        Expr::ScalarFunction(ScalarFunction { func, args }) => (Some(func), args),
        other => (None, vec![other]),
    };
    let before = inner.as_ref().map(|func| func.inner());
    let joined = match function {
        Function::Arithmetic(last) => {
            let chain = before.and_then(|f| f.downcast_ref::<Arithmetic>()).map(|first| first.then(&last));
            chain.map(ScalarUDF::new_from_impl).ok_or_else(|| ScalarUDF::new_from_impl(last))
        }
        Function::Concat(last) => {
            let chain = before.and_then(|f| f.downcast_ref::<Concat>()).map(Concat::then);
            chain.map(ScalarUDF::new_from_impl).ok_or_else(|| ScalarUDF::new_from_impl(last))
        }
        Function::Other(function) => Err(function),
    };
    match (joined, inner) {
        (Ok(chain), _) => {
            arguments.push(right);
            call(chain, arguments)
        }
        (Err(function), Some(func)) => {
            call(function, vec![Expr::ScalarFunction(ScalarFunction { func, args: arguments }), right])
        }
        (Err(function), None) => {
            arguments.push(right);
            call(function, arguments)
        }
    }
}

/// The type of an operand; of arithmetic without looking at what is in it.
fn type_of(operand: &Expr, schema: &DFSchema) -> Result<DataType> {
    if let Expr::ScalarFunction(call) = operand
        && let Some(arithmetic) = call.func.inner().downcast_ref::<Arithmetic>()
    {
        return Ok(arithmetic.returns());
    }
    operand.get_type(schema)
}

/// `left % right`, of numbers of one kind.
pub(crate) fn modulo(left: &ColumnarValue, right: &ColumnarValue, returns: &DataType) -> Result<ColumnarValue> {
    arithmetic::modulo(left, right, returns)
}

fn between_intervals(between: Between, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let Between { expr, negated, low, high } = between;
    let side = |op, bound: Expr| {
        replace(Expr::BinaryExpr(BinaryExpr::new(expr.clone(), op, Box::new(bound))), schema)
            .map(|replaced| replaced.data)
    };
    let (below, above, both) = match negated {
        true => (Operator::Lt, Operator::Gt, Operator::Or),
        false => (Operator::GtEq, Operator::LtEq, Operator::And),
    };
    let (low, high) = (side(below, *low)?, side(above, *high)?);
    Ok(Transformed::yes(Expr::BinaryExpr(BinaryExpr::new(Box::new(low), both, Box::new(high)))))
}

/// `x IN (a, b)` is `x = a OR x = b`; `NOT IN` is its negation.
fn comparisons_of_list(list: InList, schema: &DFSchema) -> Result<Transformed<Expr>> {
    let InList { expr, list, negated } = list;
    let mut any: Option<Expr> = None;
    for item in list {
        let equal = Expr::BinaryExpr(BinaryExpr::new(expr.clone(), Operator::Eq, Box::new(item)));
        let equal = replace(equal, schema)?.data;
        any = Some(match any {
            Some(any) => Expr::BinaryExpr(BinaryExpr::new(Box::new(any), Operator::Or, Box::new(equal))),
            None => equal,
        });
    }
    let any = any.unwrap_or_else(|| lit(false));
    Ok(Transformed::yes(if negated { Expr::Not(Box::new(any)) } else { any }))
}

fn call(function: ScalarUDF, arguments: Vec<Expr>) -> Expr {
    Expr::ScalarFunction(ScalarFunction::new_udf(Arc::new(function), arguments))
}

/// The name of a column made by `left op right`, as DataFusion gives it to the operator.
fn operator_name(op: Operator, arguments: &[Expr]) -> String {
    chain_name(&vec![op; arguments.len().saturating_sub(1)], arguments)
}

/// The same of a chain of operators.
fn chain_name(ops: &[Operator], arguments: &[Expr]) -> String {
    let mut name = arguments.first().map_or_else(String::new, |first| first.schema_name().to_string());
    for (op, argument) in ops.iter().zip(arguments.iter().skip(1)) {
        // Writing to a String cannot fail.
        let _ = write!(name, " {op} {}", argument.schema_name());
    }
    name
}

/// An error of ours in a kernel of Arrow's form.
fn external(result: std::result::Result<ArrayRef, SqlError>) -> std::result::Result<ArrayRef, ArrowError> {
    result.map_err(|error| ArrowError::ExternalError(Box::new(error)))
}

/// The result of a call for no rows, if it is one. What is computed from constants alone must not fail then: a join may give a
/// batch without rows.
pub(crate) fn of_no_rows(arguments: &ScalarFunctionArgs) -> Option<ColumnarValue> {
    (arguments.number_rows == 0).then(|| ColumnarValue::Array(new_empty_array(arguments.return_type())))
}

/// A value with another for each of its rows; a constant stays one.
pub(crate) fn map(
    value: &ColumnarValue,
    kernel: impl Fn(&ArrayRef) -> std::result::Result<ArrayRef, SqlError>,
) -> Result<ColumnarValue> {
    let external = |error: SqlError| DataFusionError::External(Box::new(error));
    match value {
        ColumnarValue::Array(array) => kernel(array).map(ColumnarValue::Array).map_err(external),
        ColumnarValue::Scalar(scalar) => scalar_again(kernel(&scalar.to_array()?).map_err(external)?, true),
    }
}

/// `op` of each two values that are not NULL. A constant stands for all rows.
fn kernel<A: ArrowPrimitiveType, B: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    left: &dyn Datum,
    right: &dyn Datum,
    op: impl Fn(A::Native, B::Native) -> std::result::Result<O::Native, SqlError>,
) -> std::result::Result<PrimitiveArray<O>, SqlError> {
    let internal = || SqlError::internal("an operator of other types than it was made for");
    let ((left, left_constant), (right, right_constant)) = (left.get(), right.get());
    let left = left.as_primitive_opt::<A>().ok_or_else(internal)?;
    let right = right.as_primitive_opt::<B>().ok_or_else(internal)?;
    pairs((left, left_constant), (right, right_constant), op)
}

/// As [`kernel`], of arrays and whether they are constants.
fn pairs<A: ArrowPrimitiveType, B: ArrowPrimitiveType, O: ArrowPrimitiveType>(
    (left, left_constant): (&PrimitiveArray<A>, bool),
    (right, right_constant): (&PrimitiveArray<B>, bool),
    op: impl Fn(A::Native, B::Native) -> std::result::Result<O::Native, SqlError>,
) -> std::result::Result<PrimitiveArray<O>, SqlError> {
    if left_constant {
        if left.is_null(0) {
            return Ok(PrimitiveArray::new_null(right.len()));
        }
        let value = left.value(0);
        return right.try_unary(|other| op(value, other));
    }
    if right_constant {
        if right.is_null(0) {
            return Ok(PrimitiveArray::new_null(left.len()));
        }
        let value = right.value(0);
        return left.try_unary(|other| op(other, value));
    }
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    let mut values = Vec::with_capacity(left.len());
    for (row, (a, b)) in left.values().iter().zip(right.values().iter()).enumerate() {
        let valid = nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row));
        values.push(if valid { op(*a, *b)? } else { O::Native::default() });
    }
    Ok(PrimitiveArray::new(values.into(), nulls))
}

/// Whether the function gives NULL only for NULL.
fn nullable(arguments: &datafusion::logical_expr::ReturnFieldArgs<'_>) -> bool {
    arguments.arg_fields.iter().any(|field| field.is_nullable())
}

/// The declaration that all functions of this module share: any arguments, typed before, and a result that is NULL only for
/// NULL.
macro_rules! strict_function {
    (many) => {
        strict_function!(@ datafusion::logical_expr::Signature::variadic_any(
            datafusion::logical_expr::Volatility::Immutable
        ));
    };
    ($arguments:literal) => {
        strict_function!(@ datafusion::logical_expr::Signature::any(
            $arguments,
            datafusion::logical_expr::Volatility::Immutable
        ));
    };
    (@ $signature:expr) => {
        fn signature(&self) -> &datafusion::logical_expr::Signature {
            static SIGNATURE: std::sync::LazyLock<datafusion::logical_expr::Signature> =
                std::sync::LazyLock::new(|| $signature);
            &SIGNATURE
        }

        fn return_field_from_args(
            &self,
            arguments: datafusion::logical_expr::ReturnFieldArgs<'_>,
        ) -> datafusion::common::Result<datafusion::arrow::datatypes::FieldRef> {
            let types: Vec<datafusion::arrow::datatypes::DataType> =
                arguments.arg_fields.iter().map(|field| field.data_type().clone()).collect();
            let field = datafusion::arrow::datatypes::Field::new(
                self.name(),
                self.return_type(&types)?,
                crate::operators::nullable(&arguments),
            );
            Ok(std::sync::Arc::new(field))
        }
    };
}
use strict_function;

/// The one type of a function's only argument.
fn only<'a, T>(arguments: &'a [T], function: &dyn ScalarUDFImpl) -> Result<&'a T> {
    match arguments {
        [argument] => Ok(argument),
        _ => datafusion::common::internal_err!("{} takes one argument", function.name()),
    }
}

/// The two of an operator.
fn both<'a, T>(arguments: &'a [T], function: &dyn ScalarUDFImpl) -> Result<(&'a T, &'a T)> {
    match arguments {
        [left, right] => Ok((left, right)),
        _ => datafusion::common::internal_err!("{} takes two arguments", function.name()),
    }
}

#[cfg(test)]
mod tests;
