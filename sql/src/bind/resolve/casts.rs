//! Which type may be cast to which, and whether a cast must be written (`pg_cast` of PostgreSQL 15).

use super::CastContext;
use crate::algebra::{Category, Type};
use crate::types::SqlType;

/// The least that makes a cast happen; `None` if there is no cast.
pub(super) fn context(from: Type, to: Type) -> Option<CastContext> {
    if from == Type::Unknown || from.is_same_kind(to) {
        return Some(CastContext::Implicit);
    }
    match (from, to) {
        (Type::Catalog(from), to) => context(from.base(), to),
        (from, Type::Catalog(to)) => context(from, to.base()),
        (Type::Sql(from), Type::Sql(to)) => between(from, to),
        (Type::Array(from), Type::Array(to)) if from.oid() == to.oid() => Some(CastContext::Implicit),
        (Type::Array(from), Type::Array(to)) => between(from, to),
        // Every type has a text, and a text may be a value of every type.
        (Type::Array(_), Type::Sql(_)) if to.category() == Category::String => Some(CastContext::Assignment),
        (Type::Sql(_), Type::Array(_)) if from.category() == Category::String => Some(CastContext::Explicit),
        _ => None,
    }
}

fn between(from: SqlType, to: SqlType) -> Option<CastContext> {
    use CastContext::{Assignment, Explicit, Implicit};
    use SqlType::{
        BigInt, Boolean, Date, Double, Integer, Numeric, Real, SmallInt, Text, Timestamp, TimestampTz, Varchar,
    };
    Some(match (from, to) {
        (Text | Varchar { .. }, Text | Varchar { .. }) => Implicit,
        (SmallInt, Integer | BigInt | Real | Double | Numeric { .. })
        | (Integer, BigInt | Real | Double | Numeric { .. })
        | (BigInt, Real | Double | Numeric { .. })
        | (Numeric { .. }, Real | Double | Numeric { .. })
        | (Real, Double)
        | (Date, Timestamp | TimestampTz)
        | (Timestamp, TimestampTz) => Implicit,
        (Integer, SmallInt)
        | (BigInt, SmallInt | Integer)
        | (Real, SmallInt | Integer | BigInt | Numeric { .. })
        | (Double, SmallInt | Integer | BigInt | Real | Numeric { .. })
        | (Numeric { .. }, SmallInt | Integer | BigInt)
        | (Timestamp | TimestampTz, Date)
        | (TimestampTz, Timestamp) => Assignment,
        (Boolean, Integer) | (Integer, Boolean) => Explicit,
        (_, Text | Varchar { .. }) => Assignment,
        (Text | Varchar { .. }, _) => Explicit,
        _ => return None,
    })
}

/// Whether a value of one type is taken for one of the other without a cast being written.
pub(super) fn is_implicit(from: Type, to: Type) -> bool {
    context(from, to) == Some(CastContext::Implicit)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_in_pg_cast() {
        let sql = |t: SqlType| Type::Sql(t);
        assert_eq!(context(Type::INTEGER, Type::BIGINT), Some(CastContext::Implicit));
        assert_eq!(context(Type::BIGINT, Type::INTEGER), Some(CastContext::Assignment));
        assert_eq!(context(Type::NUMERIC, Type::DOUBLE), Some(CastContext::Implicit));
        assert_eq!(context(Type::DOUBLE, Type::NUMERIC), Some(CastContext::Assignment));
        assert_eq!(context(Type::INTEGER, Type::BOOLEAN), Some(CastContext::Explicit));
        assert_eq!(context(Type::BIGINT, Type::BOOLEAN), None);
        assert_eq!(context(Type::INTEGER, Type::TEXT), Some(CastContext::Assignment));
        assert_eq!(context(Type::TEXT, Type::INTEGER), Some(CastContext::Explicit));
        assert_eq!(context(Type::INTEGER, sql(SqlType::Date)), None);
        assert_eq!(context(sql(SqlType::Date), sql(SqlType::TimestampTz)), Some(CastContext::Implicit));
        assert_eq!(context(Type::INTERVAL, sql(SqlType::Timestamp)), None);
        assert_eq!(context(Type::Array(SqlType::Integer), Type::Array(SqlType::BigInt)), Some(CastContext::Implicit));
        assert_eq!(context(Type::Array(SqlType::Integer), Type::TEXT), Some(CastContext::Assignment));
        assert_eq!(context(Type::INTEGER, Type::Array(SqlType::Integer)), None);
    }
}
