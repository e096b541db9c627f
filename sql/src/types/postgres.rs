//! What Postgres clients know about a type: OID, length, modifier and name.

use super::{PLAIN_NUMERIC, SqlType};
use std::fmt;

impl SqlType {
    /// The OID in `pg_type`.
    #[must_use]
    pub fn oid(&self) -> u32 {
        match self {
            SqlType::Boolean => 16,
            SqlType::Bytea => 17,
            SqlType::BigInt => 20,
            SqlType::SmallInt => 21,
            SqlType::Integer => 23,
            SqlType::Text => 25,
            SqlType::Real => 700,
            SqlType::Double => 701,
            SqlType::Varchar { .. } => 1043,
            SqlType::Date => 1082,
            SqlType::Timestamp => 1114,
            SqlType::TimestampTz => 1184,
            SqlType::Interval => 1186,
            SqlType::Numeric { .. } => 1700,
        }
    }

    /// The type of an OID (with no modifier), as drivers declare parameters; `None` for OIDs that Attune does not know and
    /// for 0 and `unknown`, which ask the server to find the type.
    #[must_use]
    pub fn from_oid(oid: u32) -> Option<SqlType> {
        Some(match oid {
            16 => SqlType::Boolean,
            17 => SqlType::Bytea,
            20 => SqlType::BigInt,
            21 => SqlType::SmallInt,
            23 => SqlType::Integer,
            // text, name, bpchar
            25 | 19 | 1042 => SqlType::Text,
            700 => SqlType::Real,
            701 => SqlType::Double,
            1043 => SqlType::Varchar { limit: None },
            1082 => SqlType::Date,
            1114 => SqlType::Timestamp,
            1184 => SqlType::TimestampTz,
            1186 => SqlType::Interval,
            1700 => PLAIN_NUMERIC,
            _ => return None,
        })
    }

    /// `pg_type.typname`, which a cast without a better name is called by, too.
    #[must_use]
    pub fn typname(&self) -> &'static str {
        match self {
            SqlType::Boolean => "bool",
            SqlType::SmallInt => "int2",
            SqlType::Integer => "int4",
            SqlType::BigInt => "int8",
            SqlType::Real => "float4",
            SqlType::Double => "float8",
            SqlType::Numeric { .. } => "numeric",
            SqlType::Text => "text",
            SqlType::Varchar { .. } => "varchar",
            SqlType::Bytea => "bytea",
            SqlType::Date => "date",
            SqlType::Timestamp => "timestamp",
            SqlType::TimestampTz => "timestamptz",
            SqlType::Interval => "interval",
        }
    }

    /// `pg_type.typlen`: bytes of a fixed-length type, -1 for a variable length.
    #[must_use]
    pub fn typlen(&self) -> i16 {
        match self {
            SqlType::Boolean => 1,
            SqlType::SmallInt => 2,
            SqlType::Integer | SqlType::Real | SqlType::Date => 4,
            SqlType::BigInt | SqlType::Double | SqlType::Timestamp | SqlType::TimestampTz => 8,
            SqlType::Interval => 16,
            SqlType::Numeric { .. } | SqlType::Text | SqlType::Varchar { .. } | SqlType::Bytea => -1,
        }
    }

    /// `atttypmod`: the declared precision or length in Postgres' encoding, -1 for none.
    #[must_use]
    pub fn typmod(&self) -> i32 {
        match *self {
            SqlType::Numeric { precision, scale } => ((i32::from(precision) << 16) | (i32::from(scale) & 0x7ff)) + 4,
            SqlType::Varchar { limit: Some(limit) } => i32::try_from(limit).map_or(-1, |l| l.saturating_add(4)),
            _ => -1,
        }
    }
}

/// The name as Postgres' `format_type` prints it: `bigint`, `character varying(10)`, `timestamp without time zone`.
impl fmt::Display for SqlType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match *self {
            SqlType::Boolean => "boolean",
            SqlType::SmallInt => "smallint",
            SqlType::Integer => "integer",
            SqlType::BigInt => "bigint",
            SqlType::Real => "real",
            SqlType::Double => "double precision",
            SqlType::Numeric { precision, scale } => return write!(f, "numeric({precision},{scale})"),
            SqlType::Text => "text",
            SqlType::Varchar { limit: None } => "character varying",
            SqlType::Varchar { limit: Some(limit) } => return write!(f, "character varying({limit})"),
            SqlType::Bytea => "bytea",
            SqlType::Date => "date",
            SqlType::Timestamp => "timestamp without time zone",
            SqlType::TimestampTz => "timestamp with time zone",
            SqlType::Interval => "interval",
        };
        f.write_str(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oids_come_back() {
        for oid in [16, 17, 20, 21, 23, 25, 700, 701, 1043, 1082, 1114, 1184, 1186, 1700] {
            assert_eq!(SqlType::from_oid(oid).map(|t| t.oid()), Some(oid));
        }
        assert_eq!(SqlType::from_oid(0), None);
        assert_eq!(SqlType::from_oid(705), None);
    }

    #[test]
    fn names_and_modifiers_are_those_of_postgres() {
        assert_eq!(SqlType::Varchar { limit: Some(10) }.to_string(), "character varying(10)");
        assert_eq!(SqlType::Varchar { limit: Some(10) }.typmod(), 14);
        assert_eq!(SqlType::Numeric { precision: 10, scale: 2 }.to_string(), "numeric(10,2)");
        // SELECT atttypmod of a numeric(10,2) column in PostgreSQL 16.
        assert_eq!(SqlType::Numeric { precision: 10, scale: 2 }.typmod(), 655_366);
    }
}
