//! `attune_freshness`: how fresh every materialized view is.
//!
//! `last_epoch` and `last_change` tell of its last change since the server started; `delay_p50_us` and `delay_p99_us` are the
//! microseconds from a write's arrival to its visibility in this view, NULL while no write has changed it; `rows_in` and `rows_out` count delta rows.

use super::{Cell, Rows, SystemRelation, count};
use crate::coordinator::Coordinator;
use attune_sql::catalog::RelationId;
use attune_sql::types::SqlType::{BigInt, Text, TimestampTz};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_freshness",
    columns: &[
        ("view", Text),
        ("last_epoch", BigInt),
        ("last_change", TimestampTz),
        ("delay_p50_us", BigInt),
        ("delay_p99_us", BigInt),
        ("rows_in", BigInt),
        ("rows_out", BigInt),
    ],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let catalog = coordinator.catalog();
    let mut rows = Vec::new();
    for view in coordinator.status().views {
        let Some(relation) = catalog.get(RelationId(view.view)) else { continue };
        let changed = view.last_epoch > 0;
        rows.push(vec![
            relation.name.as_str().into(),
            if changed { count(view.last_epoch) } else { Cell::Null },
            if changed { Cell::Time(view.last_change_us) } else { Cell::Null },
            view.delay_us.map_or(Cell::Null, |(median, _)| count(median)),
            view.delay_us.map_or(Cell::Null, |(_, high)| count(high)),
            count(view.rows_in),
            count(view.rows_out),
        ]);
    }
    Ok(rows)
}
