//! GROUP BY.
//!
//! - `accumulator`: what a function keeps; `count`, `sum`, `avg`, `extreme`, `statistic`: one function each
//! - `totals`, `exact_total`, `float_total`: the sums behind sum and avg
//! - `column`: an aggregate of the plan; `multiset`: ordered values for MIN, MAX and DISTINCT
//! - `in_rows`: the aggregate that makes a view's rows, with its state in them

mod accumulator;
mod avg;
mod column;
mod count;
mod exact_total;
mod extreme;
mod float_total;
mod in_rows;
mod multiset;
mod statistic;
mod sum;
mod totals;

pub(crate) use column::Rules;
pub(in crate::dataflow) use in_rows::RowAggregates;

use super::keys::DistinctKeys;
use super::state_bytes::{STATE_VERSION, get_signed, open, put_signed};
use super::{Fault, Operator, RowError, RowErrors, StepScope, only, weights};
use crate::dataflow::batch::{batch_of, row_text, take_columns};
use arrow::array::{ArrayRef, RecordBatch, UInt32Array};
use arrow::compute::interleave;
use arrow::datatypes::{Schema, SchemaRef};
use attune_planner::Aggregate;
use attune_sql::SqlError;
use attune_storage::codec::{KeyCodec, RowCodec};
use attune_storage::{Delta, EpochScope, Table};
use column::{AggregateColumn, Kind};
use multiset::Touched;
use std::sync::Arc;

/// Aggregates per group. NULLs group together. Without group columns there is exactly one group, also for no rows.
///
/// Touches the groups in the delta only: for each, the old output row is taken away and the new one added; nothing if
/// they are equal. State: groups, `[group key]` -> `[version][rows][state of each aggregate]`; and for MIN, MAX and
/// DISTINCT, the ordered values (see [`multiset`]).
///
/// Example, `count(*)` by the first column: with `{a: 2}` stored, `{(a): +1, (b): +1}` gives
/// `{(a, 2): -1, (a, 3): +1, (b, 1): +1}`.
pub(crate) struct AggregateOperator {
    group: Vec<usize>,
    key: KeyCodec,
    groups: Table,
    values: Table,
    columns: Vec<AggregateColumn>,
    /// Result columns only.
    results: SchemaRef,
    results_codec: RowCodec,
    schema: SchemaRef,
}

/// Aggregates of one node; their number is one byte in state keys.
const MAX_AGGREGATES: usize = 256;
/// Bytes of a small group, key and state.
const TYPICAL_BYTES: usize = 64;

impl AggregateOperator {
    /// The aggregate of `aggregates` by `group` over rows of `input`.
    ///
    /// # Errors
    /// 0A000 when a function is not kept for its type.
    pub(crate) fn new(
        group: &[usize],
        aggregates: &[Aggregate],
        input: &Schema,
        rules: Rules,
        schema: SchemaRef,
        tables: [Table; 2],
    ) -> Result<AggregateOperator, SqlError> {
        let internal = |e: attune_storage::StorageError| SqlError::internal(e.to_string());
        if aggregates.len() > MAX_AGGREGATES {
            return Err(SqlError::unsupported(
                format!("a view with {} aggregates in one GROUP BY is not supported", aggregates.len()),
                format!("use at most {MAX_AGGREGATES} per view"),
            ));
        }
        let columns = aggregates.iter().map(|a| AggregateColumn::new(a, input, rules));
        let results = Arc::new(Schema::new(schema.fields().iter().skip(group.len()).cloned().collect::<Vec<_>>()));
        let [groups, values] = tables;
        Ok(AggregateOperator {
            group: group.to_vec(),
            key: KeyCodec::ascending(input, group).map_err(internal)?,
            groups,
            values,
            columns: columns.collect::<Result<_, _>>()?,
            results_codec: RowCodec::for_schema(&results).map_err(internal)?,
            results,
            schema,
        })
    }

    /// Exactly one group, that never goes away.
    fn is_global(&self) -> bool {
        self.group.is_empty()
    }

    /// Loads the touched groups. Returns how many rows each has; `None` for a group that does not exist.
    fn load(&mut self, keys: &[&[u8]], state: &mut EpochScope) -> Result<Vec<Option<i64>>, Fault> {
        let stored = state.get_many(self.groups, keys)?;
        self.columns.iter_mut().for_each(AggregateColumn::clear);
        stored.iter().map(|stored| self.load_group(stored)).collect()
    }

    /// Adds a group from its state, or without any. Returns how many rows it has.
    fn load_group(&mut self, stored: Option<&[u8]>) -> Result<Option<i64>, Fault> {
        let Some(stored) = stored else {
            self.columns.iter_mut().for_each(AggregateColumn::push_empty);
            return Ok(self.is_global().then_some(0));
        };
        let mut rest = open(stored)?;
        let rows = get_signed(&mut rest)?;
        self.columns.iter_mut().try_for_each(|column| column.push_state(&mut rest))?;
        if !rest.is_empty() {
            return Err(super::state_bytes::damaged("bytes after the last aggregate"));
        }
        Ok(Some(rows))
    }

    /// Writes back the touched groups; those without rows are deleted.
    fn store(&self, keys: &[&[u8]], rows: &[i64], state: &mut EpochScope) {
        state.expect(self.groups, keys.len(), keys.len() * TYPICAL_BYTES);
        let mut value = Vec::new();
        for (group, (key, rows)) in keys.iter().zip(rows).enumerate() {
            if *rows == 0 && !self.is_global() {
                state.delete(self.groups, key);
                continue;
            }
            value.clear();
            self.write_group(group, *rows, &mut value);
            state.put(self.groups, key, &value);
        }
    }

