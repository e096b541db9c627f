//! `ARRAY[..]` and subscripts.

use super::call::Declared;
use super::{CastContext, Resolver, constants, errors};
use crate::algebra::{Expr, Type};
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;

impl Resolver<'_> {
    /// `array @> array`, `<@` (the sides swapped) and `&&`: between arrays of one type.
    pub(crate) fn containment(
        &self,
        sign: &str,
        function: &str,
        left: Expr,
        right: Expr,
        swapped: bool,
    ) -> Result<Expr, SqlError> {
        let (ours, theirs) = (self.type_of(&left), self.type_of(&right));
        let is_array = |ty: Type| matches!(ty, Type::Array(_));
        let meet = match (ours, theirs) {
            (Type::Unknown, other) | (other, Type::Unknown) => is_array(other),
            (ours, theirs) => is_array(ours) && ours.is_same_kind(theirs),
        };
        if !meet {
            return Err(errors::no_operator(sign, ours, theirs));
        }
        let (mut sides, _) = self.to_common(vec![left, right], "ARRAY")?;
        if swapped {
            sides.reverse();
        }
        self.registered(function, sides, Declared::Type(Type::BOOLEAN))
    }

    /// `ARRAY[a, b]`. Constants make a constant. One without elements is a literal, so that a cast may tell its type.
    pub(crate) fn array(&self, elements: Vec<Expr>) -> Result<Expr, SqlError> {
        if elements.is_empty() {
            return Ok(Expr::constant(ScalarValue::Utf8(Some("{}".to_owned())), Type::Unknown));
        }
        let (elements, common) = self.to_common(elements, "ARRAY")?;
        let Type::Sql(element) = common else {
            return Err(SqlError::unsupported(
                "arrays of several dimensions are not supported",
                "Use one row per element, or an array of one dimension.",
            ));
        };
        let values: Option<Vec<ScalarValue>> = elements
            .iter()
            .map(|element| match element {
                Expr::Constant { value, .. } => Some(value.clone()),
                _ => None,
            })
            .collect();
        if let Some(list) = values.and_then(|values| constants::array(&values, element)) {
            return Ok(Expr::constant(list, Type::Array(element)));
        }
        self.registered("make_array", elements, Declared::Type(Type::Array(element)))
    }

    /// `array[index]`, from 1; NULL beside the array.
    pub(crate) fn subscript(&self, array: Expr, index: Expr) -> Result<Expr, SqlError> {
        let Type::Array(element) = self.type_of(&array) else {
            let message =
                format!("cannot subscript type {} because it does not support subscripting", self.type_of(&array));
            return Err(SqlError::new(SqlState::DatatypeMismatch, message));
        };
        let ty = self.type_of(&index);
        if !self.can_coerce(ty, Type::INTEGER, CastContext::Assignment) {
            let message = "array subscript must have type integer";
            return Err(SqlError::new(SqlState::DatatypeMismatch, message));
        }
        let index = self.coerce(index, Type::INTEGER, CastContext::Assignment)?;
        let index = self.coerce(index, Type::BIGINT, CastContext::Implicit)?;
        let array = self.with_known_type(array);
        self.registered("array_subscript", vec![array, index], Declared::Type(Type::Sql(element)))
    }
}
