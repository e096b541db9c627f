//! Errors of tokenizer and parser in Postgres' words.

use super::source::{Source, too_complex};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Token, TokenWithSpan};

/// Position of a token (characters, from 1); only for tokens of [`Source::statements`].
pub(super) fn position_of(token: &TokenWithSpan) -> usize {
    usize::try_from(token.span.start.column).unwrap_or(1)
}

/// `syntax error at or near "x"` at a token, or at the end of input.
pub(super) fn at_token(source: &Source<'_>, token: &TokenWithSpan) -> SqlError {
    if token.token == Token::EOF {
        return SqlError::new(SqlState::SyntaxError, "syntax error at end of input").at(source.end());
    }
    let to = usize::try_from(token.span.end.column).unwrap_or(usize::MAX);
    let near = source.slice(position_of(token), to);
    SqlError::new(SqlState::SyntaxError, format!("syntax error at or near \"{near}\"")).at(position_of(token))
}

/// An error of the tokenizer (an unterminated string or comment, mostly).
pub(super) fn from_tokenizer(message: &str, position: usize) -> SqlError {
    let message = match message {
        "Unterminated string literal" => "unterminated quoted string".to_owned(),
        "Unterminated dollar-quoted string" | "Unterminated dollar-quoted, expected $" => {
            "unterminated dollar-quoted string".to_owned()
        }
        m if m.starts_with("Unexpected EOF while in a multi-line comment") => "unterminated /* comment".to_owned(),
        m if m.starts_with("Expected close delimiter '\"'") => "unterminated quoted identifier".to_owned(),
        other => format!("syntax error: {other}"),
    };
    SqlError::new(SqlState::SyntaxError, message).at(position)
}

/// An error of sqlparser over `tokens` (those of one statement).
pub(super) fn from_parser(source: &Source<'_>, tokens: &[TokenWithSpan], error: &ParserError) -> SqlError {
    let text = match error {
        ParserError::RecursionLimitExceeded => return too_complex(None),
        ParserError::TokenizerError(text) | ParserError::ParserError(text) => text.as_str(),
    };
    let (message, position) = match text.rsplit_once(" at Line: 1, Column: ") {
        Some((message, column)) => (message, column.parse::<usize>().ok()),
        None => (text, None),
    };
    let here = position.and_then(|position| tokens.iter().position(|token| position_of(token) == position));
    if message.starts_with("No infix parser for token") {
        let near = here.map(|index| at_token(source, &tokens[index]));
        return near.unwrap_or_else(|| SqlError::new(SqlState::SyntaxError, "syntax error"));
    }
    let Some((expected, found)) = message.strip_prefix("Expected: ").and_then(|m| m.split_once(", found: ")) else {
        let mut error = SqlError::new(SqlState::SyntaxError, format!("syntax error: {message}"));
        error.position = position.and_then(|position| u32::try_from(position).ok());
        return error;
    };
    let detail = format!("Expected {expected}.");
    if found == "EOF" {
        return SqlError::new(SqlState::SyntaxError, "syntax error at end of input")
            .at(source.end())
            .with_detail(detail);
    }
    match here {
        Some(index) => emit(tokens, index).unwrap_or_else(|| {
            let index = wildcard_alias(tokens, index).unwrap_or(index);
            at_token(source, &tokens[index]).with_detail(detail)
        }),
        None => {
            SqlError::new(SqlState::SyntaxError, format!("syntax error at or near \"{found}\"")).with_detail(detail)
        }
    }
}

/// The refusal of `EMIT ...` after a query, when that is why the token at `index` cannot be parsed. A parser takes `EMIT` for an alias
/// where one is allowed, so the token before counts too.
pub(super) fn emit(tokens: &[TokenWithSpan], index: usize) -> Option<SqlError> {
    let is_emit = |t: &TokenWithSpan| matches!(&t.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("emit"));
    let token =
        [Some(index), index.checked_sub(1)].into_iter().flatten().filter_map(|i| tokens.get(i)).find(|t| is_emit(t))?;
    Some(
        SqlError::unsupported(
            "EMIT is not supported",
            "Leave it out: a materialized view is current with every commit.",
        )
        .at(position_of(token)),
    )
}

/// `SELECT * FORM t`: sqlparser takes FORM for an alias of the wildcard and stumbles over `t`; Postgres stumbles over FORM.
pub(super) fn wildcard_alias(tokens: &[TokenWithSpan], index: usize) -> Option<usize> {
    let alias = index.checked_sub(1)?;
    let star = tokens.get(index.checked_sub(2)?)?;
    let before = tokens.get(index.checked_sub(3)?)?;
    let begins_item = matches!(&before.token, Token::Comma | Token::Period)
        || matches!(&before.token, Token::Word(w) if w.quote_style.is_none() && w.value.eq_ignore_ascii_case("select"));
    (begins_item && star.token == Token::Mul && matches!(tokens.get(alias)?.token, Token::Word(_))).then_some(alias)
}
