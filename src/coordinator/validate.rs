//! Writes checked against what is stored, and turned into the input deltas of an epoch.
//!
//! Sessions evaluate statements on their own snapshots; here, in the one place where writes are in order, the rows they
//! saw are compared with the rows that are there. That makes concurrent writers safe without locks.

use super::change::{Expected, RelationChange, RowChange};
use super::from_storage;
use crate::dataflow::InputRelation;
use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use attune_sql::{SqlError, SqlState};
use attune_storage::{Delta, EpochScope, StorageError, Table, canonical_floats};
use bytes::Bytes;
use std::collections::HashMap;

/// What the accepted writes of an epoch do to the relations, before any view has seen it.
#[derive(Default)]
pub(super) struct Inputs {
    /// Per table and key: the row at the start of the epoch, and now.
    tables: HashMap<u32, HashMap<Vec<u8>, RowState>>,
    /// Per stream: the events, in order of arrival.
    streams: HashMap<u32, Vec<RecordBatch>>,
}

struct RowState {
    original: Option<Bytes>,
    now: Option<Bytes>,
}

/// How to take back one row change of a write that turns out to be refused.
struct Undo {
    table: u32,
    key: Vec<u8>,
    before: Option<Bytes>,
}

/// The epoch's input for one stream or table.
pub(super) enum Input {
    /// Appended events.
    Events(RecordBatch),
    /// Changed rows.
    Rows(Delta),
}

impl Inputs {
    /// Takes one client's changes in, all or none.
    ///
    /// # Errors
    /// Outer: storage failed, the epoch cannot go on. Inner: this write is refused and has left no trace.
    pub(super) fn accept(
        &mut self,
        scope: &mut EpochScope,
        relations: &HashMap<u32, InputRelation>,
        changes: &[RelationChange],
    ) -> Result<Result<(), SqlError>, StorageError> {
        let mut undo = Vec::new();
        let mut events: Vec<(u32, &RecordBatch)> = Vec::new();
        for change in changes {
            let taken = match change {
                RelationChange::Append { stream, rows } => {
                    check_events(relations, *stream, rows).map(|()| events.push((*stream, rows)))
                }
                RelationChange::Mutate { table, changes } => match relations.get(table) {
                    Some(_) => self.mutate(scope, *table, changes, &mut undo)?,
                    None => Err(gone()),
                },
            };
            if let Err(refused) = taken {
                self.take_back(undo);
                return Ok(Err(refused));
            }
        }
        for (stream, rows) in events {
            self.streams.entry(stream).or_default().push(rows.clone());
        }
        Ok(Ok(()))
    }

    fn mutate(
        &mut self,
        scope: &mut EpochScope,
        table: u32,
        changes: &[RowChange],
        undo: &mut Vec<Undo>,
    ) -> Result<Result<(), SqlError>, StorageError> {
        let rows = self.tables.entry(table).or_default();
        let unknown: Vec<&[u8]> = changes.iter().map(|c| c.key.as_slice()).filter(|k| !rows.contains_key(*k)).collect();
        let stored = scope.get_many(Table::Rows(attune_storage::ObjectId(table)), &unknown)?;
        for (key, row) in unknown.into_iter().zip(stored.iter()) {
            let row = row.map(Bytes::copy_from_slice);
            rows.insert(key.to_vec(), RowState { original: row.clone(), now: row });
        }
        for change in changes {
            let Some(state) = rows.get_mut(&change.key) else { continue };
            if let Err(refused) = check_row(change, state.now.as_ref()) {
                return Ok(Err(refused));
            }
            undo.push(Undo { table, key: change.key.clone(), before: state.now.take() });
            state.now.clone_from(&change.new);
        }
        Ok(Ok(()))
    }

    fn take_back(&mut self, undo: Vec<Undo>) {
        for step in undo.into_iter().rev() {
            if let Some(state) = self.tables.get_mut(&step.table).and_then(|rows| rows.get_mut(&step.key)) {
                state.now = step.before;
            }
        }
    }

    /// The net change of each relation that has one.
    ///
    /// # Errors
    /// When stored rows are damaged or batches do not fit together.
    pub(super) fn finish(self, relations: &HashMap<u32, InputRelation>) -> Result<HashMap<u32, Input>, StorageError> {
        let mut inputs = HashMap::new();
        for (stream, batches) in self.streams {
            let Some(relation) = relations.get(&stream) else { continue };
            let rows = concat_batches(&relation.schema, &batches)?;
            let rows = canonical_floats(&rows)?.unwrap_or(rows);
            if rows.num_rows() > 0 {
                inputs.insert(stream, Input::Events(rows));
            }
        }
        for (table, rows) in self.tables {
            let Some(relation) = relations.get(&table) else { continue };
            let delta = net_change(relation, &rows)?;
            if !delta.is_empty() {
                inputs.insert(table, Input::Rows(delta));
            }
        }
        Ok(inputs)
    }
}

fn net_change(relation: &InputRelation, rows: &HashMap<Vec<u8>, RowState>) -> Result<Delta, StorageError> {
    let (mut encoded, mut weights): (Vec<&Bytes>, Vec<i64>) = (Vec::new(), Vec::new());
    for state in rows.values().filter(|state| state.original != state.now) {
        for (row, weight) in [(&state.original, -1), (&state.now, 1)] {
            if let Some(row) = row {
                encoded.push(row);
                weights.push(weight);
            }
        }
    }
    let codec = attune_storage::codec::RowCodec::for_schema(&relation.schema)?;
    let rows = codec.decode(encoded.iter().map(|row| row.as_ref()), &relation.schema, None)?;
    Ok(Delta::new(rows, weights))
}

fn check_row(change: &RowChange, stored: Option<&Bytes>) -> Result<(), SqlError> {
    match (&change.expected, stored) {
        (Expected::AbsentOr(_) | Expected::Absent, None) => Ok(()),
        // A write that expects no row brings one.
        (Expected::AbsentOr(duplicate), Some(_)) => Err(duplicate.error(change.new.as_deref().unwrap_or_default())),
        (Expected::Row(seen), Some(row)) if seen == row => Ok(()),
        _ => Err(SqlError::new(SqlState::SerializationFailure, "could not serialize access due to concurrent update")
            .with_hint("Run the transaction again.")),
    }
}

fn check_events(relations: &HashMap<u32, InputRelation>, stream: u32, rows: &RecordBatch) -> Result<(), SqlError> {
    let relation = relations.get(&stream).ok_or_else(gone)?;
    let same = relation.schema.fields().len() == rows.num_columns()
        && relation.schema.fields().iter().zip(rows.columns()).all(|(f, c)| f.data_type() == c.data_type());
    if same { Ok(()) } else { Err(SqlError::internal("events do not have the columns of their stream")) }
}

fn gone() -> SqlError {
    SqlError::new(SqlState::UndefinedTable, "the relation was dropped while the statement ran")
}

/// A storage error as the refusal of one write.
pub(super) fn refused(error: &StorageError) -> SqlError {
    from_storage(error)
}
