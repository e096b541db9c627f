//! Literals: numbers, and quoted texts whose type their use decides.

use crate::algebra::{Expr, Type};
use crate::types::{SqlType, text};
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;

/// Most digits of a numeric.
const MAX_DIGITS: usize = 38;
/// Digits that a number must keep for it to stay a numeric when not all of them fit.
const KEPT_DIGITS: usize = 20;

/// A number literal: integer, bigint, or numeric with the digits that are written. What fits no numeric is double
/// precision.
pub(crate) fn number(written: &str) -> Result<Expr, SqlError> {
    if let Ok(value) = written.parse::<i32>() {
        return Ok(Expr::constant(ScalarValue::Int32(Some(value)), Type::INTEGER));
    }
    if let Ok(value) = written.parse::<i64>() {
        return Ok(Expr::constant(ScalarValue::Int64(Some(value)), Type::BIGINT));
    }
    if let Some(exact) = exact(written) {
        return Ok(exact.into_expr());
    }
    match written.parse::<f64>() {
        Ok(value) if value.is_finite() => Ok(Expr::constant(ScalarValue::Float64(Some(value + 0.0)), Type::DOUBLE)),
        Ok(_) => Err(SqlError::new(SqlState::NumericValueOutOfRange, format!("number \"{written}\" is out of range"))
            .with_hint("A numeric has at most 38 digits, a double precision is at most 1.8e308.")),
        Err(_) => Err(SqlError::new(SqlState::SyntaxError, format!("\"{written}\" is no number"))),
    }
}

/// A number with all its digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Exact {
    pub(super) unscaled: i128,
    pub(super) precision: u8,
    pub(super) scale: i8,
}

impl Exact {
    pub(super) fn into_expr(self) -> Expr {
        let Exact { unscaled, precision, scale } = self;
        let value = ScalarValue::Decimal128(Some(unscaled), precision, scale);
        Expr::constant(value, Type::Sql(SqlType::Numeric { precision, scale }))
    }
}

/// The number of a text with the digits that are written: `1.50` has scale 2. `None` for what is no number, or does
/// not fit.
pub(super) fn exact(written: &str) -> Option<Exact> {
    let written = written.trim();
    let (negative, unsigned) = match written.as_bytes().first()? {
        b'-' => (true, &written[1..]),
        b'+' => (false, &written[1..]),
        _ => (false, written),
    };
    let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok().filter(|e| (-1_000..1_000).contains(e))?),
        None => (unsigned, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.len() + fraction.len() == 0 || !whole.bytes().chain(fraction.bytes()).all(|b| b.is_ascii_digit()) {
        return None;
    }
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes()).map(|b| b - b'0').collect();
    let mut scale = i64::try_from(fraction.len()).ok()? - i64::from(exponent);
    if scale < 0 {
        digits.resize(digits.len() + usize::try_from(-scale).ok()?, 0);
        scale = 0;
    }
    let leading = digits.iter().take_while(|digit| **digit == 0).count();
    digits.drain(..leading);
    fitted(&digits, usize::try_from(scale).ok()?, negative)
}

/// The number of these digits, `scale` of them after the point, rounded if that costs none that matters.
fn fitted(digits: &[u8], scale: usize, negative: bool) -> Option<Exact> {
    let surplus = digits.len().saturating_sub(MAX_DIGITS).max(scale.saturating_sub(MAX_DIGITS));
    let kept = digits.len().saturating_sub(surplus);
    let (kept, dropped) = digits.split_at(kept);
    let loses = dropped.iter().any(|digit| *digit != 0);
    if surplus > scale || (loses && kept.len() < KEPT_DIGITS) {
        return None;
    }
    let mut unscaled = kept.iter().fold(0_i128, |sum, digit| sum * 10 + i128::from(*digit));
    unscaled += i128::from(dropped.first().is_some_and(|digit| *digit >= 5) && dropped.len() == surplus);
    let scale = scale - surplus;
    // 99.9 rounded has a digit more.
    let written = if unscaled == 0 { 0 } else { unscaled.ilog10() as usize + 1 };
    let precision = written.max(scale).max(1);
    if precision > MAX_DIGITS {
        return None;
    }
    let unscaled = if negative { -unscaled } else { unscaled };
    Some(Exact { unscaled, precision: u8::try_from(precision).ok()?, scale: i8::try_from(scale).ok()? })
}

