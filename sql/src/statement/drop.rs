//! DROP.

use super::cursor::Cursor;
use super::{Drop, DropKind, Statement};
use crate::SqlError;
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    c.expect(&["DROP"])?;
    let kind = if c.takes_one_of(&["STREAM", "SOURCE"]).is_some() {
        DropKind::Stream
    } else if c.takes(&["TABLE"]) {
        DropKind::Table
    } else if c.takes(&["MATERIALIZED", "VIEW"]) {
        DropKind::MaterializedView
    } else if c.takes(&["VIEW"]) {
        DropKind::View
    } else if c.takes(&["INDEX"]) {
        DropKind::Index
    } else if let (Token::Word(word), true) = (c.peek(), c.peek_at(1).token != Token::EOF) {
        let what = format!("DROP {} is not supported", word.value.to_ascii_uppercase());
        let instead = "Streams, tables, views, materialized views and indexes can be dropped.";
        return Err(SqlError::unsupported(what, instead).at(c.position()));
    } else {
        return Err(c.unexpected());
    };
    c.takes(&["CONCURRENTLY"]);
    let if_exists = c.takes(&["IF", "EXISTS"]);
    let mut names = vec![c.relation()?];
    while c.takes_token(&Token::Comma) {
        names.push(c.relation()?);
    }
    let cascade = c.takes(&["CASCADE"]);
    if !cascade {
        c.takes(&["RESTRICT"]);
    }
    Ok(Statement::Drop(Drop { kind, if_exists, names, cascade }))
}
