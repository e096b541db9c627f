//! What an epoch does to logs.

use super::{log, log_entry};
use crate::{ObjectId, Result};
use arrow::array::RecordBatch;

/// What an epoch does to one log: first deletes a range of keys, then appends.
#[derive(Default)]
pub(super) struct LogWrites {
    pub(super) deleted: Option<(Vec<u8>, Vec<u8>)>,
    pub(super) entries: Vec<Vec<u8>>,
}

impl LogWrites {
    pub(super) fn bytes(&self) -> usize {
        bytes(&self.entries)
    }
}

/// Entries that a scope appends to logs, in their order.
#[derive(Default)]
pub(super) struct LogAppends {
    logs: Vec<(ObjectId, Vec<Vec<u8>>)>,
    bytes: usize,
}

impl LogAppends {
    /// Encodes `rows` as entries of `log`.
    pub(super) fn push(&mut self, log: ObjectId, rows: &RecordBatch, timestamp_us: i64) -> Result<()> {
        let entries = log_entry::encode(rows, timestamp_us)?;
        self.bytes += bytes(&entries);
        self.logs.push((log, entries));
        Ok(())
    }

    /// Bytes of keys and entries.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn into_entries(self) -> impl Iterator<Item = (ObjectId, Vec<Vec<u8>>)> {
        self.logs.into_iter()
    }
}

fn bytes(entries: &[Vec<u8>]) -> usize {
    entries.iter().map(|entry| log::KEY_BYTES + entry.len()).sum()
}
