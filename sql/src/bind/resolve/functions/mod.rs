//! Scalar functions: those of Postgres that are here, by the types it declares (`pg_proc` of PostgreSQL 15), and all
//! others of the registry by what they take.

mod forms;
mod math;
mod table;
mod text;
mod time;
mod vectors;

use super::call::Declared;
use super::candidates::{Choice, choose};
use super::names::type_of_function;
use super::slot::{Slot, Stands};
use super::{Resolver, errors};
use crate::algebra::{Expr, Type};
use crate::{SqlError, SqlState, suggest};
use std::borrow::Cow;
use table::{By, Function, named};

impl Resolver<'_> {
    /// A function by its name, in lower case and without schema.
    pub(crate) fn function(&self, name: &str, args: Vec<Expr>) -> Result<Expr, SqlError> {
        if let Some(form) = forms::special(name) {
            return form(self, args);
        }
        let types = self.types_of(&args);
        let overloads = named(name);
        if overloads.is_empty() {
            return self.other_function(name, args, &types);
        }
        let callable: Vec<(&Function, Cow<'static, [Slot]>)> =
            overloads.iter().filter_map(|function| Some((*function, places(function, args.len())?))).collect();
        let candidates: Vec<Cow<'static, [Slot]>> = callable.iter().map(|(_, slots)| slots.clone()).collect();
        match choose(&candidates, &types) {
            Choice::One(chosen) => {
                let (function, slots) = &callable[chosen];
                self.overload(function, slots, args, &types)
            }
            Choice::None => match self.type_function(name, args)? {
                Some(cast) => Ok(cast),
                None => {
                    let (name, types) = shown(name, types);
                    Err(errors::no_function(name, &types))
                }
            },
            Choice::Many => {
                let (name, types) = shown(name, types);
                Err(errors::ambiguous_function(name, &types))
            }
        }
    }

    /// A call of an overload that was chosen.
    fn overload(&self, function: &Function, slots: &[Slot], args: Vec<Expr>, types: &[Type]) -> Result<Expr, SqlError> {
        let args = self.arguments(args, slots)?;
        let implementation = match function.by {
            By::Form(form) => return form(self, args),
            By::Function(other) => self.functions.scalar(other).or_else(|| self.functions.scalar(function.name)),
            By::Name => self.functions.scalar(function.name),
        };
        let Some(implementation) = implementation else {
            return Err(errors::not_computed(&format!("function {}", function.name), types));
        };
        let declared = match function.result {
            result if result.ty().is_some() => Declared::Slot(result),
            pseudo => {
                let stands = Stands::of(slots, &self.types_of(&args)).unwrap_or_default();
                Declared::Type(stands.ty(pseudo).ok_or_else(errors::undetermined)?)
            }
        };
        self.call(implementation, function.name, args, declared)
    }

    /// `text(x)`, `int8(x)`: a cast that is written as a call.
    fn type_function(&self, name: &str, args: Vec<Expr>) -> Result<Option<Expr>, SqlError> {
        match (type_of_function(name), <[Expr; 1]>::try_from(args)) {
            (Some(ty), Ok([arg])) => self.written_cast(arg, ty).map(Some),
            _ => Ok(None),
        }
    }

    /// A function that Postgres does not have, or that needs the server: what it takes decides.
    fn other_function(&self, name: &str, args: Vec<Expr>, types: &[Type]) -> Result<Expr, SqlError> {
        if let Some(function) = self.functions.scalar(name) {
            let args = args.into_iter().map(|arg| self.settle(arg)).collect::<Result<Vec<_>, _>>()?;
            return self.call(function, name, args, Declared::Found);
        }
        if let Some(cast) = self.type_function(name, args)? {
            return Ok(cast);
        }
        let error = SqlError::new(SqlState::UndefinedFunction, errors::no_function(name, types).message);
        let names = self.functions.scalar_names().chain(self.functions.aggregate_names());
        Err(match suggest(name, names) {
            Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
            None => error.with_hint(
                "No function matches the given name and argument types. You might need to add explicit type casts.",
            ),
        })
    }
}

/// A call as errors show it: EXTRACT is a function of `pg_catalog`, whose first argument was no literal.
fn shown(name: &str, mut types: Vec<Type>) -> (&str, Vec<Type>) {
    if name != "extract" {
        return (name, types);
    }
    if let Some(unit) = types.first_mut() {
        *unit = Type::Unknown;
    }
    ("pg_catalog.extract", types)
}

/// The places of a function for a number of arguments; `None` if it does not take so many.
fn places(function: &Function, count: usize) -> Option<Cow<'static, [Slot]>> {
    match (function.variadic, function.args) {
        (false, args) => (args.len() == count).then_some(Cow::Borrowed(args)),
        (true, args) => {
            let last = args.last()?;
            (count >= args.len()).then(|| {
                let more = std::iter::repeat_n(*last, count - args.len());
                Cow::Owned(args.iter().copied().chain(more).collect())
            })
        }
    }
}
