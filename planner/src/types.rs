//! The types at the boundary between DataFusion and Attune's plans.

use arrow::datatypes::{DataType, TimeUnit};
use attune_sql::algebra::Type;
use attune_sql::types::{SqlType, canonical};
use attune_storage::ColumnType;

/// The column type that holds values of an Arrow type without loss; `None` if there is none.
///
/// DataFusion computes with types that are not stored (string views, nanoseconds, small and unsigned integers): plans use the
/// column type of the same values. `UInt64` becomes `Int64`: SQL has no unsigned type, so it only comes from `row_number()`.
pub(crate) fn column_type(data_type: &DataType) -> Option<ColumnType> {
    match data_type {
        // Coarser units would round where microseconds do not.
        DataType::Timestamp(TimeUnit::Second | TimeUnit::Millisecond, _) | DataType::Date64 => None,
        DataType::Decimal256(..) | DataType::FixedSizeBinary(_) | DataType::Dictionary(..) => None,
        other => ColumnType::from_arrow(&canonical(other)?).ok(),
    }
}

/// What an error calls values of an Arrow type.
pub(crate) fn shown(data_type: &DataType) -> String {
    Type::from_arrow(data_type).map_or_else(|| "an internal type".to_owned(), |ty| format!("type {ty}"))
}

/// The Arrow type of a column.
pub(crate) fn arrow_type(column_type: ColumnType) -> DataType {
    column_type.to_arrow()
}

/// The column type in which values of a SQL type are stored.
#[must_use]
pub fn stored_type(sql_type: SqlType) -> ColumnType {
    match sql_type {
        SqlType::Boolean => ColumnType::Boolean,
        SqlType::SmallInt => ColumnType::Int16,
        SqlType::Integer => ColumnType::Int32,
        SqlType::BigInt => ColumnType::Int64,
        SqlType::Real => ColumnType::Float32,
        SqlType::Double => ColumnType::Float64,
        SqlType::Numeric { precision, scale } => ColumnType::Decimal { precision, scale },
        SqlType::Text | SqlType::Varchar { .. } => ColumnType::Text,
        SqlType::Bytea => ColumnType::Bytes,
        SqlType::Date => ColumnType::Date,
        SqlType::Timestamp => ColumnType::Timestamp,
        SqlType::TimestampTz => ColumnType::TimestampTz,
        SqlType::Interval => ColumnType::Interval,
    }
}

/// The name of a column type in SQL.
pub(crate) fn sql_name(column_type: ColumnType) -> String {
    match column_type {
        ColumnType::Boolean => "boolean".to_owned(),
        ColumnType::Int16 => "smallint".to_owned(),
        ColumnType::Int32 => "integer".to_owned(),
        ColumnType::Int64 | ColumnType::UInt64 => "bigint".to_owned(),
        ColumnType::Float32 => "real".to_owned(),
        ColumnType::Float64 => "double precision".to_owned(),
        ColumnType::Decimal { precision, scale } => format!("numeric({precision},{scale})"),
        ColumnType::Text => "text".to_owned(),
        ColumnType::Bytes => "bytea".to_owned(),
        ColumnType::Date => "date".to_owned(),
        ColumnType::Timestamp => "timestamp".to_owned(),
        ColumnType::TimestampTz => "timestamptz".to_owned(),
        ColumnType::Interval => "interval".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_type_has_the_arrow_type_of_its_sql_type() {
        let all = [SqlType::Boolean, SqlType::SmallInt, SqlType::Integer, SqlType::BigInt, SqlType::Real];
        let more = [SqlType::Double, SqlType::Text, SqlType::Bytea, SqlType::Date, SqlType::Timestamp];
        let rest = [SqlType::TimestampTz, SqlType::Interval, SqlType::Numeric { precision: 9, scale: 2 }];
        for sql_type in all.into_iter().chain(more).chain(rest) {
            assert_eq!(stored_type(sql_type).to_arrow(), sql_type.to_arrow());
            assert_eq!(column_type(&sql_type.to_arrow()), Some(stored_type(sql_type)));
        }
    }

    #[test]
    fn types_that_would_lose_something_are_none() {
        assert_eq!(column_type(&DataType::Timestamp(TimeUnit::Second, None)), None);
        assert_eq!(column_type(&DataType::Decimal256(40, 2)), None);
        assert_eq!(column_type(&DataType::UInt64), Some(ColumnType::Int64));
        assert_eq!(column_type(&DataType::Utf8View), Some(ColumnType::Text));
    }
}
