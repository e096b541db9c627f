//! The table of functions.

use super::super::Resolver;
use super::super::slot::Slot;
use super::{math, text, time, vectors};
use crate::SqlError;
use crate::algebra::Expr;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// A function that is made of others.
pub(super) type Form = fn(&Resolver<'_>, Vec<Expr>) -> Result<Expr, SqlError>;

/// How a function is computed.
#[derive(Clone, Copy)]
pub(super) enum By {
    /// By the function of its name in the registry.
    Name,
    /// By another one of the registry, or by its own if there is no such.
    Function(&'static str),
    /// As an expression.
    Form(Form),
}

/// A function as Postgres declares it.
#[derive(Clone, Copy)]
pub(super) struct Function {
    pub(super) name: &'static str,
    pub(super) args: &'static [Slot],
    /// The last argument may be repeated.
    pub(super) variadic: bool,
    pub(super) result: Slot,
    pub(super) by: By,
}

/// A function of its name in the registry.
pub(super) const fn f(name: &'static str, args: &'static [Slot], result: Slot) -> Function {
    Function { name, args, variadic: false, result, by: By::Name }
}

impl Function {
    /// Computed by another function.
    pub(super) const fn by(self, function: &'static str) -> Function {
        Function { by: By::Function(function), ..self }
    }

    /// Computed by an expression.
    pub(super) const fn form(self, form: Form) -> Function {
        Function { by: By::Form(form), ..self }
    }

    /// With any number of its last argument.
    pub(super) const fn variadic(self) -> Function {
        Function { variadic: true, ..self }
    }
}

static BY_NAME: LazyLock<BTreeMap<&'static str, Vec<&'static Function>>> = LazyLock::new(|| {
    let mut by_name: BTreeMap<&'static str, Vec<&'static Function>> = BTreeMap::new();
    for function in [math::FUNCTIONS, text::FUNCTIONS, time::FUNCTIONS, vectors::FUNCTIONS].into_iter().flatten() {
        by_name.entry(function.name).or_default().push(function);
    }
    by_name
});

/// The functions of a name.
pub(super) fn named(name: &str) -> &'static [&'static Function] {
    BY_NAME.get(name).map(Vec::as_slice).unwrap_or_default()
}
