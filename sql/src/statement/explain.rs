//! EXPLAIN.

use super::cursor::Cursor;
use super::{Explain, Statement, dispatch};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    c.expect(&["EXPLAIN"])?;
    let mut analyze = false;
    // EXPLAIN (SELECT ...) is a query in parentheses, EXPLAIN (ANALYZE) SELECT ... has options.
    let options = *c.peek() == Token::LParen
        && !["SELECT", "WITH", "VALUES", "TABLE"].iter().any(|w| super::cursor::is_word(&c.peek_at(1).token, w))
        && c.peek_at(1).token != Token::LParen;
    if options {
        c.parenthesised(|c| option(c, &mut analyze))?;
    } else {
        analyze = c.takes_one_of(&["ANALYZE", "ANALYSE"]).is_some();
        c.takes(&["VERBOSE"]);
    }
    let position = c.position();
    let statement = Box::new(dispatch::statement(c)?);
    match &statement.statement {
        Statement::Query(_) | Statement::Insert(_) | Statement::Update(_) | Statement::Delete(_) => {}
        Statement::CreateView(view) if view.materialized => {}
        _ => {
            return Err(SqlError::new(
                SqlState::SyntaxError,
                "EXPLAIN is for queries, DML and CREATE MATERIALIZED VIEW",
            )
            .at(position));
        }
    }
    Ok(Statement::Explain(Explain { analyze, statement }))
}

/// One option in parentheses. Those that change nothing here (COSTS, BUFFERS, ...) are accepted.
fn option(c: &mut Cursor<'_>, analyze: &mut bool) -> Result<(), SqlError> {
    let position = c.position();
    let name = c.ident()?;
    let value = match c.peek() {
        Token::Comma | Token::RParen => None,
        Token::Word(_) => Some(c.next().to_string().to_lowercase()),
        _ => return Err(c.unexpected()),
    };
    let on = !matches!(value.as_deref(), Some("false" | "off"));
    match (name.as_str(), value.as_deref()) {
        ("analyze" | "analyse", _) => *analyze = on,
        (
            "verbose" | "costs" | "buffers" | "timing" | "summary" | "settings" | "wal" | "memory" | "generic_plan",
            _,
        ) => {}
        ("format", Some("text")) => {}
        ("format", _) => {
            return Err(SqlError::unsupported("EXPLAIN has FORMAT TEXT only", "Leave FORMAT out.").at(position));
        }
        _ => {
            let message = format!("unrecognized EXPLAIN option \"{name}\"");
            return Err(SqlError::new(SqlState::SyntaxError, message).at(position));
        }
    }
    Ok(())
}
