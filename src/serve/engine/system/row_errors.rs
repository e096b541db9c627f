//! `attune_row_errors`: samples of rows on which an expression of a view failed and gave NULL.

use super::{Cell, Rows, SystemRelation};
use crate::coordinator::Coordinator;
use attune_sql::catalog::RelationId;
use attune_sql::types::SqlType::{Text, TimestampTz};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_row_errors",
    columns: &[("view", Text), ("at", TimestampTz), ("expression", Text), ("message", Text), ("row", Text)],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let catalog = coordinator.catalog();
    let row = |e: crate::coordinator::RowErrorStatus| {
        let view = catalog.get(RelationId(e.view)).map(|r| r.name.clone());
        vec![view.into(), Cell::Time(e.at_us), e.expression.into(), e.message.into(), e.row.into()]
    };
    Ok(coordinator.status().row_errors.into_iter().map(row).collect())
}
