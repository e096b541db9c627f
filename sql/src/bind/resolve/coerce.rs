//! Values of one type as values of another.

use super::common::digits;
use super::slot::{Slot, Stands};
use super::{CastContext, Resolver, casts, constants, errors, literals};
use crate::SqlError;
use crate::algebra::{Callee, Expr, Type};
use crate::operators;
use crate::types::{PLAIN_NUMERIC, SqlType};
use datafusion::common::ScalarValue;

impl Resolver<'_> {
    /// Whether a value of one type may become one of the other in this place.
    pub(crate) fn can_coerce(&self, from: Type, to: Type, context: CastContext) -> bool {
        casts::context(from, to).is_some_and(|least| least <= context)
    }

    /// The expression as a value of exactly the type `to`.
    ///
    /// Literals of no type are read, parameters of no type get it. What has its Arrow type already is not cast.
    pub(crate) fn coerce(&self, expr: Expr, to: Type, context: CastContext) -> Result<Expr, SqlError> {
        match self.with_known_type(expr) {
            expr if to == Type::Unknown => Ok(expr),
            Expr::Constant { value, ty: Type::Unknown } => literals::read(&value, to),
            Expr::Parameter { index, ty: Type::Unknown } => {
                if let Some(known) = self.parameters.borrow_mut().get_mut(index) {
                    *known = Some(to);
                }
                Ok(Expr::Parameter { index, ty: to })
            }
            expr => {
                let from = expr.ty();
                if !self.can_coerce(from, to, context) {
                    return Err(errors::cannot_cast(from, to));
                }
                Ok(converted(expr, to))
            }
        }
    }

    /// A written cast, as a value of exactly the type `to`.
    pub(crate) fn cast(&self, expr: Expr, to: Type) -> Result<Expr, SqlError> {
        self.coerce(expr, to, CastContext::Explicit)
    }

    /// A written cast where the type may be one without limits: `numeric` keeps the digits that the value has,
    /// `varchar(n)` cuts.
    pub(crate) fn written_cast(&self, expr: Expr, to: Type) -> Result<Expr, SqlError> {
        match to {
            Type::Sql(SqlType::Varchar { limit: Some(limit) }) => {
                let text = self.coerce(expr, Type::TEXT, CastContext::Explicit)?;
                Ok(cut(text, limit, to))
            }
            Type::Sql(PLAIN_NUMERIC) => match self.with_known_type(expr) {
                Expr::Constant { value, ty: Type::Unknown } if !value.is_null() => literals::read_numeric(&value),
                expr if digits(expr.ty()).is_some() => self.numeric(expr, None),
                expr => self.cast(expr, to),
            },
            Type::Array(PLAIN_NUMERIC) => {
                let read = literals::text_of(&expr).and_then(literals::numeric_elements);
                match read.and_then(|elements| constants::numeric_array(&elements)) {
                    Some(array) => Ok(array),
                    None => self.cast(expr, to),
                }
            }
            _ => self.cast(expr, to),
        }
    }

    /// The expression as a numeric with the digits that it has. A parameter gets the scale of what it meets, or more.
    pub(super) fn numeric(&self, expr: Expr, meets: Option<Type>) -> Result<Expr, SqlError> {
        match self.with_known_type(expr) {
            Expr::Constant { value, ty: Type::Unknown } => literals::read_numeric(&value),
            expr => {
                let to = match (expr.ty(), meets) {
                    (Type::Unknown, Some(Type::Sql(SqlType::Numeric { scale, .. }))) if scale > 10 => {
                        Type::Sql(SqlType::Numeric { precision: 38, scale })
                    }
                    (ty, _) => match digits(ty) {
                        Some((precision, scale)) => Type::Sql(SqlType::Numeric { precision, scale }),
                        None => Type::NUMERIC,
                    },
                };
                self.coerce(expr, to, CastContext::Assignment)
            }
        }
    }

    /// The expression as an argument for a declared place. Numerics and texts keep their precision and length.
    pub(super) fn argument(&self, expr: Expr, slot: Slot, stands: Stands) -> Result<Expr, SqlError> {
        match slot {
            Slot::Numeric => self.numeric(expr, None),
            Slot::Any => self.settle(expr),
            _ => match stands.ty(slot) {
                // Same kind, other limits: there is nothing to cast.
                Some(to) if to.is_same_kind(self.type_of(&expr)) && !slot.is_compatible() => {
                    Ok(self.with_known_type(expr))
                }
                Some(to) => self.coerce(expr, to, CastContext::Implicit),
                None if matches!(slot, Slot::AnyElement | Slot::AnyNonArray) => self.settle(expr),
                None => Err(errors::undetermined()),
            },
        }
    }
}

/// The value in another type, the cast being allowed.
fn converted(expr: Expr, to: Type) -> Expr {
    let from = expr.ty();
    if from == to {
        return expr;
    }
    if from.to_arrow() == to.to_arrow() {
        return expr.labelled(to);
    }
    if let Expr::Constant { value, .. } = &expr
        && let Some(value) = constants::convert(value, to)
    {
        return Expr::constant(value, to);
    }
    Expr::Cast { expr: Box::new(expr), to }
}

/// A text cut to a number of characters.
fn cut(text: Expr, limit: u32, to: Type) -> Expr {
    if let Expr::Constant { value: ScalarValue::Utf8(value), .. } = text {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let value = value.map(|text| text.chars().take(limit).collect::<String>());
        return Expr::constant(ScalarValue::Utf8(value), to);
    }
    Expr::Call { callee: Callee::Function(operators::varchar(limit)), args: vec![text], ty: to }
}
