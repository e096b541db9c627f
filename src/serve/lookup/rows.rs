//! Rows a lookup finds: few at once, or many in chunks.

use super::storage;
use attune_sql::SqlError;
use attune_storage::{KeyRange, Snapshot, Store, TableReader};
use bytes::Bytes;
use std::collections::VecDeque;

/// Rows read from storage at once; a range with more is read in chunks from a snapshot.
const CHUNK_ROWS: usize = 512;
/// Bytes after which a chunk ends early.
const CHUNK_BYTES: usize = 256 << 10;

/// The rows of a running lookup.
pub(in crate::serve) struct LookupRows {
    ready: VecDeque<Bytes>,
    /// What is still to be read.
    rest: Option<Rest>,
}

struct Rest {
    snapshot: Snapshot,
    reader: TableReader,
    range: KeyRange,
    reverse: bool,
    skip: usize,
    left: usize,
}

impl LookupRows {
    /// No rows.
    pub(super) fn none() -> LookupRows {
        LookupRows { ready: VecDeque::new(), rest: None }
    }

    /// At most one row.
    pub(super) fn one(row: Option<Bytes>) -> LookupRows {
        LookupRows::some(row.into_iter())
    }

    /// Rows that were read already.
    pub(super) fn some(rows: impl Iterator<Item = Bytes>) -> LookupRows {
        LookupRows { ready: rows.collect(), rest: None }
    }

    /// Up to `limit` rows of a range after `offset`.
    pub(super) fn range(
        store: &Store,
        reader: &TableReader,
        range: KeyRange,
        reverse: bool,
        offset: usize,
        limit: usize,
    ) -> Result<LookupRows, SqlError> {
        if let Some(rows) = reader.few(&range, reverse, offset, limit).map_err(storage)? {
            return Ok(LookupRows { ready: rows.into(), rest: None });
        }
        let snapshot = store.snapshot();
        let rest = Rest { snapshot, reader: reader.clone(), range, reverse, skip: offset, left: limit };
        Ok(LookupRows { ready: VecDeque::new(), rest: Some(rest) })
    }

    /// The next row that is at hand.
    pub(in crate::serve) fn ready(&mut self) -> Option<Bytes> {
        self.ready.pop_front()
    }

    /// Reads the next chunk; false when there is nothing left to read.
    pub(in crate::serve) fn read_more(&mut self) -> Result<bool, SqlError> {
        let Some(rest) = &mut self.rest else { return Ok(false) };
        if rest.read(&mut self.ready)? {
            self.rest = None;
        }
        Ok(!self.ready.is_empty() || self.rest.is_some())
    }
}

impl Rest {
    /// Reads a chunk; true when it was the last.
    fn read(&mut self, ready: &mut VecDeque<Bytes>) -> Result<bool, SqlError> {
        let (mut bytes, mut seen) = (0, 0);
        let mut last = Vec::new();
        let (skip, left) = (&mut self.skip, &mut self.left);
        let mut stopped = false;
        self.reader
            .scan(&self.snapshot, &self.range, self.reverse, &mut |key, value| {
                seen += 1;
                if *skip > 0 {
                    *skip -= 1;
                } else {
                    ready.push_back(Bytes::copy_from_slice(value));
                    bytes += value.len();
                    *left -= 1;
                }
                stopped = *left == 0 || seen == CHUNK_ROWS || bytes >= CHUNK_BYTES;
                if stopped {
                    last.extend_from_slice(key);
                }
                !stopped
            })
            .map_err(storage)?;
        if !stopped || self.left == 0 {
            return Ok(true);
        }
        if self.reverse {
            self.range.to = Some(last);
        } else {
            // The smallest key after the last one.
            last.push(0);
            self.range.from = last;
        }
        Ok(false)
    }
}
