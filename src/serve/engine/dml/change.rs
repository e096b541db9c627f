//! UPDATE and DELETE.

use super::insert::take;
use super::returning::Returning;
use super::target::Target;
use super::{assemble, coerce, retry};
use crate::coordinator::{Expected, RelationChange, RowChange};
use crate::serve::engine::row_program::Execution;
use crate::serve::engine::select::Select;
use crate::serve::engine::{Engine, Outcome, OutputColumn, Transaction, errors, result};
use attune_sql::SqlError;
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, AsArray, RecordBatch};
use datafusion::scalar::ScalarValue;
use hashbrown::HashSet;
use std::collections::BTreeMap;

/// A bound UPDATE or DELETE.
pub(crate) struct Change {
    pub(super) target: Target,
    /// Assigned columns of an UPDATE; `None` is DELETE.
    pub(super) assigned: Option<Vec<usize>>,
    /// Gives key and row bytes of the affected rows, then the assigned values.
    pub(super) query: Select,
    pub(super) query_columns: Vec<OutputColumn>,
    pub(super) returning: Option<Returning>,
}

impl Engine {
    /// Runs an UPDATE or DELETE.
    pub(in crate::serve::engine) async fn change(
        &self,
        change: &Change,
        columns: Option<&[OutputColumn]>,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
    ) -> Result<Outcome, SqlError> {
        let mut attempts = retry::Attempts::new(self);
        let execution = Execution::begin(&parameters);
        loop {
            let found = self.query_rows(&change.query, &change.query_columns, execution, transaction).await?;
            let (changes, shown) = changes(change, &found)?;
            let count = shown.num_rows();
            let mutation = RelationChange::Mutate { table: change.target.relation.id.0, changes };
            if !attempts.write(&change.target, mutation, transaction).await? {
                continue;
            }
            let verb = if change.assigned.is_some() { "UPDATE" } else { "DELETE" };
            return match (&change.returning, columns) {
                (Some(returning), Some(columns)) => {
                    let batch = returning.evaluate(self, execution, &shown)?;
                    Ok(result::rows(columns.to_vec(), vec![batch], verb))
                }
                _ => Ok(result::command(format!("{verb} {count}"))),
            };
        }
    }
}

/// The changes, and the rows RETURNING shows (new ones of an UPDATE, old ones of a DELETE).
fn changes(change: &Change, found: &RecordBatch) -> Result<(Vec<RowChange>, RecordBatch), SqlError> {
    let target = &change.target;
    let keys = found.column(0).as_binary::<i32>();
    // A row that several rows of FROM or USING match is changed once, as in Postgres.
    let mut seen = HashSet::new();
    let once: Vec<usize> = (0..found.num_rows()).filter(|row| seen.insert(keys.value(*row))).collect();
    let found = take(found, &once)?;
    let before = found.column(1).as_binary::<i32>();
    let before: Vec<Bytes> = (0..found.num_rows()).map(|row| Bytes::copy_from_slice(before.value(row))).collect();
    let stored = target.stored()?;
    let old = stored.row.decode(before.iter().map(|r| r.as_ref()), &target.schema, None).map_err(errors::storage)?;
    let mut changes = Changes::default();
    let Some(assigned) = &change.assigned else {
        let keys = stored.key.encode_batch(&old).map_err(errors::storage)?;
        for (key, row) in keys.iter().zip(before) {
            changes.rows.insert(key.to_vec(), (Expected::Row(row), None));
        }
        return Ok((changes.into_rows(), old));
    };
    let mut arrays: Vec<ArrayRef> = old.columns().to_vec();
    for (column, value) in assigned.iter().zip(&found.columns()[2..]) {
        arrays[*column] = coerce::array(value, &target.relation.columns[*column])?;
    }
    let new = assemble::batch(target, arrays, old.num_rows())?;
    changes.replace(target, &old, &before, &new)?;
    Ok((changes.into_rows(), new))
}

/// The changes of one statement by key.
#[derive(Default)]
pub(super) struct Changes {
    rows: BTreeMap<Vec<u8>, (Expected, Option<Bytes>)>,
}

impl Changes {
    /// Replaces rows of `old` (stored as `before`) by those of `new`. Where the key changes that is a delete and an insert;
    /// all rows leave before any comes, so keys may be exchanged.
    pub(super) fn replace(
        &mut self,
        target: &Target,
        old: &RecordBatch,
        before: &[Bytes],
        new: &RecordBatch,
    ) -> Result<(), SqlError> {
        let stored = target.stored()?;
        let old_keys = stored.key.encode_batch(old).map_err(errors::storage)?;
        let (new_keys, values) = target.encode(new)?;
        for (row, before) in before.iter().enumerate() {
            let stays = old_keys.get(row) == new_keys.get(row);
            let value = stays.then(|| Bytes::copy_from_slice(values.get(row)));
            self.rows.insert(old_keys.get(row).to_vec(), (Expected::Row(before.clone()), value));
        }
        for row in (0..new.num_rows()).filter(|row| old_keys.get(*row) != new_keys.get(*row)) {
            let value = Bytes::copy_from_slice(values.get(row));
            match self.rows.get_mut(new_keys.get(row)) {
                Some((_, Some(_))) => return Err(target.duplicate_key(new, row)),
                Some((_, vacated)) => *vacated = Some(value),
                None => {
                    let expected = Expected::AbsentOr(stored.duplicate.clone());
                    self.rows.insert(new_keys.get(row).to_vec(), (expected, Some(value)));
                }
            }
        }
        Ok(())
    }

    /// The changes in key order.
    pub(super) fn into_rows(self) -> Vec<RowChange> {
        self.rows.into_iter().map(|(key, (expected, new))| RowChange { key, expected, new }).collect()
    }
}

impl Change {
    /// The query for the affected rows.
    pub(in crate::serve::engine) fn query(&self) -> &Select {
        &self.query
    }

    /// How EXPLAIN shows it.
    pub(in crate::serve::engine) fn describe(&self) -> String {
        let verb = if self.assigned.is_some() { "Update" } else { "Delete" };
        format!("{verb} on {}", self.target.relation.name)
    }
}
