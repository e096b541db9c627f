//! Column definitions and table constraints.

use super::create::expect_open;
use super::cursor::{Cursor, fold};
use crate::catalog::{Column, MAX_COLUMNS, check_name};
use crate::types::SqlType;
use crate::{SqlError, SqlState, suggest};
use datafusion::sql::sqlparser::ast::{ColumnOption, Expr, visit_expressions};
use datafusion::sql::sqlparser::tokenizer::Token;
use std::ops::ControlFlow;

/// Columns, and the primary key as indexes into them with the position where it was declared.
pub(super) struct Definition {
    pub(super) columns: Vec<Column>,
    pub(super) primary_key: Option<(Vec<usize>, usize)>,
}

/// What is known before all columns are.
#[derive(Default)]
struct Parts {
    columns: Vec<Column>,
    /// Whether the column said NULL.
    said_null: Vec<bool>,
    /// Names of the key columns, and position.
    key: Option<(Vec<String>, usize)>,
}

/// `(column type [options], ..., PRIMARY KEY (...))`.
pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Definition, SqlError> {
    expect_open(c)?;
    if c.peek_at(1).token == Token::RParen {
        let message = "a relation needs at least one column";
        return Err(SqlError::new(SqlState::InvalidTableDefinition, message).at(c.position()));
    }
    let mut parts = Parts::default();
    c.parenthesised(|c| element(c, &mut parts))?;
    finish(parts)
}

fn finish(mut parts: Parts) -> Result<Definition, SqlError> {
    if parts.columns.is_empty() {
        return Err(SqlError::new(SqlState::InvalidTableDefinition, "a relation needs at least one column"));
    }
    if parts.columns.len() > MAX_COLUMNS {
        let message = format!("relations can have at most {MAX_COLUMNS} columns");
        return Err(SqlError::new(SqlState::ProgramLimitExceeded, message));
    }
    let Some((names, position)) = parts.key else {
        return Ok(Definition { columns: parts.columns, primary_key: None });
    };
    let mut key = Vec::new();
    for name in names {
        let Some(index) = parts.columns.iter().position(|column| column.name == name) else {
            let message = format!("column \"{name}\" named in key does not exist");
            let error = SqlError::new(SqlState::UndefinedColumn, message).at(position);
            return Err(match suggest(&name, parts.columns.iter().map(|column| column.name.as_str())) {
                Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
                None => error,
            });
        };
        if key.contains(&index) {
            let message = format!("column \"{name}\" appears twice in primary key constraint");
            return Err(SqlError::new(SqlState::DuplicateColumn, message).at(position));
        }
        if parts.said_null[index] {
            let message = format!("conflicting NULL/NOT NULL declarations for column \"{name}\"");
            return Err(SqlError::new(SqlState::SyntaxError, message).at(position));
        }
        parts.columns[index].nullable = false;
        key.push(index);
    }
    Ok(Definition { columns: parts.columns, primary_key: Some((key, position)) })
}

fn element(c: &mut Cursor<'_>, parts: &mut Parts) -> Result<(), SqlError> {
    let position = c.position();
    let refused: [(&[&str], &str); 7] = [
        (&["WATERMARK", "FOR"], "Leave it out; watermarks come later and never change a result."),
        (&["UNIQUE"], "Only the primary key is unique; make it the PRIMARY KEY."),
        (&["CHECK"], "Check values where they are written, or filter them in a view."),
        (&["FOREIGN", "KEY"], "Leave it out; join the tables in a view."),
        (&["EXCLUDE"], "Leave it out."),
        (&["LIKE"], "Write the columns out."),
        (&["INCLUDE"], "Leave it out; CREATE INDEX has INCLUDE."),
    ];
    let named = c.sees(&["CONSTRAINT"]) && !is_type_ahead(c);
    if named {
        c.takes(&["CONSTRAINT"]);
        c.ident()?;
    }
    for (words, instead) in refused {
        if c.sees(words) && (named || !matches!(c.peek_at(words.len()).token, Token::Word(_)) || words.len() > 1) {
            return Err(SqlError::unsupported(format!("{} is not supported", words.join(" ")), instead).at(position));
        }
    }
    if c.takes(&["PRIMARY", "KEY"]) {
        let names = c.ident_list()?;
        return set_key(parts, names, position);
    }
    if named {
        return Err(c.unexpected());
    }
    column(c, parts, position)
}

