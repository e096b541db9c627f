//! Schema changes: checked against the current catalog, made durable as an epoch, then published, then acknowledged.

use super::change::Ddl;
use super::clock::Clock;
use super::index_build::IndexBuild;
use super::purge::{Dropped, purge};
use super::recovery::{input_relation, view_dataflow};
use super::{from_storage, records};
use crate::dataflow::Backfill;
use attune_planner::DataflowPlan;
use attune_sql::catalog::{Catalog, Index, Relation, RelationId, RelationKind, ViewStatus};
use attune_sql::{SqlError, SqlState};
use attune_storage::{EpochBatch, TableWriter, failpoint};
use std::sync::Arc;

/// What a schema change gives: the new catalog, or why it is refused.
type Answer = Result<Arc<Catalog>, SqlError>;

impl Clock {
    /// Applies one schema change as an epoch of its own.
    ///
    /// # Errors
    /// Outer: the store did not take the epoch, the coordinator must stop. Inner: the change is refused.
    pub(super) fn apply_schema_change(&mut self, base_version: u64, ddl: Ddl) -> Result<Answer, SqlError> {
        let catalog = self.catalog();
        if catalog.version() != base_version {
            return Ok(Err(SqlError::new(
                SqlState::SerializationFailure,
                "the catalog was changed by another statement at the same time",
            )));
        }
        match ddl {
            Ddl::CreateRelation { relation, plan } => self.create_relation(&catalog, relation, plan),
            Ddl::CreateIndex { index } => self.create_index(&catalog, index),
            Ddl::Drop { ids } => self.drop_objects(&catalog, &ids),
        }
    }

    fn create_relation(
        &mut self,
        catalog: &Catalog,
        relation: Relation,
        plan: Option<DataflowPlan>,
    ) -> Result<Answer, SqlError> {
        let ids = 1 + relation.state_objects.1;
        let next = match catalog.with_relation(relation.clone(), ids) {
            Ok(next) => next,
            Err(refused) => return Ok(Err(refused)),
        };
        if let Some(refused) = relation.depends_on.iter().find_map(|id| unreadable(catalog.get(*id)?)) {
            return Ok(Err(refused));
        }
        // Before anything is written: it may refuse.
        let input = match relation.kind {
            RelationKind::View => None,
            _ => match input_relation(&relation, &[]) {
                Ok(input) => Some(input),
                Err(refused) => return Ok(Err(refused)),
            },
        };
        let mut batch = self.committer.begin();
        records::put_relation(&mut batch, &relation)?;
        if relation.is_stream() {
            records::put_events(&mut batch, relation.id.0, 0);
            self.shared.gauges.set_events(&[(relation.id.0, 0)]);
        }
        let view = match &plan {
            Some(plan) => match view_dataflow(&self.shared.store, &relation, plan, &next, true) {
                Ok(view) => {
                    records::put_plan(&mut batch, relation.id.0, plan)?;
                    Some(view)
                }
                Err(refused) => return Ok(Err(refused)),
            },
            None => None,
        };
        if let Some(view) = view {
            self.driver.add(view);
            self.shared.gauges.backfill_started(relation.id.0, &relation.name, 0);
        }
        let answer = self.commit_catalog(batch, next)?;
        if let Some(input) = input {
            self.relations.insert(relation.id.0, input);
        }
        Ok(answer)
    }

    fn create_index(&mut self, catalog: &Catalog, index: Index) -> Result<Answer, SqlError> {
        let index = Index { ready: false, ..index };
        let next = match catalog.with_index(index.clone()) {
            Ok(next) => next,
            Err(refused) => return Ok(Err(refused)),
        };
        let mut batch = self.committer.begin();
        let build = IndexBuild::new(index.id.0, index.relation.0, batch.epoch());
        records::put_index(&mut batch, &index)?;
        batch.put_meta(&records::index_build_key(index.id.0), Some(records::encode(&build)?));
        let answer = self.commit_catalog(batch, next)?;
        self.shared.gauges.backfill_started(index.id.0, &index.name, 0);
        self.builds.push(build);
        self.refresh_layout(index.relation)?;
        Ok(answer)
    }

    fn drop_objects(&mut self, catalog: &Catalog, ids: &[RelationId]) -> Result<Answer, SqlError> {
        let mut batch = self.committer.begin();
        let next = catalog.without(ids);
        let mut dropped = Dropped::default();
        for index in catalog.indexes().filter(|i| ids.contains(&i.id) || ids.contains(&i.relation)) {
            dropped.add_index(index);
            batch.put_meta(&records::index_key(index.id.0), None);
            batch.put_meta(&records::index_build_key(index.id.0), None);
        }
        for relation in ids.iter().filter_map(|id| catalog.get(*id)) {
            dropped.add_relation(relation);
            self.driver.remove(relation.id.0);
            for record in [records::relation_key, records::plan_key, records::events_key] {
                batch.put_meta(&record(relation.id.0), None);
            }
            batch.put_meta(&Backfill::record_name(relation.id.0), None);
        }
        batch.put_meta(&records::dropped_key(next.version()), Some(records::encode(&dropped)?));
        let answer = self.commit_catalog(batch, next)?;
        for id in ids {
            self.relations.remove(&id.0);
            self.shared.gauges.forget(id.0);
        }
        for index in catalog.indexes().filter(|i| ids.contains(&i.id) || ids.contains(&i.relation)) {
            self.shared.gauges.forget(index.id.0);
            if !ids.contains(&index.relation) {
                self.refresh_layout(index.relation)?;
            }
        }
        self.builds.retain(|b| !ids.contains(&RelationId(b.index)) && !ids.contains(&RelationId(b.relation)));
        failpoint::hit("after_drop_before_purge");
        purge(&self.shared.store, &mut self.committer)?;
        Ok(answer)
    }

    /// Makes the writers of a relation know its present indexes.
    fn refresh_layout(&mut self, relation: RelationId) -> Result<(), SqlError> {
        let catalog = self.catalog();
        if let Some(relation) = catalog.get(relation) {
            let indexes: Vec<_> = catalog.indexes_of(relation.id).cloned().collect();
            let input = input_relation(relation, &indexes)?;
            if let Some(layout) = input.layout() {
                self.driver.set_writer(relation.id.0, TableWriter::new(layout.clone()));
            }
            self.relations.insert(relation.id.0, input);
        }
        Ok(())
    }

    fn commit_catalog(&mut self, mut batch: EpochBatch, next: Catalog) -> Result<Answer, SqlError> {
        records::put_head(&mut batch, &next)?;
        self.committer.commit(batch).map_err(|e| from_storage(&e))?;
        let next = Arc::new(next);
        self.shared.publish(next.clone());
        Ok(Ok(next))
    }
}

/// Why a new view cannot read this relation; `None` when it can.
fn unreadable(relation: &Relation) -> Option<SqlError> {
    let RelationKind::MaterializedView { status } = &relation.kind else { return None };
    let (problem, hint) = match status {
        ViewStatus::Live => return None,
        ViewStatus::Backfilling => {
            ("is still being backfilled".to_string(), "Wait until attune_backfills shows it as finished.")
        }
        ViewStatus::Failed { reason } => (format!("has failed: {reason}"), "Drop it and create it again first."),
    };
    let message = format!("materialized view \"{}\" cannot be read: it {problem}", relation.name);
    Some(SqlError::new(SqlState::ObjectNotInPrerequisiteState, message).with_hint(hint))
}
