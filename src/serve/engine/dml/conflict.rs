//! ON CONFLICT: what it says, bound.

use super::coerce;
use super::target::Target;
use crate::serve::engine::errors;
use crate::serve::engine::row_program::RowProgram;
use attune_sql::binder::Binder;
use attune_sql::statement::fold;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use datafusion::common::{DFSchema, TableReference};
use datafusion::logical_expr::ExprSchemable;
use datafusion::sql::sqlparser::ast::{
    Assignment, AssignmentTarget, ConflictTarget, DoUpdate, Expr, OnConflictAction, OnInsert, Spanned,
};
use std::collections::BTreeSet;

/// What happens to a proposed row whose key exists.
pub(super) enum Conflict {
    /// An error.
    Refuse,
    /// Nothing.
    Skip,
    /// The existing row is changed.
    Update(ConflictUpdate),
}

/// DO UPDATE SET ... WHERE ....
pub(super) struct ConflictUpdate {
    /// Assigned columns; the program's first expressions.
    pub(super) columns: Vec<usize>,
    /// New values, and last the condition if there is one; over the existing row's columns, then `excluded`'s.
    pub(super) program: RowProgram,
    pub(super) has_condition: bool,
}

/// Binds ON CONFLICT. `alias` is what the target is called in the statement.
pub(super) fn bind(
    binder: &Binder<'_>,
    target: &Target,
    alias: &str,
    on: Option<&OnInsert>,
    declared: &[Option<SqlType>],
) -> Result<Conflict, SqlError> {
    let on = match on {
        None => return Ok(Conflict::Refuse),
        Some(OnInsert::OnConflict(on)) => on,
        Some(_) => {
            let what = "ON DUPLICATE KEY UPDATE is not supported";
            return Err(SqlError::unsupported(what, "Write ON CONFLICT (key) DO UPDATE SET ...."));
        }
    };
    if target.relation.is_stream() {
        return Err(SqlError::new(
            SqlState::WrongObjectType,
            format!("stream \"{}\" has no key to conflict", target.relation.name),
        )
        .with_hint("Use a table with a primary key, or leave ON CONFLICT out."));
    }
    check_target(target, on.conflict_target.as_ref())?;
    match &on.action {
        OnConflictAction::DoNothing => Ok(Conflict::Skip),
        OnConflictAction::DoUpdate(_) if on.conflict_target.is_none() => {
            let message = "ON CONFLICT DO UPDATE requires inference specification or constraint name";
            Err(SqlError::new(SqlState::SyntaxError, message).with_hint("For example, ON CONFLICT (column_name)."))
        }
        OnConflictAction::DoUpdate(update) => {
            bind_update(binder, target, alias, update, declared).map(Conflict::Update)
        }
    }
}

fn check_target(target: &Target, conflict: Option<&ConflictTarget>) -> Result<(), SqlError> {
    let named: BTreeSet<usize> = match conflict {
        None => return Ok(()),
        Some(ConflictTarget::Columns(columns)) => {
            columns.iter().map(|c| target.column(&fold(c)).map_err(|e| e.or_at(c.span))).collect::<Result<_, _>>()?
        }
        Some(ConflictTarget::OnConstraint(name)) => {
            let name = name.to_string();
            if target.has_primary_key() && name.trim_matches('"') == format!("{}_pkey", target.relation.name) {
                return Ok(());
            }
            let message = format!("constraint \"{name}\" for table \"{}\" does not exist", target.relation.name);
            return Err(SqlError::new(SqlState::UndefinedObject, message));
        }
    };
    let key: BTreeSet<usize> = target.relation.key.iter().map(|k| k.column).collect();
    if target.has_primary_key() && named == key {
        return Ok(());
    }
    let message = "there is no unique or exclusion constraint matching the ON CONFLICT specification";
    Err(SqlError::new(SqlState::InvalidColumnReference, message)
        .with_hint("Only the primary key is unique: name exactly its columns."))
}