/// Whether `constraint` is a column of that name: `constraint text`, followed by a comma or the end.
fn is_type_ahead(c: &Cursor<'_>) -> bool {
    matches!(c.peek_at(2).token, Token::Comma | Token::RParen)
}

fn column(c: &mut Cursor<'_>, parts: &mut Parts, position: usize) -> Result<(), SqlError> {
    if !matches!(c.peek(), Token::Word(_)) {
        return Err(c.unexpected());
    }
    let def = c.sqlparser(|p| p.parse_column_def())?;
    let name = fold(&def.name);
    check_name("column", &name).map_err(|e| e.at(position))?;
    if parts.columns.iter().any(|column| column.name == name) {
        let message = format!("column \"{name}\" specified more than once");
        return Err(SqlError::new(SqlState::DuplicateColumn, message).at(position));
    }
    let sql_type = SqlType::from_ast(&def.data_type).map_err(|e| e.at(position))?;
    let mut column = Column { name, sql_type, nullable: true, hidden: false, default: None };
    let mut said_null = false;
    for option in &def.options {
        match &option.option {
            ColumnOption::Null => said_null = true,
            ColumnOption::NotNull => column.nullable = false,
            ColumnOption::Default(expr) => {
                check_default(expr).map_err(|e| e.at(position))?;
                column.default = Some(expr.to_string());
            }
            ColumnOption::PrimaryKey(_) => set_key(parts, vec![column.name.clone()], position)?,
            other => return Err(refuse_option(other, &column.name).at(position)),
        }
    }
    if said_null && !column.nullable {
        let message = format!("conflicting NULL/NOT NULL declarations for column \"{}\"", column.name);
        return Err(SqlError::new(SqlState::SyntaxError, message).at(position));
    }
    parts.columns.push(column);
    parts.said_null.push(said_null);
    Ok(())
}

fn set_key(parts: &mut Parts, names: Vec<String>, position: usize) -> Result<(), SqlError> {
    if parts.key.is_some() {
        let message = "multiple primary keys are not allowed";
        return Err(SqlError::new(SqlState::InvalidTableDefinition, message)
            .with_hint("For a key of several columns write PRIMARY KEY (a, b) once.")
            .at(position));
    }
    parts.key = Some((names, position));
    Ok(())
}

fn refuse_option(option: &ColumnOption, column: &str) -> SqlError {
    let (what, instead) = match option {
        ColumnOption::Unique(_) => ("UNIQUE", "Only the primary key is unique; make it the PRIMARY KEY."),
        ColumnOption::ForeignKey(_) => ("REFERENCES", "Leave it out; join the tables in a view."),
        ColumnOption::Check(_) => ("CHECK", "Check values where they are written, or filter them in a view."),
        ColumnOption::Generated { generation_expr: Some(_), .. } | ColumnOption::Materialized(_) => {
            ("GENERATED", "Compute the value in a view.")
        }
        ColumnOption::Generated { .. } | ColumnOption::Identity(_) => {
            ("GENERATED AS IDENTITY", "Let the application give the number.")
        }
        ColumnOption::Collation(_) => ("COLLATE", "Leave it out; text is ordered by its bytes."),
        _ => ("this column option", "Leave it out."),
    };
    SqlError::unsupported(format!("{what} is not supported (column \"{column}\")"), instead)
}

/// A default may have constants and functions, nothing that needs a row.
fn check_default(expr: &Expr) -> Result<(), SqlError> {
    let found = visit_expressions(expr, |e| match e {
        Expr::Identifier(_) | Expr::CompoundIdentifier(_) => ControlFlow::Break("column reference"),
        Expr::Subquery(_) | Expr::InSubquery { .. } | Expr::Exists { .. } => ControlFlow::Break("subquery"),
        Expr::Value(v) if matches!(v.value, datafusion::sql::sqlparser::ast::Value::Placeholder(_)) => {
            ControlFlow::Break("parameter")
        }
        _ => ControlFlow::Continue(()),
    });
    match found {
        ControlFlow::Break(what) => Err(SqlError::unsupported(
            format!("cannot use {what} in DEFAULT expression"),
            "Use a constant or a function such as now(); text constants stand in single quotes.",
        )),
        ControlFlow::Continue(()) => Ok(()),
    }
}
