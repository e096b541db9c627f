//! Values out and in, pinned to what PostgreSQL 15 prints and sends.

mod binary;
mod errors;
mod random;
mod text;

use super::{Datum, write_text};
use attune_sql::types::{PLAIN_NUMERIC, SqlType};
use attune_storage::codec::Value;
use bytes::BytesMut;

fn printed(value: Value<'_>, sql_type: SqlType) -> String {
    let mut out = BytesMut::new();
    write_text(&mut out, value, sql_type);
    String::from_utf8(out.to_vec()).unwrap()
}

fn read(text: &str, sql_type: SqlType) -> Datum<'_> {
    super::parse_text(text, sql_type).unwrap_or_else(|error| panic!("{text}: {error}"))
}

const TYPES: [SqlType; 14] = [
    SqlType::Boolean,
    SqlType::SmallInt,
    SqlType::Integer,
    SqlType::BigInt,
    SqlType::Real,
    SqlType::Double,
    SqlType::Numeric { precision: 20, scale: 3 },
    PLAIN_NUMERIC,
    SqlType::Text,
    SqlType::Bytea,
    SqlType::Date,
    SqlType::Timestamp,
    SqlType::TimestampTz,
    SqlType::Interval,
];
