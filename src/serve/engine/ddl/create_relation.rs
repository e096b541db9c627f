//! CREATE STREAM and CREATE TABLE.

use super::{Bound, check_taken};
use crate::coordinator::Ddl;
use attune_sql::SqlError;
use attune_sql::catalog::{Catalog, Column, KeyPart, Relation, RelationId, RelationKind};
use attune_sql::statement::{CreateStream, CreateTable};
use attune_sql::types::SqlType;
use std::collections::BTreeSet;

/// The key of a table that was declared without one.
const ROW_ID: &str = "_attune_row_id";

pub(super) fn stream(catalog: &Catalog, stream: &CreateStream) -> Result<Bound, SqlError> {
    if let Some(bound) = check_taken(catalog, &stream.name, stream.if_not_exists)? {
        return Ok(bound);
    }
    let kind = RelationKind::Stream { retention_seconds: stream.retention_seconds };
    Ok(create(catalog, &stream.name, kind, stream.columns.clone(), Vec::new()))
}

pub(super) fn table(catalog: &Catalog, table: &CreateTable) -> Result<Bound, SqlError> {
    if let Some(bound) = check_taken(catalog, &table.name, table.if_not_exists)? {
        return Ok(bound);
    }
    let mut columns = table.columns.clone();
    let mut key = table.primary_key.clone();
    if key.is_empty() {
        key.push(columns.len());
        let name = ROW_ID.to_owned();
        columns.push(Column { name, sql_type: SqlType::BigInt, nullable: false, hidden: true, default: None });
    }
    let key = key.into_iter().map(|column| KeyPart { column, descending: false, nulls_first: false }).collect();
    Ok(create(catalog, &table.name, RelationKind::Table, columns, key))
}

fn create(catalog: &Catalog, name: &str, kind: RelationKind, columns: Vec<Column>, key: Vec<KeyPart>) -> Bound {
    let relation = Relation {
        id: RelationId(catalog.next_id()),
        name: name.to_owned(),
        kind,
        columns,
        key,
        query: None,
        depends_on: BTreeSet::new(),
        state_objects: (0, 0),
        single_row: false,
        in_log: false,
    };
    Bound::change(Ddl::CreateRelation { relation, plan: None })
}
