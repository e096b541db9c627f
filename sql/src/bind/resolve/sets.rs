//! Functions that give rows: `unnest`, `generate_series`, `generate_subscripts`. Each is an array, whose elements are the rows.

use super::call::Declared;
use super::candidates::{Choice, choose};
use super::slot::Slot::{self, Int4, Int8, Interval, Timestamp, TimestampTz};
use super::{CastContext, Resolver, errors};
use crate::algebra::{Callee, CatalogType, Expr, Type};
use crate::bind::catalog::plain;
use crate::functions::elements;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use std::borrow::Cow;
use std::sync::Arc;

/// The functions.
const NAMES: [&str; 3] = ["unnest", "generate_series", "generate_subscripts"];

/// `generate_series`: from, to, and the step, which integers may leave out.
static SERIES: &[(&[Slot], Type, SqlType)] = &[
    (&[Int4, Int4], Type::INTEGER, SqlType::Integer),
    (&[Int4, Int4, Int4], Type::INTEGER, SqlType::Integer),
    (&[Int8, Int8], Type::BIGINT, SqlType::BigInt),
    (&[Int8, Int8, Int8], Type::BIGINT, SqlType::BigInt),
    (&[Timestamp, Timestamp, Interval], Type::INTERVAL, SqlType::Timestamp),
    (&[TimestampTz, TimestampTz, Interval], Type::INTERVAL, SqlType::TimestampTz),
];

/// Whether it is the name of a function that gives rows.
#[must_use]
pub fn gives_rows(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Whether it is a call that gives rows.
pub(crate) fn is_rows(expr: &Expr) -> bool {
    matches!(expr, Expr::Call { callee: Callee::Function(function), .. } if Arc::ptr_eq(function, elements()))
}

/// Refuses functions that give rows in an operand that must have one value for each row.
pub(crate) fn check_one(expr: &Expr, clause: &str) -> Result<(), SqlError> {
    if !expr.any(is_rows) {
        return Ok(());
    }
    Err(SqlError::new(SqlState::DatatypeMismatch, format!("argument of {clause} must not return a set"))
        .with_hint("You might be able to move the set-returning function into a LATERAL FROM item."))
}

impl Resolver<'_> {
    /// The elements of an array, a row each, where a value stands. Only while a SELECT is bound.
    pub(crate) fn elements(array: Expr, element: SqlType) -> Expr {
        Expr::Call { callee: Callee::Function(Arc::clone(elements())), args: vec![array], ty: Type::Sql(element) }
    }

    /// The array of the rows of a call, and the type of its elements.
    pub(crate) fn rows(&self, name: &str, mut args: Vec<Expr>) -> Result<(Expr, SqlType), SqlError> {
        let types = self.types_of(&args);
        match (name, types.as_slice()) {
            ("unnest", [Type::Array(element)]) => Ok((self.with_known_type(args.remove(0)), *element)),
            ("unnest", [Type::Unknown]) => Err(errors::ambiguous_function(name, &types)),
            ("generate_series", _) => self.series(args, &types),
            ("generate_subscripts", [Type::Array(_) | Type::Catalog(CatalogType::Vector), dimension])
                if self.can_coerce(*dimension, Type::INTEGER, CastContext::Implicit) =>
            {
                let one = || Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER);
                let list = Declared::Type(Type::Array(SqlType::Integer));
                let from_zero = matches!(types.first(), Some(Type::Catalog(_)));
                let mut last = self.function("array_length", args.into_iter().map(plain).collect())?;
                let mut first = one();
                if from_zero {
                    last = self.binary("-", last, one())?;
                    first = Expr::constant(ScalarValue::Int32(Some(0)), Type::INTEGER);
                }
                Ok((self.registered("series", vec![first, last, one()], list)?, SqlType::Integer))
            }
            _ => Err(errors::no_function(name, &types)),
        }
    }

    fn series(&self, args: Vec<Expr>, types: &[Type]) -> Result<(Expr, SqlType), SqlError> {
        let fitting: Vec<_> = SERIES.iter().filter(|(slots, ..)| slots.len() == args.len()).collect();
        let candidates: Vec<Cow<'static, [Slot]>> = fitting.iter().map(|(slots, ..)| Cow::Borrowed(*slots)).collect();
        let (slots, step, element) = match choose(&candidates, types) {
            Choice::One(chosen) => *fitting[chosen],
            Choice::None => return Err(errors::no_function("generate_series", types)),
            Choice::Many => return Err(errors::ambiguous_function("generate_series", types)),
        };
        let mut args = self.arguments(args, slots)?;
        if args.len() == 2 {
            let one = Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER);
            args.push(self.coerce(one, step, CastContext::Implicit)?);
        }
        Ok((self.registered("series", args, Declared::Type(Type::Array(element)))?, element))
    }
}
