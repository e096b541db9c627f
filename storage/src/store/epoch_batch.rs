//! Everything one epoch writes, collected in memory until it is committed.

use super::keyspace::{Family, Table, object_range};
use super::log_writes::{LogAppends, LogWrites};
use super::overlay::Overlays;
use super::scope::{Merged, notes_of};
use super::shared::Shared;
use super::{EpochScope, log};
use crate::entry::WARM_KEYS;
use crate::{Epoch, ObjectId, Result, StateCache, StorageError, yields};
use arrow::array::RecordBatch;
use parking_lot::MutexGuard;
use rocksdb::WriteBatch;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Everything one epoch writes.
pub struct EpochBatch {
    shared: Arc<Shared>,
    epoch: Epoch,
    /// The epoch before this one, if it was not committed when this one was begun.
    in_flight: Option<Arc<Merged>>,
    pub(super) merged: Arc<Merged>,
    meta: BTreeMap<String, Option<Vec<u8>>>,
    logs: HashMap<ObjectId, LogWrites>,
    /// Bytes of meta records and log entries.
    other_bytes: usize,
    /// Whether it was written: else it takes back what it wrote to the state cache.
    committed: bool,
}

impl EpochBatch {
    pub(super) fn new(shared: Arc<Shared>, epoch: Epoch, in_flight: Option<Arc<Merged>>) -> EpochBatch {
        EpochBatch {
            shared,
            epoch,
            in_flight,
            merged: Arc::default(),
            meta: BTreeMap::new(),
            logs: HashMap::new(),
            other_bytes: 0,
            committed: false,
        }
    }

    /// The epoch these writes will become.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// A fresh scope that sees what has been merged so far.
    #[must_use]
    pub fn scope(&self) -> EpochScope {
        EpochScope::new(self.shared.clone(), self.epoch, self.in_flight.clone(), self.merged.clone())
    }

    /// Takes over the writes of a scope. Fails (and takes nothing) when the epoch would exceed `epoch_max_bytes`.
    ///
    /// # Errors
    /// [`StorageError::EpochTooLarge`].
    pub fn merge(&mut self, scope: EpochScope) -> Result<()> {
        self.check_room(scope.bytes())?;
        // The scope lets go of what was merged before, so that usually nothing is copied here.
        let writes = scope.into_writes();
        // What the scope has just read and written is in the processor's caches still.
        write_through(&self.shared.state, &writes.overlay);
        write_through(&self.shared.state, &writes.notes);
        let merged = Arc::make_mut(&mut self.merged);
        merged.overlays.absorb(writes.overlay);
        merged.notes.absorb(writes.notes);
        self.append(writes.appends);
        Ok(())
    }

    /// Appends events to a stream's log (one or more entries of this epoch). `timestamp_us`: the epoch's timestamp, in
    /// microseconds since 1970; it must not decrease from epoch to epoch.
    ///
    /// # Errors
    /// [`StorageError::EpochTooLarge`] (nothing is appended then), or when a column has a type that cannot be stored.
    pub fn append_log(&mut self, stream: ObjectId, rows: &RecordBatch, timestamp_us: i64) -> Result<()> {
        let mut appends = LogAppends::default();
        appends.push(stream, rows, timestamp_us)?;
        self.check_room(appends.bytes())?;
        self.append(appends);
        Ok(())
    }

    fn append(&mut self, appends: LogAppends) {
        self.other_bytes += appends.bytes();
        for (log, entries) in appends.into_entries() {
            self.logs.entry(log).or_default().entries.extend(entries);
        }
    }

    /// Drops log entries of `stream` older than `before_us` (epoch timestamps).
    ///
    /// # Errors
    /// When RocksDB fails, or [`StorageError::Corrupt`] when an entry is damaged.
    pub fn trim_log(&mut self, stream: ObjectId, before_us: i64) -> Result<()> {
        if let Some(range) = log::range_older_than(&self.shared, stream, before_us)? {
            self.logs.entry(stream).or_default().deleted = Some(range);
        }
        Ok(())
    }

    /// Writes or (None) deletes a meta record.
    ///
    /// # Panics
    /// When `key` starts with NUL: such names are the store's own. Names are made by the caller, not by users.
    pub fn put_meta(&mut self, key: &str, value: Option<Vec<u8>>) {
        assert!(!key.starts_with('\0'), "meta names that start with NUL are reserved");
        let size = |value: &Option<Vec<u8>>| key.len() + value.as_ref().map_or(0, Vec::len);
        self.other_bytes += size(&value);
        if let Some(replaced) = self.meta.insert(key.to_owned(), value) {
            self.other_bytes -= size(&replaced);
        }
    }

    /// Deletes every entry of some objects (DROP), those merged so far included. Scopes made later see them empty, and may
    /// write to them anew.
    pub fn drop_objects(&mut self, tables: impl IntoIterator<Item = Table>) {
        let merged = Arc::make_mut(&mut self.merged);
        let mut cached = Vec::new();
        for table in tables {
            let notes = notes_of(table.object());
            merged.overlays.remove(table);
            merged.notes.remove(notes);
            merged.dropped.insert(table);
            cached.extend([table, notes]);
        }
        self.shared.state.lock().remove_tables(&cached);
    }

