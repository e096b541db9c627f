//! `+ - * / %` and unary minus that fail where the result does not fit (22003) or the divisor is zero (22012).

use super::numeric::{Rounding, Target};
use super::{chain_name, float, numeric, of_no_rows, only, strict_function};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, Datum};
use datafusion::arrow::compute::kernels::numeric::{add, div, mul, neg, rem, sub};
use datafusion::arrow::datatypes::DataType;
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use datafusion::physical_expr_common::datum::apply;

/// Binary operators over numbers, from the left: `a + b - c`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Arithmetic {
    pub(super) steps: Vec<Step>,
}

/// One operator, and the type of what it gives.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Step {
    pub(super) op: Operator,
    pub(super) returns: DataType,
    rules: Rules,
}

/// Whose results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Rules {
    /// Postgres'.
    Postgres,
    /// Those of plans that were stored without result types: a quotient of numerics is cut off, and floats become infinite.
    /// A view must delete a row with the values it was inserted with.
    Stored,
}

impl Arithmetic {
    /// The function of one operator between numbers of one kind, with the result type that stored plans have.
    pub(super) fn of(left: &DataType, op: Operator, right: &DataType) -> Option<Arithmetic> {
        if !is_arithmetic(left, op, right) {
            return None;
        }
        let returns = BinaryTypeCoercer::new(left, &op, right).get_result_type().ok()?;
        Some(Arithmetic { steps: vec![Step { op, returns, rules: Rules::Stored }] })
    }

    /// The function of one operator with a result of this type.
    pub(super) fn returning(op: Operator, returns: DataType) -> Arithmetic {
        Arithmetic { steps: vec![Step { op, returns, rules: Rules::Postgres }] }
    }

    /// This, and on its result what `next` does.
    pub(super) fn then(&self, next: &Arithmetic) -> Arithmetic {
        Arithmetic { steps: [self.steps.as_slice(), next.steps.as_slice()].concat() }
    }

    pub(super) fn ops(&self) -> Vec<Operator> {
        self.steps.iter().map(|step| step.op).collect()
    }

    /// The type of the last result.
    pub(super) fn returns(&self) -> DataType {
        self.steps.last().map_or(DataType::Null, |step| step.returns.clone())
    }
}

/// Whether this is an operator between numbers of one kind.
pub(super) fn is_arithmetic(left: &DataType, op: Operator, right: &DataType) -> bool {
    let kind = (is_exact(left) && is_exact(right)) || (left.is_floating() && right.is_floating());
    kind && matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply | Operator::Divide | Operator::Modulo)
}

fn is_exact(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Decimal128(..))
}

impl ScalarUDFImpl for Arithmetic {
    strict_function!(many);

    fn name(&self) -> &str {
        match self.steps.as_slice() {
            [Step { op: Operator::Plus, .. }] => "add",
            [Step { op: Operator::Minus, .. }] => "subtract",
            [Step { op: Operator::Multiply, .. }] => "multiply",
            [Step { op: Operator::Divide, .. }] => "divide",
            [_] => "modulo",
            _ => "arithmetic",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(chain_name(&self.ops(), arguments))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let steps = &self.steps;
        let Some((first, rest)) = arguments.args.split_first().filter(|(_, rest)| rest.len() == steps.len()) else {
            return internal_err!("{} operators of {} numbers", steps.len(), arguments.args.len());
        };
        let mut result = first.clone();
        for (step, right) in steps.iter().zip(rest) {
            result = step.compute(&result, right)?;
        }
        Ok(result)
    }
}

impl Step {
    fn compute(&self, left: &ColumnarValue, right: &ColumnarValue) -> Result<ColumnarValue> {
        let op = self.op;
        let external = |error: SqlError| ArrowError::ExternalError(Box::new(error));
        let same = |value: &ColumnarValue| match value.data_type() == self.returns {
            true => Ok(value.clone()),
            false => value.cast_to(&self.returns, None),
        };
        match &self.returns {
            DataType::Decimal128(precision, scale) => {
                let rounding = match (op, self.rules) {
                    (Operator::Divide, Rules::Stored) => Rounding::Down,
                    _ => Rounding::Nearest,
                };
                let target = Target { precision: *precision, scale: *scale, rounding };
                apply(left, right, |a, b| numeric::compute(op, a, b, target).map_err(external))
            }
            DataType::Float32 | DataType::Float64 => {
                let checked = self.rules == Rules::Postgres;
                apply(&same(left)?, &same(right)?, |a, b| float::compute(op, a, b, checked).map_err(external))
            }
            _ => {
                let result = apply(&same(left)?, &same(right)?, integers(op));
                result.map_err(|error| out_of_range(error, &self.returns))
            }
        }
    }
}

fn integers(op: Operator) -> fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> {
    match op {
        Operator::Plus => add,
        Operator::Minus => sub,
        Operator::Multiply => mul,
        Operator::Divide => div,
        _ => rem,
    }
}

/// `left % right` of numbers of one type.
pub(super) fn modulo(left: &ColumnarValue, right: &ColumnarValue, returns: &DataType) -> Result<ColumnarValue> {
    Arithmetic::returning(Operator::Modulo, returns.clone()).steps[0].compute(left, right)
}

/// Overflow in Postgres' words.
pub(super) fn out_of_range(error: DataFusionError, returns: &DataType) -> DataFusionError {
    match error.find_root() {
        DataFusionError::ArrowError(inner, _) if matches!(**inner, ArrowError::ArithmeticOverflow(_)) => {
            let name = SqlType::from_arrow(returns).map_or_else(
                || "value".to_owned(),
                |sql_type| match sql_type {
                    SqlType::Numeric { .. } => "numeric".to_owned(),
                    other => other.to_string(),
                },
            );
            let error = SqlError::new(SqlState::NumericValueOutOfRange, format!("{name} out of range"));
            DataFusionError::External(Box::new(error))
        }
        _ => error,
    }
}

/// Unary minus: the smallest integer has none, and that of 0 is 0.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Negate {}

impl Negate {
    /// The function, if unary minus differs for this type.
    pub(super) fn of(operand: &DataType) -> Option<Negate> {
        let differs = is_exact(operand) || operand.is_floating() || matches!(operand, DataType::Interval(_));
        differs.then_some(Negate {})
    }
}

impl ScalarUDFImpl for Negate {
    strict_function!(1);

    fn name(&self) -> &str {
        "negate"
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(format!("(- {})", only(arguments, self)?.schema_name()))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        only(arguments, self).cloned()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let operand = only(&arguments.args, self)?;
        let scalar = matches!(operand, ColumnarValue::Scalar(_));
        let array = operand.to_array(if scalar { 1 } else { arguments.number_rows })?;
        let result = neg(array.as_ref()).map_err(|e| out_of_range(e.into(), arguments.return_type()))?;
        scalar_again(float::canonical(result), scalar)
    }
}

/// A result in the form of its argument.
pub(crate) fn scalar_again(array: ArrayRef, scalar: bool) -> Result<ColumnarValue> {
    Ok(match scalar {
        true => ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?),
        false => ColumnarValue::Array(array),
    })
}
