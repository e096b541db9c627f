//! The writes of one view in the running epoch, and reads through them.

use super::keyspace::{OBJECT_BYTES, PREFIX_BYTES, Table, full_key, object_range, successor};
use super::log_writes::LogAppends;
use super::overlay::{Overlay, Overlays};
use super::scan::{self, Records};
use super::shared::{Shared, for_readers};
use super::values::Values;
use crate::entry::WARM_KEYS;
use crate::{Epoch, ObjectId, Result, yields};
use arrow::array::RecordBatch;
use bytes::Bytes;
use parking_lot::MutexGuard;
use rocksdb::ReadOptions;
use std::collections::HashSet;
use std::sync::Arc;

/// Takes the index of a prefix, a key and its value; false ends the prefix.
type VisitPrefixed<'a> = dyn FnMut(usize, &[u8], &[u8]) -> bool + 'a;

/// What scopes of an epoch wrote, and which objects it drops.
#[derive(Clone, Default)]
pub(super) struct Merged {
    pub(super) overlays: Overlays,
    /// By the table of [`notes_of`].
    pub(super) notes: Overlays,
    pub(super) dropped: HashSet<Table>,
}

/// The writes of one view (or of the epoch's inputs) in the running epoch, and reads through them.
///
/// Reads see: own writes first, then what earlier scopes of this epoch merged, then the epoch that is in flight (being
/// committed meanwhile, if there is one), then the last committed epoch. The state cache knows of the second and third, so it is
/// asked before them.
/// A scope that is dropped without [`EpochBatch::merge`](super::EpochBatch::merge) leaves no trace, which is how a fault
/// in one view is contained. Scopes of one epoch are used one after the other.
pub struct EpochScope {
    pub(super) shared: Arc<Shared>,
    epoch: Epoch,
    in_flight: Option<Arc<Merged>>,
    merged: Arc<Merged>,
    own: Overlays,
    own_notes: Overlays,
    /// Bytes that may still be noted.
    notes_room: usize,
    appends: LogAppends,
}

/// What a scope leaves to its epoch.
pub(super) struct ScopeWrites {
    pub(super) overlay: Overlays,
    pub(super) notes: Overlays,
    pub(super) appends: LogAppends,
}

/// Notes of an epoch take up to this part of the state cache's budget. What comes after is not noted.
const NOTES_PART: usize = 8;

/// The name under which notes of a state table are kept: of an object that no id is handed out for (see
/// [`object_range`]).
pub(super) fn notes_of(table: ObjectId) -> Table {
    const NOTES: u32 = 1 << 31;
    Table::State(ObjectId(table.0 | NOTES))
}

/// Where a key of a table is looked for, in this order, before RocksDB.
struct Layers<'a> {
    /// Own writes, merged ones, those in flight.
    overlays: [Option<&'a Overlay>; 3],
    /// Whether a table was dropped in one of the epochs that are not committed: what is committed of it is gone then.
    dropped: bool,
}

impl Layers<'_> {
    /// What this scope wrote to `key`.
    #[inline]
    fn own(&self, hash: u64, key: &[u8]) -> Option<Option<&[u8]>> {
        self.overlays[0]?.get(hash, key)
    }

    /// What was written to `key` before this scope, or that it is gone with its table; `None`: what is committed holds.
    #[inline]
    fn before(&self, hash: u64, key: &[u8]) -> Option<Option<&[u8]>> {
        let written = self.overlays[1..].iter().flatten().find_map(|overlay| overlay.get(hash, key));
        written.or(if self.dropped { Some(None) } else { None })
    }
}

impl EpochScope {
    pub(super) fn new(
        shared: Arc<Shared>,
        epoch: Epoch,
        in_flight: Option<Arc<Merged>>,
        merged: Arc<Merged>,
    ) -> EpochScope {
        let notes_room = (shared.options.state_cache_bytes / NOTES_PART).saturating_sub(merged.notes.bytes());
        let (own, own_notes, appends) = (Overlays::default(), Overlays::default(), LogAppends::default());
        EpochScope { shared, epoch, in_flight, merged, own, own_notes, notes_room, appends }
    }

