//! Exact arithmetic of numerics: computed in 256 bits and rounded half away from zero, so that only a result of more digits
//! than its type has is an error.

use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, AsArray, Datum, Decimal128Array};
use datafusion::arrow::compute::{CastOptions, cast_with_options};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, i256};
use datafusion::logical_expr::Operator;
use std::sync::Arc;

/// Digits right of the point that a quotient has at least: Postgres gives 16 significant ones.
const QUOTIENT_SCALE: i8 = 16;
/// Digits right of the point that a product may have without being rounded.
const PRODUCT_SCALE: i8 = 20;
/// Powers of ten that fit 128 bits.
const POWERS: usize = 39;

/// Precision and scale of `left op right`, from those of the operands.
///
/// `+ - %`: the larger scale. `*`: all digits up to 20, else the largest of 20 and both scales. `/`: at least 16.
#[must_use]
pub fn numeric_result(op: Operator, left: (u8, i8), right: (u8, i8)) -> (u8, i8) {
    let (left_scale, right_scale) = (left.1, right.1);
    let whole = |(precision, scale): (u8, i8)| i32::from(precision) - i32::from(scale);
    let wider = whole(left).max(whole(right));
    let scale = left_scale.max(right_scale);
    let (whole, scale) = match op {
        Operator::Multiply => {
            let exact = left_scale.saturating_add(right_scale);
            // A product that is rounded may get a digit more.
            let (rounded, scale) = match exact <= PRODUCT_SCALE {
                true => (0, exact),
                false => (1, exact.min(scale.max(PRODUCT_SCALE))),
            };
            (whole(left) + whole(right) + rounded, scale)
        }
        Operator::Divide => (i32::from(DECIMAL128_MAX_PRECISION), scale.max(QUOTIENT_SCALE)),
        Operator::Modulo => (wider, scale),
        _ => (wider + 1, scale),
    };
    let most = i32::from(DECIMAL128_MAX_PRECISION);
    let precision = (whole + i32::from(scale)).clamp(i32::from(scale).max(1), most);
    (precision as u8, scale)
}

/// Precision and scale of an exact number: of an integer those of a numeric that holds it.
#[must_use]
pub fn numeric_type(data_type: &DataType) -> Option<(u8, i8)> {
    Some(match data_type {
        DataType::Int8 | DataType::UInt8 => (3, 0),
        DataType::Int16 | DataType::UInt16 => (5, 0),
        DataType::Int32 | DataType::UInt32 => (10, 0),
        DataType::Int64 => (19, 0),
        DataType::UInt64 => (20, 0),
        DataType::Decimal128(precision, scale) => (*precision, *scale),
        _ => return None,
    })
}

/// What becomes of digits that the result has no room for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Rounding {
    /// Half away from zero.
    Nearest,
    /// They are cut off.
    Down,
}

/// The precision and scale of a result, and how it gets there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Target {
    pub(super) precision: u8,
    pub(super) scale: i8,
    pub(super) rounding: Rounding,
}

/// `left op right` of numerics or integers.
pub(super) fn compute(op: Operator, left: &dyn Datum, right: &dyn Datum, target: Target) -> Result<ArrayRef, SqlError> {
    let (left, right) = (Operand::of(left)?, Operand::of(right)?);
    let (from, to) = ((left.scale, right.scale), target);
    let common = left.scale.max(right.scale);
    let widen = (power_of_ten(common - left.scale)?, power_of_ten(common - right.scale)?);
    let result = match op {
        Operator::Plus => rows(&left, &right, |a, b| sum(a, b, widen, common, to)),
        Operator::Minus => rows(&left, &right, |a, b| match b.checked_neg() {
            Some(b) => sum(a, b, widen, common, to),
            None => Err(out_of_range()),
        }),
        Operator::Multiply => rows(&left, &right, |a, b| product(a, b, from.0 + from.1, to)),
        Operator::Divide => rows(&left, &right, |a, b| quotient(a, b, i32::from(to.scale) + from.1 - from.0, to)),
        Operator::Modulo => rows(&left, &right, |a, b| remainder(a, b, widen, common, to)),
        other => Err(SqlError::internal(format!("{other} of numerics"))),
    }?;
    let result = result.with_precision_and_scale(target.precision, target.scale);
    Ok(Arc::new(result.map_err(|e| SqlError::internal(e.to_string()))?))
}

/// One side: unscaled integers, one of them for all rows if it is a constant.
struct Operand {
    values: Decimal128Array,
    scale: i32,
    constant: bool,
}

impl Operand {
    fn of(datum: &dyn Datum) -> Result<Operand, SqlError> {
        let (array, constant) = datum.get();
        let internal = |error: &dyn std::fmt::Display| SqlError::internal(error.to_string());
        let values = match array.as_primitive_opt::<Decimal128Type>() {
            Some(values) => values.clone(),
            None => {
                let options = CastOptions { safe: false, ..CastOptions::default() };
                let integers = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);
                let cast = cast_with_options(array, &integers, &options).map_err(|e| internal(&e))?;
                cast.as_primitive_opt::<Decimal128Type>().ok_or_else(|| internal(&"no numeric"))?.clone()
            }
        };
        let scale = i32::from(values.scale());
        Ok(Operand { values, scale, constant })
    }
}

