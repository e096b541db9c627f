//! Rows a lookup finds: few at once, or many in chunks.

use super::storage;
use attune_sql::SqlError;
use attune_storage::{KeyRange, Snapshot, Store, TableReader};
use bytes::Bytes;

/// Rows of a chunk; a range with too many to be read at once is read in chunks from a snapshot.
const CHUNK_ROWS: usize = 512;
/// Bytes after which a chunk ends early.
const CHUNK_BYTES: usize = 256 << 10;

/// The rows of a running lookup.
pub(in crate::serve) struct LookupRows {
    ready: Ready,
    /// What is still to be read.
    rest: Option<Rest>,
}

/// Rows that are at hand.
enum Ready {
    One(Option<Bytes>),
    Many(std::vec::IntoIter<Bytes>),
    /// Found by key, or not; and how many of those that were found are given.
    Found(std::vec::IntoIter<Option<Bytes>>, usize),
}

impl Ready {
    fn next(&mut self) -> Option<Bytes> {
        match self {
            Ready::One(row) => row.take(),
            Ready::Many(rows) => rows.next(),
            Ready::Found(rows, left) => {
                *left = left.checked_sub(1)?;
                rows.flatten().next()
            }
        }
    }
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
        LookupRows::one(None)
    }

    /// At most one row.
    pub(super) fn one(row: Option<Bytes>) -> LookupRows {
        LookupRows { ready: Ready::One(row), rest: None }
    }

    /// Up to `limit` of the rows that were found, after `offset`.
    pub(super) fn some(rows: Vec<Option<Bytes>>, offset: usize, limit: usize) -> LookupRows {
        let mut rows = rows.into_iter();
        rows.by_ref().flatten().take(offset).for_each(drop);
        LookupRows { ready: Ready::Found(rows, limit), rest: None }
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
            return Ok(LookupRows { ready: Ready::Many(rows.into_iter()), rest: None });
        }
        let snapshot = store.snapshot();
        let rest = Rest { snapshot, reader: reader.clone(), range, reverse, skip: offset, left: limit };
        Ok(LookupRows { ready: Ready::One(None), rest: Some(rest) })
    }

    /// The next row that is at hand.
    pub(in crate::serve) fn ready(&mut self) -> Option<Bytes> {
        self.ready.next()
    }

    /// Reads the next chunk; false when there is nothing left to read.
    pub(in crate::serve) fn read_more(&mut self) -> Result<bool, SqlError> {
        let Some(rest) = &mut self.rest else { return Ok(false) };
        let (rows, last) = rest.read()?;
        let any = !rows.is_empty();
        self.ready = Ready::Many(rows.into_iter());
        if last {
            self.rest = None;
        }
        Ok(any || !last)
    }
}

impl Rest {
    /// Reads a chunk; true when it is the last.
    fn read(&mut self) -> Result<(Vec<Bytes>, bool), SqlError> {
        let (mut ready, mut bytes, mut seen) = (Vec::new(), 0, 0);
        let mut last = Vec::new();
        let (skip, left) = (&mut self.skip, &mut self.left);
        let mut stopped = false;
        self.reader
            .scan(&self.snapshot, &self.range, self.reverse, &mut |key, value| {
                seen += 1;
                if *skip > 0 {
                    *skip -= 1;
                } else {
                    ready.push(Bytes::copy_from_slice(value));
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
            return Ok((ready, true));
        }
        if self.reverse {
            self.range.to = Some(last);
        } else {
            // The smallest key after the last one.
            last.push(0);
            self.range.from = last;
        }
        Ok((ready, false))
    }
}
