//! One epoch: input checked, views stepped, everything committed at once, clients answered.

use super::clock::Clock;
use super::commit::{self, Closing};
use super::event::Write;
use super::index_build::IndexBuild;
use super::validate::{Input, Inputs, refused};
use super::{from_storage, records};
use crate::dataflow::{EpochOutcome, InputRelation};
use attune_sql::SqlError;
use attune_sql::catalog::{Catalog, Relation, RelationId, RelationKind, ViewStatus};
use attune_storage::{Delta, EpochBatch, ObjectId, StorageError, TableWriter, failpoint};
use std::collections::HashMap;
use std::sync::Arc;

/// An epoch of this many bytes takes so long to commit that writes will wait by then, whether one does now or not.
const LARGE_BYTES: usize = 64 << 10;

/// An epoch that is ready to be committed.
struct Built {
    batch: EpochBatch,
    outcome: EpochOutcome,
    /// Per write: accepted, or why not.
    answers: Vec<Result<(), SqlError>>,
    /// The next catalog version, if a view's status changed.
    catalog: Option<Arc<Catalog>>,
    /// Index builds as they stand after it.
    builds: Vec<IndexBuild>,
    /// Rows of input deltas.
    input_rows: usize,
    /// Streams with new events, and how many they have had in all.
    events: Vec<(u32, u64)>,
}

impl Clock {
    /// Makes one epoch of these writes (or several, when together they are over `epoch_max_bytes`) and answers them.
    ///
    /// # Errors
    /// Only when the store did not take the epoch: the coordinator must stop.
    pub(super) fn write_epoch(&mut self, mut writes: Vec<Write>) -> Result<(), SqlError> {
        // Backfills and index builds read what is committed.
        if self.has_background_work()
            && let Err(fatal) = self.commits.wait()
        {
            commit::refuse(writes, &fatal);
            return Err(fatal);
        }
        match self.build(&writes) {
            Ok(built) => self.close(built, writes),
            Err(StorageError::EpochTooLarge { .. }) if writes.len() > 1 => {
                let rest = writes.split_off(writes.len() / 2);
                self.write_epoch(writes)?;
                self.write_epoch(rest)
            }
            Err(error) => self.refuse(&error, writes),
        }
    }

    /// The epoch could not be built. A write that is too large by itself is refused.
    fn refuse(&mut self, error: &StorageError, writes: Vec<Write>) -> Result<(), SqlError> {
        let too_large = matches!(error, StorageError::EpochTooLarge { .. });
        if writes.is_empty() {
            // Nothing a client did: the store is in trouble, or one row of a backfill alone is too much.
            return Err(from_storage(error));
        }
        commit::refuse(writes, &refused(error));
        if too_large { Ok(()) } else { Err(from_storage(error)) }
    }

    fn build(&mut self, writes: &[Write]) -> Result<Built, StorageError> {
        let mut batch = self.committer.begin();
        let timestamp_us = self.next_timestamp();
        let mut scope = batch.scope();
        let mut inputs = Inputs::default();
        let mut answers = Vec::with_capacity(writes.len());
        for write in writes {
            answers.push(inputs.accept(&mut scope, &self.relations, &write.changes)?);
        }
        let mut deltas: HashMap<u32, Delta> = HashMap::new();
        let mut events = Vec::new();
        for (id, input) in inputs.finish(&self.relations)? {
            let delta = match input {
                Input::Rows(delta) => {
                    if let Some(writer) =
                        self.relations.get(&id).and_then(InputRelation::layout).cloned().map(TableWriter::new)
                    {
                        writer.apply(&mut scope, &delta)?;
                    }
                    delta
                }
                Input::Events(rows) => {
                    batch.append_log(ObjectId(id), &rows, timestamp_us)?;
                    if let Some(before) = self.commits.events(id).or_else(|| self.shared.gauges.events(id)) {
                        let total = before + rows.num_rows() as u64;
                        records::put_events(&mut batch, id, total);
                        events.push((id, total));
                    }
                    Delta::inserts(rows)
                }
            };
            deltas.insert(id, delta);
        }
        batch.merge(scope)?;
        failpoint::hit("before_dataflow");
        let input_rows = deltas.values().map(Delta::len).sum();
        // Last of what may fail: after it the driver's own memory has moved on. Index builds take only the room that is left.
        let outcome = self.driver.run_epoch(&mut batch, timestamp_us, deltas)?;
        let builds = self.build_indexes(&mut batch);
        if !batch.is_empty() {
            records::put_timestamp(&mut batch, timestamp_us);
        }
        let catalog = self.next_catalog(&mut batch, &outcome, &builds).map_err(|e| StorageError::Corrupt(e.message))?;
        Ok(Built { batch, outcome, answers, catalog, builds, input_rows, events })
    }

    /// The catalog after this epoch: views that are filled become live, faults make views failed.
    fn next_catalog(
        &self,
        batch: &mut EpochBatch,
        outcome: &EpochOutcome,
        builds: &[IndexBuild],
    ) -> Result<Option<Arc<Catalog>>, SqlError> {
        if outcome.finished.is_empty() && outcome.failed.is_empty() && builds.iter().all(|b| !b.finished) {
            return Ok(None);
        }
        let live = outcome.finished.iter().map(|view| (*view, ViewStatus::Live));
        let failed = outcome.failed.iter().map(|(view, why)| (*view, ViewStatus::Failed { reason: why.clone() }));
        let mut catalog = Catalog::clone(&self.catalog());
        let before = catalog.version();
        for (view, status) in live.chain(failed) {
            if let Some(relation) = catalog.get(RelationId(view)).cloned() {
                let kind = RelationKind::MaterializedView { status };
                let relation = Relation { kind, ..Relation::clone(&relation) };
                records::put_relation(batch, &relation)?;
                catalog = catalog.with_replaced(relation)?;
            }
        }
        for build in builds.iter().filter(|b| b.finished) {
            if !catalog.indexes().any(|i| i.id.0 == build.index) {
                continue;
            }
            catalog = catalog.with_index_ready(RelationId(build.index))?;
            for index in catalog.indexes().filter(|i| i.id.0 == build.index) {
                records::put_index(batch, index)?;
            }
        }
        if catalog.version() == before {
            return Ok(None);
        }
        records::put_head(batch, &catalog)?;
        Ok(Some(Arc::new(catalog)))
    }

    /// Commits an epoch: on the commit thread when the next one can begin meanwhile, else here.
    fn close(&mut self, built: Built, writes: Vec<Write>) -> Result<(), SqlError> {
        let Built { batch, outcome, answers, catalog, builds, input_rows, events } = built;
        let large = batch.bytes() >= LARGE_BYTES;
        // What changes the catalog, and backfills, want to be seen by the epoch after it as committed.
        let alone = batch.is_empty() || catalog.is_some() || !builds.is_empty() || self.has_background_work();
        let mut pending = if batch.is_empty() { None } else { Some(self.committer.detach(batch)) };
        if let Some(pending) = pending.as_mut().filter(|_| self.commits.is_busy()) {
            pending.prepare();
        }
        if let Err(fatal) = self.commits.wait() {
            commit::refuse(writes, &fatal);
            return Err(fatal);
        }
        let progress = builds.iter().map(|build| (build.index, build.rows, build.finished)).collect();
        let closing = Closing { pending, writes, answers, outcome, catalog, builds: progress, input_rows, events };
        if !alone && (large || self.write_waits()) {
            self.commits.hand_over(closing)?;
        } else {
            self.commits.run(closing)?;
            self.builds = builds;
            self.builds.retain(|build| !build.finished);
        }
        Ok(())
    }
}
