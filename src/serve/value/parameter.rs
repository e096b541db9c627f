//! Parameters of a bound statement, kept as the bytes the client sent until they are needed.

use super::{Datum, Format, Formats, elements, parse};
use crate::serve::engine::ParameterType;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};
use bytes::Bytes;
use datafusion::arrow::array::ListArray;
use datafusion::arrow::buffer::OffsetBuffer;
use datafusion::arrow::datatypes::{Field, IntervalMonthDayNano};
use datafusion::scalar::ScalarValue;
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Where each value is in a message; `None` is NULL.
pub(in crate::serve) type Ranges = SmallVec<[Option<Range<usize>>; 2]>;

/// The values of `$1..` on the wire.
#[derive(Clone, Debug, Default)]
pub(in crate::serve) struct Parameters {
    /// The message they came in.
    message: Bytes,
    ranges: Ranges,
    formats: Formats,
}

impl Parameters {
    /// Values at `ranges` of `message`.
    pub(in crate::serve) fn new(message: Bytes, ranges: Ranges, formats: Formats) -> Parameters {
        Parameters { message, ranges, formats }
    }

    /// Values given as text.
    pub(in crate::serve) fn from_texts<'a>(texts: impl Iterator<Item = Option<&'a str>>) -> Parameters {
        let mut message = Vec::new();
        let ranges = texts.map(|text| {
            text.map(|text| {
                let start = message.len();
                message.extend_from_slice(text.as_bytes());
                start..message.len()
            })
        });
        let ranges = ranges.collect();
        Parameters { message: Bytes::from(message), ranges, formats: Formats::new() }
    }

    /// Number of values.
    pub(in crate::serve) fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Their size in memory, about.
    pub(in crate::serve) fn bytes(&self) -> usize {
        self.message.len() + size_of_val(self.ranges.as_slice())
    }

    /// Bytes and format of a value; the inner `None` is NULL.
    ///
    /// # Errors
    /// 42P02 when the client sent fewer.
    pub(in crate::serve) fn get(&self, index: usize) -> Result<(Option<&[u8]>, Format), SqlError> {
        let range = self.ranges.get(index).ok_or_else(|| {
            SqlError::new(SqlState::UndefinedParameter, format!("there is no parameter ${}", index + 1))
        })?;
        let format = match self.formats.as_slice() {
            [] => Format::Text,
            [one] => *one,
            each => each.get(index).copied().unwrap_or_default(),
        };
        Ok((range.clone().map(|range| &self.message[range]), format))
    }

    /// The value of a scalar parameter; `None` is NULL.
    ///
    /// # Errors
    /// As [`parse`].
    pub(in crate::serve) fn datum(&self, index: usize, sql_type: SqlType) -> Result<Option<Datum<'_>>, SqlError> {
        let (bytes, format) = self.get(index)?;
        bytes.map(|bytes| parse(bytes, sql_type, format)).transpose().map_err(|e| in_parameter(e, index))
    }

    /// All values with exactly the Arrow types of `types`.
    ///
    /// # Errors
    /// As [`parse`].
    pub(in crate::serve) fn scalars(&self, types: &[ParameterType]) -> Result<Vec<ScalarValue>, SqlError> {
        types.iter().enumerate().map(|(index, parameter)| self.scalar(index, *parameter)).collect()
    }

    fn scalar(&self, index: usize, parameter: ParameterType) -> Result<ScalarValue, SqlError> {
        let sql_type = parameter.sql_type;
        if parameter.array {
            return self.list(index, sql_type).map_err(|e| in_parameter(e, index));
        }
        let datum = self.datum(index, sql_type)?;
        scalar(datum.as_ref().map(Datum::value), sql_type)
    }

    fn list(&self, index: usize, element: SqlType) -> Result<ScalarValue, SqlError> {
        let arrow = element.to_arrow();
        let field = Arc::new(Field::new_list_field(arrow.clone(), true));
        let (bytes, format) = self.get(index)?;
        let Some(bytes) = bytes else {
            return Ok(ScalarValue::List(Arc::new(ListArray::new_null(field, 1))));
        };
        let column = ColumnType::from_arrow(&arrow).map_err(internal)?;
        let mut builder = ColumnBuilder::new(column, 0);
        elements(bytes, element, format, &mut |datum| {
            builder.append(datum.as_ref().map(Datum::value)).map_err(internal)
        })?;
        let values = builder.finish();
        let offsets = OffsetBuffer::from_lengths([values.len()]);
        let list = ListArray::try_new(field, offsets, values, None).map_err(internal)?;
        Ok(ScalarValue::List(Arc::new(list)))
    }
}

