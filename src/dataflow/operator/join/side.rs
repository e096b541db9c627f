//! One side of a join: its rows in state, by join key.

use super::super::keys::DistinctKeys;
use super::super::state_bytes::{STATE_VERSION, get_bytes, get_unsigned, open, put_bytes, put_unsigned};
use super::super::{Fault, weights};
use crate::dataflow::batch::consolidate;
use arrow::array::{Array, BooleanArray, RecordBatch};
use arrow::buffer::NullBuffer;
use arrow::datatypes::SchemaRef;
use attune_storage::codec::{ByteRows, KeyCodec, RowCodec};
use attune_storage::{Delta, EpochScope, StorageError, Table};

/// Bytes after which the rows of an epoch with one join key go on in another entry.
const APPENDED_BYTES: usize = 32 << 10;

/// How the rows of a side lie in its state table.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Layout {
    /// `[join key][row bytes]` -> weight (i64 LE).
    Rows,
    /// As `Rows`, with the number of matches on the other side (i64 LE) after the weight.
    Counted,
    /// `[join key]` -> row bytes: the join columns cover a key of the input, so there is one row at most.
    Point,
    /// `[join key][epoch u64 BE][number u32 BE]` -> the rows of an epoch together (see [`Side::apply_appended`]): nothing is
    /// ever deleted, so rows need not be found one by one, and are written without a read.
    Appended,
}

/// One side of a join.
pub(super) struct Side {
    columns: Vec<usize>,
    key: KeyCodec,
    rows: RowCodec,
    pub(super) schema: SchemaRef,
    table: Table,
    pub(super) layout: Layout,
    /// No row is in the input twice.
    unique_rows: bool,
}

/// A delta of one side, ready to be joined.
pub(super) struct SideDelta {
    /// Consolidated, without rows that can match nothing.
    pub(super) delta: Delta,
    /// Join key of each row.
    pub(super) keys: ByteRows,
    /// The distinct join keys.
    pub(super) distinct: DistinctKeys,
}

impl SideDelta {
    /// The distinct join keys.
    pub(super) fn touched(&self) -> Vec<&[u8]> {
        self.distinct.slices(&self.keys)
    }
}

/// Stored rows found by join keys.
pub(super) struct Found {
    /// The rows.
    pub(super) rows: RecordBatch,
    /// Per join key asked for: first row, and row after the last.
    pub(super) ranges: Vec<(u32, u32)>,
    /// Weight of each row.
    pub(super) weights: Vec<i64>,
    /// For [`Layout::Counted`]: number of matches of each row, and its state key.
    pub(super) matches: Vec<i64>,
    pub(super) entries: ByteRows,
}

impl Side {
    /// A side with rows of `schema`, joined by `columns`, kept in `table`. `unique_rows`: no row is in it twice.
    pub(super) fn new(
        schema: SchemaRef,
        columns: Vec<usize>,
        table: Table,
        layout: Layout,
        unique_rows: bool,
    ) -> Result<Side, StorageError> {
        let key = KeyCodec::ascending(&schema, &columns)?;
        let rows = RowCodec::for_schema(&schema)?;
        Ok(Side { columns, key, rows, schema, table, layout, unique_rows })
    }

    /// The types of the join columns.
    pub(super) fn key_types(&self) -> impl Iterator<Item = attune_storage::ColumnType> {
        self.key.columns().iter().map(|(column, _)| *column)
    }

    /// Consolidates a delta (unless its rows are only appended, equal or not) and computes its join keys. Rows with a NULL in a join column come second, unless NULL
    /// matches NULL.
    pub(super) fn prepare(&self, delta: &Delta, null_matches: bool) -> Result<(SideDelta, Option<Delta>), Fault> {
        let delta = if self.layout == Layout::Appended { delta.clone() } else { consolidate(delta)? };
        let nulls = self.columns.iter().map(|column| delta.rows().column(*column).nulls());
        let valid = nulls.fold(None, |all, column| NullBuffer::union(all.as_ref(), column));
        let (delta, unmatched) = match valid {
            Some(valid) if !null_matches && valid.null_count() > 0 => {
                let matchable = BooleanArray::new(valid.inner().clone(), None);
                let others = BooleanArray::new(!valid.inner(), None);
                (delta.filter(&matchable)?, Some(delta.filter(&others)?))
            }
            _ => (delta, None),
        };
        let keys = self.key.encode_batch(delta.rows())?;
        let distinct = DistinctKeys::of(&keys);
        Ok((SideDelta { delta, keys, distinct }, unmatched))
    }

