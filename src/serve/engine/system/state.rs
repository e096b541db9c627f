//! `attune_state`: the state tables of every materialized view, by slot (EXPLAIN names the slots), and their bytes.

use super::{Cell, Rows, SystemRelation, count};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::types::SqlType::{BigInt, Integer, Text};
use attune_storage::{ObjectId, Table};

pub(super) static RELATION: SystemRelation = SystemRelation {
    schema: None,
    name: "attune_state",
    columns: &[("view", Text), ("slot", Integer), ("bytes", BigInt)],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    for relation in coordinator.catalog().relations().filter(|r| r.is_materialized_view()) {
        let (first, slots) = relation.state_objects;
        for slot in 0..slots {
            let table = Table::State(ObjectId(first.saturating_add(slot)));
            let bytes = coordinator.store().approximate_bytes(table).map_err(errors::storage)?;
            rows.push(vec![relation.name.as_str().into(), Cell::Int(i64::from(slot)), count(bytes)]);
        }
    }
    Ok(rows)
}
