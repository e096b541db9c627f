//! The log of a stream: its events in the order of epochs, for as long as they are retained.
//!
//! Key of an entry: `[stream u32 BE][epoch u64 BE][part u32 BE]`, parts counted from 0 within an epoch.

use super::keyspace::{Family, OBJECT_BYTES, full_key, object_range};
use super::log_entry::{LogEntry, RunDecoder};
use super::scan::Records;
use super::shared::Shared;
use super::{Snapshot, Store};
use crate::{ObjectId, Result, StorageError};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rocksdb::ReadOptions;

/// Where a reader of a stream's log stands: after this entry, or amid it. The default is before the first entry, since
/// epochs are counted from 1.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, serde::Serialize, serde::Deserialize)]
pub struct LogPosition {
    /// Epoch of the last entry read.
    pub epoch: u64,
    /// Number of the entry within its epoch.
    pub part: u32,
    /// Rows at the end of the entry that are yet to be read. [`Store::read_log`] reads whole entries and gives 0; a reader that
    /// puts the last rows off says so here.
    #[serde(default)]
    pub left: usize,
}

/// Rows read from a stream's log.
pub struct LogChunk {
    /// The rows, oldest first.
    pub rows: Vec<RecordBatch>,
    /// Position after them.
    pub position: LogPosition,
    /// Whether nothing committed follows.
    pub at_end: bool,
}

/// Bytes of an entry's key.
pub(super) const KEY_BYTES: usize = OBJECT_BYTES + 12;

pub(super) fn key(stream: ObjectId, epoch: u64, part: u32) -> Vec<u8> {
    let mut key = Vec::with_capacity(KEY_BYTES);
    key.extend_from_slice(&stream.0.to_be_bytes());
    key.extend_from_slice(&epoch.to_be_bytes());
    key.extend_from_slice(&part.to_be_bytes());
    key
}

pub(super) fn position(key: &[u8]) -> Result<LogPosition> {
    let damaged = || StorageError::Corrupt(format!("a log key has {} bytes, not {KEY_BYTES}", key.len()));
    let suffix = key.get(OBJECT_BYTES..).ok_or_else(damaged)?;
    let (epoch, part) = suffix.split_first_chunk::<8>().ok_or_else(damaged)?;
    let part = part.try_into().map_err(|_| damaged())?;
    Ok(LogPosition { epoch: u64::from_be_bytes(*epoch), part: u32::from_be_bytes(part), left: 0 })
}

/// An iterator over the entries of a stream.
pub(super) fn entries(shared: &Shared, mut options: ReadOptions, stream: ObjectId) -> Records<'_> {
    let (from, to) = object_range(stream);
    options.set_iterate_lower_bound(from);
    options.set_iterate_upper_bound(to);
    shared.db.raw_iterator_cf_opt(shared.family(Family::Log), options)
}

impl Store {
    /// Up to about `max_rows` rows of a stream's log after `after`, as of `snapshot`. Reads to the end of an entry, so a chunk
    /// may exceed `max_rows` by less than one entry, all of it in the last batch, and is empty only at the end. What a reader
    /// has left of an entry that was trimmed since is passed over.
    ///
    /// # Errors
    /// When RocksDB fails, or [`StorageError::Corrupt`] when an entry is not one of rows of `schema`.
    pub fn read_log(
        &self,
        snapshot: &Snapshot,
        stream: ObjectId,
        schema: &SchemaRef,
        after: LogPosition,
        max_rows: usize,
    ) -> Result<LogChunk> {
        let mut entries = entries(snapshot.shared(), snapshot.options(), stream);
        let mut decoder = RunDecoder::new(schema)?;
        let mut position_after = after;
        let mut from = key(stream, after.epoch, after.part);
        if after.left == 0 {
            from.push(0);
        }
        entries.seek(from);
        while decoder.rows() < max_rows.max(1) {
            let Some((key, value)) = entries.item() else { break };
            let place = position(key)?;
            let entry = LogEntry::parse(value)?;
            if (place.epoch, place.part) == (after.epoch, after.part) {
                decoder.push_end(&entry, after.left)?;
            } else {
                decoder.push(&entry)?;
            }
            position_after = place;
            entries.next();
        }
        entries.status()?;
        let at_end = !entries.valid();
        Ok(LogChunk { rows: decoder.finish()?, position: LogPosition { left: 0, ..position_after }, at_end })
    }
}

/// The keys of the entries with a timestamp before `before_us`; `None` when there are none. Timestamps do not decrease
/// from epoch to epoch, so the first epoch to keep is found by bisection, whatever the number of entries.
pub(super) fn range_older_than(
    shared: &Shared,
    stream: ObjectId,
    before_us: i64,
) -> Result<Option<(Vec<u8>, Vec<u8>)>> {
    let mut entries = entries(shared, ReadOptions::default(), stream);
    entries.seek_to_last();
    let Some((last, _)) = entries.item() else { return Ok(entries.status().map(|()| None)?) };
    let mut keep_from = position(last)?.epoch + 1;
    entries.seek_to_first();
    let Some((first, _)) = entries.item() else { return Ok(entries.status().map(|()| None)?) };
    let first = position(first)?.epoch;
    let mut older_below = first;
    while older_below < keep_from {
        let middle = older_below + (keep_from - older_below) / 2;
        entries.seek(key(stream, middle, 0));
        match entries.item() {
            Some((key, value)) if LogEntry::parse(value)?.timestamp_us < before_us => {
                older_below = position(key)?.epoch + 1;
            }
            _ => {
                entries.status()?;
                keep_from = middle;
            }
        }
    }
    Ok((first < keep_from).then(|| (full_key(stream, &[]), key(stream, keep_from, 0))))
}
