//! The ordered multisets behind MIN, MAX and DISTINCT.

use super::Fault;
use super::accumulator::Change;
use super::column::{AggregateColumn, Kind};
use crate::dataflow::operator::keys::DistinctKeys;
use crate::dataflow::operator::weights::{self, Weight};
use arrow::array::RecordBatch;
use attune_storage::codec::ByteRows;
use attune_storage::{EpochScope, Table};

/// The values a step adds to and takes from the multisets, over all groups and aggregates.
///
/// Entry of the table: `[group key][number of the aggregate u8][value as a key]` -> count.
#[derive(Default)]
pub(super) struct Touched {
    keys: ByteRows,
    /// Per key: number of the aggregate, and the change.
    changes: Vec<(u8, Change)>,
}

impl Touched {
    /// Adds the values of one aggregate. `group_keys` are the keys of the touched groups, `values` those of the rows.
    pub(super) fn add(&mut self, number: u8, changes: Vec<Change>, group_keys: &[&[u8]], values: &ByteRows) {
        for change in changes {
            self.keys.push_with(|key| {
                key.extend_from_slice(group_keys[change.group as usize]);
                key.push(number);
                key.extend_from_slice(&values.get(change.row as usize)[1..]);
            });
            self.changes.push((number, change));
        }
    }

    /// Counts the values in `table`, and brings the aggregates up to date.
    pub(super) fn apply(
        self,
        columns: &mut [AggregateColumn],
        rows: &RecordBatch,
        group_keys: &[&[u8]],
        table: Table,
        state: &mut EpochScope,
    ) -> Result<(), Fault> {
        if self.keys.is_empty() {
            return Ok(());
        }
        let distinct = DistinctKeys::of(&self.keys);
        let weights: Vec<i64> = self.changes.iter().map(|(_, change)| change.weight).collect();
        let sums = weights::sum_by(&distinct.of_row, &weights, distinct.len())?;
        let keys = distinct.slices(&self.keys);
        let counts = weights::change(state, table, &keys, &sums)?;
        // Changes of distinct values per aggregate, and the groups whose extreme is gone.
        let mut transitions: Vec<Vec<Change>> = columns.iter().map(|_| Vec::new()).collect();
        let mut lost = Vec::new();
        for (place, Weight { old, new }) in counts.iter().enumerate() {
            let (number, change) = self.changes[distinct.first_row[place] as usize];
            let group = change.group as usize;
            match &mut columns[usize::from(number)].kind {
                Kind::Extreme { extreme, .. } => {
                    let value = &keys[place][group_keys[group].len()..];
                    if *new > 0 {
                        extreme.consider(group, value);
                    } else if extreme.is(group, value) {
                        lost.push((number, group));
                    }
                }
                _ if (*old > 0) != (*new > 0) => {
                    let weight = if *new > 0 { 1 } else { -1 };
                    transitions[usize::from(number)].push(Change { weight, ..change });
                }
                _ => {}
            }
        }
        find_extremes(columns, &lost, group_keys, table, state)?;
        for (column, changes) in columns.iter_mut().zip(&transitions) {
            if let Kind::Distinct { inner, .. } = &mut column.kind {
                inner.update(column.argument.map(|c| rows.column(c)), changes)?;
            }
        }
        Ok(())
    }
}

/// Reads the first value of the multisets whose extreme is gone.
fn find_extremes(
    columns: &mut [AggregateColumn],
    lost: &[(u8, usize)],
    group_keys: &[&[u8]],
    table: Table,
    state: &mut EpochScope,
) -> Result<(), Fault> {
    if lost.is_empty() {
        return Ok(());
    }
    let mut prefixes = ByteRows::default();
    for (number, group) in lost {
        prefixes.push_with(|key| {
            key.extend_from_slice(group_keys[*group]);
            key.push(*number);
        });
    }
    let prefixes: Vec<&[u8]> = prefixes.iter().collect();
    let mut found: Vec<Option<Box<[u8]>>> = vec![None; lost.len()];
    state.scan_prefixes(table, &prefixes, &mut |place, key, _| {
        found[place] = Some(key[group_keys[lost[place].1].len()..].into());
        false
    })?;
    for ((number, group), value) in lost.iter().zip(&found) {
        if let Kind::Extreme { extreme, .. } = &mut columns[usize::from(*number)].kind {
            extreme.set(*group, value.as_deref());
        }
    }
    Ok(())
}
