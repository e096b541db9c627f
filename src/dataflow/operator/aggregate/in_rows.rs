//! The aggregate that makes a view's rows: its state lies with the rows themselves.

use super::{AggregateColumn, AggregateOperator, TYPICAL_BYTES, new_rows};
use crate::dataflow::Expression;
use crate::dataflow::batch::{batch_of, take_columns};
use crate::dataflow::operator::keys::DistinctKeys;
use crate::dataflow::operator::state_bytes::damaged;
use crate::dataflow::operator::{Fault, StepScope};
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::{concat_batches, take_record_batch};
use arrow::datatypes::SchemaRef;
use attune_storage::codec::{ByteRows, KeyCodec, RowCodec, split_state, with_state};
use attune_storage::{Delta, KeyColumn, Table, TableLayout, canonical_floats};

/// The last aggregate of a view that has one row per group, with the projection after it if there is one.
///
/// As [`AggregateOperator`], but it writes the view's rows itself, each with the state of its group: one entry is
/// read and written per group, where a state table beside the rows would make it two. A group that changes without changing
/// its row (a maximum) is written, and is no change of the view.
pub(in crate::dataflow) struct RowAggregates {
    aggregate: AggregateOperator,
    /// The projection after it.
    project: Option<Vec<Expression>>,
    /// Keys of the view's rows, out of rows of the input.
    key: KeyCodec,
    rows: Table,
    codec: RowCodec,
    schema: SchemaRef,
}

/// What a step did to the rows of the view.
pub(in crate::dataflow) struct RowChanges {
    /// The change, when somebody wants it.
    pub(in crate::dataflow) delta: Option<Delta>,
    /// Its number of rows, wanted or not.
    pub(in crate::dataflow) rows: usize,
}

impl RowAggregates {
    /// `aggregate` with the expressions after it. `group_columns`: for each key column of the view, which group column of the
    /// aggregate it is. `schema`: columns of the view.
    pub(in crate::dataflow) fn new(
        aggregate: AggregateOperator,
        project: Option<Vec<Expression>>,
        group_columns: &[usize],
        layout: &TableLayout,
        schema: SchemaRef,
    ) -> RowAggregates {
        let of_input = |(order, group): (&KeyColumn, &usize)| {
            (layout.columns[order.column], KeyColumn { column: aggregate.group[*group], ..*order })
        };
        RowAggregates {
            key: KeyCodec::new(layout.key.iter().zip(group_columns).map(of_input).collect(), layout.distribution),
            rows: Table::Rows(layout.object),
            codec: layout.row_codec(),
            aggregate,
            project,
            schema,
        }
    }

    /// Takes a change of the aggregate's input and writes the rows of the groups in it.
    ///
    /// # Errors
    /// As those of an operator.
    pub(in crate::dataflow) fn step(&mut self, input: &Delta, scope: &mut StepScope<'_>) -> Result<RowChanges, Fault> {
        let keys = self.key.encode_batch(input.rows())?;
        let groups = DistinctKeys::of(&keys);
        let group_keys = groups.slices(&keys);
        let stored = scope.state.get_many_with_state(self.rows, &group_keys)?;

        let aggregate = &mut self.aggregate;
        aggregate.columns.iter_mut().for_each(AggregateColumn::clear);
        let mut old: Vec<Option<&[u8]>> = Vec::with_capacity(groups.len());
        let mut old_rows = Vec::with_capacity(groups.len());
        for stored in stored.iter() {
            let (state, row) = stored.map(split_state).transpose()?.unzip();
            old.push(row);
            match state {
                Some(None) => return Err(damaged("a row of an aggregate has none")),
                state => old_rows.push(aggregate.load_group(state.flatten())?),
            }
        }
        let new_rows = new_rows(&old_rows, input, &groups)?;
        aggregate.update(input, &groups, &group_keys, scope.state)?;

        // Groups that are left, by number.
        let mut left: Vec<u32> = Vec::with_capacity(groups.len());
        left.extend((0u32..).zip(&new_rows).filter(|(_, rows)| **rows > 0).map(|(group, _)| group));
        let rows = self.view_rows(input, &groups, &left, scope)?;
        let bytes = self.codec.encode_batch(&rows)?;
        let changed = self.write(&group_keys, &old, &new_rows, &bytes, scope)?;
        let gone = changed.gone.iter().filter_map(|group| stored.get(*group as usize));
        let delta = if scope.delta_wanted { Some(self.delta(gone, &rows, &changed)?) } else { None };
        Ok(RowChanges { delta, rows: changed.gone.len() + changed.come.len() })
    }

