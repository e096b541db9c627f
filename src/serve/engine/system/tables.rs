//! `attune_tables`: every table, with its columns, its primary key (empty without one), and the bytes of its rows.

use super::{Rows, SystemRelation, catalog_lists, count};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::types::SqlType::{BigInt, Text};
use attune_storage::{ObjectId, Table};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_tables",
    columns: &[("name", Text), ("columns", Text), ("primary_key", Text), ("bytes", BigInt)],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    for relation in coordinator.catalog().relations().filter(|r| r.is_table()) {
        let bytes =
            coordinator.store().approximate_bytes(Table::Rows(ObjectId(relation.id.0))).map_err(errors::storage)?;
        rows.push(vec![
            relation.name.as_str().into(),
            catalog_lists::columns(relation).into(),
            catalog_lists::key(relation, &relation.key).into(),
            count(bytes),
        ]);
    }
    Ok(rows)
}
