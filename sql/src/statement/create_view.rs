//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use super::create::relation;
use super::cursor::Cursor;
use super::{CreateView, Statement};
use crate::catalog::check_name;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>, materialized: bool) -> Result<Statement, SqlError> {
    let if_not_exists = c.if_not_exists();
    let name = relation(c)?;
    let columns = if *c.peek() == Token::LParen { column_names(c)? } else { Vec::new() };
    if c.sees(&["WITH"]) {
        let what = "parameters of views are not supported";
        return Err(SqlError::unsupported(what, "Leave WITH (...) out.").at(c.position()));
    }
    c.expect(&["AS"])?;
    let from = c.position();
    let query = c.sqlparser(|p| p.parse_query())?;
    let query_text = c.text_since(from).to_owned();
    let position = c.position();
    if c.takes(&["WITH", "NO", "DATA"]) {
        let what = "WITH NO DATA is not supported";
        return Err(SqlError::unsupported(what, "Leave it out: the view is filled in the background.").at(position));
    }
    if materialized {
        c.takes(&["WITH", "DATA"]);
    } else if c.sees(&["WITH"]) {
        let what = "WITH CHECK OPTION is not supported";
        return Err(SqlError::unsupported(what, "Leave it out: views are read only.").at(position));
    }
    Ok(Statement::CreateView(CreateView { name, materialized, if_not_exists, columns, query, query_text }))
}

fn column_names(c: &mut Cursor<'_>) -> Result<Vec<String>, SqlError> {
    let mut names: Vec<String> = Vec::new();
    c.parenthesised(|c| {
        let position = c.position();
        let name = c.ident()?;
        check_name("column", &name).map_err(|e| e.at(position))?;
        if names.contains(&name) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DuplicateColumn, message).at(position));
        }
        names.push(name);
        Ok(())
    })?;
    Ok(names)
}
