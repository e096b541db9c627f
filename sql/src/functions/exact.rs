//! `ceil`, `floor`, `round` and `trunc` of numerics as numerics, also where the largest ones end. Of floats they are DataFusion's.

use super::canonical::canonical_value;
use crate::SqlError;
use crate::operators::{Rounding, divide_rounded, map, numeric_out_of_range, of_no_rows, power_of_128};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DataType, Decimal128Type, Field, FieldRef, Int64Type, i256,
};
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};
use std::sync::Arc;

/// Which way.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Way {
    Ceil,
    Floor,
    Round,
    Trunc,
}

const NAMES: [(&str, Way); 4] =
    [("ceil", Way::Ceil), ("floor", Way::Floor), ("round", Way::Round), ("trunc", Way::Trunc)];

/// The function with numerics of its own, if it is one of these.
pub(super) fn exact(function: &Arc<ScalarUDF>) -> Option<Arc<ScalarUDF>> {
    let (_, way) = NAMES.iter().find(|(name, _)| *name == function.name())?;
    Some(Arc::new(ScalarUDF::new_from_impl(Exact { inner: Arc::clone(function), way: *way })))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Exact {
    inner: Arc<ScalarUDF>,
    way: Way,
}

/// The second argument, where it is known before there are rows.
enum Digits {
    None,
    Constant(i64),
    Column,
}

impl Digits {
    fn of(arguments: &ReturnFieldArgs<'_>) -> Digits {
        match arguments.scalar_arguments.get(1) {
            None => Digits::None,
            Some(None) => Digits::Column,
            Some(Some(value)) => match value.cast_to(&DataType::Int64) {
                Ok(ScalarValue::Int64(Some(digits))) => Digits::Constant(digits),
                _ => Digits::None,
            },
        }
    }
}

/// Precision and scale of the result.
fn result_type(precision: u8, scale: i8, digits: &Digits) -> (u8, i8) {
    let most = i32::from(DECIMAL128_MAX_PRECISION);
    // Rounding may add a digit.
    let whole = i32::from(precision) - i32::from(scale) + 1;
    let scale = i32::from(scale);
    let scale = match digits {
        Digits::None => 0,
        Digits::Column => scale,
        // More digits than there are, as far as there is room for them.
        Digits::Constant(digits) => (*digits).clamp(0, i64::from(scale.max(most - whole))) as i32,
    };
    ((whole + scale).clamp(1, most) as u8, scale as i8)
}

impl ScalarUDFImpl for Exact {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [DataType::Decimal128(precision, scale), rest @ ..] => {
                let digits = if rest.is_empty() { Digits::None } else { Digits::Column };
                let (precision, scale) = result_type(*precision, *scale, &digits);
                Ok(DataType::Decimal128(precision, scale))
            }
            _ => self.inner.inner().return_type(arguments),
        }
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        match arguments.arg_fields.first().map(|field| field.data_type()) {
            Some(DataType::Decimal128(precision, scale)) => {
                let (precision, scale) = result_type(*precision, *scale, &Digits::of(&arguments));
                Ok(Arc::new(Field::new(self.name(), DataType::Decimal128(precision, scale), true)))
            }
            _ => self.inner.return_field_from_args(arguments),
        }
    }

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn simplify(&self, arguments: Vec<Expr>, _: &SimplifyContext) -> Result<ExprSimplifyResult> {
        Ok(ExprSimplifyResult::Original(arguments))
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let DataType::Decimal128(precision, scale) = *arguments.return_type() else {
            return self.inner.invoke_with_args(arguments).map(canonical_value);
        };
        let Some(value) = arguments.args.first() else {
            return internal_err!("{} takes an argument", self.name());
        };
        let target = Target { way: self.way, precision, scale };
        match arguments.args.get(1) {
            None => map(value, |array| target.all(array, |_| Some(0))),
            Some(ColumnarValue::Scalar(digits)) => {
                let digits = match digits.cast_to(&DataType::Int64)? {
                    ScalarValue::Int64(digits) => digits,
                    _ => None,
                };
                map(value, |array| target.all(array, |_| digits))
            }
            Some(ColumnarValue::Array(digits)) => {
                let digits = datafusion::arrow::compute::cast(digits, &DataType::Int64)?;
                let digits = digits.as_primitive::<Int64Type>();
                let values = value.to_array(arguments.number_rows)?;
                let result = target.all(&values, |row| digits.is_valid(row).then(|| digits.value(row)));
                result.map(ColumnarValue::Array).map_err(|error| DataFusionError::External(Box::new(error)))
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Target {
    way: Way,
    precision: u8,
    scale: i8,
}

impl Target {
    fn all(self, array: &ArrayRef, digits: impl Fn(usize) -> Option<i64>) -> std::result::Result<ArrayRef, SqlError> {
        let internal = |error: &dyn std::fmt::Display| SqlError::internal(error.to_string());
        let values = array.as_primitive_opt::<Decimal128Type>().ok_or_else(|| internal(&"no numeric"))?;
        let scale = values.scale();
        let results = values.iter().enumerate().map(|(row, value)| match (value, digits(row)) {
            (Some(value), Some(digits)) => self.one(value, scale, digits).map(Some),
            _ => Ok(None),
        });
        let results = results.collect::<std::result::Result<Decimal128Array, SqlError>>()?;
        let results = results.with_precision_and_scale(self.precision, self.scale);
        Ok(Arc::new(results.map_err(|e| internal(&e))?))
    }

    /// The value with `digits` right of the point, at the scale of the result.
    fn one(self, value: i128, scale: i8, digits: i64) -> std::result::Result<i128, SqlError> {
        // No number has more digits than these.
        if digits < -i64::from(DECIMAL128_MAX_PRECISION) {
            return Ok(0);
        }
        let digits = digits.min(i64::from(self.scale.max(scale))) as i32;
        let dropped = i32::from(scale) - digits;
        let mut kept = i256::from_i128(value);
        if dropped > 0 {
            let power = i256::from_i128(10).checked_pow(dropped.unsigned_abs()).ok_or_else(numeric_out_of_range)?;
            let down = kept.wrapping_div(power);
            let rest = kept.wrapping_rem(power);
            kept = match self.way {
                Way::Trunc => down,
                Way::Round => divide_rounded(kept, power, Rounding::Nearest),
                Way::Ceil if rest.is_positive() => down.wrapping_add(i256::ONE),
                Way::Floor if rest.is_negative() => down.wrapping_sub(i256::ONE),
                Way::Ceil | Way::Floor => down,
            };
            kept = rescaled(kept, i32::from(self.scale) - digits)?;
        } else {
            kept = rescaled(kept, i32::from(self.scale) - i32::from(scale))?;
        }
        let fits = |value: &i128| value.unsigned_abs() < power_of_128(self.precision);
        kept.to_i128().filter(fits).ok_or_else(numeric_out_of_range)
    }
}

/// With so many digits more right of the point; fewer only where they are zeros.
fn rescaled(value: i256, more: i32) -> std::result::Result<i256, SqlError> {
    let power = i256::from_i128(10).checked_pow(more.unsigned_abs()).ok_or_else(numeric_out_of_range)?;
    match more < 0 {
        true => Ok(value.wrapping_div(power)),
        false => value.checked_mul(power).ok_or_else(numeric_out_of_range),
    }
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::{Integer, Numeric};
    use crate::types::{PLAIN_NUMERIC, SqlType};

    const MONEY: SqlType = Numeric { precision: 10, scale: 2 };

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn numerics_are_rounded_as_numerics() {
        for (name, value, expected) in [
            ("ceil", "1.50", "2"),
            ("ceil", "-1.50", "-1"),
            ("ceil", "99999999.01", "100000000"),
            ("floor", "-1.50", "-2"),
            ("floor", "1.99", "1"),
            ("round", "2.50", "3"),
            ("round", "-2.50", "-3"),
            ("trunc", "-1.99", "-1"),
        ] {
            assert_eq!(call(name, &[(value, MONEY)]), expected, "{name}({value})");
        }
        for (name, value, digits, expected) in [
            ("round", "1.05", "1", "1.1"),
            ("round", "1.50", "3", "1.500"),
            ("round", "155.50", "-1", "160"),
            ("round", "155.50", "-3", "0"),
            ("round", "955.50", "-3", "1000"),
            ("trunc", "-1.59", "1", "-1.5"),
            ("trunc", "159.50", "-1", "150"),
            ("round", "155.50", "-100", "0"),
            ("round", "NULL", "1", "NULL"),
            ("round", "1.50", "NULL", "NULL"),
        ] {
            assert_eq!(call(name, &[(value, MONEY), (digits, Integer)]), expected, "{name}({value}, {digits})");
        }
        let most = "9999999999999999999999999999.9999999999";
        assert_eq!(call("floor", &[(most, PLAIN_NUMERIC)]), "9999999999999999999999999999");
        assert_eq!(call("ceil", &[(most, PLAIN_NUMERIC)]), "10000000000000000000000000000");
    }
}
