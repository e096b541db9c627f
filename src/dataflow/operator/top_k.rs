//! The first rows of each partition, in order.

use super::keys::DistinctKeys;
use super::{Fault, Operator, StepScope, only, weights};
use crate::dataflow::batch::{batch_of, consolidate};
use arrow::datatypes::{Schema, SchemaRef};
use attune_planner::SortColumn;
use attune_storage::codec::{ByteRows, ColumnBuilder, KeyCodec, Value};
use attune_storage::{ColumnType, Delta, EpochScope, KeyColumn, StorageError, Table};
use std::ops::Range;

/// Per partition the rows at places `offset..offset + limit` of the order, optionally with their row number (from 1, not
/// from the offset). Ties are broken by the remaining columns, ascending, NULLS LAST, so the result is deterministic; a
/// row that is in the input w times takes w places.
///
/// Touches the partitions in the delta only: the window is read before and after the change, and the difference is the
/// output. State: the row as a key, `[partition columns][order columns][remaining columns]` -> weight; with an append-only
/// input only rows that are in the first `offset + limit`.
///
/// Example, top 1 by the second column descending: with `{(a, 5), (a, 3)}` stored, `{(a, 5): -1}` gives
/// `{(a, 5): -1, (a, 3): +1}`.
pub(crate) struct TopK {
    /// All columns of a row: partition, order, the others.
    key: KeyCodec,
    /// Per input column: its place in the key.
    places: Vec<usize>,
    partition: usize,
    offset: u64,
    /// Place after the last one of the window.
    end: u64,
    rank: Option<ColumnType>,
    /// Rows behind the window can never come back.
    trim: bool,
    rows: Table,
    schema: SchemaRef,
}

/// What a top-k is made of.
pub(crate) struct TopKPlan<'a> {
    pub(crate) input: &'a Schema,
    pub(crate) partition: &'a [usize],
    pub(crate) order: &'a [SortColumn],
    pub(crate) offset: u64,
    pub(crate) limit: Option<u64>,
    /// The last column is the row number.
    pub(crate) rank: bool,
    pub(crate) append_only: bool,
    pub(crate) rows: Table,
    pub(crate) schema: SchemaRef,
}

/// The windows of some partitions.
#[derive(Default)]
struct Windows {
    /// Encoded rows.
    keys: ByteRows,
    /// Per partition: rows in order, and the places each takes.
    rows: Vec<Vec<(u32, Range<u64>)>>,
    /// Rows behind the windows.
    behind: ByteRows,
}

/// An output row.
struct Emitted<'k> {
    key: &'k [u8],
    place: u64,
    weight: i64,
}

impl TopK {
    /// The operator as planned.
    pub(crate) fn new(plan: TopKPlan<'_>) -> Result<TopK, StorageError> {
        let mut columns: Vec<KeyColumn> = Vec::new();
        let partition = plan.partition.iter().map(|column| KeyColumn::ascending(*column));
        let order = plan.order.iter().map(|sort| KeyColumn {
            column: sort.column,
            descending: sort.descending,
            nulls_first: sort.nulls_first,
        });
        let all = (0..plan.input.fields().len()).map(KeyColumn::ascending);
        let mut partitions = 0;
        for (number, column) in partition.chain(order).chain(all).enumerate() {
            // A column that already decided cannot decide again.
            if columns.iter().all(|c| c.column != column.column) {
                columns.push(column);
            }
            if number < plan.partition.len() {
                partitions = columns.len();
            }
        }
        let mut places = vec![0; columns.len()];
        columns.iter().enumerate().for_each(|(place, c)| places[c.column] = place);
        let types = columns.iter().map(|c| ColumnType::from_arrow(plan.input.field(c.column).data_type()));
        let types: Vec<ColumnType> = types.collect::<Result<_, _>>()?;
        let rank = match plan.schema.fields().last() {
            Some(field) if plan.rank => Some(ColumnType::from_arrow(field.data_type())?),
            _ => None,
        };
        Ok(TopK {
            key: KeyCodec::new(types.into_iter().zip(columns).collect(), partitions.min(1)),
            places,
            partition: partitions,
            offset: plan.offset,
            end: plan.limit.map_or(u64::MAX, |limit| plan.offset.saturating_add(limit)),
            rank,
            trim: plan.append_only && plan.limit.is_some(),
            rows: plan.rows,
            schema: plan.schema,
        })
    }

    /// Reads the windows of `partitions`; with `trim`, the rows behind them as well.
    fn windows(&self, partitions: &[&[u8]], trim: bool, state: &mut EpochScope) -> Result<Windows, Fault> {
        let mut windows = Windows { rows: vec![Vec::new(); partitions.len()], ..Windows::default() };
        if self.offset == self.end && !trim {
            return Ok(windows);
        }
        let mut next = vec![0u64; partitions.len()];
        let mut fault = None;
        state.scan_prefixes(self.rows, partitions, &mut |partition, key, value| {
            let weight = match weights::decode(value) {
                Ok(weight) => weight.unsigned_abs(),
                Err(error) => {
                    fault = Some(error);
                    return false;
                }
            };
            let first = next[partition];
            if first >= self.end {
                windows.behind.push(key);
                return true;
            }
            next[partition] = first.saturating_add(weight);
            let places = first.max(self.offset)..next[partition].min(self.end);
            if !places.is_empty() {
                windows.rows[partition].push((windows.keys.len() as u32, places));
                windows.keys.push(key);
            }
            trim || next[partition] < self.end
        })?;
        fault.map_or(Ok(windows), Err)
    }

