//! COPY.

use super::copy_options::{self, CopyOptions};
use super::cursor::Cursor;
use super::dispatch::parse_query;
use super::{CopyFrom, CopyTo, Places, Statement};
use crate::SqlError;
use datafusion::sql::sqlparser::ast::{Expr, Ident, ObjectNamePart, Query, SelectItem, SetExpr, TableFactor};
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token};

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    c.expect(&["COPY"])?;
    if c.takes_token(&Token::LParen) {
        let query = c.sqlparser(|p| p.parse_query())?;
        c.expect_token(&Token::RParen)?;
        c.expect(&["TO"])?;
        return to(c, query);
    }
    let binary = c.position();
    if c.takes(&["BINARY"]) {
        return Err(copy_options::no_binary().at(binary));
    }
    let at = c.position();
    let (schema, relation) = target(c)?;
    let columns = match c.peek() {
        Token::LParen => c.parenthesised(|c| {
            let position = c.position();
            Ok((c.ident()?, position))
        })?,
        _ => Vec::new(),
    };
    let places = Places { relation: at, columns };
    if c.takes(&["TO"]) {
        let query = select(schema.as_deref(), &relation, &places)?;
        return to(c, query);
    }
    c.expect(&["FROM"])?;
    endpoint(c, "STDIN")?;
    let CopyOptions { format, header, batch_rows } = copy_options::parse(c, true)?;
    if c.sees(&["WHERE"]) {
        let what = "COPY FROM with WHERE is not supported";
        return Err(SqlError::unsupported(what, "Filter the file before, or in a view.").at(c.position()));
    }
    let columns = places.columns.iter().map(|(name, _)| name.clone()).collect();
    Ok(Statement::CopyFrom(CopyFrom { relation, columns, format, header, batch_rows, places }))
}

fn to(c: &mut Cursor<'_>, query: Box<Query>) -> Result<Statement, SqlError> {
    endpoint(c, "STDOUT")?;
    let CopyOptions { format, header, .. } = copy_options::parse(c, false)?;
    Ok(Statement::CopyTo(CopyTo { query, format, header }))
}

/// The relation with its schema, if one other than `public` is given: system relations can be copied out.
fn target(c: &mut Cursor<'_>) -> Result<(Option<String>, String), SqlError> {
    let system = c.sees(&["pg_catalog"]) || c.sees(&["information_schema"]);
    if system && c.peek_at(1).token == Token::Period {
        let schema = c.ident()?;
        c.takes_token(&Token::Period);
        return Ok((Some(schema), c.ident()?));
    }
    Ok((None, c.relation()?))
}

/// STDIN or STDOUT: the server reads and writes no files.
fn endpoint(c: &mut Cursor<'_>, word: &str) -> Result<(), SqlError> {
    if c.takes(&[word]) {
        return Ok(());
    }
    if c.sees(&["PROGRAM"]) || matches!(c.peek(), Token::SingleQuotedString(_)) {
        return Err(SqlError::unsupported(
            "COPY with a file or program of the server is not supported",
            format!("Use COPY ... {word}; in psql, \\copy reads and writes files of the client."),
        )
        .at(c.position()));
    }
    Err(c.unexpected())
}

/// `SELECT columns FROM relation`, with the positions that the names have in the COPY.
fn select(schema: Option<&str>, relation: &str, places: &Places) -> Result<Box<Query>, SqlError> {
    let quoted = |name: &str| format!("\"{}\"", name.replace('"', "\"\""));
    let schema = schema.map_or(String::new(), |s| format!("{}.", quoted(s)));
    let mut query = parse_query(&format!("SELECT * FROM {schema}{}", quoted(relation)))?;
    let span = |position: usize| {
        let location = Location { line: 1, column: position as u64 };
        Span { start: location, end: location }
    };
    if let SetExpr::Select(select) = query.body.as_mut() {
        if !places.columns.is_empty() {
            let column = |(name, position): &(String, usize)| {
                let ident = Ident { span: span(*position), ..Ident::with_quote('"', name) };
                SelectItem::UnnamedExpr(Expr::Identifier(ident))
            };
            select.projection = places.columns.iter().map(column).collect();
        }
        if let Some(TableFactor::Table { name, .. }) = select.from.first_mut().map(|table| &mut table.relation) {
            for part in &mut name.0 {
                if let ObjectNamePart::Identifier(ident) = part {
                    ident.span = span(places.relation);
                }
            }
        }
    }
    Ok(query)
}
