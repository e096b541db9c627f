//! `attune_views`: every materialized view.
//!
//! | column | |
//! |---|---|
//! | name | |
//! | status | `live`, `backfilling` or `failed` |
//! | reason | why it failed |
//! | key | columns of its unique key; empty when rows may repeat |
//! | bytes | of its rows, approximately |
//! | last_epoch | that changed it, since the server started |
//! | row_errors | expressions that failed and gave NULL |
//! | definition | its query |

use super::{Cell, Rows, SystemRelation, catalog_lists, count};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::catalog::{RelationKind, ViewStatus};
use attune_sql::types::SqlType::{BigInt, Text};
use attune_storage::{ObjectId, Table};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_views",
    columns: &[
        ("name", Text),
        ("status", Text),
        ("reason", Text),
        ("key", Text),
        ("bytes", BigInt),
        ("last_epoch", BigInt),
        ("row_errors", BigInt),
        ("definition", Text),
    ],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let status = coordinator.status();
    let mut rows = Vec::new();
    for relation in coordinator.catalog().relations() {
        let RelationKind::MaterializedView { status: view } = &relation.kind else { continue };
        let (word, reason) = match view {
            ViewStatus::Live => ("live", None),
            ViewStatus::Backfilling => ("backfilling", None),
            ViewStatus::Failed { reason } => ("failed", Some(reason.clone())),
        };
        let numbers = status.views.iter().find(|v| v.view == relation.id.0);
        let (store, object) = (coordinator.store(), ObjectId(relation.id.0));
        let bytes = match relation.in_log {
            true => store.approximate_log_bytes(object),
            false => store.approximate_bytes(Table::Rows(object)),
        };
        let bytes = bytes.map_err(errors::storage)?;
        rows.push(vec![
            relation.name.as_str().into(),
            word.into(),
            reason.into(),
            catalog_lists::key(relation, &relation.key).into(),
            count(bytes),
            numbers.map_or(Cell::Null, |v| count(v.last_epoch)),
            count(numbers.map_or(0, |v| v.row_errors)),
            relation.query.clone().into(),
        ]);
    }
    Ok(rows)
}
