//! The first rows of each partition, in order.
//!
//! - `window`: the state where only the first rows are kept, in one entry
//! - `notes`: the first rows of the others, in memory

mod notes;
mod window;

use notes::Notes;

use super::keys::DistinctKeys;
use super::{Fault, Operator, StepScope, only, weights};
use crate::dataflow::batch::{batch_of, consolidate};
use arrow::datatypes::{Schema, SchemaRef};
use attune_planner::{Kept, SortColumn};
use attune_storage::codec::{ByteRows, ColumnBuilder, KeyCodec, Value};
use attune_storage::{ColumnType, Delta, EpochScope, KeyColumn, StorageError, Table};
use std::ops::Range;

/// Per partition the rows at places `offset..offset + limit` of the order, optionally with their row number (from 1, not
/// from the offset). Ties are broken by the remaining columns, ascending, NULLS LAST, so the result is deterministic; a
/// row that is in the input w times takes w places.
///
/// Touches the partitions in the delta only. Of each it reads the first `offset + limit` rows and as many more as the delta
/// deletes, which is what can be in the window afterwards; the change is merged into them in memory, and the difference of
/// the windows before and after is the output. State: the row as a key,
/// `[partition columns][order columns][remaining columns]` -> weight; with an append-only input only rows that are in the
/// first `offset + limit`. Where the rows of the input are unique, their weight is 1 and is written without being read.
/// Where the plan says so ([`Kept::Window`]), the first `offset + limit` rows of a partition are one entry (see [`window`]).
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
    /// The rows up to the end of the window are one entry.
    one_entry: bool,
    /// The input has a key: no row is in it twice.
    unique: bool,
    rows: Table,
    /// Of partitions that were read already.
    notes: Option<Notes>,
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
    pub(crate) kept: Kept,
    /// No row is in the input twice.
    pub(crate) unique: bool,
    pub(crate) rows: Table,
    pub(crate) schema: SchemaRef,
}

/// The first stored rows of the touched partitions.
struct Stored {
    /// Encoded rows, partition after partition, each in order.
    keys: ByteRows,
    /// Per row: the places it takes.
    weights: Vec<u64>,
    /// Per partition: its rows, and whether there are more.
    partitions: Vec<(Range<usize>, bool)>,
}

