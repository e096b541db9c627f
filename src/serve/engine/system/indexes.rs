//! `attune_indexes`: every index, with its relation, its columns in order, whether reads use it (`live`), it is being filled
//! (`building`) or could not be (`failed`, with the reason), and the bytes of its entries.

use super::{Rows, SystemRelation, catalog_lists, count};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::types::SqlType::{BigInt, Text};
use attune_storage::{ObjectId, Table};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_indexes",
    columns: &[
        ("name", Text),
        ("relation", Text),
        ("key", Text),
        ("include", Text),
        ("status", Text),
        ("reason", Text),
        ("bytes", BigInt),
    ],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let catalog = coordinator.catalog();
    let backfills = coordinator.status().backfills;
    let mut rows = Vec::new();
    for index in catalog.indexes() {
        let Some(relation) = catalog.get(index.relation) else { continue };
        let include: Vec<&str> =
            index.include.iter().filter_map(|c| relation.columns.get(*c)).map(|c| c.name.as_str()).collect();
        let bytes =
            coordinator.store().approximate_bytes(Table::Rows(ObjectId(index.id.0))).map_err(errors::storage)?;
        let reason = backfills.iter().find(|b| b.view == index.id.0).and_then(|b| b.failed.clone());
        let status = match (index.ready, &reason) {
            (true, _) => "live",
            (false, None) => "building",
            (false, Some(_)) => "failed",
        };
        rows.push(vec![
            index.name.as_str().into(),
            relation.name.as_str().into(),
            catalog_lists::key(relation, &index.key).into(),
            include.join(", ").into(),
            status.into(),
            reason.into(),
            count(bytes),
        ]);
    }
    Ok(rows)
}
