//! `substr_bytes(bytes, start [, count])`: Postgres' `substr` of a bytea, which counts bytes from 1.

use super::own::{Arguments, Own, is};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BinaryArray};
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `substr_bytes`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("substr_bytes", types, compute)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [bytes, numbers @ ..] = arguments else { return None };
    let number = |argument: &DataType| argument.is_integer() || argument.is_null();
    let takes = is(bytes, &DataType::Binary) && matches!(numbers.len(), 1 | 2) && numbers.iter().all(number);
    takes.then(|| {
        let numbers = numbers.iter().map(|_| DataType::Int64);
        (std::iter::once(DataType::Binary).chain(numbers).collect(), DataType::Binary)
    })
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let bytes = arguments.array(0)?;
    let bytes = bytes.as_binary_opt::<i32>().ok_or_else(|| SqlError::internal("bytes that are none"))?;
    let starts = arguments.primitive::<Int64Type>(1)?;
    let counts = (arguments.len() > 2).then(|| arguments.primitive::<Int64Type>(2)).transpose()?;
    let parts = (0..bytes.len()).map(|row| {
        if bytes.is_null(row) || starts.is_null(row) || counts.as_ref().is_some_and(|counts| counts.is_null(row)) {
            return Ok(None);
        }
        let count = counts.as_ref().map(|counts| counts.value(row));
        part(bytes.value(row), starts.value(row), count).map(Some)
    });
    Ok(Arc::new(parts.collect::<Result<BinaryArray, SqlError>>()?))
}

/// The bytes from `start` on, `count` of them; what lies before the first or behind the last byte is not there.
fn part(bytes: &[u8], start: i64, count: Option<i64>) -> Result<&[u8], SqlError> {
    let end = match count {
        Some(count) if count < 0 => {
            return Err(SqlError::new(SqlState::SubstringError, "negative substring length not allowed"));
        }
        Some(count) => start.saturating_add(count),
        None => i64::MAX,
    };
    let place = |number: i64| usize::try_from(number.saturating_sub(1)).unwrap_or(0).min(bytes.len());
    Ok(&bytes[place(start)..place(end).max(place(start))])
}

#[cfg(test)]
mod tests {
    use super::super::own::tests::call;
    use crate::types::SqlType::{BigInt, Bytea};

    #[test]
    fn bytes_count_from_one() {
        for (start, count, expected) in [
            ("2", None, r"\x6263"),
            ("2", Some("1"), r"\x62"),
            ("-1", Some("3"), r"\x61"),
            ("0", None, r"\x616263"),
            ("9", None, r"\x"),
            ("2", Some("NULL"), "NULL"),
        ] {
            let mut arguments = vec![("abc", Bytea), (start, BigInt)];
            arguments.extend(count.map(|count| (count, BigInt)));
            assert_eq!(call("substr_bytes", &arguments), expected, "{start} {count:?}");
        }
        let error = call("substr_bytes", &[("abc", Bytea), ("1", BigInt), ("-1", BigInt)]);
        assert!(error.contains("negative substring length not allowed"), "{error}");
    }
}
