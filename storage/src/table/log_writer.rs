//! Writes into a relation whose rows lie in its log: a view that only grows and has no key.
//!
//! Rows are appended, never looked for; indexes hold whole rows, so that they are read alone. Equal entries of an index are
//! told apart by the place of the row in the log.

use super::TableWriter;
use super::writer::IndexWriter;
use crate::store::{EpochScope, RowPlace};
use crate::{Delta, Epoch, Result, StorageError};
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::take_record_batch;

impl TableWriter {
    /// Writes a delta of a view, wherever its rows lie: as [`TableWriter::apply`], or into its log, with the epoch's
    /// timestamp. A log is appended to once per epoch.
    ///
    /// # Errors
    /// As [`TableWriter::apply`]; [`StorageError::Corrupt`] when rows would leave a log, [`StorageError::EpochTooLarge`] when
    /// repeated rows alone are.
    pub fn write(&self, scope: &mut EpochScope, delta: &Delta, timestamp_us: i64) -> Result<()> {
        if !self.layout().in_log {
            return self.apply(scope, delta);
        }
        let rows = appended(delta, scope.max_bytes())?;
        if rows.num_rows() == 0 {
            return Ok(());
        }
        let epoch = scope.epoch().0;
        let count = u32::try_from(rows.num_rows())
            .map_err(|_| StorageError::Mismatch("an epoch appends more rows than can be numbered".to_owned()))?;
        scope.append_log(self.layout().object, &rows, timestamp_us)?;
        for index in self.indexes() {
            put_entries(scope, index, &rows, (0..count).map(|number| RowPlace { epoch, number }))?;
        }
        Ok(())
    }

    /// As [`TableWriter::build_index`], of rows that lie in a log; keys are places. `until` is the epoch that created the index:
    /// rows of later ones were written with their entries.
    ///
    /// # Errors
    /// As [`TableWriter::build_index`].
    pub fn build_index_of_log(
        &self,
        scope: &mut EpochScope,
        index: usize,
        after: Option<&[u8]>,
        until: Epoch,
        max_rows: usize,
    ) -> Result<(usize, Option<Vec<u8>>)> {
        let index = self.index(index)?;
        let after = after.map(RowPlace::from_bytes).transpose()?;
        let found = scope.committed_rows(self.layout().object, &self.schema(), after, until, max_rows)?;
        let mut places = found.places.iter().copied();
        for rows in &found.rows {
            put_entries(scope, index, rows, places.by_ref().take(rows.num_rows()))?;
        }
        Ok((found.places.len(), found.places.last().map(|place| place.to_bytes().to_vec())))
    }
}

/// The rows of a delta, each as often as it is added; up to `limit` bytes if some are repeated.
fn appended(delta: &Delta, limit: usize) -> Result<RecordBatch> {
    if delta.is_inserts() {
        return Ok(delta.rows().clone());
    }
    let delta = delta.consolidate()?;
    let leaves = |_| StorageError::Corrupt("rows would leave a relation that only grows".to_owned());
    let times = delta.weights().iter().map(|weight| usize::try_from(*weight).map_err(leaves));
    let times = times.collect::<Result<Vec<_>>>()?;
    // A join of rows that repeat multiplies how often: one row may stand for more than fit into memory.
    let row_bytes = delta.rows().get_array_memory_size() / delta.len().max(1) + size_of::<u32>();
    let bytes = times.iter().fold(0_usize, |sum, times| sum.saturating_add(*times)).saturating_mul(row_bytes);
    if bytes > limit {
        return Err(StorageError::EpochTooLarge { bytes, limit });
    }
    let mut indices = Vec::with_capacity(delta.len());
    for (row, times) in (0u32..).zip(times) {
        indices.extend(std::iter::repeat_n(row, times));
    }
    Ok(take_record_batch(delta.rows(), &UInt32Array::from(indices))?)
}

/// The entries of an index for rows at these places.
fn put_entries(
    scope: &mut EpochScope,
    index: &IndexWriter,
    rows: &RecordBatch,
    places: impl Iterator<Item = RowPlace>,
) -> Result<()> {
    let entries = index.encode(rows)?;
    let mut key = Vec::new();
    for (row, place) in places.enumerate() {
        key.clear();
        key.extend_from_slice(entries.keys.get(row));
        key.extend_from_slice(&place.to_bytes());
        scope.put(entries.table, &key, entries.values.get(row));
    }
    Ok(())
}