    /// Deletes a stream's whole log (DROP STREAM).
    pub fn drop_log(&mut self, stream: ObjectId) {
        let dropped = LogWrites { deleted: Some(object_range(stream)), entries: Vec::new() };
        if let Some(replaced) = self.logs.insert(stream, dropped) {
            self.other_bytes -= replaced.bytes();
        }
    }

    /// Keys plus values collected so far, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.merged.overlays.bytes() + self.other_bytes
    }

    /// Whether nothing was written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.merged.overlays.is_empty()
            && self.merged.dropped.is_empty()
            && self.meta.is_empty()
            && self.logs.is_empty()
    }

    fn check_room(&self, more: usize) -> Result<()> {
        let (bytes, limit) = (self.bytes() + more, self.shared.options.epoch_max_bytes);
        if bytes > limit { Err(StorageError::EpochTooLarge { bytes, limit }) } else { Ok(()) }
    }

    /// Notes that it was written: the state cache keeps what was merged.
    pub(super) fn set_committed(&mut self) {
        self.committed = true;
    }

    pub(super) fn dropped_tables(&self) -> impl Iterator<Item = Table> {
        self.merged.dropped.iter().copied()
    }

    pub(super) fn written_tables(&self) -> impl Iterator<Item = (Table, usize)> {
        self.merged.overlays.iter().map(|(table, overlay)| (table, overlay.bytes()))
    }

    /// Keys plus values of each family, in the order of [`Family::ALL`], but for meta records.
    pub(super) fn bytes_of_families(&self) -> [usize; Family::ALL.len()] {
        let logs = self.written_logs().map(|(_, bytes)| (Family::Log, bytes));
        let tables = self.written_tables().map(|(table, bytes)| (table.family(), bytes));
        let mut all = [0; Family::ALL.len()];
        tables.chain(logs).for_each(|(family, bytes)| all[family as usize] += bytes);
        all
    }

    pub(super) fn written_logs(&self) -> impl Iterator<Item = (ObjectId, usize)> {
        self.logs.iter().map(|(stream, writes)| (*stream, writes.bytes()))
    }

    /// The epoch as one RocksDB batch, complete in itself. Range deletions come first: what the epoch writes to a
    /// dropped object stays.
    pub(super) fn to_write_batch(&self) -> WriteBatch {
        // RocksDB adds about twelve bytes to each record.
        let mut batch = WriteBatch::with_capacity_bytes(self.bytes() + self.bytes() / 4 + 1024);
        for table in self.dropped_tables() {
            let (from, to) = object_range(table.object());
            batch.delete_range_cf(self.shared.family(table.family()), from, to);
        }
        let log = self.shared.family(Family::Log);
        for (from, to) in self.logs.values().filter_map(|writes| writes.deleted.as_ref()) {
            batch.delete_range_cf(log, from, to);
        }
        self.add_tables(&mut batch);
        for (stream, writes) in &self.logs {
            for (part, entry) in writes.entries.iter().enumerate() {
                batch.put_cf(log, log::key(*stream, self.epoch.0, part as u32), entry);
            }
        }
        let meta = self.shared.family(Family::Meta);
        for (key, value) in &self.meta {
            match value {
                Some(value) => batch.put_cf(meta, key.as_bytes(), value),
                None => batch.delete_cf(meta, key.as_bytes()),
            }
        }
        batch.put_cf(meta, super::meta::EPOCH_KEY, self.epoch.0.to_be_bytes());
        batch
    }

    fn add_tables(&self, batch: &mut WriteBatch) {
        let mut full = Vec::new();
        // In order over all tables of a family: an insert into a memtable starts where the last one ended, and an epoch
        // may write few keys in each of many tables.
        let mut tables: Vec<_> = self.merged.overlays.iter().collect();
        tables.sort_unstable_by_key(|(table, _)| *table);
        for (table, overlay) in tables {
            let family = self.shared.family(table.family());
            for (key, value) in overlay.in_order() {
                yields::point();
                full.clear();
                full.extend_from_slice(&table.object().0.to_be_bytes());
                full.extend_from_slice(key);
                match value {
                    Some(value) => batch.put_cf(family, &full, value),
                    None => batch.delete_cf(family, &full),
                }
            }
        }
    }
}

impl Drop for EpochBatch {
    fn drop(&mut self) {
        if self.committed {
            return;
        }
        let mut state = self.shared.state.lock();
        for (table, overlay) in self.merged.overlays.iter().chain(self.merged.notes.iter()) {
            if state.follows(table) {
                overlay.iter().for_each(|(hash, key, _)| state.remove(hash, table.object(), key));
            }
        }
    }
}

/// Writes through to the state cache what is written to tables it follows: what was read and written in one epoch will be in
/// later ones.
fn write_through(state: &StateCache, writes: &Overlays) {
    let mut state = state.lock();
    for (table, overlay) in writes.iter().filter(|(_, overlay)| !overlay.is_empty()) {
        if !state.follows(table) {
            state.wrote_before(table);
            continue;
        }
        let hashes: Vec<u64> = overlay.iter().map(|(hash, _, _)| hash).collect();
        for (i, (hash, key, value)) in overlay.iter().enumerate() {
            if i > 0 && i.is_multiple_of(WARM_KEYS) {
                MutexGuard::unlocked(&mut state, yields::long_point);
            }
            state.warm(&hashes, i);
            state.write(hash, table.object(), key, value);
        }
    }
}
