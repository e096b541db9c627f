//! `attune_streams`: every stream, with its columns, its retention (NULL is for ever), how many events it has had (those that
//! are expired included), and the bytes of its log.

use super::{Rows, SystemRelation, catalog_lists, count};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::catalog::RelationKind;
use attune_sql::types::SqlType::{BigInt, Text};
use attune_storage::ObjectId;

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_streams",
    columns: &[("name", Text), ("columns", Text), ("retention_seconds", BigInt), ("events", BigInt), ("bytes", BigInt)],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    let events = coordinator.status().events;
    for relation in coordinator.catalog().relations() {
        let RelationKind::Stream { retention_seconds } = relation.kind else { continue };
        let bytes = coordinator.store().approximate_log_bytes(ObjectId(relation.id.0)).map_err(errors::storage)?;
        rows.push(vec![
            relation.name.as_str().into(),
            catalog_lists::columns(relation).into(),
            retention_seconds.map_or(super::Cell::Null, count),
            events.get(&relation.id.0).map_or(super::Cell::Null, |events| count(*events)),
            count(bytes),
        ]);
    }
    Ok(rows)
}