fn bind_update(
    binder: &Binder<'_>,
    target: &Target,
    alias: &str,
    update: &DoUpdate,
    declared: &[Option<SqlType>],
) -> Result<ConflictUpdate, SqlError> {
    let schema = visible(target, alias)?.join(&visible(target, "excluded")?).map_err(errors::datafusion)?;
    let mut columns = Vec::new();
    let mut exprs = Vec::new();
    for assignment in &update.assignments {
        let (column, value) = assigned(target, assignment)?;
        if columns.contains(&column) {
            return Err(assigned_twice(target, column).or_at(assignment.span()));
        }
        columns.push(column);
        exprs.push(value_expression(binder, target, column, value, &schema, declared)?);
    }
    if let Some(condition) = &update.selection {
        exprs.push(binder.expression(condition, &schema, declared, Some(SqlType::Boolean))?);
    }
    let program = RowProgram::new(schema, exprs)?;
    Ok(ConflictUpdate { columns, program, has_condition: update.selection.is_some() })
}

/// The columns a user sees, under a name.
pub(super) fn visible(target: &Target, alias: &str) -> Result<DFSchema, SqlError> {
    let visible: Vec<usize> = (0..target.visible()).collect();
    let schema = target.schema.project(&visible).map_err(errors::arrow)?;
    DFSchema::try_from_qualified_schema(TableReference::bare(alias), &schema).map_err(errors::datafusion)
}

/// The column and value of `column = value`.
pub(super) fn assigned<'a>(target: &Target, assignment: &'a Assignment) -> Result<(usize, &'a Expr), SqlError> {
    match &assignment.target {
        AssignmentTarget::ColumnName(name) => match name.0.as_slice() {
            [part] => match part.as_ident() {
                Some(ident) => {
                    let column = target.column(&fold(ident)).map_err(|error| error.or_at(ident.span))?;
                    Ok((column, &assignment.value))
                }
                None => Err(SqlError::new(SqlState::SyntaxError, format!("cannot assign to {name}"))),
            },
            _ => {
                let message = format!("cannot assign to {name}");
                Err(SqlError::new(SqlState::SyntaxError, message)
                    .with_hint("Name the column alone, without its table."))
            }
        },
        AssignmentTarget::Tuple(_) => {
            Err(SqlError::unsupported("SET (a, b) = (...) is not supported", "Write SET a = ..., b = ...."))
        }
    }
}

/// 42601 as Postgres words it.
pub(super) fn assigned_twice(target: &Target, column: usize) -> SqlError {
    let name = &target.relation.columns[column].name;
    SqlError::new(SqlState::SyntaxError, format!("multiple assignments to same column \"{name}\""))
}

/// A value for a column: literals and parameters take the column's type, DEFAULT its default.
pub(super) fn value_expression(
    binder: &Binder<'_>,
    target: &Target,
    column: usize,
    value: &Expr,
    schema: &DFSchema,
    declared: &[Option<SqlType>],
) -> Result<datafusion::logical_expr::Expr, SqlError> {
    let definition = &target.relation.columns[column];
    if let Some(literal) = super::literal::parse_at(value, definition)? {
        return Ok(datafusion::logical_expr::Expr::Literal(literal, None));
    }
    if is_default(value) {
        return match &definition.default {
            None => Ok(datafusion::logical_expr::Expr::Literal(datafusion::scalar::ScalarValue::Null, None)),
            Some(text) => {
                let default = attune_sql::statement::parse_expression(text)?;
                let bound = value_expression(binder, target, column, &default, schema, declared);
                // A position in the text of the default is none in that of the statement.
                bound.map_err(|error| SqlError { position: None, ..error })
            }
        };
    }
    let parameter =
        matches!(value, Expr::Value(v) if matches!(v.value, datafusion::sql::sqlparser::ast::Value::Placeholder(_)));
    let at = value.span();
    let bound = binder.expression(value, schema, declared, parameter.then_some(definition.sql_type));
    let bound = bound.map_err(|error| error.or_at(at))?;
    let data_type = bound.get_type(schema).map_err(errors::datafusion)?;
    if let Some(from) = SqlType::from_arrow(&data_type).filter(|_| !data_type.is_null()) {
        coerce::check(from, definition).map_err(|error| error.or_at(at))?;
    }
    Ok(bound)
}

/// Whether a value is the word DEFAULT.
pub(super) fn is_default(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}
