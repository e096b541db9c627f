//! PREPARE, EXECUTE, DEALLOCATE.

use super::cursor::Cursor;
use super::{Statement, dispatch};
use crate::bind::type_from_ast;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    match c.takes_one_of(&["PREPARE", "EXECUTE", "DEALLOCATE"]) {
        Some("PREPARE") => prepare(c),
        Some("EXECUTE") => {
            let name = c.ident()?;
            let arguments = match c.peek() {
                Token::LParen => c.parenthesised(|c| c.sqlparser(|p| p.parse_expr()))?,
                _ => Vec::new(),
            };
            Ok(Statement::Execute { name, arguments })
        }
        _ => {
            c.takes(&["PREPARE"]);
            let name = if c.takes(&["ALL"]) { None } else { Some(c.ident()?) };
            Ok(Statement::Deallocate { name })
        }
    }
}

fn prepare(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let name = c.ident()?;
    let types = match c.peek() {
        Token::LParen => c.parenthesised(|c| {
            let position = c.position();
            let data_type = c.sqlparser(|p| p.parse_data_type())?;
            type_from_ast(&data_type).map_err(|e| e.at(position))
        })?,
        _ => Vec::new(),
    };
    c.expect(&["AS"])?;
    let position = c.position();
    let statement = Box::new(dispatch::statement(c)?);
    match statement.statement {
        Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {
            Ok(Statement::Prepare { name, types, statement })
        }
        _ => {
            Err(SqlError::new(SqlState::SyntaxError, "only SELECT, INSERT, UPDATE and DELETE can be prepared")
                .at(position))
        }
    }
}
