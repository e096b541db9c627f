//! What readers and the committer share: RocksDB, the caches, and the [steps](super::steps) of the commit.
//!
//! The writing phase of a commit holds the wait for the disk, by far its longest part, and costs readers nothing.

use super::StoreOptions;
use super::backlog::Backlog;
use super::keyspace::{Family, Table, full_key};
use super::memory::Memory;
use super::meta;
use super::metadata::Metadata;
use super::options::Sizes;
use super::runs::Runs;
use super::size::WrittenBytes;
use super::steps::{IDLE, Step, Steps};
use crate::codec::ByteRows;
use crate::codec::without_state;
use crate::key_hasher::KeyHasher;
use crate::key_order::{head, in_key_order};
use crate::{Epoch, HotCache, ObjectId, Result, StateCache, yields};
use bytes::Bytes;
use rocksdb::{ColumnFamily, DB, ReadOptions};
use std::fs::File;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys of one batched multi-get: it pins the blocks of all of them, and a thread does not yield within it.
const MULTI_GET_KEYS: usize = 64;
/// Several keys are read through the cache so many times before they are read from RocksDB alone, if a commit publishes meanwhile: that is
/// seldom, and costs less.
pub(super) const CACHED_READS: usize = 3;

/// The state behind [`super::Store`], [`super::Committer`], batches, scopes and snapshots.
pub(crate) struct Shared {
    // Fields drop in this order: RocksDB is closed before the lock is released.
    pub(super) db: DB,
    pub(super) rows: HotCache,
    pub(super) runs: Runs,
    pub(super) state: StateCache,
    /// Of the keys of the overlays and of both caches.
    pub(super) hasher: KeyHasher,
    pub(super) written: WrittenBytes,
    pub(super) memory: Memory,
    pub(super) backlog: Backlog,
    pub(super) metadata: Metadata,
    pub(super) options: StoreOptions,
    pub(super) steps: Steps,
    published: AtomicU64,
    _lock: File,
}

impl Shared {
    pub(super) fn new(db: DB, lock: File, options: &StoreOptions, sizes: Sizes) -> Result<Shared> {
        let hasher = KeyHasher::default();
        let shared = Shared {
            db,
            rows: HotCache::with_hasher(options.row_cache_bytes, hasher.clone()),
            runs: Runs::new(options.run_cache_bytes, hasher.clone()),
            state: StateCache::new(options.state_cache_bytes),
            hasher,
            written: WrittenBytes::default(),
            memory: Memory::new(options, sizes),
            backlog: Backlog::default(),
            metadata: Metadata::default(),
            options: options.clone(),
            steps: Steps::default(),
            published: AtomicU64::new(0),
            _lock: lock,
        };
        let record = shared.db.get_pinned_cf(shared.family(Family::Meta), meta::EPOCH_KEY)?;
        let last = meta::decode_epoch(record.as_deref())?.0;
        shared.published.store(last, Ordering::Relaxed);
        drop(record);
        shared.memory.opened(&shared);
        Ok(shared)
    }

    pub(super) fn family(&self, family: Family) -> &ColumnFamily {
        self.db.cf_handle(family.name()).expect("the database was opened with all column families")
    }

    pub(super) fn published(&self) -> Epoch {
        Epoch(self.published.load(Ordering::SeqCst))
    }

    /// Makes `epoch` the published one and enters the idle phase.
    pub(super) fn publish(&self, epoch: Epoch) {
        self.published.store(epoch.0, Ordering::SeqCst);
        self.steps.enter(IDLE);
    }

    /// The committed value of a key, straight from RocksDB.
    pub(super) fn read(&self, table: Table, key: &[u8]) -> Result<Option<Bytes>> {
        let full = full_key(table.object(), key);
        let value = self.db.get_pinned_cf(self.family(table.family()), full)?;
        Ok(value.map(|value| Bytes::copy_from_slice(for_readers(table, &value))))
    }

    /// The values of `keys` (in any order) from RocksDB.
    pub(super) fn read_many(&self, table: Table, keys: &[&[u8]], options: &ReadOptions) -> Result<Vec<Option<Bytes>>> {
        let mut values = vec![None; keys.len()];
        self.read_each(table, keys, options, &mut |index, value| {
            values[index] = value.map(|value| Bytes::copy_from_slice(for_readers(table, value)));
        })?;
        Ok(values)
    }

