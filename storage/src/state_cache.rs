//! Operator state in memory, in front of RocksDB.
//!
//! Only the writer reads state, so this cache has one lock, which the writer takes once for many keys, and overwrites
//! values in place. Invariants: what is cached is what the store holds, without the epoch in flight if there is one (whose keys
//! are looked for there first); the bytes accounted for never exceed the budget when the lock is free; anything may be missing at
//! any time.

use crate::{ObjectId, Table};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashSet;

/// An entry larger than this part of the budget is not cached: it would drive out everything else.
const LARGEST_PART: usize = 512;
/// Bytes an entry costs besides its key and value: the table's bucket (with its share of free ones) and what the allocator
/// rounds up.
const ENTRY_OVERHEAD: usize = 80;
/// Keys of which the entries are read together ([`CachedState::warm`]): a few dozen kilobytes.
const WARM_KEYS: usize = 128;
/// Value length of an entry that is known to be absent.
const ABSENT: u32 = u32::MAX;

/// A byte-bounded cache of state entries with CLOCK eviction (see [`HotCache`](crate::HotCache)). A cached `None` means:
/// known to be absent.
#[derive(Debug)]
pub struct StateCache {
    entries: Mutex<CachedState>,
}

/// The cache, locked.
#[derive(Debug)]
pub(crate) struct CachedState {
    table: HashTable<Entry>,
    /// Tables that are read by key, before they are written: state, and rows that carry it.
    followed: HashSet<Table>,
    bytes: usize,
    budget: usize,
    /// The bucket that eviction looks at next.
    hand: usize,
    hits: u64,
    misses: u64,
}

#[derive(Debug)]
struct Entry {
    hash: u64,
    object: ObjectId,
    key_len: u32,
    /// [`ABSENT`] or the length of the value.
    value_len: u32,
    /// Read or written since the hand last passed.
    referenced: bool,
    /// The key, then room for the value.
    data: Box<[u8]>,
}

impl Entry {
    fn new(hash: u64, object: ObjectId, key: &[u8], value: Option<&[u8]>) -> Entry {
        let mut data = Vec::with_capacity(key.len() + value.map_or(0, <[u8]>::len));
        data.extend_from_slice(key);
        data.extend_from_slice(value.unwrap_or_default());
        let value_len = value.map_or(ABSENT, |value| value.len() as u32);
        Entry { hash, object, key_len: key.len() as u32, value_len, referenced: false, data: data.into() }
    }

    #[inline]
    fn is(&self, hash: u64, object: ObjectId, key: &[u8]) -> bool {
        self.hash == hash && self.object == object && self.data[..self.key_len as usize] == *key
    }

    #[inline]
    fn value(&self) -> Option<&[u8]> {
        let start = self.key_len as usize;
        (self.value_len != ABSENT).then(|| &self.data[start..start + self.value_len as usize])
    }

    fn bytes(&self) -> usize {
        ENTRY_OVERHEAD + self.data.len()
    }

    /// Replaces the value; in place where it has room and would not waste more than half of it.
    fn set(&mut self, value: Option<&[u8]>) {
        let start = self.key_len as usize;
        let room = self.data.len() - start;
        match value {
            None if room < 64 => self.value_len = ABSENT,
            Some(value) if value.len() <= room && value.len() * 2 >= room => {
                self.data[start..start + value.len()].copy_from_slice(value);
                self.value_len = value.len() as u32;
            }
            _ => {
                let replaced = Entry::new(self.hash, self.object, &self.data[..start], value);
                *self = Entry { referenced: self.referenced, ..replaced };
            }
        }
    }
}

impl StateCache {
    /// A cache of at most `bytes` bytes (keys, values and a fixed overhead per entry); 0 disables it.
    pub(crate) fn new(bytes: usize) -> StateCache {
        StateCache {
            entries: Mutex::new(CachedState {
                table: HashTable::new(),
                followed: HashSet::new(),
                bytes: 0,
                budget: bytes,
                hand: 0,
                hits: 0,
                misses: 0,
            }),
        }
    }

