//! Floats as Postgres computes them: NaN is one value and above all others, -0 is 0, and what is finite stays finite or fails.

use super::numeric::division_by_zero;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, AsArray, Datum, PrimitiveArray};
use datafusion::arrow::datatypes::{ArrowPrimitiveType, DataType, Float32Type, Float64Type};
use datafusion::logical_expr::Operator;
use std::sync::Arc;

/// A float of either width.
pub(super) trait Float: Copy + PartialEq {
    const ZERO: Self;
    fn is_nan(self) -> bool;
    fn is_infinite(self) -> bool;
    /// The same value, of which there is one form: no -0, and NaN with one pattern of bits.
    fn canonical(self) -> Self;
    fn compute(self, op: Operator, other: Self) -> Self;
}

macro_rules! float {
    ($type:ty, $nan:expr) => {
        impl Float for $type {
            const ZERO: Self = 0.0;

            fn is_nan(self) -> bool {
                <$type>::is_nan(self)
            }

            fn is_infinite(self) -> bool {
                <$type>::is_infinite(self)
            }

            fn canonical(self) -> Self {
                if <$type>::is_nan(self) { $nan.copysign(1.0) } else { self + 0.0 }
            }

            fn compute(self, op: Operator, other: Self) -> Self {
                match op {
                    Operator::Plus => self + other,
                    Operator::Minus => self - other,
                    Operator::Multiply => self * other,
                    Operator::Divide => self / other,
                    _ => self % other,
                }
            }
        }
    };
}

float!(f32, f32::NAN);
float!(f64, f64::NAN);

/// `left op right` of floats of one width. Overflow and underflow are errors when `checked`.
pub(super) fn compute(op: Operator, left: &dyn Datum, right: &dyn Datum, checked: bool) -> Result<ArrayRef, SqlError> {
    match left.get().0.data_type() {
        DataType::Float32 => of_width::<Float32Type>(op, left, right, checked),
        _ => of_width::<Float64Type>(op, left, right, checked),
    }
}

fn of_width<T: ArrowPrimitiveType>(
    op: Operator,
    left: &dyn Datum,
    right: &dyn Datum,
    checked: bool,
) -> Result<ArrayRef, SqlError>
where
    T::Native: Float,
{
    let ((left, left_constant), (right, right_constant)) = (left.get(), right.get());
    let internal = || SqlError::internal("floats of two widths");
    let left = left.as_primitive_opt::<T>().ok_or_else(internal)?;
    let right = right.as_primitive_opt::<T>().ok_or_else(internal)?;
    let values: PrimitiveArray<T> =
        super::pairs((left, left_constant), (right, right_constant), |a, b| one(op, a, b, checked))?;
    Ok(Arc::new(values))
}

fn one<F: Float>(op: Operator, a: F, b: F, checked: bool) -> Result<F, SqlError> {
    let divides = matches!(op, Operator::Divide | Operator::Modulo);
    // NULL and NaN are themselves whatever they are divided by.
    if divides && b == F::ZERO && !a.is_nan() {
        return Err(division_by_zero());
    }
    let result = a.compute(op, b);
    if checked {
        let by_infinity = op == Operator::Divide && b.is_infinite();
        if result.is_infinite() && !a.is_infinite() && (divides || !b.is_infinite()) {
            return Err(overflow());
        }
        let product = matches!(op, Operator::Multiply | Operator::Divide);
        if product && result == F::ZERO && a != F::ZERO && (divides || b != F::ZERO) && !by_infinity {
            return Err(underflow());
        }
    }
    Ok(result.canonical())
}

pub(super) fn overflow() -> SqlError {
    SqlError::new(SqlState::NumericValueOutOfRange, "value out of range: overflow")
}

pub(super) fn underflow() -> SqlError {
    SqlError::new(SqlState::NumericValueOutOfRange, "value out of range: underflow")
}

/// The floats of an array in their one form; other arrays as they are.
pub(crate) fn canonical(array: ArrayRef) -> ArrayRef {
    if let Some(values) = array.as_primitive_opt::<Float64Type>() {
        let odd = |v: &f64| v.is_nan() || (*v == 0.0 && v.is_sign_negative());
        if values.values().iter().any(odd) {
            return Arc::new(values.unary::<_, Float64Type>(Float::canonical));
        }
    } else if let Some(values) = array.as_primitive_opt::<Float32Type>() {
        let odd = |v: &f32| v.is_nan() || (*v == 0.0 && v.is_sign_negative());
        if values.values().iter().any(odd) {
            return Arc::new(values.unary::<_, Float32Type>(Float::canonical));
        }
    }
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    fn result(op: Operator, a: f64, b: f64) -> Result<f64, &'static str> {
        one(op, a, b, true).map_err(|e| e.state.code())
    }

    /// Errors are those of PostgreSQL 15.
    #[test]
    fn what_is_finite_stays_finite() {
        assert_eq!(result(Operator::Plus, 1e308, 1e308), Err("22003"));
        assert_eq!(result(Operator::Multiply, 1e200, 1e200), Err("22003"));
        assert_eq!(result(Operator::Multiply, 1e-200, 1e-200), Err("22003"));
        assert_eq!(result(Operator::Divide, 1e200, 1e-200), Err("22003"));
        assert_eq!(result(Operator::Divide, 1e-200, 1e200), Err("22003"));
        assert_eq!(result(Operator::Divide, 1.0, 0.0), Err("22012"));
        assert_eq!(result(Operator::Divide, 1.0, f64::INFINITY), Ok(0.0));
        assert_eq!(result(Operator::Multiply, 0.0, 5.0), Ok(0.0));
        assert_eq!(result(Operator::Plus, f64::INFINITY, 1.0), Ok(f64::INFINITY));
    }

    #[test]
    fn results_have_one_form() {
        for (op, a, b) in [
            (Operator::Minus, f64::INFINITY, f64::INFINITY),
            (Operator::Multiply, f64::INFINITY, 0.0),
            (Operator::Divide, f64::NAN, 0.0),
        ] {
            assert_eq!(result(op, a, b).map(f64::to_bits), Ok(f64::NAN.copysign(1.0).to_bits()));
        }
        assert_eq!(result(Operator::Multiply, -1.0, 0.0).map(f64::to_bits), Ok(0));
    }
}
