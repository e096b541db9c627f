//! Rows of a log with their places: what indexes of a log point at.

use super::EpochScope;
use super::log;
use super::log_entry::{LogEntry, RunDecoder};
use crate::{Epoch, ObjectId, Result, StorageError};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use rocksdb::ReadOptions;

/// Where a row of a log is. No two rows of a log have the same place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct RowPlace {
    /// The epoch that appended it.
    pub epoch: u64,
    /// Its number among the rows of that epoch, counted from 0.
    pub number: u32,
}

/// Rows of a log, and where they are.
pub struct PlacedRows {
    /// The rows, oldest first.
    pub rows: Vec<RecordBatch>,
    /// The place of each.
    pub places: Vec<RowPlace>,
}

impl RowPlace {
    /// Bytes of a place.
    pub const BYTES: usize = 12;

    /// `[epoch u64 BE][number u32 BE]`: compares as places do.
    #[must_use]
    pub fn to_bytes(self) -> [u8; RowPlace::BYTES] {
        let mut bytes = [0; RowPlace::BYTES];
        bytes[..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..].copy_from_slice(&self.number.to_be_bytes());
        bytes
    }

    /// The place in these bytes.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when they are more or fewer.
    pub fn from_bytes(bytes: &[u8]) -> Result<RowPlace> {
        let damaged = || StorageError::Corrupt(format!("the place of a row has {} bytes", bytes.len()));
        let (epoch, number) = bytes.split_first_chunk().ok_or_else(damaged)?;
        let number = number.try_into().map_err(|_| damaged())?;
        Ok(RowPlace { epoch: u64::from_be_bytes(*epoch), number: u32::from_be_bytes(number) })
    }
}

impl EpochScope {
    /// Up to `max_rows` rows of `log` after the place `after` and of epochs up to `until`, as of the last committed epoch: what
    /// this epoch appends is not among them.
    ///
    /// # Errors
    /// When RocksDB fails, or [`StorageError::Corrupt`] when an entry is not one of rows of `schema`.
    pub fn committed_rows(
        &self,
        log: ObjectId,
        schema: &SchemaRef,
        after: Option<RowPlace>,
        until: Epoch,
        max_rows: usize,
    ) -> Result<PlacedRows> {
        let mut entries = log::entries(&self.shared, ReadOptions::default(), log);
        entries.seek(log::key(log, after.map_or(0, |after| after.epoch), 0));
        let mut decoder = RunDecoder::new(schema)?;
        let (mut places, mut epoch, mut number) = (Vec::new(), 0, 0_u32);
        // Rows that were decoded with others of their entry, but lie before.
        let mut before = 0;
        while places.len() < max_rows.max(1) {
            let Some((key, value)) = entries.item() else { break };
            let (position, entry) = (log::position(key)?, LogEntry::parse(value)?);
            if position.epoch > until.0 {
                break;
            }
            if position.epoch != epoch {
                (epoch, number) = (position.epoch, 0);
            }
            let first = number;
            number = u32::try_from(entry.rows).ok().and_then(|rows| first.checked_add(rows)).ok_or_else(too_many)?;
            let skipped = match after {
                Some(after) if after.epoch == epoch => after.number.saturating_add(1).clamp(first, number) - first,
                _ => 0,
            };
            if first + skipped < number {
                decoder.push(&entry)?;
                before += skipped as usize;
                places.extend((first + skipped..number).map(|number| RowPlace { epoch, number }));
            }
            entries.next();
        }
        entries.status()?;
        places.truncate(max_rows.max(1));
        Ok(PlacedRows { rows: cut(decoder.finish()?, before, places.len()), places })
    }
}

fn too_many() -> StorageError {
    StorageError::Corrupt("an epoch of a log has more rows than can be numbered".to_owned())
}

/// `rows` of these batches after the first `skip`.
fn cut(batches: Vec<RecordBatch>, mut skip: usize, mut rows: usize) -> Vec<RecordBatch> {
    let mut kept = Vec::with_capacity(batches.len());
    for batch in batches {
        let from = skip.min(batch.num_rows());
        let taken = (batch.num_rows() - from).min(rows);
        skip -= from;
        rows -= taken;
        if taken > 0 {
            kept.push(batch.slice(from, taken));
        }
    }
    kept
}
