//! Functions of numbers: `mod(a, b)`, which is the operator `%`, `div(a, b)`, `sign_of(a)`, `root_of(a)` and `rint(a)`, which
//! Postgres calls `sign`, `sqrt` and `round`.

use super::own::{Arguments, Own, is};
use crate::operators::of_no_rows;
use crate::operators::statistics::{result_scale, square_root};
use crate::{SqlError, SqlState, operators};
use datafusion::arrow::array::{ArrayRef, AsArray, Decimal128Array, Float64Array};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, Float32Type, Float64Type, i256};
use datafusion::common::{Result, internal_err, plan_err};
use datafusion::logical_expr::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    ColumnarValue, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use std::sync::Arc;

#[derive(Debug, PartialEq, Eq, Hash)]
struct Mod {
    signature: Signature,
}

/// `mod`, `div`, both signs, `root_of` and `rint`.
pub(super) fn functions() -> [Arc<ScalarUDF>; 6] {
    [
        Arc::new(ScalarUDF::new_from_impl(Mod { signature: Signature::user_defined(Volatility::Immutable) })),
        Own::function("div", div_types, div),
        Own::function("sign", sign_types, stored_sign),
        Own::function("sign_of", sign_types, sign),
        Own::function("root_of", root_types, root),
        Own::function("rint", rint_types, rint),
    ]
}

impl ScalarUDFImpl for Mod {
    fn name(&self) -> &str {
        "mod"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [left, right] = arguments else { return plan_err!("mod expects 2 arguments") };
        let (left, right) = BinaryTypeCoercer::new(left, &Operator::Modulo, right).get_input_types()?;
        Ok(vec![left, right])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [left, right] = arguments else { return plan_err!("mod expects 2 arguments") };
        BinaryTypeCoercer::new(left, &Operator::Modulo, right).get_result_type()
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        match arguments.args.as_slice() {
            [left, right] => operators::modulo(left, right, arguments.return_type()),
            _ => internal_err!("mod takes two arguments"),
        }
    }
}

const WHOLE: DataType = DataType::Decimal128(38, 0);

fn exact(data_type: &DataType) -> DataType {
    match operators::numeric_type(data_type) {
        Some((precision, scale)) => DataType::Decimal128(precision, scale),
        None => data_type.clone(),
    }
}

fn div_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [left, right] = arguments else { return None };
    let number = |argument: &DataType| operators::numeric_type(argument).is_some() || argument.is_null();
    let known = |argument: &DataType| if argument.is_null() { WHOLE } else { exact(argument) };
    (number(left) && number(right)).then(|| (vec![known(left), known(right)], WHOLE))
}

/// The whole part of a quotient, cut off.
fn div(arguments: &Arguments<'_>) -> std::result::Result<ArrayRef, SqlError> {
    let (left, right) = (arguments.primitive::<Decimal128Type>(0)?, arguments.primitive::<Decimal128Type>(1)?);
    let power = |scale: i8| i256::from_i128(10).wrapping_pow(u32::from(scale.max(0).unsigned_abs()));
    let (left_power, right_power) = (power(right.scale()), power(left.scale()));
    let values = left.iter().zip(right.iter()).map(|(a, b)| match (a, b) {
        (Some(_), Some(0)) => Err(operators::division_by_zero()),
        (Some(a), Some(b)) => {
            // Both at the sum of the scales. A numerator that does not fit 256 bits is far beyond 38 digits then.
            let a = i256::from_i128(a).checked_mul(left_power).ok_or_else(operators::numeric_out_of_range)?;
            let b = i256::from_i128(b).checked_mul(right_power).ok_or_else(operators::numeric_out_of_range)?;
            let whole = a.wrapping_div(b).to_i128();
            let fits = |value: &i128| value.unsigned_abs() < operators::power_of_128(38);
            whole.filter(fits).map(Some).ok_or_else(operators::numeric_out_of_range)
        }
        _ => Ok(None),
    });
    let values = values.collect::<std::result::Result<Decimal128Array, SqlError>>()?;
    Ok(Arc::new(values.with_data_type(WHOLE)))
}

fn sign_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [argument] = arguments else { return None };
    match argument {
        DataType::Float32 | DataType::Float64 => Some((vec![argument.clone()], argument.clone())),
        DataType::Decimal128(..) => Some((vec![argument.clone()], WHOLE)),
        // Of integers Postgres takes the double.
        other if other.is_integer() || is(other, &DataType::Float64) => {
            Some((vec![DataType::Float64], DataType::Float64))
        }
        _ => None,
    }
}

