//! SQL types and Arrow types.

use super::SqlType;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, IntervalUnit, TimeUnit};

/// The zone of every `timestamptz` in Arrow: values are UTC, and the zone only says so.
const UTC: &str = "+00:00";

impl SqlType {
    /// The Arrow type in which values of this type are kept and computed.
    #[must_use]
    pub fn to_arrow(&self) -> DataType {
        match *self {
            SqlType::Boolean => DataType::Boolean,
            SqlType::SmallInt => DataType::Int16,
            SqlType::Integer => DataType::Int32,
            SqlType::BigInt => DataType::Int64,
            SqlType::Real => DataType::Float32,
            SqlType::Double => DataType::Float64,
            SqlType::Numeric { precision, scale } => DataType::Decimal128(precision, scale),
            SqlType::Text | SqlType::Varchar { .. } => DataType::Utf8,
            SqlType::Bytea => DataType::Binary,
            SqlType::Date => DataType::Date32,
            SqlType::Timestamp => DataType::Timestamp(TimeUnit::Microsecond, None),
            SqlType::TimestampTz => DataType::Timestamp(TimeUnit::Microsecond, Some(UTC.into())),
            SqlType::Interval => DataType::Interval(IntervalUnit::MonthDayNano),
        }
    }

    /// The SQL type that shows values of an Arrow type; `None` if there is none (lists, structs, times of day).
    ///
    /// Types that are not [canonical] need a cast to [`SqlType::to_arrow`] of the result before they are shown.
    #[must_use]
    pub fn from_arrow(data_type: &DataType) -> Option<SqlType> {
        Some(match canonical(data_type)? {
            DataType::Boolean => SqlType::Boolean,
            DataType::Int16 => SqlType::SmallInt,
            DataType::Int32 => SqlType::Integer,
            DataType::Int64 => SqlType::BigInt,
            DataType::Float32 => SqlType::Real,
            DataType::Float64 => SqlType::Double,
            DataType::Decimal128(precision, scale) => SqlType::Numeric { precision, scale },
            DataType::Utf8 => SqlType::Text,
            DataType::Binary => SqlType::Bytea,
            DataType::Date32 => SqlType::Date,
            DataType::Timestamp(_, None) => SqlType::Timestamp,
            DataType::Timestamp(_, Some(_)) => SqlType::TimestampTz,
            DataType::Interval(_) => SqlType::Interval,
            _ => return None,
        })
    }
}

/// The Arrow type of the type map that holds values of `data_type`: itself if it is one already, else the type to cast to.
/// `None` if no SQL type of Attune fits.
#[must_use]
pub fn canonical(data_type: &DataType) -> Option<DataType> {
    Some(match data_type {
        DataType::Boolean => DataType::Boolean,
        DataType::Int8 | DataType::UInt8 | DataType::Int16 => DataType::Int16,
        DataType::UInt16 | DataType::Int32 => DataType::Int32,
        DataType::UInt32 | DataType::Int64 | DataType::UInt64 => DataType::Int64,
        DataType::Float16 | DataType::Float32 => DataType::Float32,
        DataType::Float64 => DataType::Float64,
        DataType::Decimal32(p, s) | DataType::Decimal64(p, s) | DataType::Decimal128(p, s) => {
            DataType::Decimal128(*p, *s)
        }
        DataType::Decimal256(p, s) => {
            let precision = (*p).min(DECIMAL128_MAX_PRECISION);
            DataType::Decimal128(precision, (*s).min(precision as i8))
        }
        // NULL without a type is text, as an unknown literal is in Postgres.
        DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View | DataType::Null => DataType::Utf8,
        DataType::Binary | DataType::LargeBinary | DataType::BinaryView | DataType::FixedSizeBinary(_) => {
            DataType::Binary
        }
        DataType::Date32 | DataType::Date64 => DataType::Date32,
        DataType::Timestamp(_, None) => SqlType::Timestamp.to_arrow(),
        DataType::Timestamp(_, Some(_)) => SqlType::TimestampTz.to_arrow(),
        DataType::Interval(_) | DataType::Duration(_) => SqlType::Interval.to_arrow(),
        DataType::Dictionary(_, values) => return canonical(values),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::PLAIN_NUMERIC;

    #[test]
    fn every_type_survives_arrow() {
        for sql_type in [
            SqlType::Boolean,
            SqlType::SmallInt,
            SqlType::Integer,
            SqlType::BigInt,
            SqlType::Real,
            SqlType::Double,
            PLAIN_NUMERIC,
            SqlType::Text,
            SqlType::Bytea,
            SqlType::Date,
            SqlType::Timestamp,
            SqlType::TimestampTz,
            SqlType::Interval,
        ] {
            let arrow = sql_type.to_arrow();
            assert_eq!(SqlType::from_arrow(&arrow), Some(sql_type));
            assert_eq!(canonical(&arrow), Some(arrow), "{sql_type}");
        }
    }

    #[test]
    fn other_arrow_types_become_the_nearest() {
        assert_eq!(SqlType::from_arrow(&DataType::UInt64), Some(SqlType::BigInt));
        assert_eq!(SqlType::from_arrow(&DataType::Utf8View), Some(SqlType::Text));
        assert_eq!(SqlType::from_arrow(&DataType::Null), Some(SqlType::Text));
        assert_eq!(SqlType::from_arrow(&DataType::Timestamp(TimeUnit::Nanosecond, None)), Some(SqlType::Timestamp));
        assert_eq!(canonical(&DataType::Decimal256(76, 40)), Some(DataType::Decimal128(38, 38)));
        assert_eq!(SqlType::from_arrow(&DataType::Time64(TimeUnit::Nanosecond)), None);
    }
}
