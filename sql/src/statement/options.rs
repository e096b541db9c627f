//! `WITH (name = value, ...)`.

use super::cursor::Cursor;
use crate::SqlError;
use datafusion::sql::sqlparser::tokenizer::Token;

/// The value of an option.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) enum OptionValue {
    /// Not given.
    None,
    /// A string.
    Text(String),
    /// A number.
    Number(String),
    /// A word, in lower case.
    Word(String),
}

/// One option.
pub(super) struct SqlOption {
    pub(super) name: String,
    pub(super) value: OptionValue,
    pub(super) position: usize,
}

/// The options of a WITH clause, none if there is no such clause.
pub(super) fn with(c: &mut Cursor<'_>) -> Result<Vec<SqlOption>, SqlError> {
    if !c.takes(&["WITH"]) {
        return Ok(Vec::new());
    }
    list(c)
}

/// `(name [=] value, ...)`.
pub(super) fn list(c: &mut Cursor<'_>) -> Result<Vec<SqlOption>, SqlError> {
    c.parenthesised(|c| {
        let position = c.position();
        let mut name = word(c)?;
        while c.takes_token(&Token::Period) {
            name.push('.');
            name.push_str(&word(c)?);
        }
        let assigned = c.takes_token(&Token::Eq);
        let value = match c.peek() {
            Token::Comma | Token::RParen if !assigned => OptionValue::None,
            Token::Number(..) => OptionValue::Number(c.next().to_string()),
            Token::Word(_) => OptionValue::Word(word(c)?),
            _ => OptionValue::Text(c.string()?),
        };
        Ok(SqlOption { name, value, position })
    })
}

/// A word that may be a keyword (NULL, DEFAULT, FORMAT), in lower case.
fn word(c: &mut Cursor<'_>) -> Result<String, SqlError> {
    if !matches!(c.peek(), Token::Word(_)) {
        return Err(c.unexpected());
    }
    match c.next() {
        Token::Word(word) => Ok(word.value.to_lowercase()),
        _ => Err(c.unexpected()),
    }
}
