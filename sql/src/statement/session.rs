//! SET, SHOW, RESET, DISCARD.

use super::Statement;
use super::cursor::Cursor;
use super::transaction;
use crate::SqlError;
use datafusion::sql::sqlparser::tokenizer::Token;

pub(super) fn parse(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    match c.takes_one_of(&["SET", "SHOW", "RESET", "DISCARD"]) {
        Some("SET") => set(c),
        Some("SHOW") => show(c),
        Some("RESET") => {
            setting(c)?;
            Ok(Statement::Discard { tag: "RESET".to_owned() })
        }
        _ => match c.takes_one_of(&["ALL", "PLANS", "SEQUENCES", "TEMPORARY", "TEMP"]) {
            Some("TEMPORARY") => Ok(Statement::Discard { tag: "DISCARD TEMP".to_owned() }),
            Some(what) => Ok(Statement::Discard { tag: format!("DISCARD {what}") }),
            None => Err(c.unexpected()),
        },
    }
}

fn set(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    let ignored = Statement::Ignored { tag: "SET".to_owned() };
    if c.takes(&["SESSION", "CHARACTERISTICS", "AS", "TRANSACTION"]) || c.takes(&["TRANSACTION"]) {
        transaction::modes(c)?;
        return Ok(ignored);
    }
    if c.sees(&["CONSTRAINTS"]) {
        return Err(SqlError::unsupported("SET CONSTRAINTS is not supported", "Constraints are checked at once.")
            .at(c.position()));
    }
    if c.takes(&["SESSION", "AUTHORIZATION"]) || c.takes(&["ROLE"]) {
        if c.takes_one_of(&["DEFAULT", "NONE"]).is_some() {
            return Ok(ignored);
        }
        return Err(SqlError::unsupported("roles are not supported", "Restrict access where the connection is made.")
            .at(c.position()));
    }
    // SESSION and LOCAL are also possible setting names: only with another word behind are they a scope.
    if !matches!(c.peek_at(1).token, Token::Eq) && !super::cursor::is_word(&c.peek_at(1).token, "TO") {
        c.takes_one_of(&["SESSION", "LOCAL"]);
    }
    if c.takes(&["TIME", "ZONE"]) {
        return Ok(Statement::Set { name: "timezone".to_owned(), value: time_zone(c)? });
    }
    if c.takes(&["NAMES"]) {
        let value = if c.takes(&["DEFAULT"]) || c.at_end() { None } else { Some(c.string()?) };
        return Ok(Statement::Set { name: "client_encoding".to_owned(), value });
    }
    let name = dotted(c)?;
    if !c.takes_token(&Token::Eq) {
        c.expect(&["TO"])?;
    }
    let value = if c.takes(&["DEFAULT"]) { None } else { Some(values(c)?) };
    Ok(Statement::Set { name, value })
}

fn time_zone(c: &mut Cursor<'_>) -> Result<Option<String>, SqlError> {
    if c.takes_one_of(&["DEFAULT", "LOCAL"]).is_some() {
        return Ok(None);
    }
    c.takes(&["INTERVAL"]);
    let zone = value(c)?;
    if c.takes(&["HOUR"]) {
        c.expect(&["TO", "MINUTE"])?;
    }
    Ok(Some(zone))
}

fn show(c: &mut Cursor<'_>) -> Result<Statement, SqlError> {
    const LISTS: [(&str, &str); 7] = [
        ("TABLES", "\\dt in psql"),
        ("VIEWS", "\\dv in psql"),
        ("MATERIALIZED", "\\dm in psql, or SELECT * FROM attune_views"),
        ("SOURCES", "SELECT * FROM attune_streams"),
        ("STREAMS", "SELECT * FROM attune_streams"),
        ("COLUMNS", "\\d name in psql"),
        ("CREATE", "\\d+ name in psql"),
    ];
    for (word, instead) in LISTS {
        if c.sees(&[word]) {
            return Err(SqlError::unsupported(format!("SHOW {word} is not supported"), format!("Use {instead}."))
                .at(c.position()));
        }
    }
    Ok(Statement::Show { name: setting(c)? })
}

/// The name of a setting after SHOW and RESET, `all` for ALL.
fn setting(c: &mut Cursor<'_>) -> Result<String, SqlError> {
    if c.takes(&["TIME", "ZONE"]) {
        return Ok("timezone".to_owned());
    }
    if c.takes(&["TRANSACTION", "ISOLATION", "LEVEL"]) {
        return Ok("transaction_isolation".to_owned());
    }
    if c.takes(&["SESSION", "AUTHORIZATION"]) {
        return Ok("session_authorization".to_owned());
    }
    dotted(c)
}

/// Setting names are not case sensitive, even when quoted.
fn dotted(c: &mut Cursor<'_>) -> Result<String, SqlError> {
    let mut name = c.ident()?;
    while c.takes_token(&Token::Period) {
        name.push('.');
        name.push_str(&c.ident()?);
    }
    Ok(name.to_lowercase())
}

fn values(c: &mut Cursor<'_>) -> Result<String, SqlError> {
    let mut all = value(c)?;
    while c.takes_token(&Token::Comma) {
        all.push_str(", ");
        all.push_str(&value(c)?);
    }
    Ok(all)
}

/// One value as text: a string without its quotes, a number with its sign, a word folded (quotes of identifiers stay).
fn value(c: &mut Cursor<'_>) -> Result<String, SqlError> {
    let sign = if c.takes_token(&Token::Minus) {
        "-"
    } else {
        c.takes_token(&Token::Plus);
        ""
    };
    match c.peek() {
        Token::Number(..) => Ok(format!("{sign}{}", c.next())),
        _ if !sign.is_empty() => Err(c.unexpected()),
        Token::Word(word) if word.quote_style.is_some() => Ok(c.next().to_string()),
        Token::Word(_) => c.ident_or_keyword(),
        _ => c.string(),
    }
}

impl Cursor<'_> {
    /// A word, keyword or not, in lower case.
    fn ident_or_keyword(&mut self) -> Result<String, SqlError> {
        match self.next() {
            Token::Word(word) => Ok(word.value.to_lowercase()),
            _ => Err(self.unexpected()),
        }
    }
}
