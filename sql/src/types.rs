//! The Postgres type map: SQL types, their OIDs, names and Arrow types.
//!
//! [`SqlType`] is what columns are declared with and what clients see. Type names of SQL text are read in
//! `from_ast`, Arrow conversions are in `arrow_map`, Postgres facts (OID, length, name) are in `postgres`; [`text`] prints values.

mod arrow_map;
pub mod calendar;
mod from_ast;
mod postgres;
pub mod text;

pub use arrow_map::canonical;

use serde::{Deserialize, Serialize};

/// The type of a column as SQL sees it. Names are part of the catalog records on disk.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SqlType {
    /// `boolean`
    Boolean,
    /// `smallint`
    SmallInt,
    /// `integer`
    Integer,
    /// `bigint`
    BigInt,
    /// `real`
    Real,
    /// `double precision`
    Double,
    /// `numeric(precision, scale)`; plain `numeric` is (38, 10), see docs/sql.md.
    Numeric {
        /// Digits, 1 to 38.
        precision: u8,
        /// Digits right of the point.
        scale: i8,
    },
    /// `text`
    Text,
    /// `varchar` or `varchar(n)`: text with a length limit in characters.
    Varchar {
        /// Largest length in characters.
        limit: Option<u32>,
    },
    /// `bytea`
    Bytea,
    /// `date`
    Date,
    /// `timestamp` (microseconds, no zone)
    Timestamp,
    /// `timestamptz` (microseconds UTC)
    TimestampTz,
    /// `interval`
    Interval,
}

/// Plain `numeric`: 28 digits before and 10 after the point, the widest that sums of money and of quantities need.
pub const PLAIN_NUMERIC: SqlType = SqlType::Numeric { precision: 38, scale: 10 };
