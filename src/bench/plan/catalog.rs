//! The catalog that statements are planned over: TPC-H's eight tables, as the server makes them of CREATE TABLE.

use attune_sql::SqlError;
use attune_sql::catalog::{Catalog, KeyPart, Relation, RelationId, RelationKind};
use attune_sql::statement::{CreateTable, Statement, parse};
use std::collections::BTreeSet;

const TABLES: &str = include_str!("tables.sql");

/// A catalog with the tables.
pub(super) fn catalog() -> Result<Catalog, SqlError> {
    parse(TABLES)?.into_iter().try_fold(Catalog::default(), |catalog, parsed| match parsed.statement {
        Statement::CreateTable(table) => with_table(&catalog, table),
        _ => Ok(catalog),
    })
}

fn with_table(catalog: &Catalog, table: CreateTable) -> Result<Catalog, SqlError> {
    let part = |column| KeyPart { column, descending: false, nulls_first: false };
    let relation = Relation {
        id: RelationId(catalog.next_id()),
        name: table.name,
        kind: RelationKind::Table,
        columns: table.columns,
        key: table.primary_key.into_iter().map(part).collect(),
        query: None,
        depends_on: BTreeSet::new(),
        state_objects: (0, 0),
        single_row: false,
        in_log: false,
    };
    catalog.with_relation(relation, 1)
}
