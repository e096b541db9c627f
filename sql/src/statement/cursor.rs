//! A place in the tokens of one statement: what the hand-written parsers are made of.

use super::dialect::DIALECT;
use super::source::Source;
use super::syntax_error;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{Ident, ObjectName};
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Nested expressions and queries; sqlparser's own default of 50 is less than some generated queries need.
const RECURSION_LIMIT: usize = 100;

/// The next token of a statement.
pub(super) struct Cursor<'a> {
    pub(super) source: &'a Source<'a>,
    tokens: &'a [TokenWithSpan],
    parser: Parser<'static>,
}

impl<'a> Cursor<'a> {
    pub(super) fn new(source: &'a Source<'a>, tokens: &'a [TokenWithSpan]) -> Cursor<'a> {
        let parser =
            Parser::new(&DIALECT).with_recursion_limit(RECURSION_LIMIT).with_tokens_with_locations(tokens.to_vec());
        Cursor { source, tokens, parser }
    }

    /// Runs a parser of sqlparser from here.
    pub(super) fn sqlparser<T>(
        &mut self,
        parse: impl FnOnce(&mut Parser<'static>) -> Result<T, ParserError>,
    ) -> Result<T, SqlError> {
        parse(&mut self.parser).map_err(|e| syntax_error::from_parser(self.source, self.tokens, &e))
    }

    /// The token `n` places ahead.
    pub(super) fn peek_at(&self, n: usize) -> &TokenWithSpan {
        self.parser.peek_nth_token_ref(n)
    }

    /// The next token.
    pub(super) fn peek(&self) -> &Token {
        &self.peek_at(0).token
    }

    /// Takes the next token.
    pub(super) fn next(&mut self) -> Token {
        self.parser.next_token().token
    }

    /// Position of the next token (the end of the text at the end of the statement).
    pub(super) fn position(&self) -> usize {
        match self.peek_at(0) {
            token if token.token == Token::EOF => self.tokens.last().map_or(1, |t| t.span.end.column as usize),
            token => syntax_error::position_of(token),
        }
    }

    /// The text from a position to the next token.
    pub(super) fn text_since(&self, from: usize) -> &'a str {
        self.source.slice(from, self.position())
    }

    /// Whether the statement ends here.
    pub(super) fn at_end(&self) -> bool {
        *self.peek() == Token::EOF
    }

    /// Whether these words come next (unquoted, any case).
    pub(super) fn sees(&self, words: &[&str]) -> bool {
        words.iter().enumerate().all(|(n, word)| is_word(&self.peek_at(n).token, word))
    }

    /// Takes these words if they come next.
    pub(super) fn takes(&mut self, words: &[&str]) -> bool {
        let seen = self.sees(words);
        if seen {
            words.iter().for_each(|_| self.parser.advance_token());
        }
        seen
    }

    /// Takes the first of these words that comes next.
    pub(super) fn takes_one_of(&mut self, words: &[&'static str]) -> Option<&'static str> {
        words.iter().copied().find(|word| self.takes(&[word]))
    }

    /// Takes a symbol if it comes next.
    pub(super) fn takes_token(&mut self, token: &Token) -> bool {
        self.parser.consume_token(token)
    }

    /// Takes these words or fails.
    pub(super) fn expect(&mut self, words: &[&str]) -> Result<(), SqlError> {
        for word in words {
            if !self.takes(&[word]) {
                return Err(self.unexpected());
            }
        }
        Ok(())
    }

    /// Takes a symbol or fails.
    pub(super) fn expect_token(&mut self, token: &Token) -> Result<(), SqlError> {
        if self.takes_token(token) { Ok(()) } else { Err(self.unexpected()) }
    }

    /// Fails unless the statement ends here.
    pub(super) fn expect_end(&self) -> Result<(), SqlError> {
        if self.at_end() { Ok(()) } else { Err(self.unexpected()) }
    }

    /// The syntax error at the next token.
    pub(super) fn unexpected(&self) -> SqlError {
        let index = self.tokens.iter().position(|t| t.span == self.peek_at(0).span);
        if let Some(emit) = index.and_then(|i| syntax_error::emit(self.tokens, i)) {
            return emit;
        }
        let alias = index.and_then(|i| syntax_error::wildcard_alias(self.tokens, i)).and_then(|i| self.tokens.get(i));
        syntax_error::at_token(self.source, alias.unwrap_or(self.peek_at(0)))
    }

    /// An identifier, folded.
    pub(super) fn ident(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Token::Word(_) => Ok(fold(&self.sqlparser(|p| p.parse_identifier())?)),
            _ => Err(self.unexpected()),
        }
    }

    /// The name of a relation, `public.` taken off.
    pub(super) fn relation(&mut self) -> Result<String, SqlError> {
        let position = self.position();
        let mut name = self.ident()?;
        if self.takes_token(&Token::Period) {
            check_schema(&name).map_err(|e| e.at(position))?;
            name = self.ident()?;
        }
        if *self.peek() == Token::Period {
            return Err(self.unexpected());
        }
        Ok(name)
    }

    /// `(a, b, c)`.
    pub(super) fn ident_list(&mut self) -> Result<Vec<String>, SqlError> {
        self.parenthesised(Cursor::ident)
    }

    /// `(item, item, ...)`.
    pub(super) fn parenthesised<T>(
        &mut self,
        mut item: impl FnMut(&mut Self) -> Result<T, SqlError>,
    ) -> Result<Vec<T>, SqlError> {
        self.expect_token(&Token::LParen)?;
        let mut items = vec![item(self)?];
        while self.takes_token(&Token::Comma) {
            items.push(item(self)?);
        }
        self.expect_token(&Token::RParen)?;
        Ok(items)
    }

    /// IF NOT EXISTS.
    pub(super) fn if_not_exists(&mut self) -> bool {
        self.takes(&["IF", "NOT", "EXISTS"])
    }

    /// A string literal.
    pub(super) fn string(&mut self) -> Result<String, SqlError> {
        match self.peek() {
            Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_) => {}
            _ => return Err(self.unexpected()),
        }
        match self.next() {
            Token::SingleQuotedString(text) | Token::EscapedStringLiteral(text) => Ok(text),
            Token::DollarQuotedString(text) => Ok(text.value),
            _ => Err(self.unexpected()),
        }
    }
}

/// Whether a token is this word, unquoted, in any case.
pub(super) fn is_word(token: &Token, word: &str) -> bool {
    matches!(token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case(word))
}

/// The name an identifier means: lower case unless it was quoted.
#[must_use]
pub fn fold(ident: &Ident) -> String {
    match ident.quote_style {
        Some(_) => ident.value.clone(),
        None => ident.value.to_ascii_lowercase(),
    }
}

/// The relation that an object name of DML means: folded, `public.` taken off.
///
/// # Errors
/// 3F000 for another schema, 42601 for names of more than two parts.
pub fn relation_name(name: &ObjectName) -> Result<String, SqlError> {
    let parts: Option<Vec<String>> = name.0.iter().map(|part| part.as_ident().map(fold)).collect();
    match parts.as_deref() {
        Some([name]) => Ok(name.clone()),
        Some([schema, name]) => check_schema(schema).map(|()| name.clone()),
        _ => Err(SqlError::new(SqlState::SyntaxError, format!("improper relation name: {name}"))),
    }
}

fn check_schema(schema: &str) -> Result<(), SqlError> {
    match schema {
        "public" => Ok(()),
        "pg_catalog" | "information_schema" => Err(SqlError::new(
            SqlState::WrongObjectType,
            format!("relations of schema \"{schema}\" can only be read by queries"),
        )),
        _ => Err(SqlError::new(SqlState::InvalidSchemaName, format!("schema \"{schema}\" does not exist"))
            .with_hint("There is one schema, \"public\"; leave the schema out.")),
    }
}
