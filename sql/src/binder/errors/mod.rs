//! DataFusion's errors in Postgres' words, with SQLSTATE, position, suggestion.
//!
//! DataFusion tells kinds of errors apart by message more often than by type, so messages are matched; the tests of the
//! binder fail when an upgrade changes one.

mod engine;
mod plan;
mod run;

use crate::{SqlError, SqlState, suggest};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{Column, DataFusionError, SchemaError, Span};
use std::error::Error;

/// The error a client sees for an error of DataFusion or Arrow, while planning and while running.
#[must_use]
pub fn map_datafusion_error(error: &DataFusionError) -> SqlError {
    mapped(error, Phase::Planning)
}

/// The same of a plan that is run: whatever is wrong with the plan itself is then a fault of ours, and not of the statement.
#[must_use]
pub fn map_run_error(error: &DataFusionError) -> SqlError {
    mapped(error, Phase::Running)
}

/// What DataFusion was asked for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// To understand a statement.
    Planning,
    /// To compute rows.
    Running,
}

fn mapped(error: &DataFusionError, phase: Phase) -> SqlError {
    if let Some(error) = own_text(error).and_then(run::regular_expression) {
        return error;
    }
    match error {
        DataFusionError::Diagnostic(diagnostic, inner) => positioned(mapped(inner, phase), diagnostic.span),
        DataFusionError::Context(_, inner) => mapped(inner, phase),
        DataFusionError::Shared(inner) => mapped(inner, phase),
        DataFusionError::Collection(errors) => match errors.first() {
            Some(first) => mapped(first, phase),
            None => fault("an error without a message"),
        },
        DataFusionError::External(inner) => external(inner.as_ref(), phase),
        DataFusionError::ArrowError(inner, _) => arrow(inner, phase),
        other => engine::without_its_words(leaf(other, phase)),
    }
}

/// An error that wraps no other.
fn leaf(error: &DataFusionError, phase: Phase) -> SqlError {
    match error {
        DataFusionError::SchemaError(inner, _) => schema(inner),
        DataFusionError::Plan(message) if phase == Phase::Running => plan::run(message),
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
        DataFusionError::Internal(message) if phase == Phase::Planning => plan::internal(message),
        DataFusionError::Internal(message) => fault(message),
        other => fault(&other.strip_backtrace()),
    }
}

/// The text of an error that wraps no other.
fn own_text(error: &DataFusionError) -> Option<&str> {
    match error {
        DataFusionError::Plan(text)
        | DataFusionError::NotImplemented(text)
        | DataFusionError::Execution(text)
        | DataFusionError::Internal(text) => Some(text),
        _ => None,
    }
}

/// A fault. What the engine says of it is for the log: a client can do nothing with it.
fn fault(text: &str) -> SqlError {
    tracing::error!(error = first_line(text), "a query has failed by a fault");
    SqlError::internal("internal error").with_hint(
        "This is a fault in Attune. Please report it with the statement; the server's log has more about it.",
    )
}

/// An error that passed through DataFusion: one of ours, or one wrapped again.
fn external(error: &(dyn Error + Send + Sync + 'static), phase: Phase) -> SqlError {
    if let Some(ours) = error.downcast_ref::<SqlError>() {
        return ours.clone();
    }
    if let Some(inner) = error.downcast_ref::<DataFusionError>() {
        return mapped(inner, phase);
    }
    if let Some(inner) = error.downcast_ref::<ArrowError>() {
        return arrow(inner, phase);
    }
    let message = error.to_string();
    run::regular_expression(&message).unwrap_or_else(|| fault(&message))
}

fn arrow(error: &ArrowError, phase: Phase) -> SqlError {
    match error {
        ArrowError::ExternalError(inner) => external(inner.as_ref(), phase),
        other => engine::without_its_words(run::arrow(other)),
    }
}

/// Positions of the parser are columns of line 1 (see `statement::source`).
fn positioned(error: SqlError, span: Option<Span>) -> SqlError {
    match span {
        Some(span) if error.position.is_none() && span.start.line == 1 => {
            SqlError { position: u32::try_from(span.start.column).ok(), ..error }
        }
        _ => error,
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    /// What compiling `text` as a regular expression says, as Arrow words it.
    fn not_compiled(debug: &str) -> String {
        format!("Regular expression did not compile: {debug}")
    }

    const UNCLOSED: &str = "Syntax(\n~~~\nregex parse error:\n    (\n    ^\nerror: unclosed group\n~~~\n)";

    fn both(error: &DataFusionError) -> [SqlError; 2] {
        [map_datafusion_error(error), map_run_error(error)]
    }

    #[test]
    fn regular_expressions_are_known_in_every_wrapping() {
        let text = not_compiled(UNCLOSED);
        let arrow = || ArrowError::ComputeError(text.clone());
        let inside = format!("failed to call 'regex_match_dyn_scalar' {}", arrow());
        for error in [
            DataFusionError::Internal(inside.clone()),
            DataFusionError::Execution(inside.clone()),
            DataFusionError::Plan(inside.clone()),
            DataFusionError::NotImplemented(inside),
            DataFusionError::from(arrow()),
            DataFusionError::from(ArrowError::ParseError(text.clone())),
            DataFusionError::from(ArrowError::CastError(text.clone())),
            DataFusionError::from(ArrowError::CDataInterface(text.clone())),
            DataFusionError::from(ArrowError::ExternalError(Box::new(arrow()))),
            DataFusionError::External(Box::new(DataFusionError::from(arrow()))),
            DataFusionError::External(text.clone().into()),
            DataFusionError::Internal(text.clone()).context("while testing"),
        ] {
            for mapped in both(&error) {
                assert_eq!(mapped.state, SqlState::InvalidRegularExpression, "{error:?}");
                assert_eq!(mapped.message, "invalid regular expression: unclosed group", "{error:?}");
            }
        }
        let large = DataFusionError::Execution(not_compiled("CompiledTooBig(10485760)"));
        assert_eq!(map_run_error(&large).message, "invalid regular expression: it is too large");
    }

    #[test]
    fn faults_keep_the_text_of_the_engine_to_the_log() {
        let hidden = |error: &SqlError| {
            assert_eq!((error.state, error.message.as_str()), (SqlState::InternalError, "internal error"));
            assert!(error.hint.is_some() && error.detail.is_none());
        };
        let schema = || ArrowError::SchemaError("secret".to_owned());
        for error in [
            DataFusionError::Internal("secret\nmore".to_owned()),
            DataFusionError::Configuration("secret".to_owned()),
            DataFusionError::from(schema()),
            DataFusionError::External(Box::new(schema())),
            DataFusionError::External("secret".into()),
        ] {
            both(&error).iter().for_each(hidden);
        }
        for text in ["secret", "Subquery secret", "expects 2 secrets", "No field named secret"] {
            hidden(&map_run_error(&DataFusionError::Plan(text.to_owned())));
        }
        hidden(&map_run_error(&DataFusionError::Internal("Subquery: not supported".to_owned())));
    }

    #[test]
    fn functions_tell_of_their_arguments_while_they_run() {
        let message = |text: &str| {
            let error = map_run_error(&DataFusionError::Plan(text.to_owned()));
            format!("{} {}", error.state.code(), error.message)
        };
        let encoding = "There is no built-in encoding named 'base32', currently supported encodings are: base64, hex";
        assert_eq!(message(encoding), "22023 unrecognized encoding: \"base32\"");
        let global = "regexp_like() does not support the \"global\" option";
        assert_eq!(message(global), format!("22023 {global}"));
    }
}