    /// The view's rows of the groups `left`.
    fn view_rows(
        &self,
        input: &Delta,
        groups: &DistinctKeys,
        left: &[u32],
        scope: &mut StepScope<'_>,
    ) -> Result<RecordBatch, Fault> {
        let first_rows = left.iter().map(|group| groups.first_row[*group as usize]);
        let group_columns: Vec<_> = self.aggregate.group.iter().map(|c| input.rows().column(*c).clone()).collect();
        let mut columns = take_columns(&group_columns, &UInt32Array::from_iter_values(first_rows))?;
        let results = self.aggregate.new_results(input, groups, scope.row_errors)?;
        if left.len() == groups.len() {
            columns.extend(results.columns().iter().cloned());
        } else {
            columns.extend(take_columns(results.columns(), &UInt32Array::from_iter_values(left.iter().copied()))?);
        }
        let aggregated = batch_of(&self.aggregate.schema, columns, left.len())?;
        let columns = match &self.project {
            None => aggregated.columns().to_vec(),
            Some(project) => {
                project.iter().map(|e| e.evaluate(&aggregated, scope.row_errors)).collect::<Result<_, _>>()?
            }
        };
        let rows = batch_of(&self.schema, columns, left.len())?;
        Ok(canonical_floats(&rows)?.unwrap_or(rows))
    }

    /// Writes the groups back; those without rows are deleted.
    fn write(
        &self,
        keys: &[&[u8]],
        old: &[Option<&[u8]>],
        new_rows: &[i64],
        new: &ByteRows,
        scope: &mut StepScope<'_>,
    ) -> Result<Changed, Fault> {
        scope.state.expect(self.rows, keys.len(), keys.len() * TYPICAL_BYTES + new.bytes());
        let mut changed = Changed::with_capacity(keys.len());
        let (mut state, mut value) = (Vec::new(), Vec::new());
        // Rows of groups that are left come in the order of the groups.
        let mut next = 0;
        for (group, (key, rows)) in keys.iter().zip(new_rows).enumerate() {
            if *rows <= 0 {
                if old[group].is_some() {
                    changed.gone.push(group as u32);
                    scope.state.delete(self.rows, key);
                }
                continue;
            }
            let row = new.get(next);
            if old[group] != Some(row) {
                if old[group].is_some() {
                    changed.gone.push(group as u32);
                }
                changed.come.push(next as u32);
            }
            next += 1;
            state.clear();
            self.aggregate.write_group(group, *rows, &mut state);
            value.clear();
            with_state(&state, row, &mut value)?;
            scope.state.put(self.rows, key, &value);
        }
        Ok(changed)
    }

    /// The change of the view: stored rows that went, and those of `rows` that came.
    fn delta<'a>(
        &self,
        gone: impl Iterator<Item = &'a [u8]>,
        rows: &RecordBatch,
        changed: &Changed,
    ) -> Result<Delta, Fault> {
        let gone = self.codec.decode(gone, &self.schema, None)?;
        let come = if changed.come.len() == rows.num_rows() {
            rows.clone()
        } else {
            take_record_batch(rows, &UInt32Array::from_iter_values(changed.come.iter().copied()))?
        };
        let mut weights = vec![-1; gone.num_rows()];
        weights.resize(gone.num_rows() + come.num_rows(), 1);
        // Groups differ, and a row that is the same before and after was left out.
        Ok(Delta::of_distinct(concat_batches(&self.schema, [&gone, &come])?, weights))
    }
}

/// Rows of a view that change in a step.
struct Changed {
    /// Groups whose stored row goes.
    gone: Vec<u32>,
    /// New rows, by their place among the rows of groups that are left.
    come: Vec<u32>,
}

impl Changed {
    fn with_capacity(groups: usize) -> Changed {
        Changed { gone: Vec::with_capacity(groups), come: Vec::with_capacity(groups) }
    }
}