    /// The epoch these writes will become.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Bytes of keys and values written so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.own.bytes() + self.appends.bytes()
    }

    /// Bytes an epoch may have.
    pub(crate) fn max_bytes(&self) -> usize {
        self.shared.options.epoch_max_bytes
    }

    pub(super) fn into_writes(self) -> ScopeWrites {
        ScopeWrites { overlay: self.own, notes: self.own_notes, appends: self.appends }
    }

    /// What was noted of `keys` of a state table; `None` where nothing is known (any more).
    ///
    /// A note is what follows from the table and would take long to find out again, such as the first rows under a prefix. It takes
    /// the way of a write, so it belongs to the same epoch, and is gone with a scope that is dropped; but it is kept in memory only, as long as the
    /// state cache has room.
    pub fn noted(&self, table: ObjectId, keys: &[&[u8]]) -> Values {
        let notes = notes_of(table);
        let layers = self.layered(Table::State(table), (&self.own_notes, |epoch| &epoch.notes), notes);
        let mut values = Values::with_capacity(keys.len());
        let mut cache = self.shared.state.lock();
        cache.follow(notes);
        for key in keys {
            let hash = self.shared.hasher.hash(notes.object(), key);
            let noted = layers.own(hash, key).or_else(|| cache.get(hash, notes.object(), key));
            values.push(noted.or_else(|| layers.before(hash, key)).flatten());
        }
        values
    }

    /// Notes `value` of `key` of a state table; `None` forgets what was noted. To be called whenever what was noted changes.
    pub fn note(&mut self, table: ObjectId, key: &[u8], value: Option<&[u8]>) {
        let notes = notes_of(table);
        let hash = self.shared.hasher.hash(notes.object(), key);
        let value = value.filter(|value| key.len() + value.len() <= self.notes_room);
        self.notes_room -= value.map_or(0, |value| key.len() + value.len());
        self.own_notes.set(notes, hash, key, value);
    }

    /// Appends rows to a log, as [`EpochBatch::append_log`](super::EpochBatch::append_log) does. Nothing reads them before
    /// they are committed.
    ///
    /// # Errors
    /// When a column has a type that cannot be stored.
    pub fn append_log(&mut self, log: ObjectId, rows: &RecordBatch, timestamp_us: i64) -> Result<()> {
        self.appends.push(log, rows, timestamp_us)
    }

    /// Values of `keys`, in their order (sorted and batched inside).
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn get_many(&mut self, table: Table, keys: &[&[u8]]) -> Result<Values> {
        match table {
            Table::State(_) => self.get_many_with_state(table, keys),
            Table::Rows(_) => self.read(table, keys, false),
        }
    }

    /// As [`EpochScope::get_many`], for state and for rows that carry it: by way of the state cache, which from now on takes over
    /// all writes to `table`.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn get_many_with_state(&mut self, table: Table, keys: &[&[u8]]) -> Result<Values> {
        self.read(table, keys, true)
    }

    /// `state`: by way of the state cache, else of the row cache.
    fn read(&mut self, table: Table, keys: &[&[u8]], state: bool) -> Result<Values> {
        let mut values = Values::with_capacity(keys.len());
        let missing = self.known(table, keys, state, &mut values);
        if missing.is_empty() {
            return Ok(values);
        }
        let noted = self.shared.steps.now();
        let missing_keys: Vec<&[u8]> = missing.iter().map(|(i, _)| keys[*i]).collect();
        let object = table.object();
        let mut options = ReadOptions::default();
        if state {
            options.fill_cache(self.shared.memory.fills_blocks());
        }
        self.shared.read_each(table, &missing_keys, &options, &mut |place, value| {
            let (i, hash) = missing[place];
            let value = if state { value } else { value.map(|value| for_readers(table, value)) };
            values.set(i, value);
            if state {
                // What is absent will be written.
                if value.is_some() {
                    self.shared.state.lock().insert(hash, object, keys[i], value);
                }
            } else {
                self.shared.rows.insert_if(object, keys[i], value, || self.shared.steps.still_idle(noted));
            }
        })?;
        Ok(values)
    }

    /// Value of `key`.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Bytes>> {
        Ok(self.get_many(table, &[key])?.get(0).map(Bytes::copy_from_slice))
    }

    /// Makes room for about so many writes to `table`, of so many bytes of keys and values in all, so that it need not grow step by step.
    pub fn expect(&mut self, table: Table, writes: usize, bytes: usize) {
        self.own.reserve(table, writes, bytes);
    }

    /// Writes `value` under `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        let hash = self.shared.hasher.hash(table.object(), key);
        self.own.set(table, hash, key, Some(value));
    }

    /// Deletes `key`, whether it exists or not.
    pub fn delete(&mut self, table: Table, key: &[u8]) {
        let hash = self.shared.hasher.hash(table.object(), key);
        self.own.set(table, hash, key, None);
    }

    /// Visits entries whose key starts with `prefix` in key order, beginning after `after` if given, until `visit`
    /// returns false. Own writes are included.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn scan(
        &mut self,
        table: Table,
        prefix: &[u8],
        after: Option<&[u8]>,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        let from = match after {
            Some(after) if after >= prefix => [after, &[0]].concat(),
            _ => prefix.to_vec(),
        };
        let end = successor(prefix).map(|end| full_key(table.object(), &end));
        let mut records = self.records(table, end, false);
        if let Some(records) = &mut records {
            records.seek(full_key(table.object(), &from));
        }
        scan::merge(self.layers(table).overlays, records.as_mut(), prefix, &from, visit)
    }

    /// For each of `prefixes` (in ascending order of the prefixes, whatever their order in the slice): visits the
    /// entries whose key starts with it in key order, until `visit` returns false for that prefix. `visit` gets the index
    /// of the prefix, key and value. One RocksDB iterator serves all, which is what makes this cheaper than many scans.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn scan_prefixes(&mut self, table: Table, prefixes: &[&[u8]], visit: &mut VisitPrefixed<'_>) -> Result<()> {
        let mut order: Vec<usize> = (0..prefixes.len()).collect();
        order.sort_by_key(|i| prefixes[*i]);
        let long = prefixes.iter().all(|prefix| OBJECT_BYTES + prefix.len() >= PREFIX_BYTES);
        let mut records = if prefixes.is_empty() { None } else { self.records(table, None, long) };
        let overlays = self.layers(table).overlays;
        for i in order {
            let prefix = prefixes[i];
            if let Some(records) = &mut records {
                records.seek(full_key(table.object(), prefix));
            }
            scan::merge(overlays, records.as_mut(), prefix, prefix, &mut |key, value| visit(i, key, value))?;
        }
        Ok(())
    }

    /// Fills in the values that are in memory. Returns the keys for which RocksDB has to be asked, with their hashes. `state` as
    /// in [`EpochScope::read`].
    fn known(&self, table: Table, keys: &[&[u8]], state: bool, values: &mut Values) -> Vec<(usize, u64)> {
        let object = table.object();
        let layers = self.layers(table);
        yields::long_point();
        let mut cache = self.shared.state.lock();
        if state && cache.follow(table) && self.is_empty(table) {
            cache.found_empty(table);
        }
        let mut missing = Vec::new();
        let hashes: Vec<u64> = keys.iter().map(|key| self.shared.hasher.hash(object, key)).collect();
        for (i, (key, &hash)) in keys.iter().zip(&hashes).enumerate() {
            if i > 0 && i.is_multiple_of(WARM_KEYS) {
                MutexGuard::unlocked(&mut cache, yields::long_point);
            }
            if state {
                cache.warm(&hashes, i);
            }
            let own = layers.own(hash, key);
            let cached = own.or_else(|| if state { cache.get(hash, object, key) } else { None });
            if let Some(value) = cached.or_else(|| layers.before(hash, key)) {
                values.push(value);
                continue;
            }
            let committed = !state && self.shared.rows.get_with(object, key, |value| values.push(value)).is_some();
            if !committed {
                values.push(None);
                missing.push((i, hash));
            }
        }
        missing
    }

    /// Whether nothing of `table` is committed. One that is dropped does not count as empty: the epoch may be given up.
    fn is_empty(&self, table: Table) -> bool {
        self.records(table, None, false).is_some_and(|mut records| {
            records.seek_to_first();
            !records.valid() && records.status().is_ok()
        })
    }

    fn layers(&self, table: Table) -> Layers<'_> {
        self.layered(table, (&self.own, |epoch| &epoch.overlays), table)
    }

    /// Layers of what is kept under `name`, of a table or of the notes on it.
    fn layered<'a>(
        &'a self,
        table: Table,
        (own, of_epoch): (&'a Overlays, fn(&Merged) -> &Overlays),
        name: Table,
    ) -> Layers<'a> {
        let dropped_now = self.merged.dropped.contains(&table);
        let in_flight = self.in_flight.as_ref().filter(|_| !dropped_now);
        Layers {
            overlays: [
                own.get(name),
                of_epoch(&self.merged).get(name),
                in_flight.and_then(|epoch| of_epoch(epoch).get(name)),
            ],
            dropped: dropped_now || in_flight.is_some_and(|epoch| epoch.dropped.contains(&table)),
        }
    }

    /// An iterator over the committed entries of `table` up to `end`; `None` when the epoch drops them. `in_prefix`: each
    /// seek is only followed as far as [`PREFIX_BYTES`] of its key go.
    fn records(&self, table: Table, end: Option<Vec<u8>>, in_prefix: bool) -> Option<Records<'_>> {
        if self.layers(table).dropped {
            return None;
        }
        let mut options = ReadOptions::default();
        let (first, last) = object_range(table.object());
        if in_prefix {
            options.set_prefix_same_as_start(true);
        } else {
            options.set_total_order_seek(true);
        }
        options.set_iterate_lower_bound(first);
        options.set_iterate_upper_bound(end.unwrap_or(last));
        Some(self.shared.db.raw_iterator_cf_opt(self.shared.family(table.family()), options))
    }
}
