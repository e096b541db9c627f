//! `chr(code)` and `to_hex(number)` as Postgres has them: no zero byte becomes text, and a negative integer has eight digits.

use super::own::{Arguments, Own, is};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::{DataType, Int32Type, Int64Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `chr` and `to_hex`.
pub(super) fn functions() -> [Arc<ScalarUDF>; 2] {
    [Own::function("chr", chr_types, chr), Own::function("to_hex", to_hex_types, to_hex)]
}

fn chr_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [code] = arguments else { return None };
    (code.is_integer() || code.is_null()).then(|| (vec![DataType::Int64], DataType::Utf8))
}

fn chr(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let codes = arguments.primitive::<Int64Type>(0)?;
    let characters = codes.iter().map(|code| code.map(character).transpose());
    Ok(Arc::new(characters.collect::<Result<StringArray, SqlError>>()?))
}

fn character(code: i64) -> Result<String, SqlError> {
    match code {
        0 => Err(SqlError::new(SqlState::ProgramLimitExceeded, "null character not permitted")),
        i64::MIN..0 => Err(SqlError::new(SqlState::InvalidParameterValue, "character number must be positive")),
        _ => match u32::try_from(code).ok().and_then(char::from_u32) {
            Some(character) => Ok(character.to_string()),
            None => {
                let message = format!("requested character too large for encoding: {code}");
                Err(SqlError::new(SqlState::ProgramLimitExceeded, message))
            }
        },
    }
}

fn to_hex_types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [number] = arguments else { return None };
    let ty = if is(number, &DataType::Int32) { DataType::Int32 } else { DataType::Int64 };
    (number.is_integer() || number.is_null()).then(|| (vec![ty], DataType::Utf8))
}

fn to_hex(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let texts: StringArray = match arguments.array(0)?.data_type() {
        DataType::Int32 => arguments
            .primitive::<Int32Type>(0)?
            .iter()
            .map(|number| number.map(|number| format!("{number:x}")))
            .collect(),
        _ => arguments
            .primitive::<Int64Type>(0)?
            .iter()
            .map(|number| number.map(|number| format!("{number:x}")))
            .collect(),
    };
    Ok(Arc::new(texts))
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::{BigInt, Integer};

    #[test]
    fn characters_have_codes_from_one() {
        for (code, expected) in [
            ("65", "A"),
            ("1114111", "\u{10ffff}"),
            ("NULL", "NULL"),
            ("0", "54000: null character not permitted"),
            ("-1", "22023: character number must be positive"),
            ("1114112", "54000: requested character too large for encoding: 1114112"),
        ] {
            assert_eq!(call("chr", &[(code, BigInt)]), expected, "{code}");
        }
    }

    #[test]
    fn digits_depend_on_the_type() {
        assert_eq!(call("to_hex", &[("-1234", Integer)]), "fffffb2e");
        assert_eq!(call("to_hex", &[("-1234", BigInt)]), "fffffffffffffb2e");
        assert_eq!(call("to_hex", &[("255", BigInt)]), "ff");
    }
}