    /// Appends the state of a touched group.
    fn write_group(&self, group: usize, rows: i64, out: &mut Vec<u8>) {
        out.push(STATE_VERSION);
        put_signed(rows, out);
        self.columns.iter().for_each(|column| column.write_state(group, out));
    }

    /// The result columns of the touched groups as they stand.
    fn results(&self, groups: usize, failed: &mut dyn FnMut(&str, usize, &str)) -> Result<RecordBatch, Fault> {
        let columns = self.columns.iter().map(|c| c.results(&mut |group, message| failed(&c.name, group, message)));
        batch_of(&self.results, columns.collect::<Result<_, _>>()?, groups)
    }

    /// The result columns after a change; aggregates that fail are reported with the first row of their group.
    fn new_results(
        &self,
        input: &Delta,
        groups: &DistinctKeys,
        row_errors: &mut RowErrors,
    ) -> Result<RecordBatch, Fault> {
        self.results(groups.len(), &mut |name, group, message| {
            row_errors.add(|| RowError {
                expression: name.to_owned(),
                message: message.to_owned(),
                row: row_text(input.rows(), groups.first_row[group] as usize),
            });
        })
    }

    /// Brings the aggregates up to date.
    fn update(
        &mut self,
        input: &Delta,
        groups: &DistinctKeys,
        group_keys: &[&[u8]],
        state: &mut EpochScope,
    ) -> Result<(), Fault> {
        let mut touched = Touched::default();
        for (number, column) in self.columns.iter_mut().enumerate() {
            let changes = column.changes(input.rows(), &groups.of_row, input.weights())?;
            if let Some(codec) = column.multiset() {
                let values = codec.encode_batch(input.rows())?;
                touched.add(number as u8, changes, group_keys, &values);
                continue;
            }
            match &mut column.kind {
                Kind::Linear(inner) => inner.update(column.argument.map(|c| input.rows().column(c)), &changes)?,
                Kind::Extreme { extreme, .. } => {
                    let values = extreme.codec().encode_batch(input.rows())?;
                    for change in changes {
                        if change.weight < 0 {
                            return Err(Fault::internal("a delete from an input that is append-only"));
                        }
                        extreme.consider(change.group as usize, values.get(change.row as usize));
                    }
                }
                Kind::Distinct { .. } => {} // has a multiset
            }
        }
        touched.apply(&mut self.columns, input.rows(), group_keys, self.values, state)
    }

    /// The difference between old and new output rows of the touched groups.
    fn difference(
        &self,
        input: &RecordBatch,
        first_row: &[u32],
        old: (&RecordBatch, &[Option<i64>]),
        new: (&RecordBatch, &[i64]),
    ) -> Result<Delta, Fault> {
        let (old_bytes, new_bytes) = (self.results_codec.encode_batch(old.0)?, self.results_codec.encode_batch(new.0)?);
        let (mut places, mut rows, mut weights) = (Vec::new(), Vec::new(), Vec::new());
        for (group, row) in first_row.iter().enumerate() {
            let (was, is) = (old.1[group].is_some(), new.1[group] > 0 || self.is_global());
            if was && is && old_bytes.get(group) == new_bytes.get(group) {
                continue;
            }
            for (version, there, weight) in [(0, was, -1), (1, is, 1)] {
                if there {
                    places.push((version, group));
                    rows.push(*row);
                    weights.push(weight);
                }
            }
        }
        let group_columns: Vec<ArrayRef> = self.group.iter().map(|c| input.column(*c).clone()).collect();
        let mut columns = take_columns(&group_columns, &UInt32Array::from(rows))?;
        for (old, new) in old.0.columns().iter().zip(new.0.columns()) {
            columns.push(interleave(&[old.as_ref(), new.as_ref()], &places)?);
        }
        // A row that is the same before and after was left out, and groups differ.
        Ok(Delta::of_distinct(batch_of(&self.schema, columns, weights.len())?, weights))
    }
}

/// How many rows each touched group has after a change.
fn new_rows(old_rows: &[Option<i64>], input: &Delta, groups: &DistinctKeys) -> Result<Vec<i64>, Fault> {
    let changes = weights::sum_by(&groups.of_row, input.weights(), groups.len())?;
    old_rows.iter().zip(changes).map(|(old, change)| weights::add(old.unwrap_or(0), change)).collect()
}

impl Operator for AggregateOperator {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        // Not consolidated: everything below adds up weights, so rows that cancel each other change nothing.
        let input = only(inputs)?;
        if input.is_empty() {
            return Ok(Delta::empty(self.schema.clone()));
        }
        let keys = self.key.encode_batch(input.rows())?;
        let groups = DistinctKeys::of(&keys);
        let group_keys = groups.slices(&keys);
        let old_rows = self.load(&group_keys, scope.state)?;
        let old = self.results(groups.len(), &mut |_, _, _| {})?;

        let new_rows = new_rows(&old_rows, input, &groups)?;
        self.update(input, &groups, &group_keys, scope.state)?;
        self.store(&group_keys, &new_rows, scope.state);
        let new = self.new_results(input, &groups, scope.row_errors)?;
        self.difference(input.rows(), &groups.first_row, (&old, &old_rows), (&new, &new_rows))
    }

    fn start(&mut self, scope: &mut StepScope<'_>) -> Result<Option<Delta>, Fault> {
        if !self.is_global() {
            return Ok(None);
        }
        for column in &mut self.columns {
            column.clear();
            column.push_empty();
        }
        let mut key = Vec::new();
        self.key.encode_values(&[], &mut key)?;
        self.store(&[&key], &[0], scope.state);
        let results = self.results(1, &mut |_, _, _| {})?;
        Ok(Some(Delta::inserts(batch_of(&self.schema, results.columns().to_vec(), 1)?)))
    }
}
