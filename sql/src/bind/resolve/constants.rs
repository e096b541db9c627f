//! Constants in another type, where that is certain: what may fail is left to the cast.
//!
//! A column beside a constant is not cast when the constant can be cast to the column's type without loss, so that
//! keys and indexes find it.

use super::common::unify;
use super::literals::Exact;
use crate::algebra::{Expr, Type};
use crate::types::{SqlType, text};
use datafusion::arrow::array::{Array, ListArray, new_empty_array};
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{DataType, Field};
use datafusion::common::ScalarValue;
use std::sync::Arc;

const DAY_MICROS: i64 = 86_400_000_000;

/// The value as `to`; `None` if the cast has to be made when the statement runs.
pub(super) fn convert(value: &ScalarValue, to: Type) -> Option<ScalarValue> {
    let arrow = to.to_arrow();
    if value.is_null() {
        return ScalarValue::try_new_null(&arrow).ok();
    }
    match to {
        Type::Unknown => None,
        Type::Catalog(catalog) => convert(value, catalog.base()),
        Type::Array(element) => elements(value, element),
        Type::Sql(SqlType::Double) => Some(ScalarValue::Float64(Some(double(value)?))),
        Type::Sql(SqlType::Real) => match integer(value) {
            // An integer is rounded once.
            Some(integer) => Some(ScalarValue::Float32(Some(integer as f32))),
            None => match value {
                ScalarValue::Decimal128(Some(unscaled), _, scale) => {
                    let real = written(*unscaled, *scale).parse::<f32>().ok().filter(|real| real.is_finite())?;
                    Some(ScalarValue::Float32(Some(real + 0.0)))
                }
                _ => None,
            },
        },
        Type::Sql(SqlType::Timestamp | SqlType::TimestampTz) => moment(value, &arrow),
        Type::Sql(sql_type) => exact(value, sql_type, Rounding::Allowed),
    }
}

/// The value as a value of an exact type, if none of it is lost.
pub(super) fn without_loss(value: &ScalarValue, to: Type) -> Option<ScalarValue> {
    if value.is_null() {
        return None;
    }
    exact(value, to.sql()?, Rounding::Refused)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Rounding {
    Allowed,
    Refused,
}

/// Integers and numerics.
fn exact(value: &ScalarValue, to: SqlType, rounding: Rounding) -> Option<ScalarValue> {
    let (unscaled, scale) = number(value)?;
    let wanted = match to {
        SqlType::Numeric { scale, .. } => scale,
        SqlType::SmallInt | SqlType::Integer | SqlType::BigInt => 0,
        _ => return None,
    };
    let result = rescaled(unscaled, scale, wanted, rounding)?;
    Some(match to {
        SqlType::SmallInt => ScalarValue::Int16(Some(i16::try_from(result).ok()?)),
        SqlType::Integer => ScalarValue::Int32(Some(i32::try_from(result).ok()?)),
        SqlType::BigInt => ScalarValue::Int64(Some(i64::try_from(result).ok()?)),
        SqlType::Numeric { precision, scale } => {
            text::check_precision(result, precision, scale).ok()?;
            ScalarValue::Decimal128(Some(result), precision, scale)
        }
        _ => return None,
    })
}

/// The unscaled integer at another scale, half rounded away from zero.
fn rescaled(unscaled: i128, from: i8, to: i8, rounding: Rounding) -> Option<i128> {
    let power = 10_i128.checked_pow(u32::from(to.abs_diff(from)))?;
    if to >= from {
        return unscaled.checked_mul(power);
    }
    let (quotient, rest) = (unscaled / power, unscaled % power);
    if rest == 0 {
        return Some(quotient);
    }
    if rounding == Rounding::Refused {
        return None;
    }
    Some(if rest.unsigned_abs() * 2 >= power.unsigned_abs() { quotient + rest.signum() } else { quotient })
}

/// An exact number as unscaled integer and scale.
pub(super) fn number(value: &ScalarValue) -> Option<(i128, i8)> {
    match value {
        ScalarValue::Decimal128(Some(unscaled), _, scale) => Some((*unscaled, *scale)),
        other => Some((i128::from(integer(other)?), 0)),
    }
}

fn integer(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int16(Some(value)) => Some(i64::from(*value)),
        ScalarValue::Int32(Some(value)) => Some(i64::from(*value)),
        ScalarValue::Int64(Some(value)) => Some(*value),
        _ => None,
    }
}

fn double(value: &ScalarValue) -> Option<f64> {
    match value {
        ScalarValue::Float32(Some(real)) => Some(f64::from(*real)),
        // The nearest double of all digits, as it is for a text.
        ScalarValue::Decimal128(Some(unscaled), _, scale) => {
            written(*unscaled, *scale).parse().ok().map(|d: f64| d + 0.0)
        }
        other => integer(other).map(|integer| integer as f64),
    }
}

fn written(unscaled: i128, scale: i8) -> String {
    format!("{unscaled}e{}", -i16::from(scale))
}

