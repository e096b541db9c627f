//! DataFusion's errors in Postgres' words, with SQLSTATE, position, suggestion.
//!
//! DataFusion tells kinds of errors apart by message more often than by type, so messages are matched; the tests of the
//! binder fail when an upgrade changes one.

mod plan;
mod run;

use crate::{SqlError, SqlState, suggest};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError, Span};
use std::error::Error;

/// The error a client sees for an error of DataFusion or Arrow, while planning and while running.
#[must_use]
pub fn map_datafusion_error(error: &DataFusionError) -> SqlError {
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => positioned(map_datafusion_error(inner), diagnostic.span),
        DataFusionError::Context(_, inner) => map_datafusion_error(inner),
        DataFusionError::Shared(inner) => map_datafusion_error(inner),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => map_datafusion_error(first),
            None => SqlError::internal("an error without a message"),
        },
        DataFusionError::External(inner) => external(inner.as_ref()),
        DataFusionError::ArrowError(inner, _) => arrow(inner),
        DataFusionError::SchemaError(inner, _) => schema(inner),
        DataFusionError::Plan(message) => plan::plan(message),
        DataFusionError::SQL(inner, _) => {
            SqlError::new(SqlState::SyntaxError, inner.to_string().trim_start_matches("sql parser error: ").to_owned())
        }
        DataFusionError::NotImplemented(message) => SqlError::new(SqlState::FeatureNotSupported, first_line(message))
            .with_hint("docs/sql.md lists what queries can contain."),
        DataFusionError::Execution(message) => run::execution(message),
        DataFusionError::ResourcesExhausted(message) => SqlError::new(SqlState::OutOfMemory, first_line(message))
            .with_hint("Read less at once: add a WHERE or LIMIT, or make a materialized view of the aggregation."),
        DataFusionError::IoError(inner) => SqlError::new(SqlState::IoError, inner.to_string()),
        DataFusionError::Internal(message) => plan::internal(message),
        other => SqlError::internal(first_line(&other.strip_backtrace())),
    }
}

/// An error that passed through DataFusion: one of ours, or one wrapped again.
fn external(error: &(dyn Error + Send + Sync + 'static)) -> SqlError {
    if let Some(ours) = error.downcast_ref::<SqlError>() {
        return ours.clone();
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return map_datafusion_error(inner);
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return arrow(inner);
    }
    let message = error.to_string();
    run::regular_expression(&message).unwrap_or_else(|| SqlError::internal(message))
}

fn arrow(error: &ArrowError) -> SqlError {
    match error {
        ArrowError::ExternalError(inner) => external(inner.as_ref()),
        other => run::arrow(other),
    }
}

/// Positions of the parser are columns of line 1 (see `statement::source`).
fn positioned(mut error: SqlError, span: Option<Span>) -> SqlError {
    if let (None, Some(span)) = (error.position, span)
        && span.start.line == 1
    {
        error.position = usize::try_from(span.start.column).ok();
    }
    error
}

fn schema(error: &SchemaError) -> SqlError {
    match error {
        SchemaError::FieldNotFound { field, valid_fields } => field_not_found(field, valid_fields),
        SchemaError::AmbiguousReference { field } => {
            SqlError::new(SqlState::AmbiguousColumn, format!("column reference \"{}\" is ambiguous", field.name))
                .with_hint("Write the table before it: table.column.")
        }
        SchemaError::DuplicateQualifiedField { name, .. } | SchemaError::DuplicateUnqualifiedField { name } => {
            SqlError::new(SqlState::DuplicateColumn, format!("column \"{name}\" specified more than once"))
                .with_hint("Give one of them another name with AS.")
        }
    }
}

fn field_not_found(field: &Column, valid: &[Column]) -> SqlError {
    let Some(relation) = &field.relation else {
        let error = SqlError::new(SqlState::UndefinedColumn, format!("column \"{}\" does not exist", field.name));
        return did_you_mean(error, &field.name, valid.iter().map(|c| c.name.as_str()));
    };
    let table = relation.table();
    let same: Vec<&str> = valid
        .iter()
        .filter(|c| c.relation.as_ref().is_some_and(|r| r.table() == table))
        .map(|c| c.name.as_str())
        .collect();
    if same.is_empty() && !valid.is_empty() {
        let error = SqlError::new(SqlState::UndefinedTable, format!("missing FROM-clause entry for table \"{table}\""));
        return did_you_mean(error, table, valid.iter().filter_map(|c| c.relation.as_ref()).map(|r| r.table()));
    }
    let error = SqlError::new(SqlState::UndefinedColumn, format!("column {table}.{} does not exist", field.name));
    did_you_mean(error, &field.name, same)
}

fn did_you_mean<'a>(error: SqlError, name: &str, candidates: impl IntoIterator<Item = &'a str>) -> SqlError {
    match suggest(name, candidates) {
        Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
        None => error,
    }
}

/// The first line of a message, without what DataFusion adds for its own developers.
fn first_line(message: &str) -> String {
    message.lines().map(str::trim).find(|l| !l.is_empty()).unwrap_or("unknown error").trim_end_matches('.').to_owned()
}

/// The text between two marks.
fn between<'a>(text: &'a str, before: &str, after: &str) -> Option<&'a str> {
    let (_, rest) = text.split_once(before)?;
    rest.split_once(after).map(|(found, _)| found)
}