    /// The difference of two windows without row numbers: how often each row is in them.
    fn difference<'k>(&self, old: &'k Windows, new: &'k Windows, partition: usize, emitted: &mut Vec<Emitted<'k>>) {
        let mut olds = old.rows[partition].iter().peekable();
        let mut news = new.rows[partition].iter().peekable();
        loop {
            let was = olds.peek().map(|(key, places)| (old.keys.get(*key as usize), places));
            let is = news.peek().map(|(key, places)| (new.keys.get(*key as usize), places));
            // Both are in key order.
            let (take_old, take_new, key) = match (was, is) {
                (None, None) => return,
                (Some((key, _)), None) => (true, false, key),
                (None, Some((key, _))) => (false, true, key),
                (Some((was, _)), Some((is, _))) => (was <= is, is <= was, was.min(is)),
            };
            let copies = |taken: bool, side: Option<(&[u8], &Range<u64>)>| match side {
                Some((_, places)) if taken => (places.end - places.start) as i64,
                _ => 0,
            };
            let weight = copies(take_new, is) - copies(take_old, was);
            if weight != 0 {
                emitted.push(Emitted { key, place: 0, weight });
            }
            if take_old {
                olds.next();
            }
            if take_new {
                news.next();
            }
        }
    }

    /// The difference of two windows with row numbers: place by place.
    fn ranked_difference<'k>(
        &self,
        old: &'k Windows,
        new: &'k Windows,
        partition: usize,
        emitted: &mut Vec<Emitted<'k>>,
    ) {
        let (olds, news) = (&old.rows[partition], &new.rows[partition]);
        let (mut o, mut n, mut place) = (0, 0, self.offset);
        loop {
            let was = olds.get(o).map(|(key, places)| (old.keys.get(*key as usize), places.end));
            let is = news.get(n).map(|(key, places)| (new.keys.get(*key as usize), places.end));
            let until = match (was, is) {
                (None, None) => return,
                (Some((_, end)), None) | (None, Some((_, end))) => end,
                (Some((_, was)), Some((_, is))) => was.min(is),
            };
            if was.map(|(key, _)| key) != is.map(|(key, _)| key) {
                for place in place..until {
                    emitted.extend(was.map(|(key, _)| Emitted { key, place, weight: -1 }));
                    emitted.extend(is.map(|(key, _)| Emitted { key, place, weight: 1 }));
                }
            }
            place = until;
            o += usize::from(was.is_some_and(|(_, end)| end == until));
            n += usize::from(is.is_some_and(|(_, end)| end == until));
        }
    }

    fn output(&self, emitted: &[Emitted<'_>]) -> Result<Delta, Fault> {
        let decoded = self.key.decode(emitted.iter().map(|row| row.key))?;
        let mut columns: Vec<_> = self.places.iter().map(|place| decoded[*place].clone()).collect();
        if let Some(rank) = self.rank {
            let mut numbers = ColumnBuilder::new(rank, emitted.len());
            for row in emitted {
                let number = row.place + 1;
                numbers.append(Some(match rank {
                    ColumnType::UInt64 => Value::UInt64(number),
                    _ => Value::Int64(number as i64),
                }))?;
            }
            columns.push(numbers.finish());
        }
        let weights = emitted.iter().map(|row| row.weight).collect();
        Ok(Delta::new(batch_of(&self.schema, columns, emitted.len())?, weights))
    }
}

impl Operator for TopK {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let input = consolidate(only(inputs)?)?;
        if input.is_empty() {
            return Ok(Delta::empty(self.schema.clone()));
        }
        let keys = self.key.encode_batch(input.rows())?;
        let ends = keys.iter().map(|key| self.key.prefix_len(key, self.partition));
        let ends: Vec<usize> = ends.collect::<Result<_, _>>()?;
        let partition = |row: usize| &keys.get(row)[..ends[row]];
        let partitions = DistinctKeys::by(keys.len(), partition);
        let partitions: Vec<&[u8]> = partitions.first_row.iter().map(|row| partition(*row as usize)).collect();

        let old = self.windows(&partitions, false, scope.state)?;
        let rows: Vec<&[u8]> = keys.iter().collect();
        weights::change(scope.state, self.rows, &rows, input.weights())?;
        let new = self.windows(&partitions, self.trim, scope.state)?;
        new.behind.iter().for_each(|key| scope.state.delete(self.rows, key));

        let mut emitted = Vec::new();
        for number in 0..partitions.len() {
            if self.rank.is_some() {
                self.ranked_difference(&old, &new, number, &mut emitted);
            } else {
                self.difference(&old, &new, number, &mut emitted);
            }
        }
        self.output(&emitted)
    }
}
