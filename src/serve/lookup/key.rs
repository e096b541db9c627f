//! Values of a key: from parameters and constants to exactly the type of the key column.

use crate::serve::engine::ParameterType;
use crate::serve::value::{Datum, Exact, Format, Parameters, numeric_binary, numeric_text, parse_text, utf8};
use attune_planner::LookupValue;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::ColumnType;
use attune_storage::codec::{KeyCodec, Value};
use std::cmp::Ordering;
use std::sync::Arc;

/// Where a key value comes from, and the type it must get.
#[derive(Clone, Debug)]
pub(super) struct KeySource {
    origin: Origin,
    column: ColumnType,
}

#[derive(Clone, Debug)]
enum Origin {
    Parameter(usize, SqlType),
    /// Text form; `None` is NULL.
    Constant(Option<Arc<str>>),
    /// An element of an array parameter.
    Element,
}

/// A key value.
pub(super) enum Fetched<'a> {
    /// NULL, which equals nothing.
    Null,
    /// A value of the key's type.
    Value(Datum<'a>),
    /// A value the key's type does not have: less or greater than all it can hold, or (Equal) between two of them.
    Outside(Ordering),
}

impl KeySource {
    /// `None` when the parameter's type is not compared as the key's type is.
    pub(super) fn new(value: &LookupValue, column: ColumnType, types: &[ParameterType]) -> Option<KeySource> {
        let source = match value {
            LookupValue::Parameter(index) => {
                let parameter = types.get(*index).filter(|parameter| !parameter.array)?;
                check(parameter.sql_type, column)?;
                KeySource { origin: Origin::Parameter(*index, parameter.sql_type), column }
            }
            LookupValue::Constant(text) => {
                check(key_type(column), column)?;
                KeySource { origin: Origin::Constant(text.as_deref().map(Arc::from)), column }
            }
        };
        // A constant that cannot be read is for the general path to explain.
        if matches!(source.origin, Origin::Constant(_)) && source.fetch(&Parameters::default()).is_err() {
            return None;
        }
        Some(source)
    }

    /// The elements of an array parameter.
    pub(super) fn element(element: SqlType, column: ColumnType) -> Option<KeySource> {
        check(element, column)?;
        // The elements of a numeric array are read at the scale of the key, which rounds.
        if matches!(column, ColumnType::Decimal { .. }) {
            return None;
        }
        Some(KeySource { origin: Origin::Element, column })
    }

    /// Whether the key is a decimal, where values between two of the key's exist.
    pub(super) fn is_decimal(&self) -> bool {
        matches!(self.column, ColumnType::Decimal { .. })
    }

    /// The value for these parameters.
    pub(super) fn fetch<'a>(&'a self, parameters: &'a Parameters) -> Result<Fetched<'a>, SqlError> {
        match &self.origin {
            Origin::Parameter(index, _) if self.is_decimal() => match parameters.get(*index)? {
                (Some(bytes), format) => self.decimal(bytes, format),
                (None, _) => Ok(Fetched::Null),
            },
            Origin::Parameter(index, sql_type) => match parameters.datum(*index, *sql_type)? {
                Some(datum) => self.convert(datum),
                None => Ok(Fetched::Null),
            },
            Origin::Constant(Some(text)) if self.is_decimal() => self.decimal(text.as_bytes(), Format::Text),
            Origin::Constant(Some(text)) => self.convert(parse_text(text, wide(key_type(self.column)))?),
            Origin::Constant(None) | Origin::Element => Ok(Fetched::Null),
        }
    }