/// `op` of each two values that are not NULL.
fn rows(
    left: &Operand,
    right: &Operand,
    op: impl Fn(i128, i128) -> Result<i128, SqlError>,
) -> Result<Decimal128Array, SqlError> {
    super::pairs((&left.values, left.constant), (&right.values, right.constant), op)
}

fn sum(a: i128, b: i128, widen: (i256, i256), common: i32, to: Target) -> Result<i128, SqlError> {
    if common == i32::from(to.scale)
        && widen == (i256::ONE, i256::ONE)
        && let Some(sum) = a.checked_add(b)
    {
        return fit(i256::from_i128(sum), to);
    }
    let (a, b) = (i256::from_i128(a).checked_mul(widen.0), i256::from_i128(b).checked_mul(widen.1));
    let sum = a.and_then(|a| a.checked_add(b?));
    fit(rescale(sum.ok_or_else(out_of_range)?, common, to)?, to)
}

fn product(a: i128, b: i128, scale: i32, to: Target) -> Result<i128, SqlError> {
    let product = match a.checked_mul(b) {
        Some(product) => i256::from_i128(product),
        None => i256::from_i128(a).wrapping_mul(i256::from_i128(b)),
    };
    fit(rescale(product, scale, to)?, to)
}

fn remainder(a: i128, b: i128, widen: (i256, i256), common: i32, to: Target) -> Result<i128, SqlError> {
    if b == 0 {
        return Err(division_by_zero());
    }
    let (a, b) = (i256::from_i128(a).checked_mul(widen.0), i256::from_i128(b).checked_mul(widen.1));
    let remainder = a.and_then(|a| a.checked_rem(b?));
    fit(rescale(remainder.ok_or_else(out_of_range)?, common, to)?, to)
}

/// `a * 10^digits / b`, of `digits` more digits than the integers give.
fn quotient(a: i128, b: i128, digits: i32, to: Target) -> Result<i128, SqlError> {
    if b == 0 {
        return Err(division_by_zero());
    }
    let negative = (a < 0) != (b < 0);
    let (a, b) = (magnitude(a), magnitude(b));
    // Digits that the result has fewer make the divisor larger.
    let shorter = u32::try_from(-digits).unwrap_or(0);
    let b = power(shorter).and_then(|power| b.checked_mul(power)).ok_or_else(out_of_range)?;
    let (mut whole, mut rest) = (a.wrapping_div(b), a.wrapping_rem(b));
    let mut missing = u32::try_from(digits).unwrap_or(0);
    while missing > 0 {
        // The rest is below the divisor, and so has at most 38 digits: twice as many fit.
        let some = missing.min(u32::from(DECIMAL128_MAX_PRECISION) - 1);
        let power = power(some).ok_or_else(out_of_range)?;
        let next = rest.checked_mul(power).ok_or_else(out_of_range)?;
        let shifted = whole.checked_mul(power).and_then(|whole| whole.checked_add(next.wrapping_div(b)));
        whole = shifted.ok_or_else(out_of_range)?;
        rest = next.wrapping_rem(b);
        missing -= some;
    }
    if to.rounding == Rounding::Nearest && rest >= b.wrapping_sub(rest) {
        whole = whole.wrapping_add(i256::ONE);
    }
    fit(if negative { whole.wrapping_neg() } else { whole }, to)
}

fn magnitude(value: i128) -> i256 {
    i256::from_i128(value).wrapping_abs()
}

/// The number of `scale` digits right of the point with those of the target.
fn rescale(value: i256, scale: i32, to: Target) -> Result<i256, SqlError> {
    let more = i32::from(to.scale) - scale;
    if more == 0 {
        return Ok(value);
    }
    let power = power(more.unsigned_abs()).ok_or_else(out_of_range)?;
    if more > 0 {
        return value.checked_mul(power).ok_or_else(out_of_range);
    }
    Ok(divide_rounded(value, power, to.rounding))
}

/// `value / divisor`, of a divisor above 0.
pub(crate) fn divide_rounded(value: i256, divisor: i256, rounding: Rounding) -> i256 {
    let (whole, rest) = (value.wrapping_div(divisor), value.wrapping_rem(divisor).wrapping_abs());
    // Not twice the rest, which might not fit.
    if rounding == Rounding::Down || rest < divisor.wrapping_sub(rest) {
        whole
    } else if value.is_negative() {
        whole.wrapping_sub(i256::ONE)
    } else {
        whole.wrapping_add(i256::ONE)
    }
}

/// The value, if it has no more digits than the target.
fn fit(value: i256, to: Target) -> Result<i128, SqlError> {
    let limit = power_of_128(to.precision);
    match value.to_i128() {
        Some(value) if value.unsigned_abs() < limit => Ok(value),
        _ => Err(out_of_range()),
    }
}

