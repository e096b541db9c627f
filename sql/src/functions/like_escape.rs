//! `like_escape(pattern, escape)`: a pattern of LIKE with another escape character, as one with the backslash.

use super::own::{Arguments, Own, is};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use std::borrow::Cow;
use std::sync::Arc;

/// `like_escape`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("like_escape", types, compute)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let text = |argument: &DataType| argument.is_string() || is(argument, &DataType::Utf8);
    (arguments.len() == 2 && arguments.iter().all(text)).then(|| (vec![DataType::Utf8, DataType::Utf8], DataType::Utf8))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let (patterns, escapes) = (arguments.text(0)?, arguments.text(1)?);
    let rows = patterns.iter().zip(escapes.iter()).map(|pair| match pair {
        (Some(pattern), Some(escape)) => with_backslash(pattern, escape).map(Some),
        _ => Ok(None),
    });
    Ok(Arc::new(rows.collect::<Result<StringArray, SqlError>>()?))
}

/// The pattern in which the backslash means what `escape` means in this one. An empty `escape` is none.
fn with_backslash<'a>(pattern: &'a str, escape: &str) -> Result<Cow<'a, str>, SqlError> {
    let mut characters = escape.chars();
    let escape = match (characters.next(), characters.next()) {
        (None, _) => {
            return Ok(if pattern.contains('\\') { pattern.replace('\\', "\\\\").into() } else { pattern.into() });
        }
        (Some(escape), None) => escape,
        _ => {
            return Err(SqlError::new(SqlState::InvalidEscapeSequence, "invalid escape string")
                .with_hint("Escape string must be empty or one character."));
        }
    };
    let mut written = String::with_capacity(pattern.len());
    let mut escaped = false;
    for character in pattern.chars() {
        if character == escape && !escaped {
            written.push('\\');
            escaped = true;
            continue;
        }
        // Of another escape character the backslash is a character like others.
        if character == '\\' && !escaped {
            written.push('\\');
        }
        written.push(character);
        escaped = false;
    }
    if escaped {
        let message = "LIKE pattern must not end with escape character";
        return Err(SqlError::new(SqlState::InvalidEscapeSequence, message));
    }
    Ok(written.into())
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::Text;

    fn of(pattern: &str, escape: &str) -> String {
        call("like_escape", &[(pattern, Text), (escape, Text)])
    }

    /// Expected values are those of PostgreSQL 15, which tells of a pattern that ends too early only where it is matched.
    #[test]
    fn the_backslash_takes_the_place() {
        assert_eq!(of("a!b", "!"), "a\\b");
        assert_eq!(of("a!b", ""), "a!b");
        assert_eq!(of("a\\b!!", "!"), "a\\\\b\\!");
        assert_eq!(of("a!\\%", "!"), "a\\\\%");
        assert_eq!(of("a\\b", "\\"), "a\\b");
        assert_eq!(of("a\\\\", "\\"), "a\\\\");
        assert_eq!(of("a\\", ""), "a\\\\");
        assert_eq!(of("ä!ö%", "ö"), "ä!\\%");
        assert_eq!(of("NULL", "!"), "NULL");
        assert_eq!(of("a", "xx"), "22025: invalid escape string");
        assert_eq!(of("a!", "!"), "22025: LIKE pattern must not end with escape character");
        assert_eq!(of("a\\", "\\"), "22025: LIKE pattern must not end with escape character");
    }
}
