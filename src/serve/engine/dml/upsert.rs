//! INSERT ... ON CONFLICT: existing rows are read, then skipped or changed.

use super::conflict::{Conflict, ConflictUpdate};
use super::insert::{Insert, Written, take};
use super::target::Target;
use super::{assemble, coerce};
use crate::coordinator::{Expected, RelationChange, RowChange};
use crate::serve::engine::row_program::Execution;
use crate::serve::engine::{Engine, Transaction, errors};
use attune_sql::{SqlError, SqlState};
use attune_storage::TableReader;
use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use hashbrown::HashSet;

impl Engine {
    /// The rows stored under these keys, as the statement's transaction sees them.
    pub(super) fn stored_rows(
        &self,
        target: &Target,
        keys: &[&[u8]],
        transaction: &Transaction,
    ) -> Result<Vec<Option<Bytes>>, SqlError> {
        let reads = self.reads(&[target.relation.id].into(), transaction)?;
        let reader = TableReader::new(reads.store.clone(), target.stored()?.layout.object);
        let mut rows = reader.many_in(&reads.snapshot, keys).map_err(errors::storage)?;
        if let Some(overlay) = reads.overlays.get(&target.relation.id.0) {
            for (key, row) in keys.iter().zip(&mut rows) {
                if let Some(written) = overlay.get(*key) {
                    row.clone_from(written);
                }
            }
        }
        Ok(rows)
    }

    /// What an INSERT ... ON CONFLICT writes.
    pub(super) fn upsert(
        &self,
        insert: &Insert,
        rows: RecordBatch,
        execution: Execution<'_>,
        transaction: &Transaction,
    ) -> Result<Written, SqlError> {
        let target = &insert.target;
        let (keys, values) = target.encode(&rows)?;
        let slices: Vec<&[u8]> = keys.iter().collect();
        let existing = self.stored_rows(target, &slices, transaction)?;
        let mut seen = HashSet::with_capacity(slices.len());
        let mut changes = Vec::new();
        let mut inserted = Vec::new();
        let mut conflicting = Vec::new();
        for (row, existing) in existing.iter().enumerate() {
            if !seen.insert(slices[row]) {
                match insert.conflict {
                    Conflict::Update(_) => return Err(twice()),
                    _ => continue,
                }
            }
            if existing.is_some() {
                conflicting.push(row);
            } else {
                inserted.push(row);
                let new = Some(Bytes::copy_from_slice(values.get(row)));
                changes.push(RowChange { key: slices[row].to_vec(), expected: Expected::Absent, new });
            }
        }
        let mut shown = take(&rows, &inserted)?;
        if let (Conflict::Update(update), false) = (&insert.conflict, conflicting.is_empty()) {
            let old: Vec<Bytes> = conflicting.iter().filter_map(|r| existing[*r].clone()).collect();
            let excluded = take(&rows, &conflicting)?;
            let (updated, more) = self.conflict_update(target, update, &old, &excluded, execution)?;
            changes.extend(more);
            shown = concat_batches(&target.schema, [&shown, &updated]).map_err(errors::arrow)?;
        }
        Ok(Written { change: RelationChange::Mutate { table: target.relation.id.0, changes }, rows: shown })
    }

    fn conflict_update(
        &self,
        target: &Target,
        update: &ConflictUpdate,
        old: &[Bytes],
        excluded: &RecordBatch,
        execution: Execution<'_>,
    ) -> Result<(RecordBatch, Vec<RowChange>), SqlError> {
        let stored = target.stored()?;
        let current =
            stored.row.decode(old.iter().map(|r| r.as_ref()), &target.schema, None).map_err(errors::storage)?;
        let visible = target.visible();
        let columns: Vec<ArrayRef> =
            current.columns()[..visible].iter().chain(&excluded.columns()[..visible]).cloned().collect();
        let fields: Vec<_> =
            target.schema.fields()[..visible].iter().chain(&target.schema.fields()[..visible]).cloned().collect();
        let pairs =
            RecordBatch::try_new(std::sync::Arc::new(datafusion::arrow::datatypes::Schema::new(fields)), columns);
        let pairs = pairs.map_err(errors::arrow)?;
        // Values of rows that the condition lets through only: others may have none.
        let kept: Vec<usize> = match &update.condition {
            None => (0..old.len()).collect(),
            Some(condition) => met(&condition.evaluate(self, execution, &pairs)?),
        };
        let (pairs, current) = (take(&pairs, &kept)?, take(&current, &kept)?);
        let values = update.program.evaluate(self, execution, &pairs)?;
        let mut arrays = current.columns().to_vec();
        for (column, value) in update.columns.iter().zip(&values) {
            arrays[*column] = coerce::array(value, &target.relation.columns[*column])?;
        }
        let updated = assemble::batch(target, arrays, kept.len())?;
        let mut changes = super::change::Changes::default();
        let before: Vec<Bytes> = kept.iter().map(|row| old[*row].clone()).collect();
        changes.replace(target, &current, &before, &updated)?;
        Ok((updated, changes.into_rows()))
    }
}

/// The rows for which all conditions are true.
fn met(conditions: &[ArrayRef]) -> Vec<usize> {
    let rows = conditions.first().map_or(0, |condition| condition.len());
    let is_true = |condition: &ArrayRef, row: usize| {
        let condition = condition.as_boolean();
        condition.is_valid(row) && condition.value(row)
    };
    (0..rows).filter(|row| conditions.iter().all(|condition| is_true(condition, *row))).collect()
}

/// 21000 as Postgres words it.
fn twice() -> SqlError {
    SqlError::new(SqlState::CardinalityViolation, "ON CONFLICT DO UPDATE command cannot affect row a second time")
        .with_hint(
            "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
        )
}