    /// Locks the cache for reading and writing.
    pub(crate) fn lock(&self) -> MutexGuard<'_, CachedState> {
        self.entries.lock()
    }

    /// Bytes of all entries: keys, values and the fixed overhead of each.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().bytes
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().table.len()
    }

    /// Whether nothing is cached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many reads found their entry since the start.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.lock().hits
    }

    /// How many reads did not find their entry since the start.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.lock().misses
    }
}

impl CachedState {
    /// The cached entry; `Some(None)` is known to be absent, `None` is not known. `hash` is that of object and key.
    #[inline]
    pub(crate) fn get(&mut self, hash: u64, object: ObjectId, key: &[u8]) -> Option<Option<&[u8]>> {
        match self.table.find_mut(hash, |entry| entry.is(hash, object, key)) {
            Some(entry) => {
                self.hits += 1;
                entry.referenced = true;
                Some(entry.value())
            }
            None => {
                self.misses += 1;
                None
            }
        }
    }

    /// Caches an entry, in place of what is cached for the key. One too large to be cached removes what was there.
    pub(crate) fn insert(&mut self, hash: u64, object: ObjectId, key: &[u8], value: Option<&[u8]>) {
        if self.too_large(key, value) {
            self.remove(hash, object, key);
            return;
        }
        let bucket = match self.table.entry(hash, |e| e.is(hash, object, key), |e| e.hash) {
            TableEntry::Occupied(mut found) => {
                let entry = found.get_mut();
                self.bytes -= entry.bytes();
                entry.set(value);
                self.bytes += entry.bytes();
                found.bucket_index()
            }
            TableEntry::Vacant(vacant) => {
                let entry = Entry::new(hash, object, key, value);
                self.bytes += entry.bytes();
                vacant.insert(entry).bucket_index()
            }
        };
        self.evict(bucket);
    }

    /// Takes over a write to a table that is followed. What is deleted stays known as absent if it was cached.
    pub(crate) fn write(&mut self, hash: u64, object: ObjectId, key: &[u8], value: Option<&[u8]>) {
        if value.is_some() {
            self.insert(hash, object, key, value);
        } else if let Some(entry) = self.table.find_mut(hash, |entry| entry.is(hash, object, key)) {
            self.bytes -= entry.bytes();
            entry.set(None);
            self.bytes += entry.bytes();
        }
    }

    /// Forgets an entry.
    pub(crate) fn remove(&mut self, hash: u64, object: ObjectId, key: &[u8]) {
        if let Ok(found) = self.table.find_entry(hash, |entry| entry.is(hash, object, key)) {
            self.bytes -= found.remove().0.bytes();
        }
    }

    /// Brings the next entries of `hashes` into the processor's cache, for what is about to be done with them one by one: to be
    /// called before each, with its number; does its work for [`WARM_KEYS`] of them at a time.
    ///
    /// Entries at random lie in memory, and done one by one each is waited for three times: table, bucket, key. Nothing in
    /// these two loops depends on the round before, so the processor has many of those reads under way at a time.
    #[inline]
    pub(crate) fn warm(&self, hashes: &[u64], number: usize) {
        if number.is_multiple_of(WARM_KEYS) {
            self.warm_now(&hashes[number..hashes.len().min(number + WARM_KEYS)]);
        }
    }

    fn warm_now(&self, hashes: &[u64]) {
        let mut buckets = [None; WARM_KEYS];
        for (bucket, hash) in buckets.iter_mut().zip(hashes) {
            *bucket = self.table.find_bucket_index(*hash, |entry| entry.hash == *hash);
        }
        let entries = buckets.iter().flatten().filter_map(|bucket| self.table.get_bucket(*bucket));
        // What is read has to be used.
        std::hint::black_box(entries.fold(0, |sum, entry| sum ^ entry.data.first().copied().unwrap_or_default()));
    }

    /// From now on what is read of `table` is cached, and what is written to it.
    pub(crate) fn follow(&mut self, table: Table) {
        self.followed.insert(table);
    }

