//! `ARRAY[..]`, subscripts and slices.

use super::call::Declared;
use super::{CastContext, Resolver, constants, errors};
use crate::algebra::{Expr, Type};
use crate::types::SqlType;
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
        let (array, element) = self.subscripted(array)?;
        let index = self.coerce(self.bound(index)?, Type::BIGINT, CastContext::Implicit)?;
        self.registered("array_subscript", vec![array, index], Declared::Type(Type::Sql(element)))
    }

    /// `array[lower:upper]`; a bound that is left out is that of the array.
    pub(crate) fn slice(&self, array: Expr, lower: Option<Expr>, upper: Option<Expr>) -> Result<Expr, SqlError> {
        let (array, element) = self.subscripted(array)?;
        let bound = |bound: Option<Expr>, missing: i32| match bound {
            Some(bound) => self.bound(bound),
            None => Ok(integer(missing)),
        };
        let (lower, upper) = (bound(lower, 1)?, bound(upper, i32::MAX)?);
        self.registered("array_bounds", vec![array, lower, upper], Declared::Type(Type::Array(element)))
    }

    /// Subscripts of more dimensions than there are: an empty array if one of them is a slice, else NULL; NULL beside a NULL bound.
    pub(crate) fn subscripts(&self, array: Expr, bounds: Vec<Expr>, slices: bool) -> Result<Expr, SqlError> {
        let (array, element) = self.subscripted(array)?;
        let bounds = bounds.into_iter().map(|bound| self.bound(bound)).collect::<Result<Vec<_>, _>>()?;
        if !slices {
            return Ok(Expr::null(Type::Sql(element)));
        }
        let empty = self.slice(array, Some(integer(1)), Some(integer(0)))?;
        let ty = empty.ty();
        let unknown: Vec<Expr> = bounds.into_iter().filter(Expr::nullable).map(Expr::is_null).collect();
        let mut branches = unknown.into_iter().map(|is_null| (is_null, Expr::null(ty))).peekable();
        if branches.peek().is_none() {
            return Ok(empty);
        }
        Ok(Expr::Case { operand: None, branches: branches.collect(), otherwise: Some(Box::new(empty)), ty })
    }

    /// What is subscripted, and the type of its elements.
    fn subscripted(&self, array: Expr) -> Result<(Expr, SqlType), SqlError> {
        match self.type_of(&array) {
            Type::Array(element) => Ok((self.with_known_type(array), element)),
            other => {
                let message = format!("cannot subscript type {other} because it does not support subscripting");
                Err(SqlError::new(SqlState::DatatypeMismatch, message))
            }
        }
    }

    /// A subscript as an integer.
    fn bound(&self, index: Expr) -> Result<Expr, SqlError> {
        if !self.can_coerce(self.type_of(&index), Type::INTEGER, CastContext::Assignment) {
            let message = "array subscript must have type integer";
            return Err(SqlError::new(SqlState::DatatypeMismatch, message));
        }
        self.coerce(index, Type::INTEGER, CastContext::Assignment)
    }
}

fn integer(value: i32) -> Expr {
    Expr::constant(ScalarValue::Int32(Some(value)), Type::INTEGER)
}
