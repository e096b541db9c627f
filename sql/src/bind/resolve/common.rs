//! The one type of several expressions: of the branches of CASE, the rows of VALUES, the sides of UNION
//! (`select_common_type` of Postgres' `parse_coerce.c`).

use super::casts::is_implicit;
use super::{CastContext, Resolver, literals};
use crate::algebra::{Expr, Type};
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;

/// Most digits of a numeric.
const MAX_DIGITS: i16 = 38;
/// Digits before the point that two numerics of many fractional digits keep when they meet: those of a bigint.
const WHOLE_DIGITS: i16 = 19;

impl Resolver<'_> {
    /// The common type; `Unknown` if no type is known.
    pub(crate) fn common_type(&self, types: &[Type], what: &str) -> Result<Type, SqlError> {
        let mut common = Type::Unknown;
        let same = types.windows(2).all(|pair| pair[0] == pair[1]);
        for &ty in types {
            let ty = match ty {
                Type::Catalog(catalog) if !same => catalog.base(),
                ty => ty,
            };
            common = wider(common, ty).ok_or_else(|| {
                let message = format!("{what} types {common} and {ty} cannot be matched");
                SqlError::new(SqlState::DatatypeMismatch, message).with_hint("Cast them to one type.")
            })?;
        }
        Ok(with_modifier(common, types))
    }

    /// The expressions as values of their common type, text if none is known.
    pub(crate) fn to_common(&self, exprs: Vec<Expr>, what: &str) -> Result<(Vec<Expr>, Type), SqlError> {
        let types: Vec<Type> = exprs.iter().map(|expr| self.type_of(expr)).collect();
        let common = match self.common_type(&types, what)? {
            Type::Unknown => Type::TEXT,
            known => {
                let unknown = exprs.iter().zip(&types).filter(|(_, ty)| **ty == Type::Unknown);
                room_for(known, unknown.map(|(expr, _)| expr))
            }
        };
        let coerced: Result<Vec<Expr>, SqlError> = exprs
            .into_iter()
            .zip(types)
            .map(|(expr, ty)| {
                if !self.can_coerce(ty, common, CastContext::Implicit) {
                    let message = format!("{what} could not convert type {ty} to {common}");
                    return Err(SqlError::new(SqlState::CannotCoerce, message));
                }
                self.coerce(expr, common, CastContext::Implicit)
            })
            .collect();
        Ok((coerced?, common))
    }
}

/// The common type of types, by kind; `None` if there is none.
pub(super) fn common_kind(types: &[Type]) -> Option<Type> {
    let common = types.iter().try_fold(Type::Unknown, |common, ty| wider(common, *ty))?;
    types.iter().all(|ty| is_implicit(*ty, common)).then(|| with_modifier(common, types))
}

/// Which of two types is taken for both. Only types of one category have a common one; it is the one to which the
/// other can be cast, the first if both can, and never another than a preferred one.
fn wider(common: Type, next: Type) -> Option<Type> {
    if next == Type::Unknown || common.is_same_kind(next) {
        return Some(common);
    }
    if common == Type::Unknown {
        return Some(next);
    }
    if common.category() != next.category() {
        return None;
    }
    let changes = !common.is_preferred() && is_implicit(common, next) && !is_implicit(next, common);
    Some(if changes { next } else { common })
}

/// The common type with the precision or length that holds the values of all.
fn with_modifier(common: Type, types: &[Type]) -> Type {
    match common {
        Type::Sql(SqlType::Numeric { .. }) => {
            let (precision, scale) = unify(types.iter().filter_map(|ty| digits(*ty)));
            Type::Sql(SqlType::Numeric { precision, scale })
        }
        Type::Array(SqlType::Numeric { .. }) => {
            let elements = types.iter().filter_map(|ty| match ty {
                Type::Array(element) => digits(Type::Sql(*element)),
                _ => None,
            });
            let (precision, scale) = unify(elements);
            Type::Array(SqlType::Numeric { precision, scale })
        }
        // A literal beside it has any length.
        Type::Sql(SqlType::Varchar { .. }) if types.iter().any(|ty| *ty != common) => {
            Type::Sql(SqlType::Varchar { limit: None })
        }
        Type::Array(SqlType::Varchar { .. }) => Type::Array(SqlType::Varchar { limit: None }),
        other => other,
    }
}

