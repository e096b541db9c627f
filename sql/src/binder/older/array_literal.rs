//! Arrays written as text: `'{1,2}'::bigint[]` is `ARRAY['1', '2']::bigint[]`.

use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{Array, DataType, Expr, Value};

/// Turns the text of a cast to an array into an array of texts, which the cast then casts one by one.
///
/// # Errors
/// 22P02 for text that is no array of one dimension.
pub(super) fn expand(expr: &mut Expr) -> Result<(), SqlError> {
    let Expr::Cast { expr: operand, data_type: DataType::Array(_), .. } = expr else { return Ok(()) };
    let Expr::Value(value) = &**operand else { return Ok(()) };
    let Value::SingleQuotedString(text) = &value.value else { return Ok(()) };
    let elements = elements(text).ok_or_else(|| {
        SqlError::new(SqlState::InvalidTextRepresentation, format!("malformed array literal: \"{text}\""))
            .with_hint("Write {1,2,3}; an element with a comma, a brace or a space is quoted: {\"a, b\",c}.")
    })?;
    let elem = elements.into_iter().map(|e| Expr::value(e.map_or(Value::Null, Value::SingleQuotedString))).collect();
    **operand = Expr::Array(Array { elem, named: true });
    Ok(())
}

/// The elements of `{a,NULL,"b"}`; `None` is NULL.
fn elements(text: &str) -> Option<Vec<Option<String>>> {
    let inside = text.trim().strip_prefix('{')?.strip_suffix('}')?;
    if inside.trim().is_empty() {
        return Some(Vec::new());
    }
    let mut elements = Vec::new();
    let mut rest = inside;
    loop {
        let (element, after) = element(rest.trim_start())?;
        elements.push(element);
        rest = match after.trim_start().strip_prefix(',') {
            Some(rest) => rest,
            None if after.trim().is_empty() => return Some(elements),
            None => return None,
        };
    }
}

/// The first element, and the text behind it.
fn element(text: &str) -> Option<(Option<String>, &str)> {
    let quoted = text.starts_with('"');
    let mut value = String::new();
    let mut characters = text.char_indices().skip(usize::from(quoted));
    while let Some((at, c)) = characters.next() {
        match c {
            '\\' => value.push(characters.next()?.1),
            '"' if quoted => return Some((Some(value), &text[at + 1..])),
            '"' | '{' | '}' if !quoted => return None,
            ',' if !quoted => return plain(&value).map(|element| (element, &text[at..])),
            c => value.push(c),
        }
    }
    if quoted { None } else { plain(&value).map(|element| (element, "")) }
}

/// An element without quotes: not empty, and NULL in any case is NULL.
fn plain(value: &str) -> Option<Option<String>> {
    let value = value.trim_end();
    if value.is_empty() {
        return None;
    }
    Some((!value.eq_ignore_ascii_case("null")).then(|| value.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arrays_are_read_as_postgres_reads_them() {
        let read = |text| elements(text).map(|e| e.into_iter().map(|e| e.unwrap_or("-".into())).collect::<Vec<_>>());
        assert_eq!(read("{}"), Some(vec![]));
        assert_eq!(read(" { 1 , 2 } "), Some(vec!["1".into(), "2".into()]));
        assert_eq!(read("{a b,null,\"null\"}"), Some(vec!["a b".into(), "-".into(), "null".into()]));
        assert_eq!(read(r#"{"a, \"b\"",c\,d}"#), Some(vec!["a, \"b\"".into(), "c,d".into()]));
        for wrong in ["", "1,2", "{1,2", "{1,,2}", "{1,}", "{\"a}", "{\"a\"b}", "{{1},{2}}"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