fn internal(error: impl std::fmt::Display) -> SqlError {
    SqlError::internal(error.to_string())
}

/// Says which parameter could not be read, where the message alone does not show it.
fn in_parameter(mut error: SqlError, index: usize) -> SqlError {
    if error.state == SqlState::InvalidBinaryRepresentation {
        error.message = format!("incorrect binary data format in bind parameter {}", index + 1);
    }
    if error.context.is_none() {
        error.context = Some(format!("unnamed portal parameter ${}", index + 1));
    }
    error
}

/// A value as DataFusion takes it, of exactly the Arrow type of `sql_type`.
fn scalar(value: Option<Value<'_>>, sql_type: SqlType) -> Result<ScalarValue, SqlError> {
    let arrow = sql_type.to_arrow();
    let Some(value) = value else { return ScalarValue::try_from(&arrow).map_err(internal) };
    Ok(match value {
        Value::Boolean(v) => ScalarValue::Boolean(Some(v)),
        Value::Int16(v) => ScalarValue::Int16(Some(v)),
        Value::Int32(v) => ScalarValue::Int32(Some(v)),
        Value::Int64(v) => ScalarValue::Int64(Some(v)),
        Value::UInt64(v) => ScalarValue::UInt64(Some(v)),
        Value::Float32(v) => ScalarValue::Float32(Some(v)),
        Value::Float64(v) => ScalarValue::Float64(Some(v)),
        Value::Decimal(v) => match sql_type {
            SqlType::Numeric { precision, scale } => ScalarValue::Decimal128(Some(v), precision, scale),
            _ => return Err(internal("a decimal of another type")),
        },
        Value::Text(v) => ScalarValue::Utf8(Some(v.to_owned())),
        Value::Bytes(v) => ScalarValue::Binary(Some(v.to_vec())),
        Value::Date(v) => ScalarValue::Date32(Some(v)),
        Value::Timestamp(v) => ScalarValue::TimestampMicrosecond(Some(v), None),
        Value::TimestampTz(v) => ScalarValue::TimestampMicrosecond(Some(v), Some(attune_storage::UTC.into())),
        Value::Interval(months, days, nanoseconds) => {
            ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano { months, days, nanoseconds }))
        }
    })
}

/// The OID of a parameter's type, as ParameterDescription announces it.
pub(in crate::serve) fn parameter_oid(parameter: ParameterType) -> u32 {
    if parameter.array { array_oid(parameter.sql_type) } else { parameter.sql_type.oid() }
}

/// The OID of the array type over an element type (`pg_type.typarray`).
pub(in crate::serve) fn array_oid(element: SqlType) -> u32 {
    match element {
        SqlType::Boolean => 1000,
        SqlType::Bytea => 1001,
        SqlType::SmallInt => 1005,
        SqlType::Integer => 1007,
        SqlType::Text => 1009,
        SqlType::Varchar { .. } => 1015,
        SqlType::BigInt => 1016,
        SqlType::Real => 1021,
        SqlType::Double => 1022,
        SqlType::Timestamp => 1115,
        SqlType::Date => 1182,
        SqlType::TimestampTz => 1185,
        SqlType::Interval => 1187,
        SqlType::Numeric { .. } => 1231,
    }
}

/// The element type of the array type of an OID, if it is one of ours.
pub(in crate::serve) fn array_element(oid: u32) -> Option<SqlType> {
    const ELEMENTS: [u32; 14] = [16, 17, 20, 21, 23, 25, 700, 701, 1043, 1082, 1114, 1184, 1186, 1700];
    ELEMENTS.into_iter().filter_map(SqlType::from_oid).find(|element| array_oid(*element) == oid)
}