    /// The stored rows with these join keys (distinct), own writes included.
    pub(super) fn find(&self, keys: &[&[u8]], state: &mut EpochScope) -> Result<Found, Fault> {
        let mut bytes = ByteRows::default();
        let mut found = Found {
            rows: RecordBatch::new_empty(self.schema.clone()),
            ranges: vec![(0, 0); keys.len()],
            weights: Vec::new(),
            matches: Vec::new(),
            entries: ByteRows::default(),
        };
        if self.layout == Layout::Point {
            for (place, row) in state.get_many(self.table, keys)?.iter().enumerate() {
                let Some(row) = row else { continue };
                found.ranges[place] = (bytes.len() as u32, bytes.len() as u32 + 1);
                bytes.push(row);
                found.weights.push(1);
            }
        } else if self.layout == Layout::Appended {
            self.find_appended(keys, &mut found, &mut bytes, state)?;
        } else {
            let counted = self.layout == Layout::Counted;
            let mut fault = None;
            state.scan_prefixes(self.table, keys, &mut |place, key, value| {
                let (weight, matches) = match decode(value, counted) {
                    Ok(value) => value,
                    Err(error) => {
                        fault = Some(error);
                        return false;
                    }
                };
                let range = &mut found.ranges[place];
                if range.1 == 0 {
                    range.0 = bytes.len() as u32;
                }
                bytes.push(&key[keys[place].len()..]);
                range.1 = bytes.len() as u32;
                found.weights.push(weight);
                if counted {
                    found.matches.push(matches);
                    found.entries.push(key);
                }
                true
            })?;
            if let Some(fault) = fault {
                return Err(fault);
            }
        }
        if !bytes.is_empty() {
            found.rows = self.rows.decode(bytes.iter(), &self.schema, None)?;
        }
        Ok(found)
    }

    /// The rows under `keys` of [`Layout::Appended`].
    fn find_appended(
        &self,
        keys: &[&[u8]],
        found: &mut Found,
        bytes: &mut ByteRows,
        state: &mut EpochScope,
    ) -> Result<(), Fault> {
        let mut fault = None;
        state.scan_prefixes(self.table, keys, &mut |place, _, value| {
            let range = &mut found.ranges[place];
            if range.1 == 0 {
                range.0 = bytes.len() as u32;
            }
            let read = open(value).and_then(|mut rest| {
                while !rest.is_empty() {
                    let weight = i64::try_from(get_unsigned(&mut rest)?);
                    found.weights.push(weight.map_err(|_| Fault::internal("a stored multiplicity is damaged"))?);
                    bytes.push(get_bytes(&mut rest)?);
                }
                Ok(())
            });
            range.1 = bytes.len() as u32;
            fault = read.err();
            fault.is_none()
        })?;
        fault.map_or(Ok(()), Err)
    }

    /// Writes a delta into the state (not for [`Layout::Counted`]).
    pub(super) fn apply(&self, delta: &SideDelta, state: &mut EpochScope) -> Result<(), Fault> {
        if delta.delta.is_empty() {
            return Ok(());
        }
        match self.layout {
            Layout::Point => return self.apply_points(delta, state),
            Layout::Appended => return self.apply_appended(delta, state),
            Layout::Rows | Layout::Counted => {}
        }
        let entries = self.entries(delta)?;
        let entries: Vec<&[u8]> = entries.iter().collect();
        if self.unique_rows {
            return weights::set(state, self.table, &entries, delta.delta.weights());
        }
        weights::change(state, self.table, &entries, delta.delta.weights())?;
        Ok(())
    }

    /// State keys of the rows of a delta.
    fn entries(&self, delta: &SideDelta) -> Result<ByteRows, Fault> {
        let rows = self.rows.encode_batch(delta.delta.rows())?;
        let mut entries = ByteRows::with_capacity(rows.len(), rows.bytes() + delta.keys.bytes());
        for (key, row) in delta.keys.iter().zip(rows.iter()) {
            entries.push_with(|entry| {
                entry.extend_from_slice(key);
                entry.extend_from_slice(row);
            });
        }
        Ok(entries)
    }

