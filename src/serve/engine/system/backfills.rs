//! `attune_backfills`: views and indexes being filled from what is stored, and those filled since the server started; those
//! that could not be filled with the reason.

use super::{Cell, Rows, SystemRelation, count};
use crate::coordinator::Coordinator;
use attune_sql::catalog::{RelationId, RelationKind, ViewStatus};
use attune_sql::types::SqlType::{BigInt, Boolean, Text, TimestampTz};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_backfills",
    columns: &[
        ("name", Text),
        ("finished", Boolean),
        ("reason", Text),
        ("rows_done", BigInt),
        ("rows_total", BigInt),
        ("started", TimestampTz),
        ("ended", TimestampTz),
    ],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let catalog = coordinator.catalog();
    let row = |b: crate::coordinator::BackfillStatus| {
        let ended = b.finished_us.map_or(Cell::Null, Cell::Time);
        let (done, total) = (count(b.rows_done), count(b.rows_total));
        let of_view = catalog.get(RelationId(b.view)).and_then(|relation| match &relation.kind {
            RelationKind::MaterializedView { status: ViewStatus::Failed { reason } } => Some(reason.clone()),
            _ => None,
        });
        let reason = b.failed.or(of_view);
        vec![b.name.into(), Cell::Bool(b.finished), reason.into(), done, total, Cell::Time(b.started_us), ended]
    };
    Ok(coordinator.status().backfills.into_iter().map(row).collect())
}
