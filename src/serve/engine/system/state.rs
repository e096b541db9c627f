//! `attune_state`: the state tables of every materialized view, by slot: whose they are, what they hold, and their bytes.

use super::{Cell, Rows, SystemRelation, count};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::types::SqlType::{BigInt, Integer, Text};
use attune_storage::{ObjectId, Table};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_state",
    columns: &[("view", Text), ("slot", Integer), ("operator", Text), ("holds", Text), ("bytes", BigInt)],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    for relation in coordinator.catalog().relations().filter(|r| r.is_materialized_view()) {
        let (first, slots) = relation.state_objects;
        let owners =
            coordinator.plan(relation.id)?.map(|plan| attune_planner::explain_state(&plan)).unwrap_or_default();
        for slot in 0..slots {
            let table = Table::State(ObjectId(first.saturating_add(slot)));
            let bytes = coordinator.store().approximate_bytes(table).map_err(errors::storage)?;
            let owner = owners.get(slot as usize);
            rows.push(vec![
                relation.name.as_str().into(),
                Cell::Int(i64::from(slot)),
                owner.map(|owner| owner.operator.clone()).into(),
                owner.map(|owner| owner.holds).into(),
                count(bytes),
            ]);
        }
    }
    Ok(rows)
}