    fn apply_points(&self, delta: &SideDelta, state: &mut EpochScope) -> Result<(), Fault> {
        let keys = delta.touched();
        let rows = self.rows.encode_batch(delta.delta.rows())?;
        let stored = state.get_many(self.table, &keys)?;
        // Deletes first: an update is a delete and an insert of one key, in any order.
        let mut now: Vec<Option<&[u8]>> = stored.iter().collect();
        for (row, number) in delta.distinct.of_row.iter().enumerate().filter(|(r, _)| delta.delta.weights()[*r] < 0) {
            if delta.delta.weights()[row] != -1 || now[*number as usize] != Some(rows.get(row)) {
                return Err(Fault::internal("a row that is not in the join's state was deleted"));
            }
            now[*number as usize] = None;
        }
        for (row, number) in delta.distinct.of_row.iter().enumerate().filter(|(r, _)| delta.delta.weights()[*r] > 0) {
            if delta.delta.weights()[row] != 1 || now[*number as usize].is_some() {
                return Err(Fault::internal("a second row for a key that the plan takes as unique"));
            }
            now[*number as usize] = Some(rows.get(row));
        }
        for (key, row) in keys.iter().zip(now) {
            match row {
                Some(row) => state.put(self.table, key, row),
                None => state.delete(self.table, key),
            }
        }
        Ok(())
    }

    /// For [`Layout::Appended`]: per join key an entry with the rows of this epoch, `[version]` and then for each row its
    /// weight and its bytes with their length; or several, when they are long.
    fn apply_appended(&self, delta: &SideDelta, state: &mut EpochScope) -> Result<(), Fault> {
        let rows = self.rows.encode_batch(delta.delta.rows())?;
        let epoch = state.epoch().0.to_be_bytes();
        let mut order: Vec<u32> = (0..rows.len() as u32).collect();
        order.sort_by_key(|row| delta.distinct.of_row[*row as usize]);
        let (mut entry, mut value) = (Vec::new(), Vec::new());
        for same in order.chunk_by(|a, b| delta.distinct.of_row[*a as usize] == delta.distinct.of_row[*b as usize]) {
            let mut number = 0u32;
            let mut left = same.iter().copied().peekable();
            while let Some(row) = left.next() {
                if value.is_empty() {
                    value.push(STATE_VERSION);
                }
                let weight = u64::try_from(delta.delta.weights()[row as usize])
                    .map_err(|_| Fault::internal("a delete from an input that is append-only"))?;
                put_unsigned(weight, &mut value);
                put_bytes(rows.get(row as usize), &mut value);
                if value.len() >= APPENDED_BYTES || left.peek().is_none() {
                    entry.clear();
                    entry.extend_from_slice(delta.keys.get(row as usize));
                    entry.extend_from_slice(&epoch);
                    entry.extend_from_slice(&number.to_be_bytes());
                    state.put(self.table, &entry, &value);
                    value.clear();
                    number += 1;
                }
            }
        }
        Ok(())
    }

    /// For [`Layout::Counted`]: writes a delta, whose rows have `matches` matches now, after giving the rows in `found`
    /// their `changes` of matches.
    pub(super) fn apply_counted(
        &self,
        (delta, matches): (&SideDelta, &[i64]),
        (found, changes): (&Found, &[i64]),
        state: &mut EpochScope,
    ) -> Result<(), Fault> {
        for (row, change) in changes.iter().enumerate().filter(|(_, change)| **change != 0) {
            let matches = weights::add(found.matches[row], *change)?;
            state.put(self.table, found.entries.get(row), &encode_counted(found.weights[row], matches));
        }
        let entries = self.entries(delta)?;
        let entries: Vec<&[u8]> = entries.iter().collect();
        let stored = state.get_many(self.table, &entries)?;
        for (row, stored) in stored.iter().enumerate() {
            let old = stored.map_or(Ok(0), |value| decode(value, true).map(|(weight, _)| weight))?;
            match weights::add(old, delta.delta.weights()[row])? {
                0 => state.delete(self.table, entries[row]),
                new => state.put(self.table, entries[row], &encode_counted(new, matches[row])),
            }
        }
        Ok(())
    }
}

fn encode_counted(weight: i64, matches: i64) -> [u8; 16] {
    let mut value = [0; 16];
    value[..8].copy_from_slice(&weight.to_le_bytes());
    value[8..].copy_from_slice(&matches.to_le_bytes());
    value
}

/// Weight and number of matches of a stored row.
fn decode(value: &[u8], counted: bool) -> Result<(i64, i64), Fault> {
    if !counted {
        return Ok((weights::decode(value)?, 0));
    }
    let damaged = || Fault::internal("a stored row of a join is damaged");
    let (weight, matches) = value.split_first_chunk::<8>().ok_or_else(damaged)?;
    let matches = i64::from_le_bytes(matches.try_into().map_err(|_| damaged())?);
    if matches < 0 { Err(damaged()) } else { Ok((weights::decode(weight)?, matches)) }
}
