//! System relations: what the server knows of itself, as tables.
//!
//! Each is a [`SystemRelation`]: columns, and a function that gives the rows as of now. `attune_*` need no schema name.

mod backfills;
mod catalog_lists;
mod constraints;
mod freshness;
mod indexes;
mod information_schema;
mod provider;
mod row_errors;
mod settings;
mod state;
mod streams;
mod tables;
mod views;

use super::pg_catalog;
use crate::coordinator::Coordinator;
use attune_sql::SqlError;
use attune_sql::types::SqlType;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::TableSource;
use provider::SystemTable;
use std::sync::Arc;

/// A value of a system relation.
#[derive(Clone, Debug)]
pub(super) enum Cell {
    /// NULL.
    Null,
    /// A boolean.
    Bool(bool),
    /// A number, of the column's width.
    Int(i64),
    /// Text.
    Text(String),
    /// Microseconds since 1970-01-01 UTC.
    Time(i64),
    /// An array of numbers.
    Numbers(Vec<i64>),
}

impl From<&str> for Cell {
    fn from(text: &str) -> Cell {
        Cell::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Cell {
        Cell::Text(text)
    }
}

impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Cell {
        value.map_or(Cell::Null, Into::into)
    }
}

/// A number that is not negative, as SQL has it.
pub(super) fn count(number: u64) -> Cell {
    Cell::Int(i64::try_from(number).unwrap_or(i64::MAX))
}

/// The rows of a system relation.
pub(super) type Rows = Result<Vec<Vec<Cell>>, SqlError>;

/// A system relation.
#[derive(Debug)]
pub(super) struct SystemRelation {
    /// Schema; `None` for `attune_*`.
    pub(super) schema: Option<&'static str>,
    /// Name.
    pub(super) name: &'static str,
    /// Columns.
    pub(super) columns: &'static [(&'static str, SqlType)],
    /// The rows as of now.
    pub(super) rows: fn(&Coordinator) -> Rows,
}

static OWN: &[&SystemRelation] = &[
    &views::RELATION,
    &streams::RELATION,
    &tables::RELATION,
    &state::RELATION,
    &freshness::RELATION,
    &row_errors::RELATION,
    &backfills::RELATION,
    &indexes::RELATION,
    &settings::RELATION,
    &information_schema::TABLES,
    &information_schema::COLUMNS,
    &information_schema::SCHEMATA,
    &constraints::TABLE_CONSTRAINTS,
    &constraints::KEY_COLUMN_USAGE,
    &constraints::CONSTRAINT_COLUMN_USAGE,
    &constraints::VIEWS,
];

/// The source of a system relation.
pub(super) fn source(schema: Option<&str>, name: &str, coordinator: &Coordinator) -> Option<Arc<dyn TableSource>> {
    let all = OWN.iter().chain(pg_catalog::RELATIONS);
    // The schema pg_catalog is searched without being named.
    let matches = |r: &&&SystemRelation| {
        r.name == name && (r.schema == schema || (schema.is_none() && r.schema == Some("pg_catalog")))
    };
    let qualified = match schema {
        Some("information_schema") => format!("information_schema.{name}"),
        _ => name.to_owned(),
    };
    let columns = pg_catalog::columns(&qualified);
    let relation = all.into_iter().find(matches).copied();
    if relation.is_none() && columns.is_none() {
        return None;
    }
    let table = SystemTable::new(name, relation, columns.map(Vec::as_slice), coordinator.clone());
    Some(provider_as_source(Arc::new(table)))
}
