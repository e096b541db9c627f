//! Functions of doubles that fail where Postgres' fail: `ln(0)`, `log(-1)`, `exp(1000)`.
//!
//! They have names of their own: those of stored plans have the names of Postgres, and go on to give `Infinity` and `NaN`.

use super::own::{Arguments, Own};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, Float64Array};
use datafusion::arrow::datatypes::{DataType, Float64Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

type Checked = Result<f64, SqlError>;

/// All of them.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![
        Own::function("float_exp", one, |a| each(a, exp)),
        Own::function("float_ln", one, |a| each(a, |x| logarithm(x, f64::ln))),
        Own::function("float_log10", one, |a| each(a, |x| logarithm(x, f64::log10))),
        Own::function("float_log", two, |a| both(a, log)),
        Own::function("float_power", two, |a| both(a, power)),
        Own::function("float_degrees", one, |a| each(a, |x| checked(x, x.to_degrees()))),
        Own::function("float_radians", one, |a| each(a, |x| checked(x, x.to_radians()))),
        Own::function("float_sin", one, |a| each(a, |x| within(x, !x.is_infinite(), f64::sin))),
        Own::function("float_cos", one, |a| each(a, |x| within(x, !x.is_infinite(), f64::cos))),
        Own::function("float_tan", one, |a| each(a, |x| within(x, !x.is_infinite(), f64::tan))),
        Own::function("float_cot", one, |a| each(a, |x| within(x, !x.is_infinite(), |x| 1.0 / x.tan()))),
    ]
}

fn number(argument: &DataType) -> bool {
    argument.is_numeric() || argument.is_null()
}

fn one(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    matches!(arguments, [a] if number(a)).then(|| (vec![DataType::Float64], DataType::Float64))
}

fn two(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    matches!(arguments, [a, b] if number(a) && number(b)).then(|| (vec![DataType::Float64; 2], DataType::Float64))
}

fn each(arguments: &Arguments<'_>, f: impl Fn(f64) -> Checked) -> Result<ArrayRef, SqlError> {
    let values = arguments.primitive::<Float64Type>(0)?;
    let results = values.iter().map(|value| value.map(|x| f(x).map(canonical)).transpose());
    Ok(Arc::new(results.collect::<Result<Float64Array, SqlError>>()?))
}

fn both(arguments: &Arguments<'_>, f: impl Fn(f64, f64) -> Checked) -> Result<ArrayRef, SqlError> {
    let (left, right) = (arguments.primitive::<Float64Type>(0)?, arguments.primitive::<Float64Type>(1)?);
    let results = left.iter().zip(right.iter()).map(|pair| match pair {
        (Some(a), Some(b)) => f(a, b).map(canonical).map(Some),
        _ => Ok(None),
    });
    Ok(Arc::new(results.collect::<Result<Float64Array, SqlError>>()?))
}

/// One NaN, and no -0.
fn canonical(value: f64) -> f64 {
    if value.is_nan() { f64::NAN.copysign(1.0) } else { value + 0.0 }
}

fn error<T>(state: SqlState, message: &str) -> Result<T, SqlError> {
    Err(SqlError::new(state, message))
}

/// The result for `x`, which must be finite and not nothing where `x` is.
fn checked(x: f64, result: f64) -> Checked {
    if result.is_infinite() && !x.is_infinite() {
        return error(SqlState::NumericValueOutOfRange, "value out of range: overflow");
    }
    if result == 0.0 && x != 0.0 {
        return error(SqlState::NumericValueOutOfRange, "value out of range: underflow");
    }
    Ok(result)
}

fn within(x: f64, is_within: bool, f: impl Fn(f64) -> f64) -> Checked {
    match x {
        x if x.is_nan() => Ok(x),
        x if is_within => Ok(f(x)),
        _ => error(SqlState::NumericValueOutOfRange, "input is out of range"),
    }
}

fn exp(x: f64) -> Checked {
    // e to the power of -Infinity is 0.
    if x.is_infinite() { Ok(x.exp()) } else { checked(if x == 0.0 { 1.0 } else { x }, x.exp()) }
}

fn logarithm(x: f64, f: impl Fn(f64) -> f64) -> Checked {
    if x == 0.0 {
        return error(SqlState::InvalidArgumentForLogarithm, "cannot take logarithm of zero");
    }
    if x < 0.0 {
        return error(SqlState::InvalidArgumentForLogarithm, "cannot take logarithm of a negative number");
    }
    Ok(f(x))
}

fn log(base: f64, x: f64) -> Checked {
    let (base, x) = (logarithm(base, f64::ln)?, logarithm(x, f64::ln)?);
    if base == 0.0 {
        return error(SqlState::DivisionByZero, "division by zero");
    }
    Ok(x / base)
}

fn power(base: f64, exponent: f64) -> Checked {
    if base == 0.0 && exponent < 0.0 {
        return error(SqlState::InvalidArgumentForPower, "zero raised to a negative power is undefined");
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        let message = "a negative number raised to a non-integer power yields a complex result";
        return error(SqlState::InvalidArgumentForPower, message);
    }
    let result = base.powf(exponent);
    if base.is_finite() && exponent.is_finite() { checked(base, result) } else { Ok(result) }
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::Double;

    fn of(name: &str, values: &[&str]) -> String {
        let values: Vec<_> = values.iter().map(|value| (*value, Double)).collect();
        call(name, &values)
    }

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn what_has_no_result_is_an_error() {
        for (name, values, result) in [
            ("float_ln", &["0"][..], "2201E: cannot take logarithm of zero"),
            ("float_ln", &["-Infinity"], "2201E: cannot take logarithm of a negative number"),
            ("float_ln", &["Infinity"], "Infinity"),
            ("float_exp", &["1000"], "22003: value out of range: overflow"),
            ("float_exp", &["-1000"], "22003: value out of range: underflow"),
            ("float_exp", &["-Infinity"], "0"),
            ("float_power", &["0", "-1"], "2201F: zero raised to a negative power is undefined"),
            ("float_power", &["10", "400"], "22003: value out of range: overflow"),
            ("float_power", &["-2", "-Infinity"], "0"),
            ("float_power", &["1", "NaN"], "1"),
            ("float_log", &["1", "2"], "22012: division by zero"),
            ("float_ln", &["NULL"], "NULL"),
        ] {
            assert_eq!(of(name, values), result, "{name}({values:?})");
        }
    }
}
