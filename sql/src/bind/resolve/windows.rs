//! Window functions that are no aggregates: `row_number`, `rank`, `lag` and their like.

use super::candidates::{Choice, choose};
use super::slot::Slot::{self, AnyCompatible, AnyElement, Float8, Int4, Int8};
use super::{CastContext, Resolver, errors};
use crate::algebra::{Expr, Type};
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::WindowUDF;
use std::borrow::Cow;
use std::sync::Arc;

static WINDOWS: &[(&str, &[Slot], Slot)] = &[
    ("row_number", &[], Int8),
    ("rank", &[], Int8),
    ("dense_rank", &[], Int8),
    ("percent_rank", &[], Float8),
    ("cume_dist", &[], Float8),
    ("ntile", &[Int4], Int4),
    ("lag", &[AnyElement], AnyElement),
    ("lag", &[AnyElement, Int4], AnyElement),
    ("lag", &[AnyCompatible, Int4, AnyCompatible], AnyCompatible),
    ("lead", &[AnyElement], AnyElement),
    ("lead", &[AnyElement, Int4], AnyElement),
    ("lead", &[AnyCompatible, Int4, AnyCompatible], AnyCompatible),
    ("first_value", &[AnyElement], AnyElement),
    ("last_value", &[AnyElement], AnyElement),
    ("nth_value", &[AnyElement, Int4], AnyElement),
];

impl Resolver<'_> {
    /// Whether there is a window function of this name that is no aggregate.
    pub(crate) fn is_window(&self, name: &str) -> bool {
        self.functions.window(name).is_some()
    }

    /// A window function: what computes it, its arguments, type, and whether it may be NULL.
    pub(crate) fn window(
        &self,
        name: &str,
        args: Vec<Expr>,
    ) -> Result<(Arc<WindowUDF>, Vec<Expr>, Type, bool), SqlError> {
        let types = self.types_of(&args);
        let Some(function) = self.functions.window(name) else { return Err(errors::no_function(name, &types)) };
        let callable: Vec<(&'static [Slot], Slot)> = WINDOWS
            .iter()
            .filter(|(own, slots, _)| *own == name && slots.len() == args.len())
            .map(|(_, slots, result)| (*slots, *result))
            .collect();
        let candidates: Vec<Cow<'static, [Slot]>> = callable.iter().map(|(slots, _)| Cow::Borrowed(*slots)).collect();
        let (slots, result) = match choose(&candidates, &types) {
            Choice::One(chosen) => callable[chosen],
            Choice::None => return Err(errors::no_function(name, &types)),
            Choice::Many => return Err(errors::ambiguous_function(name, &types)),
        };
        let args = self.arguments(args, slots)?;
        // What is passed on keeps its precision and length.
        let ty = match result.ty() {
            Some(ty) => ty,
            None => args.first().map(Expr::ty).ok_or_else(|| errors::no_function(name, &types))?,
        };
        let widened = args.into_iter().zip(slots).map(|(arg, slot)| match slot {
            // The implementations count in bigints.
            Slot::Int4 => self.coerce(arg, Type::BIGINT, CastContext::Implicit),
            _ => Ok(arg),
        });
        let args = widened.collect::<Result<Vec<_>, SqlError>>()?;
        check_count(name, &args)?;
        Ok((Arc::clone(function), args, ty, result.ty().is_none()))
    }
}

/// The argument that counts rows is the same for all rows, and counts from 1 where Postgres does.
fn check_count(name: &str, args: &[Expr]) -> Result<(), SqlError> {
    let (count, from_one) = match name {
        "ntile" => (args.first(), Some(SqlState::InvalidArgumentForNtile)),
        "nth_value" => (args.get(1), Some(SqlState::InvalidArgumentForNthValue)),
        "lag" | "lead" => (args.get(1), None),
        _ => return Ok(()),
    };
    let Some(count) = count else { return Ok(()) };
    if !count.columns().is_empty() {
        return Err(SqlError::unsupported(
            format!("an argument of {name}() that counts rows differently from row to row is not supported"),
            "Write a constant or a parameter.",
        ));
    }
    match (count, from_one) {
        (Expr::Constant { value: ScalarValue::Int64(Some(..=0)), .. }, Some(state)) => {
            Err(SqlError::new(state, format!("argument of {name} must be greater than zero")))
        }
        _ => Ok(()),
    }
}
