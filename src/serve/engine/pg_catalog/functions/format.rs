//! `format(text, ...)`: `%s`, `%I` and `%L`, with positions (`%2$s`).

use super::super::index::quoted;
use super::{Answer, quoted_literal};
use attune_sql::{SqlError, SqlState};

/// The text with its arguments, which follow it as texts.
pub(super) fn format(arguments: &[Option<String>]) -> Answer {
    let Some(Some(pattern)) = arguments.first() else { return Answer::Null };
    let mut out = String::with_capacity(pattern.len());
    let mut next = 1;
    let mut characters = pattern.chars().peekable();
    while let Some(c) = characters.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut digits = String::new();
        while let Some(digit) = characters.next_if(char::is_ascii_digit) {
            digits.push(digit);
        }
        if !digits.is_empty() {
            match (characters.next(), digits.parse::<usize>()) {
                (Some('$'), Ok(position)) if position > 0 => next = position,
                (Some('$'), _) => {
                    return failed(
                        SqlState::InvalidParameterValue,
                        "format specifies argument 0, but arguments are numbered from 1",
                    );
                }
                _ => {
                    return Answer::Failed(SqlError::unsupported(
                        "a width in format() is not supported",
                        "Use lpad() or rpad().",
                    ));
                }
            }
        }
        let kind = characters.next();
        if kind == Some('%') && digits.is_empty() {
            out.push('%');
            continue;
        }
        let Some(kind @ ('s' | 'I' | 'L')) = kind else {
            let message = match kind {
                Some(kind) => format!("unrecognized format() type specifier \"{kind}\""),
                None => "unterminated format() type specifier".to_owned(),
            };
            return failed(SqlState::InvalidParameterValue, &message);
        };
        let Some(value) = arguments.get(next) else {
            return failed(SqlState::InvalidParameterValue, "too few arguments for format()");
        };
        next += 1;
        match (kind, value) {
            ('s', value) => out.push_str(value.as_deref().unwrap_or_default()),
            ('I', Some(name)) => out.push_str(&quoted(name)),
            ('I', None) => {
                return failed(SqlState::InvalidParameterValue, "null values cannot be formatted as an SQL identifier");
            }
            (_, Some(text)) => out.push_str(&quoted_literal(text)),
            (_, None) => out.push_str("NULL"),
        }
    }
    Answer::Text(out)
}

fn failed(state: SqlState, message: &str) -> Answer {
    Answer::Failed(SqlError::new(state, message.to_owned()))
}
