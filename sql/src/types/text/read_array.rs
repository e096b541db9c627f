//! Arrays of one dimension from text: `{1,NULL,"a b"}`.

use super::read_value;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::ListArray;
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::Field;
use datafusion::common::ScalarValue;
use std::borrow::Cow;
use std::sync::Arc;

/// The array of a text, as a list of one value. Its elements may be NULL.
///
/// # Errors
/// 22P02 for a malformed array, 0A000 for several dimensions, and what [`read_value`] gives.
pub fn read_array(text: &str, element: SqlType) -> Result<ScalarValue, SqlError> {
    let internal = |error: &dyn std::fmt::Display| SqlError::internal(error.to_string());
    let arrow = element.to_arrow();
    let mut values = Vec::new();
    read_elements(text, &mut |item| {
        values.push(match item {
            Some(text) => read_value(text, element)?,
            None => ScalarValue::try_new_null(&arrow).map_err(|e| internal(&e))?,
        });
        Ok(())
    })?;
    let length = values.len();
    let values = match length {
        0 => datafusion::arrow::array::new_empty_array(&arrow),
        _ => ScalarValue::iter_to_array(values).map_err(|e| internal(&e))?,
    };
    let field = Arc::new(Field::new_list_field(arrow, true));
    let list = ListArray::try_new(field, OffsetBuffer::from_lengths([length]), values, None);
    Ok(ScalarValue::List(Arc::new(list.map_err(|e| internal(&e))?)))
}

/// Calls `each` with the text of every element of an array; `None` is NULL.
///
/// # Errors
/// 22P02 for a malformed array, 0A000 for several dimensions, and what `each` gives.
pub fn read_elements(text: &str, each: &mut dyn FnMut(Option<&str>) -> Result<(), SqlError>) -> Result<(), SqlError> {
    let malformed = |why: &str| {
        let message = format!("malformed array literal: \"{text}\"");
        SqlError::new(SqlState::InvalidTextRepresentation, message).with_detail(why)
    };
    let trimmed = text.trim_matches(|c: char| c.is_ascii_whitespace());
    let Some(mut rest) = trimmed.strip_prefix('{') else {
        return Err(malformed("Array value must start with \"{\" or dimension information."));
    };
    rest = rest.trim_ascii_start();
    if rest.trim_ascii_end() == "}" {
        return Ok(());
    }
    loop {
        rest = rest.trim_ascii_start();
        if rest.starts_with('{') {
            return Err(SqlError::unsupported(
                "arrays of several dimensions are not supported",
                "Send an array of one dimension.",
            ));
        }
        let (value, literal, after) = item(rest).ok_or_else(|| malformed("Unexpected end of input."))?;
        match &*value {
            "" if !literal => return Err(malformed("Unexpected \",\" or \"}\" character.")),
            word if !literal && word.eq_ignore_ascii_case("null") => each(None)?,
            word => each(Some(word))?,
        }
        rest = after.trim_ascii_start();
        match rest.as_bytes() {
            [b',', ..] => rest = &rest[1..],
            [b'}'] => return Ok(()),
            [b'}', ..] => return Err(malformed("Junk after closing right brace.")),
            _ => return Err(malformed("Incorrectly quoted array element.")),
        }
    }
}

/// One element, whether it was quoted or escaped (then it is no NULL), and what follows it.
fn item(text: &str) -> Option<(Cow<'_, str>, bool, &str)> {
    let quoted = text.starts_with('"');
    let body = if quoted { &text[1..] } else { text };
    let mut unescaped: Option<String> = None;
    // Where the last escaped character of `unescaped` ends: blanks before it stay.
    let mut kept = 0;
    let mut characters = body.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '\\' => {
                let (_, escaped) = characters.next()?;
                let text = unescaped.get_or_insert_with(|| body[..at].to_owned());
                text.push(escaped);
                kept = text.len();
            }
            '"' if quoted => {
                let value = unescaped.map_or(Cow::Borrowed(&body[..at]), Cow::Owned);
                return Some((value, true, &body[at + 1..]));
            }
            '"' | '{' if !quoted => return None,
            ',' | '}' if !quoted => {
                let escaped = unescaped.is_some();
                let value = match unescaped {
                    Some(mut value) => {
                        let end = kept.max(value.trim_ascii_end().len());
                        value.truncate(end);
                        Cow::Owned(value)
                    }
                    None => Cow::Borrowed(body[..at].trim_ascii_end()),
                };
                return Some((value, escaped, &body[at..]));
            }
            other => {
                if let Some(unescaped) = &mut unescaped {
                    unescaped.push(other);
                }
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn elements(text: &str) -> Result<Vec<Option<String>>, SqlError> {
        let mut all = Vec::new();
        read_elements(text, &mut |item| {
            all.push(item.map(str::to_owned));
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn elements_are_taken_apart() {
        let some = |text: &str| Some(text.to_owned());
        assert_eq!(elements(" {1, NULL ,\"a \\\"b\",nul\\l} "), Ok(vec![some("1"), None, some("a \"b"), some("null")]));
        assert_eq!(elements("{}"), Ok(Vec::new()));
        assert_eq!(elements("{\"\"}"), Ok(vec![some("")]));
        for wrong in ["", "1", "{1", "{1,}", "{,1}", "{1}x", "{\"a\"b}", "{a\"b\"}"] {
            assert_eq!(elements(wrong).map_err(|e| e.state), Err(SqlState::InvalidTextRepresentation), "{wrong}");
        }
        assert_eq!(elements("{{1}}").map_err(|e| e.state), Err(SqlState::FeatureNotSupported));
    }

    #[test]
    fn an_array_has_the_type_of_its_elements() {
        let ScalarValue::List(list) = read_array("{1,NULL}", SqlType::BigInt).unwrap() else { panic!("a list") };
        assert_eq!(list.value_type(), SqlType::BigInt.to_arrow());
        assert!(read_array("{}", SqlType::Text).is_ok());
        assert!(read_array("{x}", SqlType::BigInt).is_err());
    }
}