    /// Gives `visit` the number of each of `keys` and its value in RocksDB, in key order.
    pub(super) fn read_each(
        &self,
        table: Table,
        keys: &[&[u8]],
        options: &ReadOptions,
        visit: &mut dyn FnMut(usize, Option<&[u8]>),
    ) -> Result<()> {
        // RocksDB's batched multi-get wants sorted keys without repeats.
        let order = in_key_order(keys.iter().map(|key| head(key)), |number| keys[number as usize]);
        let family = self.family(table.family());
        let prefix = table.object().0.to_be_bytes();
        let mut full = ByteRows::default();
        for chunk in order.chunks(MULTI_GET_KEYS) {
            yields::long_point();
            full.clear();
            let mut repeats = Vec::with_capacity(chunk.len());
            for (place, number) in chunk.iter().enumerate() {
                let key = keys[*number as usize];
                if place == 0 || keys[chunk[place - 1] as usize] != key {
                    full.push_with(|out| {
                        out.extend_from_slice(&prefix);
                        out.extend_from_slice(key);
                    });
                }
                repeats.push(full.len() - 1);
            }
            let found = self.db.batched_multi_get_cf_opt(family, full.iter(), true, options);
            let found = found.into_iter().collect::<std::result::Result<Vec<_>, _>>()?;
            for (number, place) in chunk.iter().zip(repeats) {
                visit(*number as usize, found[place].as_deref());
            }
        }
        Ok(())
    }

    /// The committed value of a row key, through the row cache.
    pub(super) fn read_row(&self, object: ObjectId, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some(cached) = self.rows.get(object, key) {
            return Ok(cached);
        }
        self.memory.missed_row(self);
        let noted = self.steps.now();
        let value = self.read(Table::Rows(object), key)?;
        self.rows.insert_if(object, key, value.as_deref(), || self.steps.still_idle(noted));
        Ok(value)
    }

    /// The committed values of row keys, all of one epoch, through the row cache.
    pub(super) fn read_rows(&self, object: ObjectId, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        if let [key] = keys {
            return Ok(vec![self.read_row(object, key)?]);
        }
        for _ in 0..CACHED_READS {
            let noted = self.steps.now();
            let (values, missed) =
                self.read_rows_cached(object, keys, noted, |missing| self.read_stored(noted, object, missing))?;
            if noted.is_one_epoch(self.steps.now(), missed > 0) {
                return Ok(values);
            }
            // Then the cache is of little use.
            if missed > keys.len() / 2 {
                break;
            }
        }
        self.read_many_at_once(Table::Rows(object), keys)
    }

    /// The values of row keys from RocksDB, at one point in time if what is read from `noted` on is of one epoch.
    fn read_stored(&self, noted: Step, object: ObjectId, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        match noted.is_writing() {
            true => self.read_many_at_once(Table::Rows(object), keys),
            // Nothing is written until the next step to writing.
            false => self.read_many(Table::Rows(object), keys, &ReadOptions::default()),
        }
    }

    /// The values of row keys from the cache, the others, whose number it returns, as `read` gives them: of one epoch if what `read` gives is
    /// of one point in time, and by [`Step::is_one_epoch`] afterwards.
    pub(super) fn read_rows_cached(
        &self,
        object: ObjectId,
        keys: &[&[u8]],
        noted: Step,
        read: impl FnOnce(&[&[u8]]) -> Result<Vec<Option<Bytes>>>,
    ) -> Result<(Vec<Option<Bytes>>, usize)> {
        // One buffer for all of them.
        let mut data = Vec::new();
        let mut places = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        self.rows.get_each(object, keys, |i, cached| {
            if cached.is_none() {
                missing.push(i);
            }
            places.push(cached.flatten().map(|value| {
                let start = data.len();
                data.extend_from_slice(value);
                start..data.len()
            }));
        });
        let (data, missed) = (Bytes::from(data), missing.len());
        let mut values: Vec<_> = places.into_iter().map(|place| place.map(|place| data.slice(place))).collect();
        if !missing.is_empty() {
            self.memory.missed_row(self);
            let missing_keys: Vec<&[u8]> = missing.iter().map(|i| keys[*i]).collect();
            for (i, value) in missing.into_iter().zip(read(&missing_keys)?) {
                self.rows.insert_if(object, keys[i], value.as_deref(), || self.steps.still_idle(noted));
                values[i] = value;
            }
        }
        Ok((values, missed))
    }

    /// The values of `keys` from one RocksDB snapshot.
    fn read_many_at_once(&self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        let snapshot = self.db.snapshot();
        let mut options = ReadOptions::default();
        options.set_snapshot(&snapshot);
        self.read_many(table, keys, &options)
    }
}

/// What readers get of an entry, and what the row cache keeps: rows without the state that is stored with them.
pub(super) fn for_readers(table: Table, stored: &[u8]) -> &[u8] {
    match table {
        // Damaged rows are for the codec to find.
        Table::Rows(_) => without_state(stored).unwrap_or(stored),
        Table::State(_) => stored,
    }
}
