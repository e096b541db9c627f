//! Values on the wire: Postgres text and binary, in both directions.
//!
//! Writing goes from a storage [`Value`] straight into the connection's buffer, without Arrow and without an allocation.
//! Reading gives a [`Datum`], which borrows from the message where it can.

mod array;
mod binary_in;
mod binary_out;
mod numeric;
mod parameter;
#[cfg(test)]
mod tests;
mod text_in;
mod text_out;

pub(super) use array::elements;
pub(super) use binary_in::parse_binary;
pub(super) use numeric::{Exact, parse_binary as numeric_binary, parse_text as numeric_text};
pub(super) use parameter::{Parameters, Ranges, array_element, array_oid, parameter_oid};
pub(super) use text_in::parse_text;
pub(super) use text_out::write_text;

use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::Value;
use bytes::{BufMut, BytesMut};
use smallvec::SmallVec;

/// Form of a value on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) enum Format {
    /// As Postgres prints it.
    #[default]
    Text,
    /// As Postgres' `_send` functions write it.
    Binary,
}

/// Formats as Bind has them: none (all text), one for all values, or one each. Most have one.
pub(super) type Formats = SmallVec<[Format; 8]>;

/// A non-NULL value read from a client.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Datum<'a> {
    /// A value in the message itself, or without bytes behind it.
    Value(Value<'a>),
    /// Bytes that had to be decoded (bytea in text form).
    Bytes(Vec<u8>),
}

impl Datum<'_> {
    /// The value.
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Datum::Value(value) => *value,
            Datum::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

impl<'a> From<Value<'a>> for Datum<'a> {
    fn from(value: Value<'a>) -> Datum<'a> {
        Datum::Value(value)
    }
}

/// Appends a value with its length, as DataRow holds it; NULL is the length -1.
#[inline]
pub(super) fn write_field(out: &mut BytesMut, value: Option<Value<'_>>, sql_type: SqlType, format: Format) {
    let Some(value) = value else { return out.put_i32(-1) };
    let start = out.len();
    out.put_i32(0);
    match format {
        Format::Text => text_out::write_text(out, value, sql_type),
        Format::Binary => binary_out::write_binary(out, value, sql_type),
    }
    // A field cannot reach 2 GiB: rows are far smaller (an Arrow column of one batch is at most that).
    let length = i32::try_from(out.len() - start - 4).unwrap_or(i32::MAX);
    out[start..start + 4].copy_from_slice(&length.to_be_bytes());
}

/// A value as the client sent it, read in the given form.
///
/// # Errors
/// 22P02, 22P03, 22003, 22007, 22008 or 22021, worded as Postgres does.
pub(super) fn parse(bytes: &[u8], sql_type: SqlType, format: Format) -> Result<Datum<'_>, SqlError> {
    match format {
        Format::Text => parse_text(utf8(bytes)?, sql_type),
        Format::Binary => parse_binary(bytes, sql_type),
    }
}

/// Text from a client: UTF-8 without zero bytes.
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, SqlError> {
    let invalid = |rest: &[u8]| {
        let shown: Vec<_> = rest.iter().take(4).map(|byte| format!("0x{byte:02x}")).collect();
        let message = format!("invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "));
        SqlError::new(SqlState::CharacterNotInRepertoire, message)
    };
    let text = std::str::from_utf8(bytes).map_err(|e| {
        let length = e.error_len().unwrap_or(bytes.len() - e.valid_up_to());
        invalid(&bytes[e.valid_up_to()..e.valid_up_to() + length])
    })?;
    if text.as_bytes().contains(&0) {
        return Err(invalid(&[0]));
    }
    Ok(text)
}
