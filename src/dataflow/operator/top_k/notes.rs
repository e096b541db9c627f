//! The first rows of a partition, noted so that they need not be looked for again.
//!
//! `[partition columns]` -> `[whether there are more rows][places of these]`, then the rows as in [`super::window`]. Notes live
//! in memory only ([`EpochScope::noted`]), so this format may change from build to build.

use super::Row;
use super::window::{inside, put_rows, take_rows};
use crate::dataflow::operator::Fault;
use crate::dataflow::operator::state_bytes::{get_unsigned, put_unsigned};
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
        let Some((more, mut rows)) = note.and_then(<[u8]>::split_first) else { return Ok(None) };
        let more = *more != 0;
        if get_unsigned(&mut rows)? < places && more {
            return Ok(None);
        }
        take_rows(rows, partition, keys, weights)?;
        Ok(Some(more))
    }

    /// Notes the first rows of a partition; `more`: there are others behind them.
    pub(super) fn write(&mut self, partition: &[u8], rows: &[Row<'_>], more: bool, state: &mut EpochScope) {
        let (noted, places) = inside(rows, self.end);
        let more = !self.trim && (more || noted.len() < rows.len());
        self.note.clear();
        self.note.push(u8::from(more));
        put_unsigned(places, &mut self.note);
        put_rows(noted, partition, &mut self.note);
        let note = (self.note.len() <= MOST_BYTES).then_some(&self.note[..]);
        state.note(self.table, partition, note);
    }
}
