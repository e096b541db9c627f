//! The text of a query string, its tokens and their positions.

use super::dialect::DIALECT;
use super::spelling::respelled;
use super::syntax_error;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::tokenizer::{Location, Span, Token, TokenWithSpan, Tokenizer, Word};

/// Most operators that may surround one operand: each is a level of the expression tree, and trees are walked by recursion.
const MAX_OPERATOR_CHAIN: usize = 1_000;

/// A query string with the way from character positions to bytes.
pub(super) struct Source<'a> {
    text: &'a str,
    /// Byte offset of each character; `None` if the text is ASCII and they are the same.
    bytes: Option<Vec<usize>>,
    /// How many characters come before each line.
    lines: Vec<usize>,
}

impl<'a> Source<'a> {
    pub(super) fn new(text: &'a str) -> Source<'a> {
        let bytes = (!text.is_ascii()).then(|| text.char_indices().map(|(i, _)| i).collect());
        let breaks = text.chars().enumerate().filter(|(_, ch)| *ch == '\n').map(|(at, _)| at + 1);
        Source { text, bytes, lines: std::iter::once(0).chain(breaks).collect() }
    }

    /// The text between two positions (characters, from 1), the second excluded.
    pub(super) fn slice(&self, from: usize, to: usize) -> &'a str {
        let byte = |position: usize| {
            let index = position.saturating_sub(1);
            match &self.bytes {
                None => index.min(self.text.len()),
                Some(bytes) => bytes.get(index).copied().unwrap_or(self.text.len()),
            }
        };
        self.text.get(byte(from)..byte(to)).unwrap_or_default().trim()
    }

    /// The position after the last character.
    pub(super) fn end(&self) -> usize {
        self.bytes.as_ref().map_or(self.text.len(), Vec::len) + 1
    }

    /// The statements: tokens between semicolons, without those that hold white space and comments only.
    ///
    /// Spans are rewritten to line 1 with the column being the position in the text, so that whoever reports a location
    /// (sqlparser in its messages, DataFusion in its diagnostics) reports that position.
    pub(super) fn statements(&self) -> Result<Vec<Vec<TokenWithSpan>>, SqlError> {
        let tokens = Tokenizer::new(&DIALECT, self.text)
            .tokenize_with_location()
            .map_err(|e| syntax_error::from_tokenizer(&e.message, self.position(e.location)))?;
        let mut statements = vec![Vec::new()];
        for token in tokens {
            match token.token {
                Token::SemiColon => statements.push(Vec::new()),
                Token::Whitespace(_) | Token::EOF => {}
                _ => {
                    let span = Span { start: self.flat(token.span.start), end: self.flat(token.span.end) };
                    if let Some(statement) = statements.last_mut() {
                        statement.push(TokenWithSpan { token: token.token, span });
                    }
                }
            }
        }
        statements.retain(|s| !s.is_empty());
        for statement in &statements {
            check_depth(statement)?;
            check_interval_precision(statement)?;
            check_numbers(statement)?;
        }
        Ok(statements.into_iter().map(respelled).collect())
    }

    fn flat(&self, location: Location) -> Location {
        Location { line: 1, column: self.position(location) as u64 }
    }

    /// Position of a line and column of the tokenizer, both from 1, lines ended by line feeds.
    fn position(&self, location: Location) -> usize {
        let column = usize::try_from(location.column).unwrap_or(1);
        let line = usize::try_from(location.line.saturating_sub(1)).unwrap_or(usize::MAX);
        self.lines.get(line).copied().unwrap_or(0) + column
    }
}

/// Refuses expressions whose tree would be deeper than threads have stack for. Parentheses are limited by sqlparser; this
/// limits chains such as `1+1+1+...` by counting operators, a comma or closing parenthesis ending a chain.
fn check_depth(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    // Operators before the current operand, per open parenthesis, and their sum.
    let mut chains = vec![0_usize];
    let mut total = 0;
    for token in tokens {
        match &token.token {
            Token::LParen | Token::LBracket => chains.push(0),
            Token::RParen | Token::RBracket => {
                total -= chains.pop().unwrap_or(0);
                if chains.is_empty() {
                    chains.push(0);
                }
            }
            Token::Comma => {
                if let Some(chain) = chains.last_mut() {
                    total -= *chain;
                    *chain = 0;
                }
            }
            other if is_operator(other) => {
                total += 1;
                if let Some(chain) = chains.last_mut() {
                    *chain += 1;
                }
                if total > MAX_OPERATOR_CHAIN {
                    return Err(too_complex(Some(syntax_error::position_of(token))));
                }
            }
            _ => {}
        }
    }
    Ok(())
}

/// Refuses `interval(0) '1.5 s'`: sqlparser drops the precision.
fn check_interval_precision(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    let precise = tokens.windows(5).find(|window| {
        let [word, open, _, close, text] = window else { return false };
        matches!(&word.token, Token::Word(word) if word.keyword == Keyword::INTERVAL && word.quote_style.is_none())
            && (&open.token, &close.token) == (&Token::LParen, &Token::RParen)
            && matches!(text.token, Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_))
    });
    match precise {
        Some(window) => {
            let what = "intervals with a precision are not supported";
            Err(SqlError::unsupported(what, "Leave the precision out.").at(syntax_error::position_of(&window[0])))
        }
        None => Ok(()),
    }
}

/// Refuses `123abc`, which would be the number 123 called `abc`.
fn check_numbers(tokens: &[TokenWithSpan]) -> Result<(), SqlError> {
    for pair in tokens.windows(2) {
        let [number, word] = pair else { continue };
        if let (Token::Number(digits, _), Token::Word(Word { value, quote_style: None, .. })) =
            (&number.token, &word.token)
            && number.span.end == word.span.start
        {
            let message = format!("trailing junk after numeric literal at or near \"{digits}{value}\"");
            return Err(SqlError::new(SqlState::SyntaxError, message).at(syntax_error::position_of(number)));
        }
    }
    Ok(())
}

/// Whether a token can add a level to an expression or to a set operation or join.
fn is_operator(token: &Token) -> bool {
    match token {
        Token::Word(Word { value, quote_style: None, .. }) => {
            const WORDS: [&str; 15] = [
                "AND",
                "OR",
                "NOT",
                "IS",
                "IN",
                "LIKE",
                "ILIKE",
                "BETWEEN",
                "COLLATE",
                "UNION",
                "EXCEPT",
                "INTERSECT",
                "JOIN",
                "CASE",
                "SIMILAR",
            ];
            WORDS.iter().any(|w| value.eq_ignore_ascii_case(w))
        }
        Token::Period | Token::Colon | Token::Placeholder(_) | Token::Number(..) => false,
        Token::SingleQuotedString(_) | Token::EscapedStringLiteral(_) | Token::DollarQuotedString(_) => false,
        Token::NationalStringLiteral(_) | Token::HexStringLiteral(_) | Token::UnicodeStringLiteral(_) => false,
        _ => true,
    }
}

/// 54001 as Postgres words it.
pub(super) fn too_complex(position: Option<usize>) -> SqlError {
    let error = SqlError::new(SqlState::StatementTooComplex, "stack depth limit exceeded")
        .with_detail(format!("At most 100 nested parentheses and {MAX_OPERATOR_CHAIN} operators in one expression."))
        .with_hint("Use fewer nested expressions; a long chain of OR is better written with IN (...).");
    match position {
        Some(position) => error.at(position),
        None => error,
    }
}