    /// Whether entries of `table` are cached: the cache has to be told of writes to it.
    pub(crate) fn follows(&self, table: Table) -> bool {
        self.followed.contains(&table)
    }

    /// Forgets all entries of a table. Looks at every entry of the cache.
    pub(crate) fn remove_table(&mut self, table: Table) {
        if !self.followed.remove(&table) {
            return;
        }
        let object = table.object();
        let mut freed = 0;
        self.table.retain(|entry| {
            let keep = entry.object != object;
            freed += if keep { 0 } else { entry.bytes() };
            keep
        });
        self.bytes -= freed;
    }

    fn too_large(&self, key: &[u8], value: Option<&[u8]>) -> bool {
        ENTRY_OVERHEAD + key.len() + value.map_or(0, <[u8]>::len) > self.budget / LARGEST_PART
    }

    /// Moves the hand and evicts until the budget is kept. The entry in bucket `keep` stays: it was just written, and it is
    /// a small part of the budget, so there is always something else to evict.
    fn evict(&mut self, keep: usize) {
        while self.bytes > self.budget {
            let bucket = self.hand;
            self.hand = if bucket + 1 < self.table.num_buckets() { bucket + 1 } else { 0 };
            if bucket == keep {
                continue;
            }
            if let Ok(mut found) = self.table.get_bucket_entry(bucket)
                && !std::mem::take(&mut found.get_mut().referenced)
            {
                self.bytes -= found.remove().0.bytes();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const OBJECT: ObjectId = ObjectId(3);

    proptest! {
        /// Whatever is written, what the cache still holds is the last value, and the budget is kept.
        #[test]
        fn it_never_holds_an_old_value(
            steps in prop::collection::vec((0u8..4, any::<u8>(), prop::option::of(0usize..400)), 0..400),
        ) {
            // Few hash values, so that keys collide.
            let hash = |key: u8| u64::from(key % 16) << 57 | u64::from(key % 8);
            let cache = StateCache::new(512 * 300);
            let mut model: HashMap<u8, Option<Vec<u8>>> = HashMap::new();
            let mut cached = cache.lock();
            for (step, key, len) in steps {
                let value = len.map(|len| vec![key ^ step; len]);
                match step {
                    0 | 1 => {
                        cached.insert(hash(key), OBJECT, &[key], value.as_deref());
                        model.insert(key, value);
                    }
                    2 => {
                        cached.write(hash(key), OBJECT, &[key], value.as_deref());
                        if value.is_some() || model.contains_key(&key) {
                            model.insert(key, value);
                        }
                    }
                    _ => {
                        cached.remove(hash(key), OBJECT, &[key]);
                        model.remove(&key);
                    }
                }
                for (key, value) in &model {
                    if let Some(found) = cached.get(hash(*key), OBJECT, &[*key]) {
                        prop_assert_eq!(found, value.as_deref());
                    }
                }
                prop_assert!(cached.bytes <= cached.budget);
                prop_assert_eq!(cached.bytes, cached.table.iter().map(Entry::bytes).sum::<usize>());
            }
        }
    }

    #[test]
    fn it_evicts_what_is_not_read() {
        let cache = StateCache::new(100_000);
        let mut cached = cache.lock();
        for key in 0..10_000_u64 {
            cached.insert(key, OBJECT, &key.to_be_bytes(), Some(b"value"));
            assert_eq!(cached.get(0, OBJECT, &0u64.to_be_bytes()), Some(Some(&b"value"[..])), "read all the time");
        }
        assert!(cached.table.len() > 500 && cached.bytes <= 100_000);
        cached.remove_table(Table::State(OBJECT));
        cached.follow(Table::State(OBJECT));
        cached.remove_table(Table::State(OBJECT));
        assert_eq!((cached.bytes, cached.table.len()), (0, 0));
    }

    #[test]
    fn without_a_budget_it_holds_nothing() {
        let cache = StateCache::new(0);
        cache.lock().insert(1, OBJECT, b"k", Some(b"v"));
        assert_eq!(cache.lock().get(1, OBJECT, b"k"), None);
        assert!(cache.is_empty() && cache.misses() == 1);
    }
}