fn sign(arguments: &Arguments<'_>) -> std::result::Result<ArrayRef, SqlError> {
    sign_with(arguments, 0.0)
}

/// That of stored plans, to which NaN has no sign.
fn stored_sign(arguments: &Arguments<'_>) -> std::result::Result<ArrayRef, SqlError> {
    sign_with(arguments, f64::NAN.copysign(1.0))
}

fn sign_with(arguments: &Arguments<'_>, of_nan: f64) -> std::result::Result<ArrayRef, SqlError> {
    let array = arguments.array(0)?;
    let double = |value: f64| match value {
        value if value.is_nan() => of_nan,
        value if value > 0.0 => 1.0,
        value if value < 0.0 => -1.0,
        _ => 0.0,
    };
    Ok(match array.data_type() {
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>();
            Arc::new(values.unary::<_, Float32Type>(|value| double(f64::from(value)) as f32))
        }
        DataType::Float64 => Arc::new(array.as_primitive::<Float64Type>().unary::<_, Float64Type>(double)),
        _ => {
            let values: Decimal128Array = arguments.primitive::<Decimal128Type>(0)?.unary(i128::signum);
            Arc::new(values.with_data_type(WHOLE))
        }
    })
}

fn root_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [DataType::Decimal128(precision, scale)] => {
            let to = DataType::Decimal128(38, result_scale(*scale));
            Some((vec![DataType::Decimal128(*precision, *scale)], to))
        }
        [other] if other.is_numeric() || other.is_null() => Some((vec![DataType::Float64], DataType::Float64)),
        _ => None,
    }
}

/// The square root, of a numeric exact and rounded. That of stored plans, `sqrt`, is a float of both.
fn root(arguments: &Arguments<'_>) -> std::result::Result<ArrayRef, SqlError> {
    let negative = || SqlError::new(SqlState::InvalidArgumentForPower, "cannot take square root of a negative number");
    let DataType::Decimal128(precision, scale) = *arguments.returns else {
        let values = arguments.primitive::<Float64Type>(0)?;
        let roots: Float64Array =
            values.try_unary(|value| if value < 0.0 { Err(negative()) } else { Ok(value.sqrt()) })?;
        return Ok(operators::canonical(Arc::new(roots)));
    };
    let values = arguments.primitive::<Decimal128Type>(0)?;
    let from = values.scale();
    let roots: Decimal128Array = values.try_unary(|value| match value {
        value if value < 0 => Err(negative()),
        value => square_root(value, from, scale),
    })?;
    Ok(Arc::new(roots.with_data_type(DataType::Decimal128(precision, scale))))
}

fn rint_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [argument] if is(argument, &DataType::Float64) => Some((vec![DataType::Float64], DataType::Float64)),
        _ => None,
    }
}

/// Half to even, as Postgres' `round` of a double; the one of stored plans goes away from zero.
fn rint(arguments: &Arguments<'_>) -> std::result::Result<ArrayRef, SqlError> {
    let values = arguments.primitive::<Float64Type>(0)?;
    Ok(operators::canonical(Arc::new(values.unary::<_, Float64Type>(f64::round_ties_even))))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::{Double, Integer, Numeric};

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn exact_numbers_stay_exact() {
        let money = Numeric { precision: 10, scale: 2 };
        assert_eq!(call("div", &[("7.50", money), ("2.00", money)]), "3");
        assert_eq!(call("div", &[("-7.50", money), ("2.00", money)]), "-3");
        assert_eq!(call("div", &[("1", money), ("0", money)]), "22012: division by zero");
        assert_eq!(call("sign_of", &[("-1.50", money)]), "-1");
        assert_eq!(call("sign_of", &[("-0", Double)]), "0");
        assert_eq!(call("sign_of", &[("NaN", Double)]), "0");
        assert_eq!(call("root_of", &[("2.00", money)]), "1.4142135623730950");
        assert_eq!(call("root_of", &[("-0.01", money)]), "2201F: cannot take square root of a negative number");
        assert_eq!(call("root_of", &[("6.25", Double)]), "2.5");
        assert_eq!(call("mod", &[("-7", Integer), ("3", Integer)]), "-1");
        assert_eq!(call("mod", &[("7.50", money), ("2.00", money)]), "1.50");
        assert_eq!(call("mod", &[("7.50", money), ("0.00", money)]), "22012: division by zero");
        assert_eq!(call("rint", &[("2.5", Double)]), "2");
    }
}
