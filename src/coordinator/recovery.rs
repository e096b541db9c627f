//! Start of the coordinator: catalog, plans and positions as the last commit left them.
//!
//! Nothing is recomputed: operator state and view rows are in the store, so this takes the time to open RocksDB and to
//! read a record per object, whatever the size of the state.

use super::index_build::IndexBuild;
use super::purge::purge;
use super::{from_storage, records};
use crate::config::Config;
use crate::dataflow::{Backfill, InputKind, InputRelation, LocalDriver, ViewDataflow, ViewGraph};
use attune_planner::{DataflowPlan, Op};
use attune_sql::catalog::{Catalog, Index, Relation, RelationId, RelationKind, ViewStatus};
use attune_sql::{SqlError, SqlState};
use attune_storage::{Committer, Store, TableWriter};
use std::collections::HashMap;
use std::sync::Arc;

/// Everything the coordinator begins with.
pub(super) struct Recovered {
    pub(super) store: Store,
    pub(super) committer: Committer,
    pub(super) catalog: Arc<Catalog>,
    pub(super) driver: LocalDriver,
    pub(super) relations: HashMap<u32, InputRelation>,
    pub(super) builds: Vec<IndexBuild>,
}

/// Opens the store and rebuilds the coordinator's memory from it.
pub(super) fn open(config: &Config) -> Result<Recovered, SqlError> {
    let (store, mut committer) = Store::open(&config.data, &config.store_options()).map_err(|e| from_storage(&e))?;
    purge(&store, &mut committer)?;
    let catalog = records::load(&store)?;
    let mut relations = HashMap::new();
    let mut driver = LocalDriver::new(store.clone(), config.backfill_chunk_rows);
    // Ids grow in order of creation and a view only reads what was there before it: id order is topological.
    for relation in catalog.relations() {
        if matches!(relation.kind, RelationKind::View) {
            continue;
        }
        let indexes: Vec<Arc<Index>> = catalog.indexes_of(relation.id).cloned().collect();
        relations.insert(relation.id.0, input_relation(relation, &indexes)?);
        if let RelationKind::MaterializedView { status } = &relation.kind
            && !matches!(status, ViewStatus::Failed { .. })
        {
            let key = records::plan_key(relation.id.0);
            let bytes = store.meta(&key).map_err(|e| from_storage(&e))?.ok_or_else(|| missing(&key))?;
            let plan: DataflowPlan = records::decode(&key, &bytes)?;
            let filling = matches!(status, ViewStatus::Backfilling);
            driver.add(view_dataflow(&store, relation, &plan, &catalog, filling)?);
        }
    }
    let builds = store
        .meta_scan("index_build/")
        .map_err(|e| from_storage(&e))?
        .iter()
        .map(|(key, bytes)| records::decode::<IndexBuild>(key, bytes))
        .collect::<Result<Vec<_>, _>>()?;
    tracing::info!(
        epoch = store.published().0,
        relations = catalog.relations().count(),
        indexes = catalog.indexes().count(),
        "store opened"
    );
    Ok(Recovered { store, committer, catalog: Arc::new(catalog), driver, relations, builds })
}

fn missing(key: &str) -> SqlError {
    SqlError::new(SqlState::DataCorrupted, format!("catalog record {key} is missing"))
}

/// What the dataflow needs to know of a stream, table or materialized view.
pub(super) fn input_relation(relation: &Relation, indexes: &[Arc<Index>]) -> Result<InputRelation, SqlError> {
    let kind = match (relation.is_stream(), relation.in_log) {
        (true, _) => InputKind::Log,
        (false, true) => InputKind::Logged(attune_planner::table_layout(relation, indexes)?),
        (false, false) => InputKind::Stored(attune_planner::table_layout(relation, indexes)?),
    };
    Ok(InputRelation { id: relation.id.0, schema: attune_planner::arrow_schema(relation), kind })
}

/// The runnable dataflow of a materialized view.
///
/// `filling`: it has history to read, from the start or from where its backfill record says.
pub(super) fn view_dataflow(
    store: &Store,
    relation: &Relation,
    plan: &DataflowPlan,
    catalog: &Catalog,
    filling: bool,
) -> Result<ViewDataflow, SqlError> {
    let indexes: Vec<Arc<Index>> = catalog.indexes_of(relation.id).cloned().collect();
    let layout = attune_planner::table_layout(relation, &indexes)?;
    let mut inputs: Vec<InputRelation> = Vec::new();
    for node in &plan.nodes {
        let Op::Scan { relation: id, .. } = node.op else { continue };
        let id = RelationId(id);
        if inputs.iter().any(|input| input.id == id.0) {
            continue;
        }
        let input = catalog
            .get(id)
            .ok_or_else(|| SqlError::new(SqlState::UndefinedTable, format!("relation {} of the plan is gone", id.0)))?;
        let indexes: Vec<Arc<Index>> = catalog.indexes_of(id).cloned().collect();
        inputs.push(input_relation(input, &indexes)?);
    }
    let graph = ViewGraph::new(&layout, plan, relation.state_objects.0)?;
    let backfill = if filling { Some(backfill(store, relation.id.0, inputs)?) } else { None };
    Ok(ViewDataflow { id: relation.id.0, graph, writer: TableWriter::new(layout), backfill })
}

/// The backfill of a view, from its record if it has one.
fn backfill(store: &Store, view: u32, inputs: Vec<InputRelation>) -> Result<Backfill, SqlError> {
    match store.meta(&Backfill::record_name(view)).map_err(|e| from_storage(&e))? {
        Some(record) => Backfill::restore(&record, inputs)
            .map_err(|fault| SqlError::new(SqlState::DataCorrupted, format!("backfill of view {view}: {fault}"))),
        None => Ok(Backfill::new(inputs)),
    }
}