/// A row of a partition and how often it is there.
type Row<'k> = (&'k [u8], u64);
/// A row of a window and the places it takes there.
type Placed<'k> = (&'k [u8], Range<u64>);

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
        let end = plan.limit.map_or(u64::MAX, |limit| plan.offset.saturating_add(limit));
        let trim = plan.append_only && plan.limit.is_some();
        let one_entry = plan.kept == Kept::Window && plan.limit.is_some();
        Ok(TopK {
            key: KeyCodec::new(types.into_iter().zip(columns).collect(), partitions.min(1)),
            places,
            partition: partitions,
            offset: plan.offset,
            end,
            rank,
            trim,
            one_entry,
            notes: if one_entry { None } else { Notes::new(plan.rows.object(), end, trim) },
            unique: plan.unique,
            rows: plan.rows,
            schema: plan.schema,
        })
    }

    /// The rows at the first places of `partitions`; of each at least as many as the window has, and `lost` more. From notes where
    /// there are any.
    fn first_rows(&self, partitions: &[&[u8]], lost: &[u64], state: &mut EpochScope) -> Result<Stored, Fault> {
        let Some(notes) = &self.notes else { return self.read(partitions, lost, state) };
        let (mut keys, mut weights) = (ByteRows::default(), Vec::new());
        let mut read = Vec::with_capacity(partitions.len());
        let mut unknown: Vec<usize> = Vec::new();
        for (number, note) in state.noted(self.rows.object(), partitions).iter().enumerate() {
            let (first, places) = (keys.len(), self.end.saturating_add(lost[number]));
            match Notes::take(note, partitions[number], places, &mut keys, &mut weights)? {
                Some(more) => read.push((first..keys.len(), more)),
                None => {
                    unknown.push(number);
                    read.push((0..0, false));
                }
            }
        }
        if !unknown.is_empty() {
            let spare = notes.places() - self.end;
            let lost: Vec<u64> = unknown.iter().map(|number| lost[*number].saturating_add(spare)).collect();
            let some: Vec<&[u8]> = unknown.iter().map(|number| partitions[*number]).collect();
            let stored = self.read(&some, &lost, state)?;
            let first = keys.len();
            stored.keys.iter().for_each(|key| keys.push(key));
            weights.extend(stored.weights);
            for (number, (rows, more)) in unknown.into_iter().zip(stored.partitions) {
                read[number] = (first + rows.start..first + rows.end, more);
            }
        }
        Ok(Stored { keys, weights, partitions: read })
    }

    /// As [`TopK::first_rows`], from the table.
    fn read(&self, partitions: &[&[u8]], lost: &[u64], state: &mut EpochScope) -> Result<Stored, Fault> {
        let (mut keys, mut weights) = (ByteRows::default(), Vec::new());
        let mut read = vec![(0..0, false); partitions.len()];
        let mut next = vec![0u64; partitions.len()];
        let mut fault = None;
        state.scan_prefixes(self.rows, partitions, &mut |partition, key, value| {
            let (rows, more) = &mut read[partition];
            if next[partition] >= self.end.saturating_add(lost[partition]) {
                *more = true;
                return false;
            }
            let weight = match weights::decode(value) {
                Ok(weight) => weight.unsigned_abs(),
                Err(error) => {
                    fault = Some(error);
                    return false;
                }
            };
            if rows.start == rows.end {
                rows.start = keys.len();
            }
            keys.push(key);
            weights.push(weight);
            rows.end = keys.len();
            next[partition] = next[partition].saturating_add(weight);
            true
        })?;
        fault.map_or(Ok(Stored { keys, weights, partitions: read }), Err)
    }

    /// The rows of a partition after `changes` (in order): as far as they can be in the window.
    fn merge<'k>(stored: &[Row<'k>], more: bool, changes: &[(&'k [u8], i64)]) -> Result<Vec<Row<'k>>, Fault> {
        let mut merged = Vec::with_capacity(stored.len() + changes.len());
        let (mut old, mut new) = (stored.iter().peekable(), changes.iter().peekable());
        loop {
            match (old.peek(), new.peek()) {
                (None, None) => return Ok(merged),
                (Some(row), None) => {
                    merged.push(**row);
                    old.next();
                }
                (Some(row), Some((key, _))) if row.0 < *key => {
                    merged.push(**row);
                    old.next();
                }
                (row, Some((key, change))) => {
                    let known = row.filter(|row| row.0 == *key);
                    if row.is_none() && more {
                        // Behind everything that was read: it cannot be in the window, and what is stored is not known.
                        return Ok(merged);
                    }
                    let before = known.map_or(0, |row| row.1);
                    let before = i64::try_from(before).map_err(|_| Fault::internal("a row more than 2^63 times"))?;
                    let weight = weights::add(before, *change)?;
                    if weight > 0 {
                        merged.push((key, weight.unsigned_abs()));
                    }
                    if known.is_some() {
                        old.next();
                    }
                    new.next();
                }
            }
        }
    }

    /// The part of a partition's rows that is in the window.
    fn window<'k>(&self, rows: &[Row<'k>]) -> Vec<Placed<'k>> {
        let mut placed = Vec::new();
        let mut next = 0u64;
        for (key, weight) in rows {
            if next >= self.end {
                break;
            }
            let first = next;
            next = first.saturating_add(*weight);
            let places = first.max(self.offset)..next.min(self.end);
            if !places.is_empty() {
                placed.push((*key, places));
            }
        }
        placed
    }

    /// Writes the rows of a delta.
    fn write(&self, keys: &ByteRows, weights: &[i64], state: &mut EpochScope) -> Result<(), Fault> {
        let keys: Vec<&[u8]> = keys.iter().collect();
        if self.unique {
            return weights::set(state, self.rows, &keys, weights);
        }
        weights::change(state, self.rows, &keys, weights)?;
        Ok(())
    }

    /// With an append-only input: writes the rows of a partition that came into the first places, and deletes those that
    /// were pushed out of them.
    fn write_trimmed(&self, stored: &[Row<'_>], merged: &[Row<'_>], state: &mut EpochScope) {
        let (mut old, mut next) = (stored.iter().peekable(), 0u64);
        for row in merged {
            // The input is append-only: whatever was stored is among the merged rows, in the same order.
            let was = old.next_if(|was| was.0 == row.0);
            if next >= self.end {
                was.iter().for_each(|_| state.delete(self.rows, row.0));
            } else if was.is_none_or(|was| was.1 != row.1) {
                state.put(self.rows, row.0, &row.1.to_le_bytes());
            }
            next = next.saturating_add(row.1);
        }
    }

    /// The difference of two windows without row numbers: how often each row is in them.
    fn difference<'k>(olds: &[Placed<'k>], news: &[Placed<'k>], emitted: &mut Vec<Emitted<'k>>) {
        let (mut olds, mut news) = (olds.iter().peekable(), news.iter().peekable());
        loop {
            let (was, is) = (olds.peek().copied(), news.peek().copied());
            // Both are in key order.
            let (take_old, take_new, key) = match (was, is) {
                (None, None) => return,
                (Some((key, _)), None) => (true, false, *key),
                (None, Some((key, _))) => (false, true, *key),
                (Some((was, _)), Some((is, _))) => (was <= is, is <= was, *was.min(is)),
            };
            let copies = |taken: bool, side: Option<&Placed<'_>>| match side {
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
    fn ranked_difference<'k>(&self, olds: &[Placed<'k>], news: &[Placed<'k>], emitted: &mut Vec<Emitted<'k>>) {
        let (mut o, mut n, mut place) = (0, 0, self.offset);
        loop {
            let was = olds.get(o).map(|(key, places)| (*key, places.end));
            let is = news.get(n).map(|(key, places)| (*key, places.end));
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
        // Each row is emitted once: for its key, or for its place.
        Ok(Delta::of_distinct(batch_of(&self.schema, columns, emitted.len())?, weights))
    }
}

impl Operator for TopK {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let input = consolidate(only(inputs)?)?;
        if input.is_empty() {
            return Ok(Delta::empty(self.schema.clone()));
        }
        if self.offset == self.end {
            // No place at all: nothing is ever in the window.
            return Ok(Delta::empty(self.schema.clone()));
        }
        let keys = self.key.encode_batch(input.rows())?;
        let ends = keys.iter().map(|key| self.key.prefix_len(key, self.partition));
        let ends: Vec<usize> = ends.collect::<Result<_, _>>()?;
        let of_row = |row: usize| &keys.get(row)[..ends[row]];
        let touched = DistinctKeys::by(keys.len(), of_row);
        let partitions: Vec<&[u8]> = touched.first_row.iter().map(|row| of_row(*row as usize)).collect();
        let stored = if self.one_entry {
            window::read(self.rows, &partitions, self.end, scope.state)?
        } else {
            self.first_rows(&partitions, &lost(&touched, input.weights()), scope.state)?
        };
        if !self.trim && !self.one_entry {
            self.write(&keys, input.weights(), scope.state)?;
        }

        // The delta by partition, in order.
        let mut rows: Vec<usize> = (0..keys.len()).collect();
        rows.sort_unstable_by_key(|row| (touched.of_row[*row], keys.get(*row)));
        let mut emitted = Vec::new();
        for changed in rows.chunk_by(|a, b| touched.of_row[*a] == touched.of_row[*b]) {
            let partition = touched.of_row[changed[0]] as usize;
            let (range, more) = stored.partitions[partition].clone();
            let before: Vec<Row<'_>> = range.map(|row| (stored.keys.get(row), stored.weights[row])).collect();
            let changes: Vec<_> = changed.iter().map(|row| (keys.get(*row), input.weights()[*row])).collect();
            let after = Self::merge(&before, more, &changes)?;
            if self.one_entry {
                window::write(self.rows, partitions[partition], self.end, (&before, &after), scope.state);
            } else if self.trim {
                self.write_trimmed(&before, &after, scope.state);
            }
            if let Some(notes) = &mut self.notes {
                notes.write(partitions[partition], &after, more, scope.state);
            }
            let (old, new) = (self.window(&before), self.window(&after));
            if self.rank.is_some() {
                self.ranked_difference(&old, &new, &mut emitted);
            } else {
                Self::difference(&old, &new, &mut emitted);
            }
        }
        self.output(&emitted)
    }
}

/// Per partition: how many rows the delta deletes.
fn lost(touched: &DistinctKeys, weights: &[i64]) -> Vec<u64> {
    let mut lost = vec![0u64; touched.len()];
    for (number, weight) in touched.of_row.iter().zip(weights).filter(|(_, weight)| **weight < 0) {
        let lost = &mut lost[*number as usize];
        *lost = lost.saturating_add(weight.unsigned_abs());
    }
    lost
}
