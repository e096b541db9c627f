//! `encode` and `decode` as in Postgres: hex, base64 (padded, in lines of 76 characters) and escape.
//!
//! They are `encode_bytes` and `decode_text`, since stored plans have DataFusion's under Postgres' names.

use super::own::{Arguments, Own, is};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, AsArray, BinaryArray, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// Characters of a line of base64.
const LINE: usize = 76;
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// `encode_bytes` and `decode_text`.
pub(super) fn functions() -> [Arc<ScalarUDF>; 2] {
    [
        Own::function("encode_bytes", |a| types(a, DataType::Binary, DataType::Utf8), encode),
        Own::function("decode_text", |a| types(a, DataType::Utf8, DataType::Binary), decode),
    ]
}

fn types(arguments: &[DataType], of: DataType, to: DataType) -> Option<(Vec<DataType>, DataType)> {
    match arguments {
        [value, format] if is(value, &of) && is(format, &DataType::Utf8) => Some((vec![of, DataType::Utf8], to)),
        _ => None,
    }
}

#[derive(Clone, Copy)]
enum Format {
    Hex,
    Base64,
    Escape,
}

impl Format {
    fn of(name: &str) -> Result<Format, SqlError> {
        match name.to_ascii_lowercase().as_str() {
            "hex" => Ok(Format::Hex),
            "base64" => Ok(Format::Base64),
            "escape" => Ok(Format::Escape),
            _ => Err(invalid(format!("unrecognized encoding: \"{name}\""))),
        }
    }
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::InvalidParameterValue, message)
}

fn encode(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let (values, formats) = (arguments.array(0)?, arguments.text(1)?);
    let values = values.as_binary_opt::<i32>().ok_or_else(|| SqlError::internal("bytes that are none"))?;
    let texts = values.iter().zip(formats.iter()).map(|pair| match pair {
        (Some(bytes), Some(format)) => Ok(Some(match Format::of(format)? {
            Format::Hex => bytes.iter().map(|byte| format!("{byte:02x}")).collect(),
            Format::Base64 => to_base64(bytes),
            Format::Escape => to_escape(bytes),
        })),
        _ => Ok(None),
    });
    Ok(Arc::new(texts.collect::<Result<StringArray, SqlError>>()?))
}

fn decode(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let (values, formats) = (arguments.text(0)?, arguments.text(1)?);
    let bytes = values.iter().zip(formats.iter()).map(|pair| match pair {
        (Some(text), Some(format)) => match Format::of(format)? {
            Format::Hex => from_hex(text).map(Some),
            Format::Base64 => from_base64(text).map(Some),
            Format::Escape => from_escape(text).map(Some),
        },
        _ => Ok(None),
    });
    let bytes = bytes.collect::<Result<Vec<Option<Vec<u8>>>, SqlError>>()?;
    Ok(Arc::new(bytes.iter().map(Option::as_deref).collect::<BinaryArray>()))
}

fn to_base64(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len() * 4 / 3 + bytes.len() / LINE + 4);
    let mut line = 0;
    for three in bytes.chunks(3) {
        let bits = three.iter().fold(0_u32, |bits, byte| (bits << 8) | u32::from(*byte)) << (8 * (3 - three.len()));
        for place in 0..4 {
            match place <= three.len() {
                true => text.push(char::from(DIGITS[((bits >> (18 - 6 * place)) & 63) as usize])),
                false => text.push('='),
            }
        }
        line += 4;
        // The last line is ended too, if it is full and not padded.
        if line == LINE && three.len() == 3 {
            text.push('\n');
            line = 0;
        }
    }
    text
}

fn is_space(character: char) -> bool {
    matches!(character, ' ' | '\t' | '\n' | '\r')
}

fn from_base64(text: &str) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::with_capacity(text.len() * 3 / 4);
    let (mut bits, mut count, mut padding) = (0_u32, 0, 0);
    for character in text.chars().filter(|character| !is_space(*character)) {
        let digit = DIGITS.iter().position(|digit| char::from(*digit) == character);
        let digit = match (character, digit) {
            ('=', _) => {
                if padding == 0 && count < 2 {
                    return Err(invalid("unexpected \"=\" while decoding base64 sequence"));
                }
                if padding == 0 {
                    padding = 4 - count;
                }
                0
            }
            (_, Some(digit)) => digit,
            _ => {
                return Err(invalid(format!("invalid symbol \"{character}\" found while decoding base64 sequence")));
            }
        };
        bits = (bits << 6) | digit as u32;
        count += 1;
        if count == 4 {
            bytes.extend(&bits.to_be_bytes()[1..4 - padding]);
            (bits, count) = (0, 0);
        }
    }
    match count {
        0 => Ok(bytes),
        _ => Err(invalid("invalid base64 end sequence")
            .with_hint("Input data is missing padding, is truncated, or is otherwise corrupted.")),
    }
}

fn from_hex(text: &str) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::with_capacity(text.len() / 2);
    let digit = |character: char| match character.to_digit(16) {
        Some(digit) => Ok(digit as u8),
        None => Err(invalid(format!("invalid hexadecimal digit: \"{character}\""))),
    };
    let mut characters = text.chars();
    while let Some(first) = characters.by_ref().find(|character| !is_space(*character)) {
        let high = digit(first)?;
        let Some(second) = characters.next() else {
            return Err(invalid("invalid hexadecimal data: odd number of digits"));
        };
        bytes.push((high << 4) | digit(second)?);
    }
    Ok(bytes)
}

fn to_escape(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        match byte {
            0 | 128.. => text.push_str(&format!("\\{byte:03o}")),
            b'\\' => text.push_str("\\\\"),
            other => text.push(char::from(*other)),
        }
    }
    text
}

fn from_escape(text: &str) -> Result<Vec<u8>, SqlError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        (rest, _) = match (first, after) {
            (b'\\', [b'\\', after @ ..]) => (after, bytes.push(b'\\')),
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                (after, bytes.push(((a - b'0') << 6) | ((b - b'0') << 3) | (c - b'0')))
            }
            (b'\\', _) => {
                let message = "invalid input syntax for type bytea";
                return Err(SqlError::new(SqlState::InvalidTextRepresentation, message));
            }
            (other, after) => (after, bytes.push(*other)),
        };
    }
    Ok(bytes)
}
