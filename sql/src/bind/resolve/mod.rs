//! Which operator, function or cast a call means, by Postgres' rules (chapter 10 of its manual, "Type Conversion").
//!
//! The candidates are tables: `operators`, `functions` and `aggregates` have what Postgres 15 declares, `casts` which
//! type becomes which. `candidates` chooses; `slot` knows the pseudo types (`anyelement`). What is chosen becomes an
//! expression whose operands have been cast to what the implementation takes; nothing coerces types later.
//!
//! Quoted literals, NULL and parameters have the type `Unknown` until a use tells it: `literals` reads them then.

mod aggregates;
mod arrays;
mod call;
mod candidates;
mod casts;
mod coerce;
mod common;
mod comparisons;
mod constants;
mod errors;
mod functions;
mod lists;
mod literals;
mod names;
mod operators;
mod sets;
mod slot;
#[cfg(test)]
mod tests;
mod windows;

pub(crate) use common::room_for;
pub(crate) use literals::number;
pub(crate) use names::type_from_ast;
pub use sets::gives_rows;
pub(crate) use sets::{check_one, is_rows};

use crate::algebra::{Expr, Type};
use crate::functions::Registry;
use crate::{SqlError, SqlState};
use std::cell::RefCell;

/// Where a cast stands: what may be cast implicitly.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) enum CastContext {
    /// In an expression, without being written.
    Implicit,
    /// In a value that is stored in a column.
    Assignment,
    /// Where a cast is written.
    Explicit,
}

/// Resolves the calls of one statement.
pub(crate) struct Resolver<'a> {
    /// What can be called.
    pub(crate) functions: &'a Registry,
    /// The types of `$n`, as their uses tell.
    pub(crate) parameters: &'a RefCell<Vec<Option<Type>>>,
}

impl Resolver<'_> {
    /// A parameter, of its type if that is known already.
    pub(crate) fn parameter(&self, index: usize) -> Expr {
        let mut parameters = self.parameters.borrow_mut();
        if parameters.len() <= index {
            parameters.resize(index + 1, None);
        }
        Expr::Parameter { index, ty: parameters[index].unwrap_or(Type::Unknown) }
    }

    /// The type of an expression. A parameter may have got its type after the expression was made.
    fn type_of(&self, expr: &Expr) -> Type {
        match expr {
            Expr::Parameter { index, ty: Type::Unknown } => {
                self.parameters.borrow().get(*index).copied().flatten().unwrap_or(Type::Unknown)
            }
            other => other.ty(),
        }
    }

    fn types_of(&self, exprs: &[Expr]) -> Vec<Type> {
        exprs.iter().map(|expr| self.type_of(expr)).collect()
    }

    /// The expression as a condition of a clause.
    pub(crate) fn boolean(&self, expr: Expr, clause: &str) -> Result<Expr, SqlError> {
        match self.type_of(&expr) {
            Type::BOOLEAN => {
                check_one(&expr, clause)?;
                Ok(expr)
            }
            Type::Unknown => self.coerce(expr, Type::BOOLEAN, CastContext::Implicit),
            other => {
                let message = format!("argument of {clause} must be type boolean, not type {other}");
                Err(SqlError::new(SqlState::DatatypeMismatch, message))
            }
        }
    }

    /// The expression with a type: what nothing tells the type of is text.
    pub(crate) fn settle(&self, expr: Expr) -> Result<Expr, SqlError> {
        match self.type_of(&expr) {
            Type::Unknown => self.coerce(expr, Type::TEXT, CastContext::Implicit),
            _ => Ok(self.with_known_type(expr)),
        }
    }

    /// A parameter with the type that it got meanwhile.
    fn with_known_type(&self, expr: Expr) -> Expr {
        match expr {
            Expr::Parameter { index, ty: Type::Unknown } => self.parameter(index),
            other => other,
        }
    }
}
