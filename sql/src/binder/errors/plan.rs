//! Errors of planning, told apart by DataFusion's messages.

use super::{between, did_you_mean, fault, first_line};
use crate::functions::Registry;
use crate::{SqlError, SqlState};

/// Parts of messages and what they mean, first match wins.
const KINDS: &[(&str, SqlState)] = &[
    ("Failed to coerce arguments", SqlState::UndefinedFunction),
    ("No function matches the given name and argument types", SqlState::UndefinedFunction),
    ("does not support zero arguments", SqlState::UndefinedFunction),
    ("expects ", SqlState::UndefinedFunction),
    ("Cannot coerce arithmetic expression", SqlState::UndefinedFunction),
    ("Cannot infer common argument type", SqlState::UndefinedFunction),
    ("Cannot get result type", SqlState::UndefinedFunction),
    ("Cannot automatically convert", SqlState::DatatypeMismatch),
    ("common type to coerce", SqlState::DatatypeMismatch),
    ("must be boolean type", SqlState::DatatypeMismatch),
    ("requires a boolean expression", SqlState::DatatypeMismatch),
    ("Failed to coerce", SqlState::DatatypeMismatch),
    ("Can not find compatible types", SqlState::DatatypeMismatch),
    ("can't cast to", SqlState::DatatypeMismatch),
    ("Unsupported CAST", SqlState::CannotCoerce),
    ("Cannot cast", SqlState::CannotCoerce),
    ("only supports signed numeric", SqlState::UndefinedFunction),
    ("only supports numeric", SqlState::UndefinedFunction),
    ("Order by index starts at 1", SqlState::InvalidColumnReference),
    ("columns but only", SqlState::InvalidColumnReference),
    ("expressions must appear in select list", SqlState::InvalidColumnReference),
    ("SELECT DISTINCT", SqlState::InvalidColumnReference),
    ("placeholder", SqlState::UndefinedParameter),
    ("unsupported", SqlState::FeatureNotSupported),
    ("Unsupported", SqlState::FeatureNotSupported),
    ("not supported", SqlState::FeatureNotSupported),
];

/// An error of the planner or of type coercion.
pub(super) fn plan(message: &str) -> SqlError {
    if let Some(name) = between(message, "Invalid function '", "'") {
        return undefined_function(name, between(message, "Did you mean '", "'"));
    }
    if let Some(name) = between(message, "There is no window function named ", "\n")
        .or(message.strip_prefix("There is no window function named "))
    {
        return undefined_function(name, None);
    }
    if let Some(error) = grouping(message).or_else(|| functions(message)).or_else(|| operator(message)) {
        return error;
    }
    if let Some(error) = set_operation(message).or_else(|| position(message)).or_else(|| predicate(message)) {
        return error;
    }
    if let Some(table) = message.strip_prefix("Invalid qualifier ") {
        let message = format!("missing FROM-clause entry for table \"{}\"", first_line(table));
        return SqlError::new(SqlState::UndefinedTable, message);
    }
    if message.contains("subquery should only return one column") {
        return SqlError::new(SqlState::SyntaxError, "subquery must return only one column");
    }
    if let Some((clause, data_type)) =
        message.strip_prefix("Expected ").and_then(|m| m.split_once(" to be an integer or null, but got "))
    {
        let message =
            format!("argument of {clause} must be type bigint, not type {}", sql_types(&first_line(data_type)));
        return SqlError::new(SqlState::DatatypeMismatch, message);
    }
    if let Some((clause, _)) = message.split_once(" must be >= 0") {
        return SqlError::new(SqlState::InvalidParameterValue, format!("{clause} must not be negative"));
    }
    if let Some((_, parameter)) = message.split_once("zero is not a valid index: ") {
        return SqlError::new(SqlState::UndefinedParameter, format!("there is no parameter {parameter}"));
    }
    if message.contains("Aggregate functions are not allowed in the WHERE clause") {
        return SqlError::new(SqlState::GroupingError, "aggregate functions are not allowed in WHERE")
            .with_hint("Use HAVING.");
    }
    if message.contains("Projections require unique expression names") {
        let name = between(message, "and \"", "\"").map(|n| n.rsplit(" AS ").next().unwrap_or(n).to_owned());
        let column = name.map_or_else(String::new, |n| format!(" \"{n}\""));
        return SqlError::new(SqlState::DuplicateColumn, format!("column{column} specified more than once"))
            .with_hint("Give one of them another name with AS.");
    }
    let state =
        KINDS.iter().find(|(part, _)| message.contains(part)).map_or(SqlState::SyntaxError, |(_, state)| *state);
    SqlError::new(state, first_line(message))
}

fn undefined_function(name: &str, near: Option<&str>) -> SqlError {
    let error = SqlError::new(SqlState::UndefinedFunction, format!("function {name} does not exist"));
    let registry = Registry::standard();
    let known = registry.scalar_names().chain(registry.aggregate_names()).chain(registry.window_names());
    let with_hint = did_you_mean(error, name, known.chain(near));
    if with_hint.hint.is_some() {
        with_hint
    } else {
        with_hint.with_hint("docs/sql.md lists the functions Attune has.")
    }
}

