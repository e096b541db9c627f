//! INSERT and the rows of COPY.

use super::assemble::{self, Defaults};
use super::conflict::Conflict;
use super::insert_source::Source;
use super::returning::Returning;
use super::target::Target;
use super::{coerce, retry};
use crate::coordinator::{Expected, RelationChange, RowChange};
use crate::serve::engine::row_program::Execution;
use crate::serve::engine::{Engine, Outcome, OutputColumn, Transaction, errors, result};
use attune_sql::SqlError;
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::scalar::ScalarValue;
use hashbrown::HashMap;

/// A bound INSERT.
pub(crate) struct Insert {
    pub(super) target: Target,
    pub(super) defaults: Defaults,
    /// Columns that the source gives, in its order.
    pub(super) columns: Vec<usize>,
    pub(super) source: Source,
    pub(super) conflict: Conflict,
    pub(super) returning: Option<Returning>,
}

/// What a statement writes, and the rows that RETURNING shows and the tag counts.
pub(super) struct Written {
    pub(super) change: RelationChange,
    pub(super) rows: RecordBatch,
}

impl Engine {
    /// Runs an INSERT.
    pub(in crate::serve::engine) async fn insert(
        &self,
        insert: &Insert,
        columns: Option<&[OutputColumn]>,
        parameters: Vec<ScalarValue>,
        transaction: &mut Transaction,
    ) -> Result<Outcome, SqlError> {
        let mut attempts = retry::Attempts::new(self);
        let execution = Execution::begin(&parameters);
        loop {
            let rows = self.source_rows(insert, execution, transaction).await?;
            let written = match &insert.conflict {
                Conflict::Refuse => insert_only(&insert.target, rows)?,
                _ => self.upsert(insert, rows, execution, transaction)?,
            };
            let count = written.rows.num_rows();
            if !attempts.write(&insert.target, written.change, transaction).await? {
                continue;
            }
            let tag = format!("INSERT 0 {count}");
            return match (&insert.returning, columns) {
                (Some(returning), Some(columns)) => {
                    let batch = returning.evaluate(self, execution, &written.rows)?;
                    Ok(result::rows(columns.to_vec(), vec![batch], "INSERT 0"))
                }
                _ => Ok(result::command(tag)),
            };
        }
    }

    /// Writes rows of a COPY (columns of the target in the order of `columns`, already typed; missing columns get their
    /// default or NULL) or refuses them; inside a block they are buffered. Returns the number of rows.
    ///
    /// # Errors
    /// As INSERT: 42P01, 42703, 22001, 23502, 23505.
    pub async fn insert_rows(
        &self,
        relation: &str,
        columns: &[String],
        rows: RecordBatch,
        transaction: &mut Transaction,
    ) -> Result<u64, SqlError> {
        let catalog = self.coordinator.catalog();
        let target = Target::new(&catalog, relation, "insert into")?;
        let defaults = Defaults::new(self, &catalog, &target)?;
        let mut given: Vec<Option<ArrayRef>> = vec![None; target.visible()];
        let all: Vec<String> = target.relation.visible_columns().map(|(_, c)| c.name.clone()).collect();
        let columns = if columns.is_empty() { &all[..] } else { columns };
        if columns.len() != rows.num_columns() {
            return Err(SqlError::internal("the rows have another number of columns than was named"));
        }
        for (name, array) in columns.iter().zip(rows.columns()) {
            let index = target.column(name)?;
            given[index] = Some(coerce::array(array, &target.relation.columns[index])?);
        }
        let count = rows.num_rows();
        let rows = assemble::rows(self, &target, &defaults, given, count, Execution::begin(&[]))?;
        let written = insert_only(&target, rows)?;
        retry::Attempts::new(self).write_once(&target, written.change, transaction).await?;
        Ok(count as u64)
    }
}

/// Plain inserts: events, or rows whose key must be new.
pub(super) fn insert_only(target: &Target, rows: RecordBatch) -> Result<Written, SqlError> {
    let id = target.relation.id.0;
    if target.relation.is_stream() {
        return Ok(Written { change: RelationChange::Append { stream: id, rows: rows.clone() }, rows });
    }
    let (keys, values) = target.encode(&rows)?;
    let duplicate = &target.stored()?.duplicate;
    let mut seen: HashMap<&[u8], ()> = HashMap::with_capacity(rows.num_rows());
    let mut changes = Vec::with_capacity(rows.num_rows());
    let fresh = !target.has_primary_key();
    for row in 0..rows.num_rows() {
        let expected = match fresh {
            // A row id is new by construction.
            true => Expected::Absent,
            false => Expected::AbsentOr(duplicate.clone()),
        };
        if seen.insert(keys.get(row), ()).is_some() {
            return Err(target.duplicate_key(&rows, row));
        }
        let new = Some(Bytes::copy_from_slice(values.get(row)));
        changes.push(RowChange { key: keys.get(row).to_vec(), expected, new });
    }
    Ok(Written { change: RelationChange::Mutate { table: id, changes }, rows })
}

/// Rows `indices` of a batch.
pub(super) fn take(rows: &RecordBatch, indices: &[usize]) -> Result<RecordBatch, SqlError> {
    let indices = datafusion::arrow::array::UInt64Array::from_iter_values(indices.iter().map(|i| *i as u64));
    datafusion::arrow::compute::take_record_batch(rows, &indices).map_err(errors::arrow)
}

impl Insert {
    /// The query that gives the rows, if it is one.
    pub(in crate::serve::engine) fn query(&self) -> Option<&crate::serve::engine::select::Select> {
        match &self.source {
            Source::Query(select, _) => Some(select),
            _ => None,
        }
    }

    /// How EXPLAIN shows it.
    pub(in crate::serve::engine) fn describe(&self) -> String {
        let rows = match &self.source {
            Source::Values(values) => format!(" ({} rows of values)", values.rows.len()),
            Source::Defaults => " (default values)".to_owned(),
            Source::Query(..) => String::new(),
        };
        let conflict = match self.conflict {
            Conflict::Refuse => "",
            Conflict::Skip => ", on conflict do nothing",
            Conflict::Update(_) => ", on conflict do update",
        };
        format!("Insert on {}{rows}{conflict}", self.target.relation.name)
    }
}
