//! Comparisons: both sides become values of one Arrow type.

use super::common::{digits, fit_together, unify};
use super::slot::{Slot, Stands};
use super::{CastContext, Resolver, constants, errors};
use crate::SqlError;
use crate::algebra::{CompareOp, Expr, Type};
use crate::types::SqlType;
use datafusion::common::ScalarValue;

/// A comparison by its SQL text.
pub(super) fn comparison(op: &str) -> Option<CompareOp> {
    Some(match op {
        "=" => CompareOp::Eq,
        "<>" | "!=" => CompareOp::NotEq,
        "<" => CompareOp::Lt,
        "<=" => CompareOp::LtEq,
        ">" => CompareOp::Gt,
        ">=" => CompareOp::GtEq,
        "IS DISTINCT FROM" => CompareOp::Distinct,
        "IS NOT DISTINCT FROM" => CompareOp::NotDistinct,
        _ => return None,
    })
}

impl Resolver<'_> {
    pub(super) fn compare(&self, op: CompareOp, left: Expr, right: Expr) -> Result<Expr, SqlError> {
        let types = [self.type_of(&left), self.type_of(&right)];
        let slots = self.comparable(op, types)?;
        let (left, right) = match one_side_adapts(left, right) {
            Ok((left, right)) => return Ok(Expr::compare(op, left, right)),
            Err(both) => *both,
        };
        match slots {
            [Slot::Numeric, Slot::Numeric] => self.compare_numerics(op, left, right),
            [Slot::AnyArray, Slot::AnyArray] => {
                let ty = Stands::of(&slots, &types).and_then(|stands| stands.ty(Slot::AnyArray));
                let ty = ty.ok_or_else(errors::undetermined)?;
                self.compare_as(op, left, right, ty)
            }
            slots => {
                let ty = meeting(slots).ok_or_else(|| SqlError::internal("a comparison without a type"))?;
                self.compare_as(op, left, right, ty)
            }
        }
    }

    fn compare_as(&self, op: CompareOp, left: Expr, right: Expr, ty: Type) -> Result<Expr, SqlError> {
        let left = self.coerce(left, ty, CastContext::Implicit)?;
        let right = self.coerce(right, ty, CastContext::Implicit)?;
        Ok(Expr::compare(op, left, right))
    }

    fn compare_numerics(&self, op: CompareOp, left: Expr, right: Expr) -> Result<Expr, SqlError> {
        let (meets_right, meets_left) = (self.type_of(&right), self.type_of(&left));
        let left = self.numeric(left, Some(meets_right))?;
        let right = self.numeric(right, Some(meets_left))?;
        // A literal has its digits only now.
        let (left, right) = match one_side_adapts(left, right) {
            Ok((left, right)) => return Ok(Expr::compare(op, left, right)),
            Err(both) => *both,
        };
        let (Some(l), Some(r)) = (digits(left.ty()), digits(right.ty())) else {
            return Err(SqlError::internal("a comparison of numerics without digits"));
        };
        if !fit_together(l, r) {
            if let Expr::Constant { value, .. } = &right
                && let Some(compared) = beside_the_lattice(op, &left, value)
            {
                return Ok(compared);
            }
            if let Expr::Constant { value, .. } = &left
                && let Some(compared) = beside_the_lattice(op.swapped(), &right, value)
            {
                return Ok(compared);
            }
        }
        let (precision, scale) = unify([l, r].into_iter());
        self.compare_as(op, left, right, Type::Sql(SqlType::Numeric { precision, scale }))
    }
}

/// The type in which values of two types are compared.
pub(super) fn meeting(slots: [Slot; 2]) -> Option<Type> {
    let [left, right] = slots;
    let rank = |slot: Slot| match slot {
        Slot::Int2 => 1,
        Slot::Int4 | Slot::Timestamp => 2,
        Slot::Int8 | Slot::TimestampTz => 3,
        Slot::Float8 => 4,
        _ => 0,
    };
    if rank(left) >= rank(right) { left.ty() } else { right.ty() }
}

/// A comparison with a constant in the type of the other side, if the constant is an exact number that this type has.
/// Else both sides come back.
fn one_side_adapts(left: Expr, right: Expr) -> Result<(Expr, Expr), Box<(Expr, Expr)>> {
    let adapted = |constant: &Expr, other: &Expr| match (constant, other) {
        (_, Expr::Constant { .. }) => None,
        (Expr::Constant { value, .. }, other) => {
            let ty = other.ty();
            digits(constant.ty())?;
            digits(ty)?;
            constants::without_loss(value, ty).map(|value| Expr::constant(value, ty))
        }
        _ => None,
    };
    if let Some(constant) = adapted(&right, &left) {
        return Ok((left, constant));
    }
    if let Some(constant) = adapted(&left, &right) {
        return Ok((constant, right));
    }
    Err(Box::new((left, right)))
}

/// A numeric compared with a constant that its type does not have and that has too many digits to meet it: it lies
/// between two values of the type, or beyond all.
fn beside_the_lattice(op: CompareOp, value: &Expr, constant: &ScalarValue) -> Option<Expr> {
    let Type::Sql(SqlType::Numeric { precision, scale }) = value.ty() else { return None };
    let (unscaled, from) = constants::number(constant)?;
    let largest = 10_i128.checked_pow(u32::from(precision))? - 1;
    // The largest value of the type that is below; `None` if there is none.
    let below = if scale >= from {
        let power = 10_i128.checked_pow(u32::from(scale.abs_diff(from)))?;
        match unscaled.checked_mul(power) {
            Some(below) => below,
            None if unscaled < 0 => i128::MIN,
            None => i128::MAX,
        }
    } else {
        unscaled.div_euclid(10_i128.checked_pow(u32::from(from.abs_diff(scale)))?)
    };
    let bound = |unscaled: i128| Expr::constant(ScalarValue::Decimal128(Some(unscaled), precision, scale), value.ty());
    let unknown = || Expr::null(Type::BOOLEAN);
    Some(match op {
        CompareOp::Eq => Expr::And(vec![Expr::is_null(value.clone()), unknown()]),
        CompareOp::NotEq => Expr::Or(vec![Expr::is_not_null(value.clone()), unknown()]),
        // The value stays, as what it has in it counts: an aggregate makes the query a grouped one.
        CompareOp::Distinct => Expr::Or(vec![Expr::is_null(value.clone()), Expr::is_not_null(value.clone())]),
        CompareOp::NotDistinct => Expr::And(vec![Expr::is_null(value.clone()), Expr::is_not_null(value.clone())]),
        CompareOp::Lt | CompareOp::LtEq if below < -largest => {
            Expr::compare(CompareOp::Lt, value.clone(), bound(-largest))
        }
        CompareOp::Gt | CompareOp::GtEq if below < -largest => {
            Expr::compare(CompareOp::GtEq, value.clone(), bound(-largest))
        }
        CompareOp::Lt | CompareOp::LtEq => Expr::compare(CompareOp::LtEq, value.clone(), bound(below.min(largest))),
        CompareOp::Gt | CompareOp::GtEq => Expr::compare(CompareOp::Gt, value.clone(), bound(below.min(largest))),
    })
}
