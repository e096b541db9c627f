//! `+ - * / %` and unary minus that fail where the result does not fit (22003) or the divisor is zero (22012).

use super::{chain_name, only, strict_function};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, Float32Array, Float64Array};
use datafusion::arrow::compute::kernels::numeric::{add, div, mul, neg, rem, sub};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use datafusion::physical_expr_common::datum::apply;

/// Binary operators over numbers, from the left: `a + b - c`.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Arithmetic {
    pub(super) ops: Vec<Operator>,
    pub(super) returns: DataType,
}

impl Arithmetic {
    /// The function of one operator, between numbers of one kind.
    pub(super) fn of(left: &DataType, op: Operator, right: &DataType) -> Option<Arithmetic> {
        let kind = (is_exact(left) && is_exact(right)) || (left.is_floating() && right.is_floating());
        if !kind || !op.is_numerical_operators() {
            return None;
        }
        let returns = BinaryTypeCoercer::new(left, &op, right).get_result_type().ok()?;
        Some(Arithmetic { ops: vec![op], returns })
    }

    /// This, and on its result what `next` does.
    pub(super) fn then(&self, next: &Arithmetic) -> Arithmetic {
        Arithmetic { ops: [self.ops.as_slice(), next.ops.as_slice()].concat(), returns: next.returns.clone() }
    }
}

fn is_exact(data_type: &DataType) -> bool {
    data_type.is_integer() || matches!(data_type, DataType::Decimal128(..))
}

impl ScalarUDFImpl for Arithmetic {
    strict_function!(many);

    fn name(&self) -> &str {
        match self.ops.as_slice() {
            [Operator::Plus] => "add",
            [Operator::Minus] => "subtract",
            [Operator::Multiply] => "multiply",
            [Operator::Divide] => "divide",
            [_] => "modulo",
            _ => "arithmetic",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(chain_name(&self.ops, arguments))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let Some((first, rest)) = arguments.args.split_first().filter(|(_, rest)| rest.len() == self.ops.len()) else {
            return internal_err!("{} operators of {} numbers", self.ops.len(), arguments.args.len());
        };
        let mut result = first.clone();
        for (op, right) in self.ops.iter().zip(rest) {
            let kernel = kernel(*op);
            let next = apply(&result, right, |left, right| fitting(kernel(left, right)?));
            result = next.map_err(|error| out_of_range(error, &self.returns))?;
        }
        result.cast_to(&self.returns, None)
    }
}

fn kernel(op: Operator) -> fn(&dyn Datum, &dyn Datum) -> Result<ArrayRef, ArrowError> {
    match op {
        Operator::Plus => add,
        Operator::Minus => sub,
        Operator::Multiply => mul,
        Operator::Divide => divide,
        _ => modulo,
    }
}

/// Arrow checks that numerics fit 128 bits, which hold some of more than 38 digits.
fn fitting(result: ArrayRef) -> Result<ArrayRef, ArrowError> {
    if let (DataType::Decimal128(precision, _), Some(numbers)) =
        (result.data_type(), result.as_primitive_opt::<Decimal128Type>())
        && numbers.validate_decimal_precision(*precision).is_err()
    {
        return Err(ArrowError::ArithmeticOverflow("more digits than the type has".to_owned()));
    }
    Ok(result)
}

fn divide(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    check_divisor(left, right)?;
    div(left, right)
}

pub(super) fn modulo(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    check_divisor(left, right)?;
    rem(left, right)
}

/// Refuses a division of floats by zero. NULL and NaN are themselves whatever they are divided by, as in Postgres.
fn check_divisor(left: &dyn Datum, right: &dyn Datum) -> Result<(), ArrowError> {
    let (left, left_scalar) = left.get();
    let (right, right_scalar) = right.get();
    let (left, right) = (Floats::of(left), Floats::of(right));
    let zero = |row: usize| {
        let divided = left.at(if left_scalar { 0 } else { row });
        let divisor = right.at(if right_scalar { 0 } else { row });
        divisor == Some(0.0) && divided.is_some_and(|value| !value.is_nan())
    };
    let rows = if left_scalar { right.len() } else { left.len() };
    if !right.has_zero() || !(0..rows).any(zero) {
        return Ok(());
    }
    Err(ArrowError::DivideByZero)
}

/// An array of either width.
enum Floats<'a> {
    Real(&'a Float32Array),
    Double(&'a Float64Array),
    Other,
}

impl Floats<'_> {
    fn of(array: &dyn Array) -> Floats<'_> {
        if let Some(array) = array.as_primitive_opt::<Float32Type>() {
            Floats::Real(array)
        } else {
            array.as_primitive_opt::<Float64Type>().map_or(Floats::Other, Floats::Double)
        }
    }

    fn len(&self) -> usize {
        match self {
            Floats::Real(array) => array.len(),
            Floats::Double(array) => array.len(),
            Floats::Other => 0,
        }
    }

    fn at(&self, row: usize) -> Option<f64> {
        match self {
            Floats::Real(array) => array.is_valid(row).then(|| f64::from(array.value(row))),
            Floats::Double(array) => array.is_valid(row).then(|| array.value(row)),
            Floats::Other => None,
        }
    }

    /// Whether there may be a zero (also under a NULL): what the common case asks only.
    fn has_zero(&self) -> bool {
        match self {
            Floats::Real(array) => array.values().contains(&0.0),
            Floats::Double(array) => array.values().contains(&0.0),
            Floats::Other => false,
        }
    }
}

/// Overflow in Postgres' words.
fn out_of_range(error: DataFusionError, returns: &DataType) -> DataFusionError {
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

/// Unary minus of integers: the smallest one has none.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Negate {}

impl Negate {
    pub(super) fn new() -> Negate {
        Negate {}
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
        let operand = only(&arguments.args, self)?;
        let scalar = matches!(operand, ColumnarValue::Scalar(_));
        let array = operand.to_array(if scalar { 1 } else { arguments.number_rows })?;
        let result = neg(array.as_ref()).map_err(|e| out_of_range(e.into(), arguments.return_type()))?;
        scalar_again(result, scalar)
    }
}

/// A result in the form of its argument.
pub(super) fn scalar_again(array: ArrayRef, scalar: bool) -> Result<ColumnarValue> {
    Ok(match scalar {
        true => ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?),
        false => ColumnarValue::Array(array),
    })
}