/// Precision and scale of the values of an exact type.
pub(super) fn digits(ty: Type) -> Option<(u8, i8)> {
    match ty {
        Type::Sql(SqlType::SmallInt) => Some((5, 0)),
        Type::Sql(SqlType::Integer) => Some((10, 0)),
        Type::Sql(SqlType::BigInt) => Some((19, 0)),
        Type::Sql(SqlType::Numeric { precision, scale }) => Some((precision, scale)),
        _ => None,
    }
}

/// Whether a numeric can hold all values of both.
pub(super) fn fit_together(left: (u8, i8), right: (u8, i8)) -> bool {
    let (whole, scale) = parts([left, right].into_iter());
    whole + scale <= MAX_DIGITS
}

/// The numeric that holds the values of all. Where that needs more digits than there are, a value with many digits
/// before the point will be out of range: that is an error, rounding would be a wrong answer.
pub(super) fn unify(all: impl Iterator<Item = (u8, i8)>) -> (u8, i8) {
    let (whole, scale) = parts(all);
    let scale = if whole + scale <= MAX_DIGITS {
        scale
    } else {
        (MAX_DIGITS - whole).max(scale.min(MAX_DIGITS - WHOLE_DIGITS))
    };
    let precision = (whole + scale).clamp(1, MAX_DIGITS);
    // Both are between 0 and 38.
    (precision as u8, scale as i8)
}

/// Most digits before and after the point.
fn parts(all: impl Iterator<Item = (u8, i8)>) -> (i16, i16) {
    all.fold((0, 0), |(whole, fraction), (precision, scale)| {
        let (precision, scale) = (i16::from(precision), i16::from(scale));
        (whole.max(precision - scale), fraction.max(scale))
    })
}

/// The type; a numeric one such that it also holds these literals and parameters whose type is not known: they have digits of
/// their own.
pub(crate) fn room_for<'e>(ty: Type, unknown: impl Iterator<Item = &'e Expr>) -> Type {
    let Type::Sql(SqlType::Numeric { precision, scale }) = ty else { return ty };
    let needed = unknown.filter_map(|expr| match expr {
        Expr::Parameter { .. } => digits(Type::NUMERIC),
        Expr::Constant { value: ScalarValue::Utf8(Some(text)), .. } => {
            literals::exact(text).map(|exact| (exact.precision, exact.scale))
        }
        _ => None,
    });
    let (precision, scale) = unify(std::iter::once((precision, scale)).chain(needed));
    Type::Sql(SqlType::Numeric { precision, scale })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `pg_typeof(coalesce(..))` and `ARRAY[..]` in PostgreSQL 15.
    #[test]
    fn as_postgres_matches() {
        let numeric = |precision, scale| Type::Sql(SqlType::Numeric { precision, scale });
        let varchar = |limit| Type::Sql(SqlType::Varchar { limit });
        let kind = |types: &[Type]| common_kind(types);
        assert_eq!(kind(&[Type::INTEGER, Type::BIGINT]), Some(Type::BIGINT));
        assert_eq!(kind(&[Type::INTEGER, numeric(3, 1)]), Some(numeric(11, 1)));
        assert_eq!(kind(&[Type::INTEGER, numeric(3, 1), Type::DOUBLE]), Some(Type::DOUBLE));
        assert_eq!(kind(&[Type::TEXT, varchar(Some(3))]), Some(Type::TEXT));
        assert_eq!(kind(&[varchar(Some(3)), varchar(Some(3))]), Some(varchar(Some(3))));
        assert_eq!(kind(&[varchar(Some(3)), varchar(Some(4))]), Some(varchar(None)));
        assert_eq!(kind(&[Type::INTEGER, Type::TEXT]), None);
        let (date, timestamp) = (Type::Sql(SqlType::Date), Type::Sql(SqlType::Timestamp));
        assert_eq!(kind(&[date, timestamp]), Some(timestamp));
        assert_eq!(kind(&[Type::Unknown, date]), Some(date));
        assert_eq!(kind(&[Type::Unknown]), Some(Type::Unknown));
    }

    #[test]
    fn numerics_meet() {
        assert_eq!(unify([(10, 2), (5, 4)].into_iter()), (12, 4));
        assert_eq!(unify([(38, 10), (10, 2)].into_iter()), (38, 10));
        assert_eq!(unify([(38, 10), (38, 20)].into_iter()), (38, 19));
        assert_eq!(unify(std::iter::empty()), (1, 0));
        assert!(fit_together((10, 2), (38, 10)));
        assert!(!fit_together((38, 0), (2, 1)));
    }
}
