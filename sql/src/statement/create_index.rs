//! CREATE INDEX.

use super::cursor::Cursor;
use super::{CreateIndex, Places, Statement};
use crate::catalog::{KeyPart, check_name};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    c.takes(&["CONCURRENTLY"]);
    let if_not_exists = c.if_not_exists();
    let position = c.position();
    let name = if c.sees(&["ON"]) { None } else { Some(c.relation()?) };
    if let Some(name) = &name {
        check_name("index", name).map_err(|e| e.at(position))?;
    } else if if_not_exists {
        return Err(c.unexpected());
    }
    c.expect(&["ON"])?;
    c.takes(&["ONLY"]);
    let at = c.position();
    let relation = c.relation()?;
    if c.takes(&["USING"]) {
        let position = c.position();
        let method = c.ident()?;
        if method != "btree" {
            let what = format!("access method \"{method}\" is not supported");
            return Err(SqlError::unsupported(what, "Leave USING out: indexes are ordered.").at(position));
        }
    }
    let mut seen = Vec::new();
    let key = c.parenthesised(|c| key_part(c, &mut seen))?;
    let include = if c.takes(&["INCLUDE"]) { include(c, &mut seen)? } else { Vec::new() };
    for (word, instead) in [
        ("WHERE", "Index a materialized view with that WHERE."),
        ("WITH", "Leave WITH (...) out."),
        ("TABLESPACE", "Leave it out: there is one data directory."),
        ("NULLS", "Leave it out: indexes are not unique."),
    ] {
        if c.sees(&[word]) {
            return Err(
                SqlError::unsupported(format!("{word} is not supported in CREATE INDEX"), instead).at(c.position())
            );
        }
    }
    let places = Places { relation: at, columns: seen };
    Ok(Statement::CreateIndex(CreateIndex { name, if_not_exists, relation, key, include, places }))
}

fn key_part(c: &mut Cursor<'_>, seen: &mut Vec<(String, usize)>) -> Result<(String, KeyPart), SqlError> {
    let position = c.position();
    let is_name = matches!(c.peek(), Token::Word(_));
    if !is_name || c.peek_at(1).token == Token::LParen {
        return Err(SqlError::unsupported(
            "indexes on expressions are not supported",
            "Compute the expression in a materialized view and index its column.",
        )
        .at(position));
    }
    let name = column(c, seen)?;
    if c.sees(&["COLLATE"]) {
        return Err(SqlError::unsupported("COLLATE is not supported", "Leave it out; text is ordered by its bytes.")
            .at(c.position()));
    }
    let descending = c.takes(&["DESC"]);
    if !descending {
        c.takes(&["ASC"]);
    }
    let nulls_first = if c.takes(&["NULLS"]) {
        match c.takes_one_of(&["FIRST", "LAST"]) {
            Some(which) => which == "FIRST",
            None => return Err(c.unexpected()),
        }
    } else {
        // Postgres' default: NULL is larger than every value.
        descending
    };
    Ok((name, KeyPart { column: 0, descending, nulls_first }))
}

fn include(c: &mut Cursor<'_>, seen: &mut Vec<(String, usize)>) -> Result<Vec<String>, SqlError> {
    c.parenthesised(|c| column(c, seen))
}

fn column(c: &mut Cursor<'_>, seen: &mut Vec<(String, usize)>) -> Result<String, SqlError> {
    let position = c.position();
    let name = c.ident()?;
    if seen.iter().any(|(other, _)| *other == name) {
        let message = format!("column \"{name}\" is named twice in the index");
        return Err(SqlError::new(SqlState::DuplicateColumn, message).at(position));
    }
    seen.push((name.clone(), position));
    Ok(name)
}
