//! Casts between numbers: rounded as in Postgres, and refused where they do not fit (22003).

use super::strict;
use crate::operators::numeric::{Rounding, divide_rounded, power_of_128};
use crate::operators::{canonical, float};
use crate::types::SqlType;
use crate::types::text::{check_precision, read_exact, write_numeric};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array, PrimitiveArray};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Float32Type, Float64Type, i256,
};
use std::sync::Arc;

/// Integers up to here and powers of ten up to there are exact as `double precision`, so their quotient is rounded once.
const EXACT_INTEGER: u128 = 1 << 53;
const EXACT_POWER: i8 = 22;
/// Significant digits that Postgres takes of a float for a numeric: FLT_DIG and DBL_DIG of C.
const REAL_DIGITS: usize = 6;
const DOUBLE_DIGITS: usize = 15;

/// Whether a cast to numeric may lose digits or fail; else Arrow's is right.
pub(super) fn is_lossy(from: &DataType, precision: u8, scale: i8) -> bool {
    let whole = |precision: u8, scale: i8| i32::from(precision) - i32::from(scale);
    match from {
        DataType::Decimal128(p, s) => *s > scale || whole(*p, *s) > whole(precision, scale),
        from if from.is_floating() => true,
        DataType::Int8 | DataType::Int16 => whole(precision, scale) < 5,
        DataType::Int32 => whole(precision, scale) < 10,
        DataType::Int64 => whole(precision, scale) < 19,
        _ => false,
    }
}

pub(super) fn cast(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    match (array.data_type(), to) {
        (_, to) if to.is_integer() => to_integer(array, to),
        (_, DataType::Decimal128(precision, scale)) => to_numeric(array, *precision, *scale),
        (DataType::Float64, DataType::Float32) => to_real(array),
        (DataType::Decimal128(..), DataType::Float32) => numeric_to::<Float32Type>(array, |value, scale| {
            // Read from its digits: by way of a double it would be rounded twice.
            digits(value, scale).parse().unwrap_or(f32::NAN)
        }),
        (DataType::Decimal128(..), DataType::Float64) => numeric_to::<Float64Type>(array, double),
        (_, to) => strict(array, to).map(canonical),
    }
}

/// Floats round half to even, numerics half away from zero.
fn to_integer(array: &ArrayRef, to: &DataType) -> Result<ArrayRef, SqlError> {
    let rounded: ArrayRef = match array.data_type() {
        DataType::Float32 => {
            Arc::new(array.as_primitive::<Float32Type>().unary::<_, Float32Type>(f32::round_ties_even))
        }
        DataType::Float64 => {
            Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(f64::round_ties_even))
        }
        from if from.is_integer() => Arc::clone(array),
        _ => strict(array, &DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0))?,
    };
    strict(&rounded, to).map_err(|_| {
        let name = SqlType::from_arrow(to).map_or_else(|| to.to_string(), |sql_type| sql_type.to_string());
        SqlError::new(SqlState::NumericValueOutOfRange, format!("{name} out of range"))
    })
}

fn to_real(array: &ArrayRef) -> Result<ArrayRef, SqlError> {
    let values: PrimitiveArray<Float32Type> = array.as_primitive::<Float64Type>().try_unary(|value| {
        let real = value as f32;
        if real.is_infinite() && !value.is_infinite() {
            return Err(float::overflow());
        }
        if real == 0.0 && value != 0.0 {
            return Err(float::underflow());
        }
        Ok(real)
    })?;
    Ok(canonical(Arc::new(values)))
}

fn to_numeric(array: &ArrayRef, precision: u8, scale: i8) -> Result<ArrayRef, SqlError> {
    let values: Decimal128Array = match array.data_type() {
        DataType::Float32 => array.as_primitive::<Float32Type>().try_unary(|value| {
            // One digit stands before the point.
            of_text(&format!("{:.*e}", REAL_DIGITS - 1, value), precision, scale)
        })?,
        DataType::Float64 => array
            .as_primitive::<Float64Type>()
            .try_unary(|value| of_text(&format!("{:.*e}", DOUBLE_DIGITS - 1, value), precision, scale))?,
        DataType::Decimal128(_, from) => {
            let from = *from;
            array.as_primitive::<Decimal128Type>().try_unary(|value| rescale(value, from, precision, scale))?
        }
        _ => {
            let integers = strict(array, &DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0))?;
            integers.as_primitive::<Decimal128Type>().try_unary(|value| rescale(value, 0, precision, scale))?
        }
    };
    let values = values.with_precision_and_scale(precision, scale);
    Ok(Arc::new(values.map_err(|e| SqlError::internal(e.to_string()))?))
}

fn of_text(text: &str, precision: u8, scale: i8) -> Result<i128, SqlError> {
    let exact = read_exact(text, scale)?.ok_or_else(|| SqlError::internal(format!("{text} is no number")))?;
    check_precision(exact.unscaled, precision, scale)
}

/// The unscaled integer at another scale, if it fits.
pub(crate) fn rescale(value: i128, from: i8, precision: u8, scale: i8) -> Result<i128, SqlError> {
    let more = i16::from(scale) - i16::from(from);
    let power = power_of_128(more.unsigned_abs().min(u16::from(DECIMAL128_MAX_PRECISION)) as u8);
    let unscaled = match i128::try_from(power) {
        Ok(power) if more >= 0 => value.checked_mul(power),
        Ok(power) => divide_rounded(i256::from_i128(value), i256::from_i128(power), Rounding::Nearest).to_i128(),
        Err(_) => None,
    };
    // What does not even fit 128 bits has too many digits for any precision.
    check_precision(unscaled.unwrap_or(i128::MAX), precision, scale)
}

fn numeric_to<T: ArrowPrimitiveType>(
    array: &ArrayRef,
    convert: impl Fn(i128, i8) -> T::Native,
) -> Result<ArrayRef, SqlError> {
    let values = array.as_primitive::<Decimal128Type>();
    let scale = values.scale();
    let floats: PrimitiveArray<T> = values.unary(|value| convert(value, scale));
    Ok(canonical(Arc::new(floats)))
}

/// The nearest double.
pub(crate) fn double(value: i128, scale: i8) -> f64 {
    if value.unsigned_abs() <= EXACT_INTEGER && (0..=EXACT_POWER).contains(&scale) {
        return value as f64 / power_of_128(scale.unsigned_abs()) as f64;
    }
    digits(value, scale).parse().unwrap_or(f64::NAN)
}

fn digits(value: i128, scale: i8) -> String {
    let mut text = String::new();
    write_numeric(&mut text, value, scale);
    text
}
