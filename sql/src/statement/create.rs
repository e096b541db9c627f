//! CREATE: which kind, and streams and tables.

use super::columns::{self, Definition};
use super::cursor::Cursor;
use super::options::{self, OptionValue};
use super::{CreateStream, CreateTable, Statement, create_index, create_view, duration};
use crate::catalog::check_name;
use crate::{SqlError, SqlState, suggest};
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    c.expect(&["CREATE"])?;
    let position = c.position();
    if c.takes(&["OR", "REPLACE"]) {
        return Err(SqlError::unsupported(
            "CREATE OR REPLACE is not supported",
            "Use DROP ... IF EXISTS, then CREATE.",
        )
        .at(position));
    }
    if c.takes_one_of(&["TEMPORARY", "TEMP", "UNLOGGED", "GLOBAL", "LOCAL"]).is_some() {
        let what = "temporary and unlogged relations are not supported";
        return Err(
            SqlError::unsupported(what, "Leave TEMP or UNLOGGED out, and DROP the relation afterwards.").at(position)
        );
    }
    if c.takes_one_of(&["STREAM", "SOURCE"]).is_some() {
        stream(c)
    } else if c.takes(&["TABLE"]) {
        table(c)
    } else if c.takes(&["MATERIALIZED", "VIEW"]) {
        create_view::parse(c, true)
    } else if c.takes(&["VIEW"]) {
        create_view::parse(c, false)
    } else if c.takes(&["INDEX"]) {
        create_index::parse(c)
    } else {
        Err(c.unexpected())
    }
}

fn stream(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let if_not_exists = c.if_not_exists();
    let name = relation(c)?;
    let definition = columns::parse(c)?;
    if let Some((_, position)) = definition.primary_key {
        return Err(SqlError::unsupported(
            format!("stream \"{name}\" cannot have a primary key"),
            "Streams are append-only events; use CREATE TABLE for rows with a key that can be updated.",
        )
        .at(position));
    }
    let retention_seconds = stream_options(c)?;
    if c.takes_one_of(&["FORMAT", "ROW", "ENCODE"]).is_some() {
        let what = "formats of connectors are not supported";
        return Err(SqlError::unsupported(what, "Write events with INSERT or COPY.").at(c.position()));
    }
    Ok(Statement::CreateStream(CreateStream { name, if_not_exists, columns: definition.columns, retention_seconds }))
}

fn stream_options(c: &mut Cursor<'_>) -> Result<Option<u64>, SqlError> {
    let mut retention = None;
    for option in options::with(c)? {
        match (option.name.as_str(), &option.value) {
            ("retention", OptionValue::Text(text)) => {
                retention = Some(duration::seconds(text).map_err(|e| e.at(option.position))?);
            }
            ("retention", _) => {
                let message = "retention must be an interval such as '30 days'";
                return Err(SqlError::new(SqlState::InvalidParameterValue, message).at(option.position));
            }
            ("connector", _) => {
                return Err(SqlError::unsupported(
                    "connectors are not supported yet",
                    "Leave connector out and write events with INSERT or COPY ... FROM STDIN.",
                )
                .at(option.position));
            }
            (other, _) => {
                let message = format!("unrecognized parameter \"{other}\"");
                let hint = match suggest(other, ["retention", "connector"]) {
                    Some(near) => format!("Did you mean \"{near}\"?"),
                    None => "A stream has the parameter retention.".to_owned(),
                };
                return Err(SqlError::new(SqlState::InvalidParameterValue, message)
                    .with_hint(hint)
                    .at(option.position));
            }
        }
    }
    Ok(retention)
}

fn table(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let if_not_exists = c.if_not_exists();
    let name = relation(c)?;
    if c.sees(&["AS"]) {
        return Err(SqlError::unsupported(
            "CREATE TABLE AS is not supported",
            "Use CREATE MATERIALIZED VIEW, or CREATE TABLE and INSERT INTO ... SELECT.",
        )
        .at(c.position()));
    }
    let Definition { columns, primary_key, .. } = columns::parse(c)?;
    refuse_table_clauses(c)?;
    let primary_key = primary_key.map_or_else(Vec::new, |(key, _)| key);
    Ok(Statement::CreateTable(CreateTable { name, if_not_exists, columns, primary_key }))
}

fn refuse_table_clauses(c: &Cursor<'_>) -> Result<(), SqlError> {
    let clauses: [(&[&str], &str); 7] = [
        (&["INHERITS"], "Use one table, or a view with UNION ALL."),
        (&["PARTITION", "BY"], "Leave it out: rows are spread by the primary key."),
        (&["WITH"], "Tables have no parameters; leave WITH out."),
        (&["TABLESPACE"], "Leave it out: there is one data directory."),
        (&["USING"], "Leave it out."),
        (&["ON", "CONFLICT"], "Say ON CONFLICT in the INSERT."),
        (&["APPEND", "ONLY"], "Use CREATE STREAM for append-only events."),
    ];
    for (words, instead) in clauses {
        if c.sees(words) {
            let what = format!("{} is not supported in CREATE TABLE", words.join(" "));
            return Err(SqlError::unsupported(what, instead).at(c.position()));
        }
    }
    Ok(())
}

/// The name of a new relation, checked.
pub(super) fn relation(c: &mut Cursor<'_>) -> Result<String, SqlError> {
    let position = c.position();
    let name = c.relation()?;
    check_name("relation", &name).map_err(|e| e.at(position))?;
    Ok(name)
}

/// Fails if a parenthesis does not open here.
pub(super) fn expect_open(c: &Cursor<'_>) -> Result<(), SqlError> {
    if *c.peek() == Token::LParen { Ok(()) } else { Err(c.unexpected()) }
}
