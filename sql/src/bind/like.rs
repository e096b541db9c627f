//! Patterns of LIKE.

use super::{Bind, Result};
use crate::algebra::{Expr, Type};
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, Value};

impl Bind<'_> {
    /// The pattern of LIKE with the backslash as its escape character.
    pub(super) fn pattern(&self, pattern: Expr, escape: Option<&ast::ValueWithSpan>) -> Result<Expr> {
        let Some(escape) = escape else { return Ok(pattern) };
        let escape = match &escape.value {
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => text.as_str(),
            _ => {
                let what = "an escape character that is no literal is not supported";
                let instead = "Write the character in quotes: ESCAPE '!'.";
                return Err(SqlError::unsupported(what, instead).or_at(escape.span));
            }
        };
        let given = escape;
        let mut characters = escape.chars();
        let escape = match (characters.next(), characters.next()) {
            (first, None) => first,
            _ => {
                let error = SqlError::new(SqlState::InvalidEscapeSequence, "invalid escape string");
                return Err(error.with_hint("Escape string must be empty or one character."));
            }
        };
        match pattern {
            _ if escape == Some('\\') => Ok(pattern),
            Expr::Constant { value: ScalarValue::Utf8(Some(text)), ty } => {
                let text = with_backslash(&text, escape)?;
                Ok(Expr::constant(ScalarValue::Utf8(Some(text)), ty))
            }
            null if null.is_null_constant() => Ok(null),
            pattern => {
                let escape = Expr::constant(ScalarValue::Utf8(Some(given.to_owned())), Type::TEXT);
                Ok(self.resolver.function("like_escape", vec![pattern, escape])?)
            }
        }
    }
}

/// The pattern with another escape character written with the backslash.
fn with_backslash(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::with_capacity(pattern.len() + 4);
    let mut characters = pattern.chars();
    while let Some(c) = characters.next() {
        if Some(c) == escape {
            let Some(next) = characters.next() else {
                let message = "LIKE pattern must not end with escape character";
                return Err(SqlError::new(SqlState::InvalidEscapeSequence, message));
            };
            out.push('\\');
            out.push(next);
        } else {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
        }
    }
    Ok(out)
}

/// The array of `LIKE ALL (array)`, which the parser takes for a function.
pub(super) fn all_of(pattern: &ast::Expr) -> Option<&ast::Expr> {
    let ast::Expr::Function(ast::Function { name, args: ast::FunctionArguments::List(list), .. }) = pattern else {
        return None;
    };
    let is_all = matches!(name.0.as_slice(), [part] if part.as_ident().is_some_and(|name| {
        name.quote_style.is_none() && name.value.eq_ignore_ascii_case("all")
    }));
    match list.args.as_slice() {
        [ast::FunctionArg::Unnamed(ast::FunctionArgExpr::Expr(array))] if is_all => Some(array),
        _ => None,
    }
}
