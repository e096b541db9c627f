//! The first rows of a partition, noted so that they need not be looked for again.
//!
//! `[partition columns]` -> `[whether there are more rows]`, then per row, in order: its weight, and the rest of its key with its
//! length. Notes live in memory only ([`EpochScope::noted`]), so this format may change from build to build.

use super::Row;
use crate::dataflow::operator::Fault;
use crate::dataflow::operator::state_bytes::{get_bytes, get_unsigned, put_bytes, put_unsigned};
use attune_storage::codec::ByteRows;
use attune_storage::{EpochScope, ObjectId};

/// Windows of more places are not noted.
const MOST_PLACES: u64 = 256;
/// Places after the window that are noted as well: as many rows may be deleted before the partition has to be read again.
/// Few in tests, so that it happens there.
const SPARE_PLACES: u64 = if cfg!(test) { 1 } else { 16 };
/// A longer note is not worth its place in the cache.
const MOST_BYTES: usize = 16 << 10;

/// Notes on the partitions of a top-k.
pub(super) struct Notes {
    /// The state table of its rows.
    table: ObjectId,
    /// Rows that begin at this place and later are not noted.
    end: u64,
    /// No row behind `end` is stored.
    trim: bool,
    /// Reused.
    note: Vec<u8>,
}

impl Notes {
    /// Notes for windows that end at place `end`; `trim`: rows behind that are not stored. `None` when the window is too large.
    pub(super) fn new(table: ObjectId, end: u64, trim: bool) -> Option<Notes> {
        let spare = if trim { 0 } else { SPARE_PLACES };
        (end <= MOST_PLACES).then(|| Notes { table, end: end + spare, trim, note: Vec::new() })
    }

    /// Places that are worth reading, when a partition has to be read.
    pub(super) fn places(&self) -> u64 {
        self.end
    }

    /// Adds the rows that were noted of a partition; returns whether there are more. `None`, and nothing is added, when they are not
    /// known, or there are fewer than `places` of them and more behind.
    pub(super) fn take(
        note: Option<&[u8]>,
        partition: &[u8],
        places: u64,
        keys: &mut ByteRows,
        weights: &mut Vec<u64>,
    ) -> Result<Option<bool>, Fault> {
        let Some((more, rows)) = note.and_then(<[u8]>::split_first) else { return Ok(None) };
        let more = *more != 0;
        let (mut rest, mut known) = (rows, 0u64);
        while more && known < places {
            if rest.is_empty() {
                return Ok(None);
            }
            known = known.saturating_add(get_unsigned(&mut rest)?);
            get_bytes(&mut rest)?;
        }
        rest = rows;
        while !rest.is_empty() {
            let weight = get_unsigned(&mut rest)?;
            let row = get_bytes(&mut rest)?;
            keys.push_with(|key| {
                key.extend_from_slice(partition);
                key.extend_from_slice(row);
            });
            weights.push(weight);
        }
        Ok(Some(more))
    }

    /// Notes the first rows of a partition; `more`: there are others behind them.
    pub(super) fn write(&mut self, partition: &[u8], rows: &[Row<'_>], more: bool, state: &mut EpochScope) {
        self.note.clear();
        self.note.push(0);
        let (mut next, mut noted) = (0u64, 0);
        for (key, weight) in rows.iter().take_while(|(_, weight)| {
            let inside = next < self.end;
            next = next.saturating_add(*weight);
            inside
        }) {
            put_unsigned(*weight, &mut self.note);
            put_bytes(&key[partition.len()..], &mut self.note);
            noted += 1;
        }
        self.note[0] = u8::from(!self.trim && (more || noted < rows.len()));
        let note = (self.note.len() <= MOST_BYTES).then_some(&self.note[..]);
        state.note(self.table, partition, note);
    }
}
