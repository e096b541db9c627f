//! One-dimensional arrays of parameters (`= ANY($1)`): `{1,2,NULL,"a b"}` and the binary form.

use super::{Datum, Format, binary_in, parse_binary, parse_text, utf8};
use attune_sql::SqlError;
use attune_sql::types::SqlType;
use attune_sql::types::text::read_elements;

/// Calls `each` with every element of an array (`None` is NULL).
///
/// Integers of another width than `element` are read as what they are and given as text would be: the declared type of
/// an array need not be that of the key it is compared with.
///
/// # Errors
/// 22P02 and 22P03 for malformed arrays, 0A000 for several dimensions, and what reading an element or `each` gives.
pub(in crate::serve) fn elements(
    bytes: &[u8],
    element: SqlType,
    format: Format,
    each: &mut dyn FnMut(Option<Datum<'_>>) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    match format {
        Format::Text => from_text(utf8(bytes)?, element, each),
        Format::Binary => from_binary(bytes, element, each),
    }
}

fn from_text(
    text: &str,
    element: SqlType,
    each: &mut dyn FnMut(Option<Datum<'_>>) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    read_elements(text, &mut |item| each(item.map(|text| parse_text(text, element)).transpose()?))
}

fn from_binary(
    bytes: &[u8],
    element: SqlType,
    each: &mut dyn FnMut(Option<Datum<'_>>) -> Result<(), SqlError>,
) -> Result<(), SqlError> {
    let mut rest = bytes;
    let dimensions = word(&mut rest)?;
    let _has_nulls = word(&mut rest)?;
    let oid = u32::from_be_bytes(word(&mut rest)?.to_be_bytes());
    match dimensions {
        0 if rest.is_empty() => return Ok(()),
        1 => {}
        2.. => return Err(several_dimensions()),
        _ => return Err(binary_in::invalid()),
    }
    let sent = SqlType::from_oid(oid).ok_or_else(binary_in::invalid)?;
    let count = word(&mut rest)?;
    let _lower_bound = word(&mut rest)?;
    for _ in 0..count {
        let Ok(length) = usize::try_from(word(&mut rest)?) else {
            each(None)?;
            continue;
        };
        let (value, after) = rest.split_at_checked(length).ok_or_else(binary_in::invalid)?;
        rest = after;
        if sent.to_arrow() == element.to_arrow() || same_kind(sent, element) {
            each(Some(parse_binary(value, element)?))?;
        } else {
            let mut text = bytes::BytesMut::new();
            super::write_text(&mut text, parse_binary(value, sent)?.value(), sent);
            each(Some(parse_text(utf8(&text)?, element)?))?;
        }
    }
    if rest.is_empty() && count >= 0 { Ok(()) } else { Err(binary_in::invalid()) }
}

/// Types whose binary form does not depend on their modifier.
fn same_kind(a: SqlType, b: SqlType) -> bool {
    matches!((a, b), (SqlType::Numeric { .. }, SqlType::Numeric { .. }))
}

fn word(rest: &mut &[u8]) -> Result<i32, SqlError> {
    let (word, after) = rest.split_first_chunk::<4>().ok_or_else(binary_in::invalid)?;
    *rest = after;
    Ok(i32::from_be_bytes(*word))
}

fn several_dimensions() -> SqlError {
    SqlError::unsupported("arrays of several dimensions are not supported", "Send an array of one dimension.")
}
