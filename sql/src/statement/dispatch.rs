//! Which statement it is.

use super::cursor::Cursor;
use super::source::Source;
use super::{Parsed, Statement, copy, create, drop, explain, prepare, refused, session, transaction};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, Query};
use datafusion::sql::sqlparser::tokenizer::Token;

/// Parses a text of zero or more statements separated by semicolons.
///
/// # Errors
/// 42601 with position; 0A000 for statements Attune does not have; 54001 for statements nested too deeply.
pub fn parse(text: &str) -> Result<Vec<Parsed>, SqlError> {
    if text.contains('\0') {
        return Err(SqlError::new(SqlState::CharacterNotInRepertoire, "a statement cannot contain a zero byte"));
    }
    let source = Source::new(text);
    source
        .statements()?
        .iter()
        .map(|tokens| {
            let mut cursor = Cursor::new(&source, tokens);
            let parsed = statement(&mut cursor)?;
            cursor.expect_end()?;
            Ok(parsed)
        })
        .collect()
}

/// Parses the text of one query, as the catalog keeps it for views.
///
/// # Errors
/// 42601 if it is no query or more than one.
pub fn parse_query(text: &str) -> Result<Box<Query>, SqlError> {
    match parse(text)?.as_mut_slice() {
        [Parsed { statement: Statement::Query(query), .. }] => Ok(query.clone()),
        _ => Err(SqlError::new(SqlState::SyntaxError, "a single query is needed here")),
    }
}

/// Parses the text of one expression, as the catalog keeps it for DEFAULT.
///
/// # Errors
/// 42601 if it is no expression.
pub fn parse_expression(text: &str) -> Result<ast::Expr, SqlError> {
    let source = Source::new(text);
    let statements = source.statements()?;
    let [tokens] = statements.as_slice() else {
        return Err(SqlError::new(SqlState::SyntaxError, "a single expression is needed here"));
    };
    let mut cursor = Cursor::new(&source, tokens);
    let expr = cursor.sqlparser(|p| p.parse_expr())?;
    cursor.expect_end()?;
    Ok(expr)
}

/// The statement that begins here, with its text.
pub(super) fn statement(c: &mut Cursor<'_>) -> Result<Parsed, SqlError> {
    let from = c.position();
    let statement = one(c)?;
    Ok(Parsed { statement, text: c.text_since(from).to_owned() })
}

fn one(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    if *c.peek() == Token::LParen {
        return query(c);
    }
    // Connection pools send it when a connection is given back; no cursor can be open.
    if c.takes(&["CLOSE", "ALL"]) {
        return Ok(Statement::Ignored { tag: "CLOSE CURSOR ALL".to_owned() });
    }
    refused::check(c)?;
    let Token::Word(word) = c.peek() else { return Err(c.unexpected()) };
    match word.value.to_ascii_uppercase().as_str() {
        "SELECT" | "WITH" | "VALUES" | "TABLE" => query(c),
        "INSERT" | "UPDATE" | "DELETE" => dml(c),
        "CREATE" => create::parse(c),
        "DROP" => drop::parse(c),
        "COPY" => copy::parse(c),
        "EXPLAIN" => explain::parse(c),
        "SET" | "SHOW" | "RESET" | "DISCARD" => session::parse(c),
        "BEGIN" | "START" | "COMMIT" | "END" | "ROLLBACK" | "ABORT" => transaction::parse(c),
        "PREPARE" | "EXECUTE" | "DEALLOCATE" => prepare::parse(c),
        "FLUSH" | "WAIT" | "CHECKPOINT" | "VACUUM" | "ANALYZE" | "ANALYSE" | "UNLISTEN" => Ok(ignored(c)),
        _ => Err(c.unexpected()),
    }
}

fn query(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    // sqlparser knows TABLE t only inside set operations.
    if c.takes(&["TABLE"]) {
        let name = c.relation()?;
        let text = format!("SELECT * FROM \"{}\"", name.replace('"', "\"\""));
        return parse_query(&text).map(Statement::Query);
    }
    let query = c.sqlparser(|p| p.parse_query())?;
    if let ast::SetExpr::Insert(_) | ast::SetExpr::Update(_) | ast::SetExpr::Delete(_) | ast::SetExpr::Merge(_) =
        &*query.body
    {
        return Err(SqlError::unsupported(
            "WITH before INSERT, UPDATE or DELETE is not supported",
            "For INSERT write the WITH after it: INSERT INTO t WITH ... SELECT ...",
        ));
    }
    Ok(Statement::Query(query))
}

fn dml(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    Ok(match c.sqlparser(|p| p.parse_statement())? {
        ast::Statement::Insert(insert) => Statement::Insert(Box::new(insert)),
        update @ ast::Statement::Update(_) => Statement::Update(Box::new(update)),
        delete @ ast::Statement::Delete(_) => Statement::Delete(Box::new(delete)),
        _ => return Err(c.unexpected()),
    })
}

/// Statements that tools send and that mean nothing here: there is nothing to flush, wait for, vacuum or analyse.
fn ignored(c: &mut Cursor<'_>) -> Statement {
    let tag = match c.next() {
        Token::Word(word) => word.value.to_ascii_uppercase(),
        other => other.to_string(),
    };
    while !c.at_end() {
        c.next();
    }
    Statement::Ignored { tag: if tag == "ANALYSE" { "ANALYZE".to_owned() } else { tag } }
}