/// A column that is neither grouped nor aggregated.
fn grouping(message: &str) -> Option<SqlError> {
    if !message.contains("must appear in the GROUP BY clause") {
        return None;
    }
    let name =
        between(message, "column \"", "\" must appear").or_else(|| between(message, "references: ", " must appear"));
    let column = name.map_or_else(|| "column".to_owned(), |n| format!("column \"{n}\""));
    Some(SqlError::new(
        SqlState::GroupingError,
        format!("{column} must appear in the GROUP BY clause or be used in an aggregate function"),
    ))
}

/// A function that exists, for other argument types.
fn functions(message: &str) -> Option<SqlError> {
    let call = between(message, "No function matches the given name and argument types '", "'")?;
    let error = SqlError::new(SqlState::UndefinedFunction, format!("function {} does not exist", sql_types(call)));
    Some(
        error.with_hint(
            "No function matches the given name and argument types. You might need to add explicit type casts.",
        ),
    )
}

/// An operator between types that have none.
fn operator(message: &str) -> Option<SqlError> {
    let expression = between(message, "Cannot coerce arithmetic expression ", " to valid types")
        .or_else(|| between(message, "Cannot infer common argument type for comparison operation ", "\n"))
        .or_else(|| message.split_once("Cannot infer common argument type for comparison operation ").map(|(_, e)| e))
        .or_else(|| between(message, "Cannot infer common argument type for logical boolean operation ", "\n"))
        .or_else(|| {
            message.split_once("Cannot infer common argument type for logical boolean operation ").map(|(_, e)| e)
        })?;
    let error =
        SqlError::new(SqlState::UndefinedFunction, format!("operator does not exist: {}", sql_types(expression)));
    Some(error.with_hint("No operator matches the given argument types. You might need to add explicit type casts."))
}

/// Branches of UNION, EXCEPT, INTERSECT that do not fit.
fn set_operation(message: &str) -> Option<SqlError> {
    if message.contains("have different number of columns")
        || message.starts_with("Union schemas have different number")
    {
        let operation = message.split(' ').next().filter(|w| *w == w.to_uppercase()).unwrap_or("UNION");
        let message = format!("each {operation} query must have the same number of columns");
        return Some(SqlError::new(SqlState::SyntaxError, message));
    }
    let left = between(message, "Previous inputs were of type ", ", but got incompatible type ")?;
    let right = between(message, ", but got incompatible type ", " on column")?;
    let message = format!("UNION types {} and {} cannot be matched", sql_types(left), sql_types(right));
    Some(SqlError::new(SqlState::DatatypeMismatch, message))
}

/// ORDER BY 2, GROUP BY 2 with fewer columns.
fn position(message: &str) -> Option<SqlError> {
    let (clause, number) = match between(message, "Order by column out of bounds, specified: ", ",") {
        Some(number) => ("ORDER BY", number),
        None => ("GROUP BY", between(message, "Cannot find column with position ", " in SELECT")?),
    };
    let message = format!("{clause} position {number} is not in select list");
    Some(SqlError::new(SqlState::InvalidColumnReference, message))
}

/// WHERE and HAVING with a value that is no boolean.
fn predicate(message: &str) -> Option<SqlError> {
    let (_, data_type) =
        message.split_once("Cannot create filter with non-boolean predicate")?.1.rsplit_once(" returning ")?;
    let message = format!("argument of WHERE must be type boolean, not type {}", sql_types(&first_line(data_type)));
    Some(SqlError::new(SqlState::DatatypeMismatch, message))
}

/// Arrow's type names in a text replaced by those of SQL.
fn sql_types(text: &str) -> String {
    const NAMES: &[(&str, &str)] = &[
        ("LargeUtf8", "text"),
        ("Utf8View", "text"),
        ("Utf8", "text"),
        ("Int64", "bigint"),
        ("Int32", "integer"),
        ("Int16", "smallint"),
        ("Float64", "double precision"),
        ("Float32", "real"),
        ("Boolean", "boolean"),
        ("Binary", "bytea"),
        ("Date32", "date"),
        ("Timestamp(µs, \"+00:00\")", "timestamp with time zone"),
        ("Timestamp(µs)", "timestamp without time zone"),
        ("Interval(MonthDayNano)", "interval"),
        ("Decimal128", "numeric"),
    ];
    NAMES.iter().fold(text.to_owned(), |text, (arrow, sql)| text.replace(arrow, sql))
}

/// The same while a plan is run. Only functions still say then what is wrong with the values of their arguments.
pub(super) fn run(message: &str) -> SqlError {
    if let Some(name) = between(message, "There is no built-in encoding named '", "'") {
        return SqlError::new(SqlState::InvalidParameterValue, format!("unrecognized encoding: \"{name}\""));
    }
    if message.contains("does not support the \"global\" option") {
        return SqlError::new(SqlState::InvalidParameterValue, first_line(message));
    }
    fault(message)
}

/// DataFusion's "internal" errors: some say that a query makes no sense, the rest are faults.
pub(super) fn internal(message: &str) -> SqlError {
    let line = first_line(message);
    if line.contains("Subquery") || line.contains("subquery") || line.contains("not supported") {
        return SqlError::new(SqlState::FeatureNotSupported, line);
    }
    fault(message)
}