    /// Brings a value that was read to the key's type.
    pub(super) fn convert<'a>(&self, datum: Datum<'a>) -> Result<Fetched<'a>, SqlError> {
        let Some(wide) = integer_value(datum.value()) else { return Ok(Fetched::Value(datum)) };
        let outside = || Ok(Fetched::Outside(wide.cmp(&0)));
        let value = match self.column {
            ColumnType::Int16 => i16::try_from(wide).map(Value::Int16),
            ColumnType::Int32 => i32::try_from(wide).map(Value::Int32),
            ColumnType::UInt64 => u64::try_from(wide).map(Value::UInt64),
            _ => Ok(Value::Int64(wide)),
        };
        value.map_or_else(|_| outside(), |value| Ok(Fetched::Value(Datum::Value(value))))
    }

    fn decimal(&self, bytes: &[u8], format: Format) -> Result<Fetched<'static>, SqlError> {
        let ColumnType::Decimal { precision, scale } = self.column else { return Ok(Fetched::Null) };
        let read = match format {
            Format::Text => numeric_text(utf8(bytes)?, scale)?,
            Format::Binary => numeric_binary(bytes, scale)?,
        };
        let Some(Exact { unscaled, exact }) = read else {
            return Err(match (format, utf8(bytes)) {
                (Format::Text, Ok(text)) => SqlError::new(
                    SqlState::InvalidTextRepresentation,
                    format!("invalid input syntax for type numeric: \"{text}\""),
                ),
                _ => SqlError::new(SqlState::InvalidBinaryRepresentation, "incorrect binary data format"),
            });
        };
        let fits = 10_u128.checked_pow(u32::from(precision)).is_some_and(|limit| unscaled.unsigned_abs() < limit);
        Ok(match (fits, exact) {
            (true, true) => Fetched::Value(Datum::Value(Value::Decimal(unscaled))),
            (true, false) => Fetched::Outside(Ordering::Equal),
            (false, _) => Fetched::Outside(unscaled.cmp(&0)),
        })
    }
}

/// The key of these values (or its prefix).
pub(super) fn encode(codec: &KeyCodec, values: &[Datum<'_>]) -> Result<Vec<u8>, SqlError> {
    let mut key = Vec::with_capacity(16 * (1 + values.len()));
    match values {
        // Most keys are one value: nothing is allocated but the key.
        [value] => encode_one(codec, value, &mut key)?,
        values => {
            let values: Vec<_> = values.iter().map(|datum| Some(datum.value())).collect();
            codec.encode_values(&values, &mut key).map_err(super::storage)?;
        }
    }
    Ok(key)
}

/// Appends the key of one value.
pub(super) fn encode_one(codec: &KeyCodec, value: &Datum<'_>, out: &mut Vec<u8>) -> Result<(), SqlError> {
    codec.encode_values(&[Some(value.value())], out).map_err(super::storage)
}

/// Whether comparing a parameter of this type with the key column means comparing key values: the same type, integers of
/// any width, numerics of any scale. Intervals compare equal in several forms (30 days, 1 month) and are left out.
fn check(parameter: SqlType, column: ColumnType) -> Option<()> {
    let integer = |column: ColumnType| {
        matches!(column, ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 | ColumnType::UInt64)
    };
    let parameter = ColumnType::from_arrow(&parameter.to_arrow()).ok()?;
    let fits = match column {
        ColumnType::Interval => false,
        ColumnType::Decimal { .. } => matches!(parameter, ColumnType::Decimal { .. }),
        _ => parameter == column || (integer(parameter) && integer(column)),
    };
    fits.then_some(())
}

/// The SQL type of a key column.
fn key_type(column: ColumnType) -> SqlType {
    SqlType::from_arrow(&column.to_arrow()).unwrap_or(SqlType::Text)
}

/// Integers are read as bigint, so that one outside the key's range is found out to be so.
fn wide(sql_type: SqlType) -> SqlType {
    match sql_type {
        SqlType::SmallInt | SqlType::Integer => SqlType::BigInt,
        other => other,
    }
}

/// The type to read the elements of an array parameter as.
pub(super) fn element_type(element: SqlType, column: ColumnType) -> SqlType {
    match element {
        SqlType::Varchar { .. } => SqlType::Text,
        _ if matches!(column, ColumnType::Int16 | ColumnType::Int32) => wide(element),
        other => other,
    }
}

/// A signed integer of any width.
pub(super) fn integer_value(value: Value<'_>) -> Option<i64> {
    match value {
        Value::Int16(v) => Some(i64::from(v)),
        Value::Int32(v) => Some(i64::from(v)),
        Value::Int64(v) => Some(v),
        _ => None,
    }
}