/// `10^exponent`, at most that of 38 digits.
pub(crate) fn power_of_128(exponent: u8) -> u128 {
    const TABLE: [u128; POWERS] = {
        let mut table = [1; POWERS];
        let mut at = 1;
        while at < POWERS {
            table[at] = table[at - 1] * 10;
            at += 1;
        }
        table
    };
    TABLE[usize::from(exponent).min(POWERS - 1)]
}

fn power(exponent: u32) -> Option<i256> {
    i256::from_i128(10).checked_pow(exponent)
}

fn power_of_ten(exponent: i32) -> Result<i256, SqlError> {
    u32::try_from(exponent).ok().and_then(power).ok_or_else(out_of_range)
}

pub(crate) fn out_of_range() -> SqlError {
    SqlError::new(SqlState::NumericValueOutOfRange, "numeric out of range")
        .with_detail("A numeric has at most 38 digits.")
}

pub(crate) fn division_by_zero() -> SqlError {
    SqlError::new(SqlState::DivisionByZero, "division by zero")
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Scalar;

    const PLAIN: (u8, i8) = (38, 10);

    fn one(value: i128, scale: i8) -> Scalar<Decimal128Array> {
        Scalar::new(Decimal128Array::from(vec![value]).with_precision_and_scale(38, scale).unwrap())
    }

    fn result(op: Operator, left: (i128, i8), right: (i128, i8), to: (u8, i8)) -> Result<i128, SqlError> {
        let target = Target { precision: to.0, scale: to.1, rounding: Rounding::Nearest };
        let array = compute(op, &one(left.0, left.1), &one(right.0, right.1), target)?;
        Ok(array.as_primitive::<Decimal128Type>().value(0))
    }

    #[test]
    fn results_have_the_digits_of_their_rule() {
        assert_eq!(numeric_result(Operator::Plus, (10, 2), (8, 4)), (13, 4));
        assert_eq!(numeric_result(Operator::Multiply, (10, 2), (10, 2)), (20, 4));
        assert_eq!(numeric_result(Operator::Multiply, PLAIN, PLAIN), (38, 20));
        assert_eq!(numeric_result(Operator::Multiply, (38, 15), (38, 10)), (38, 20));
        assert_eq!(numeric_result(Operator::Multiply, (38, 30), (38, 10)), (38, 30));
        assert_eq!(numeric_result(Operator::Divide, (10, 2), (10, 2)), (38, 16));
        assert_eq!(numeric_result(Operator::Divide, (38, 20), PLAIN), (38, 20));
        assert_eq!(numeric_result(Operator::Modulo, (10, 2), (5, 0)), (10, 2));
        assert_eq!(numeric_result(Operator::Minus, (38, 38), (38, 38)), (38, 38));
    }

    #[test]
    fn only_the_result_must_fit() {
        // 12345678901234567890.1234567890 * 0.9876543210, of which 128 bits hold no product.
        let (price, rest) = (123_456_789_012_345_678_901_234_567_890, 9_876_543_210);
        let product = result(Operator::Multiply, (price, 10), (rest, 10), (38, 16)).unwrap();
        assert_eq!(product, 121_932_631_124_828_532_112_482_853_211_126_353);
        let most = 99_999_999_999_999_999_999_999_999_999_999_999_999;
        assert_eq!(result(Operator::Divide, (most, 10), (most, 10), (38, 16)), Ok(10_i128.pow(16)));
        assert_eq!(result(Operator::Divide, (1, 0), (most, 38), (38, 38)).map_err(|e| e.state.code()), Err("22003"));
        assert_eq!(result(Operator::Multiply, (most, 0), (2, 0), (38, 0)).map_err(|e| e.state.code()), Err("22003"));
        assert_eq!(result(Operator::Minus, (most, 0), (most, 0), (38, 0)), Ok(0));
        assert_eq!(result(Operator::Plus, (most, 0), (1, 0), (38, 0)).map_err(|e| e.state.code()), Err("22003"));
    }

    #[test]
    fn halves_go_away_from_zero() {
        assert_eq!(result(Operator::Divide, (2, 0), (3, 0), (38, 4)), Ok(6_667));
        assert_eq!(result(Operator::Divide, (-2, 0), (3, 0), (38, 4)), Ok(-6_667));
        assert_eq!(result(Operator::Divide, (1, 0), (8, 0), (38, 2)), Ok(13));
        assert_eq!(result(Operator::Divide, (-1, 0), (8, 0), (38, 2)), Ok(-13));
        assert_eq!(result(Operator::Multiply, (25, 1), (25, 1), (38, 1)), Ok(63));
        assert_eq!(result(Operator::Modulo, (-75, 1), (2, 0), (38, 1)), Ok(-15));
        assert_eq!(result(Operator::Divide, (1, 0), (0, 5), (38, 4)).map_err(|e| e.state.code()), Err("22012"));
        assert_eq!(result(Operator::Divide, (1, 30), (1, 0), (38, 16)), Ok(0));
    }
}
