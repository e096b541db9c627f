//! Errors in Postgres' words.

use crate::algebra::Type;
use crate::{SqlError, SqlState};

/// The types of a call's arguments, as error messages list them.
fn listed(types: &[Type]) -> String {
    types.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// 42846
pub(super) fn cannot_cast(from: Type, to: Type) -> SqlError {
    use crate::algebra::Category::{DateTime, Numeric};
    let error = SqlError::new(SqlState::CannotCoerce, format!("cannot cast type {from} to {to}"));
    match (from.category(), to.category()) {
        (DateTime, Numeric) => error.with_hint("Use extract(epoch FROM value) for the seconds since 1970."),
        (Numeric, DateTime) => error.with_hint("Use to_timestamp(seconds) for seconds since 1970."),
        _ => error,
    }
}

/// 42883 of an operator between two values.
pub(super) fn no_operator(op: &str, left: Type, right: Type) -> SqlError {
    SqlError::new(SqlState::UndefinedFunction, format!("operator does not exist: {left} {op} {right}"))
        .with_hint("No operator matches the given name and argument types. You might need to add explicit type casts.")
}

/// 42883 of an operator before a value.
pub(super) fn no_prefix_operator(op: &str, operand: Type) -> SqlError {
    SqlError::new(SqlState::UndefinedFunction, format!("operator does not exist: {op} {operand}"))
        .with_hint("No operator matches the given name and argument type. You might need to add an explicit type cast.")
}

/// 42725 of an operator.
pub(super) fn ambiguous_operator(call: &str) -> SqlError {
    SqlError::new(SqlState::AmbiguousFunction, format!("operator is not unique: {call}"))
        .with_hint("Could not choose a best candidate operator. You might need to add explicit type casts.")
}

/// 42883 of a function.
pub(super) fn no_function(name: &str, types: &[Type]) -> SqlError {
    SqlError::new(SqlState::UndefinedFunction, format!("function {name}({}) does not exist", listed(types)))
        .with_hint("No function matches the given name and argument types. You might need to add explicit type casts.")
}

/// 42725 of a function.
pub(super) fn ambiguous_function(name: &str, types: &[Type]) -> SqlError {
    SqlError::new(SqlState::AmbiguousFunction, format!("function {name}({}) is not unique", listed(types)))
        .with_hint("Could not choose a best candidate function. You might need to add explicit type casts.")
}

/// 42804 of a literal where the type of an array or element has to be known.
pub(super) fn undetermined() -> SqlError {
    let message = "could not determine polymorphic type because input has type unknown";
    SqlError::new(SqlState::DatatypeMismatch, message).with_hint("Cast the literal: '{1,2}'::integer[].")
}

/// 0A000 of what Postgres has and nothing here computes.
pub(super) fn not_computed(what: &str, types: &[Type]) -> SqlError {
    let message = format!("{what} is not supported for {}", listed(types));
    SqlError::unsupported(message, "docs/sql.md lists what there is; a cast of the arguments may help.")
}