/// Dates and timestamps as timestamps; all are in UTC.
fn moment(value: &ScalarValue, to: &DataType) -> Option<ScalarValue> {
    let DataType::Timestamp(_, zone) = to else { return None };
    let micros = match value {
        ScalarValue::Date32(Some(days)) => i64::from(*days).checked_mul(DAY_MICROS)?,
        ScalarValue::TimestampMicrosecond(Some(micros), _) => *micros,
        _ => return None,
    };
    Some(ScalarValue::TimestampMicrosecond(Some(micros), zone.clone()))
}

/// The values of a constant array.
pub(super) fn values(array: &ScalarValue) -> Option<Vec<ScalarValue>> {
    let ScalarValue::List(list) = array else { return None };
    if list.len() != 1 || list.is_null(0) {
        return None;
    }
    let values = list.value(0);
    (0..values.len()).map(|index| ScalarValue::try_from_array(&values, index).ok()).collect()
}

fn elements(value: &ScalarValue, element: SqlType) -> Option<ScalarValue> {
    let converted: Option<Vec<ScalarValue>> = values(value)?
        .iter()
        .map(|value| {
            if value.data_type() == element.to_arrow() {
                Some(value.clone())
            } else {
                convert(value, Type::Sql(element))
            }
        })
        .collect();
    array(&converted?, element)
}

/// A constant array of values of the element's type.
pub(super) fn array(values: &[ScalarValue], element: SqlType) -> Option<ScalarValue> {
    let arrow = element.to_arrow();
    if values.iter().any(|value| value.data_type() != arrow) {
        return None;
    }
    let items = match values {
        [] => new_empty_array(&arrow),
        values => ScalarValue::iter_to_array(values.iter().cloned()).ok()?,
    };
    let field = Arc::new(Field::new_list_field(arrow, true));
    let list = ListArray::try_new(field, OffsetBuffer::from_lengths([values.len()]), items, None).ok()?;
    Some(ScalarValue::List(Arc::new(list)))
}

/// A constant array of numerics that has room for the digits of all; `None` if there is no such numeric.
pub(super) fn numeric_array(elements: &[Option<Exact>]) -> Option<Expr> {
    let (precision, scale) = unify(elements.iter().flatten().map(|exact| (exact.precision, exact.scale)));
    let element = SqlType::Numeric { precision, scale };
    let value = |exact: &Option<Exact>| match exact {
        Some(exact) => {
            let unscaled = rescaled(exact.unscaled, exact.scale, scale, Rounding::Refused)?;
            text::check_precision(unscaled, precision, scale).ok()?;
            Some(ScalarValue::Decimal128(Some(unscaled), precision, scale))
        }
        None => Some(ScalarValue::Decimal128(None, precision, scale)),
    };
    let values: Option<Vec<ScalarValue>> = elements.iter().map(value).collect();
    Some(Expr::constant(array(&values?, element)?, Type::Array(element)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(unscaled: i128, precision: u8, scale: i8) -> ScalarValue {
        ScalarValue::Decimal128(Some(unscaled), precision, scale)
    }

    #[test]
    fn numbers_change_their_type() {
        let numeric = |precision, scale| Type::Sql(SqlType::Numeric { precision, scale });
        let five = ScalarValue::Int32(Some(5));
        assert_eq!(convert(&five, Type::BIGINT), Some(ScalarValue::Int64(Some(5))));
        assert_eq!(convert(&five, numeric(4, 2)), Some(decimal(500, 4, 2)));
        assert_eq!(convert(&five, numeric(2, 2)), None, "too large: the cast says so");
        assert_eq!(convert(&decimal(25, 2, 1), Type::INTEGER), Some(ScalarValue::Int32(Some(3))));
        assert_eq!(convert(&decimal(-25, 2, 1), Type::INTEGER), Some(ScalarValue::Int32(Some(-3))));
        assert_eq!(convert(&decimal(11, 2, 1), Type::DOUBLE), Some(ScalarValue::Float64(Some(1.1))));
        assert_eq!(convert(&ScalarValue::Int64(Some(40_000)), Type::Sql(SqlType::SmallInt)), None);
        assert_eq!(convert(&ScalarValue::Int32(None), Type::TEXT), Some(ScalarValue::Utf8(None)));
    }

    #[test]
    fn what_would_be_lost_is_known() {
        assert_eq!(without_loss(&decimal(20, 2, 1), Type::BIGINT), Some(ScalarValue::Int64(Some(2))));
        assert_eq!(without_loss(&decimal(25, 2, 1), Type::BIGINT), None);
        assert_eq!(without_loss(&ScalarValue::Int64(Some(70_000)), Type::Sql(SqlType::SmallInt)), None);
        assert_eq!(without_loss(&ScalarValue::Float64(Some(1.0)), Type::BIGINT), None);
    }

    #[test]
    fn arrays_change_their_elements() {
        let array = array(&[ScalarValue::Int32(Some(1)), ScalarValue::Int32(None)], SqlType::Integer).unwrap();
        let wider = convert(&array, Type::Array(SqlType::BigInt)).unwrap();
        assert_eq!(values(&wider), Some(vec![ScalarValue::Int64(Some(1)), ScalarValue::Int64(None)]));
        let day = ScalarValue::Date32(Some(1));
        let moment = convert(&day, Type::Sql(SqlType::Timestamp));
        assert_eq!(moment, Some(ScalarValue::TimestampMicrosecond(Some(DAY_MICROS), None)));
    }
}