/// The text of a literal whose type is not known yet.
pub(super) fn text_of(expr: &Expr) -> Option<&str> {
    match expr {
        Expr::Constant { value: ScalarValue::Utf8(Some(text)), ty: Type::Unknown } => Some(text),
        _ => None,
    }
}

/// A literal read as a value of a type; NULL is a NULL of it.
pub(super) fn read(value: &ScalarValue, to: Type) -> Result<Expr, SqlError> {
    let text = match value {
        ScalarValue::Utf8(Some(text)) => text,
        null if null.is_null() => return Ok(Expr::null(to)),
        other => return Err(SqlError::internal(format!("a literal of type {}", other.data_type()))),
    };
    let value = match to {
        Type::Unknown => ScalarValue::Utf8(Some(text.clone())),
        Type::Sql(sql_type) => text::read_value(text, sql_type)?,
        Type::Array(element) => text::read_array(text, element)?,
        Type::Catalog(catalog) => return read(value, catalog.base()),
    };
    Ok(Expr::constant(value, to))
}

/// A literal read as a numeric with its own digits.
pub(super) fn read_numeric(value: &ScalarValue) -> Result<Expr, SqlError> {
    match value {
        ScalarValue::Utf8(Some(text)) => match exact(text) {
            Some(exact) => Ok(exact.into_expr()),
            // What is no number, or too large, is an error there.
            None => read(value, Type::NUMERIC),
        },
        _ => Ok(Expr::null(Type::Sql(SqlType::Numeric { precision: 1, scale: 0 }))),
    }
}

/// The elements of an array literal of numerics, with their own digits; `None` where one is no plain number.
pub(super) fn numeric_elements(text: &str) -> Option<Vec<Option<Exact>>> {
    let mut elements = Vec::new();
    let mut plain = true;
    let read = text::read_elements(text, &mut |element| {
        let number = element.map(exact);
        plain &= number != Some(None);
        elements.push(number.flatten());
        Ok(())
    });
    (read.is_ok() && plain).then_some(elements)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str) -> String {
        number(text).map_or_else(|error| error.message, |expr| expr.to_string())
    }

    /// `pg_typeof` in PostgreSQL 15, which has no numeric of more than 38 digits as a difference.
    #[test]
    fn numbers_have_the_types_of_postgres() {
        let typed = |text: &str| number(text).map(|expr| expr.ty());
        let numeric = |precision, scale| Ok(Type::Sql(SqlType::Numeric { precision, scale }));
        assert_eq!(typed("1"), Ok(Type::INTEGER));
        assert_eq!(typed("2147483648"), Ok(Type::BIGINT));
        assert_eq!(typed("-2147483648"), Ok(Type::INTEGER));
        assert_eq!(typed("9223372036854775808"), numeric(19, 0));
        assert_eq!(typed("1.50"), numeric(3, 2));
        assert_eq!(typed(".5"), numeric(1, 1));
        assert_eq!(typed("5."), numeric(1, 0));
        assert_eq!(typed("0.001"), numeric(3, 3));
        assert_eq!(typed("1e10"), numeric(11, 0));
        assert_eq!(typed("1.5e-3"), numeric(4, 4));
        assert_eq!(typed("0.0"), numeric(1, 1));
        assert_eq!(typed("1e308"), Ok(Type::DOUBLE));
        assert_eq!(typed("1e-300"), Ok(Type::DOUBLE));
        assert_eq!(typed("1e-30"), numeric(30, 30));
        assert_eq!(typed("3.14159265358979323846264338327950288419716939937510"), numeric(38, 37));
        assert!(typed("1e999").is_err() && typed("x").is_err());
    }

    #[test]
    fn digits_are_kept() {
        assert_eq!(exact("1.50").map(|e| e.unscaled), Some(150));
        assert_eq!(exact("-0.5e1").map(|e| (e.unscaled, e.scale)), Some((-5, 0)));
        assert_eq!(exact(" 7 ").map(|e| e.unscaled), Some(7));
        let nines = "9.99999999999999999999999999999999999999999";
        assert_eq!(exact(nines), None, "rounded it has 39 digits");
        assert!(shown("0.1").contains("numeric"));
        for wrong in ["", ".", "1.2.3", "NaN", "1e", "--1", "1 2"] {
            assert_eq!(exact(wrong), None, "{wrong}");
        }
    }
}
