//! ON CONFLICT: what it says, bound.

use super::assemble;
use super::prepare_insert::Parameters;
use super::target::Target;
use crate::serve::engine::errors;
use crate::serve::engine::row_program::RowProgram;
use attune_planner::RowExpression;
use attune_sql::bind::{Assigned, Place};
use attune_sql::binder::Binder;
use attune_sql::catalog::Column;
use attune_sql::statement::{fold, parse_expression};
use attune_sql::{SqlError, SqlState};
use datafusion::common::{DFSchema, TableReference};
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
    /// Assigned columns.
    pub(super) columns: Vec<usize>,
    /// Their new values, over the existing row's columns, then `excluded`'s.
    pub(super) program: RowProgram,
    /// Which rows are changed, over the same columns.
    pub(super) condition: Option<RowProgram>,
}

/// Binds ON CONFLICT. `alias` is what the target is called in the statement.
pub(super) fn bind(
    binder: &Binder<'_>,
    target: &Target,
    alias: &str,
    on: Option<&OnInsert>,
    parameters: &mut Parameters,
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
            bind_update(binder, target, alias, update, parameters).map(Conflict::Update)
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
    parameters: &mut Parameters,
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
        let definition = &target.relation.columns[column];
        let place = Place::Set(assigned_to(definition));
        exprs.push(value_expression(binder, definition, value, &schema, place, parameters)?);
    }
    let condition = match &update.selection {
        None => None,
        Some(condition) => {
            let bound = RowExpression::bind(binder, condition, &schema, &parameters.declared(), Place::Where)?;
            parameters.note_types(bound.parameters());
            Some(RowProgram::new(schema.clone(), vec![bound]))
        }
    };
    Ok(ConflictUpdate { columns, program: RowProgram::new(schema, exprs), condition })
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

/// A column as what a value is assigned to.
pub(super) fn assigned_to(column: &Column) -> Assigned<'_> {
    Assigned { column: &column.name, sql_type: column.sql_type }
}

/// A value for a column: literals and parameters take the column's type, DEFAULT its default. What it tells of parameters is noted.
pub(super) fn value_expression(
    binder: &Binder<'_>,
    column: &Column,
    value: &Expr,
    schema: &DFSchema,
    place: Place<'_>,
    parameters: &mut Parameters,
) -> Result<RowExpression, SqlError> {
    if let Some(literal) = super::literal::parse_at(value, column)? {
        return Ok(RowExpression::constant(literal, column.sql_type));
    }
    if is_default(value) {
        return assemble::default(binder, column);
    }
    let bound = RowExpression::bind(binder, value, schema, &parameters.declared(), place);
    let bound = bound.map_err(|error| error.or_at(value.span()))?;
    parameters.note_types(bound.parameters());
    Ok(bound)
}

/// Whether a value is the word DEFAULT.
pub(super) fn is_default(value: &Expr) -> bool {
    matches!(value, Expr::Identifier(ident) if ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("default"))
}

/// What DEFAULT stands for where a value is part of a query.
pub(super) fn default_syntax(column: &Column) -> Result<Expr, SqlError> {
    parse_expression(column.default.as_deref().unwrap_or("NULL"))
}
