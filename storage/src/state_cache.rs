//! Operator state in memory, in front of RocksDB.
//!
//! Only the writer reads and writes state, so this cache has one lock, which it takes for many keys at a time, and overwrites values in place.
//! Invariants: what is cached is what the store will hold once all that was merged is committed, the epoch in flight and the one that is being
//! collected (an [`EpochBatch`](crate::EpochBatch) that is given up takes its part back); the bytes accounted for never exceed
//! the budget when the lock is free; anything may be missing at any time, but what is missing of a table that is *complete* does not exist:
//! it was empty when it was first read, all that was written to it since was cached, and nothing of that was evicted. So the first event of
//! a new user costs no look into each of RocksDB's files.

use crate::entries::Entries;
use crate::entry::{WARM_KEYS, entry_bytes, warm};
use crate::ghost::Ghost;
use crate::{ObjectId, Table};
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashSet;

/// An entry larger than this part of the budget is not cached: it would drive out everything else.
const LARGEST_PART: usize = 512;

/// A byte-bounded cache of state entries with CLOCK eviction (see [`HotCache`](crate::HotCache)). A cached `None` means:
/// known to be absent.
#[derive(Debug)]
pub struct StateCache {
    cached: Mutex<CachedState>,
}

/// The cache, locked.
#[derive(Debug)]
pub(crate) struct CachedState {
    entries: Entries,
    /// Tables that are read by key, before they are written: state, and rows that carry it.
    followed: HashSet<Table>,
    /// Tables of which every entry is cached; none while only some keys are.
    complete: HashSet<ObjectId, foldhash::fast::FixedState>,
    /// Tables that were written before they were followed, so that they may have entries which are not cached.
    written_before: HashSet<Table>,
    budget: usize,
    /// One of so many keys is cached, chosen by its hash. What is not chosen is not in the table.
    one_of: u64,
    hits: u64,
    misses: u64,
    ghost: Ghost,
}

impl StateCache {
    /// A cache of at most `bytes` bytes (keys, values and a fixed overhead per entry); 0 disables it.
    pub(crate) fn new(bytes: usize) -> StateCache {
        StateCache {
            cached: Mutex::new(CachedState {
                entries: Entries::default(),
                followed: HashSet::new(),
                complete: HashSet::default(),
                written_before: HashSet::new(),
                budget: bytes,
                one_of: 1,
                hits: 0,
                misses: 0,
                ghost: Ghost::default(),
            }),
        }
    }

    /// Locks the cache for reading and writing.
    pub(crate) fn lock(&self) -> MutexGuard<'_, CachedState> {
        self.cached.lock()
    }

    #[cfg(test)]
    pub(crate) fn budget(&self) -> usize {
        self.lock().budget
    }

    /// Gives it another budget, for `one_of` so many keys: it answers as often for them as a budget so many times larger would for all, and costs
    /// nothing for the others. With a smaller budget it forgets all entries, so that their memory is given back in whole pages; to
    /// drop what is returned may take long.
    #[must_use]
    pub(crate) fn set_budget(&self, bytes: usize, one_of: usize) -> Option<impl Send + use<>> {
        let mut cached = self.lock();
        let is_smaller = bytes < cached.budget;
        (cached.budget, cached.one_of) = (bytes, one_of.max(1) as u64);
        if is_smaller || cached.one_of > 1 {
            cached.complete.clear();
        }
        is_smaller.then(|| std::mem::take(&mut cached.entries))
    }

    /// Bytes of all entries: keys, values and the fixed overhead of each.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.lock().entries.bytes()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().entries.len()
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
    /// What the cache would be with another budget.
    pub(crate) fn ghost(&self) -> &Ghost {
        &self.ghost
    }

    /// Bytes and number of its entries.
    pub(crate) fn held(&self) -> (usize, usize) {
        (self.entries.bytes(), self.entries.len())
    }

    /// What is known of an entry; `Some(None)`: it is absent, `None`: nothing. `hash` is that of object and key.
    #[inline]
    pub(crate) fn get(&mut self, hash: u64, object: ObjectId, key: &[u8]) -> Option<Option<&[u8]>> {
        let found = if self.keeps(hash) { self.entries.get(hash, object, key) } else { None };
        if found.is_none() && self.complete.contains(&object) {
            // No cache of another size would know it better, so the ghost is not asked.
            self.hits += 1;
            return Some(None);
        }
        self.ghost.read(hash);
        match found {
            Some(_) => self.hits += 1,
            None => self.misses += 1,
        }
        found
    }

    /// Caches an entry, in place of what is cached for the key. One too large to be cached removes what was there.
    pub(crate) fn insert(&mut self, hash: u64, object: ObjectId, key: &[u8], value: Option<&[u8]>) {
        if !self.keeps(hash) {
            return;
        }
        if self.too_large(key, value) {
            self.remove(hash, object, key);
            return;
        }
        let complete = &mut self.complete;
        self.entries.put(self.budget, hash, object, key, value, |entry| {
            if !complete.is_empty() && entry.value().is_some() {
                complete.remove(&entry.object());
            }
        });
    }

    /// Takes over a write to a table that is followed. What is deleted stays known as absent if it was cached.
    pub(crate) fn write(&mut self, hash: u64, object: ObjectId, key: &[u8], value: Option<&[u8]>) {
        if value.is_some() {
            self.insert(hash, object, key, value);
        } else {
            self.entries.set_absent(hash, object, key);
        }
    }

    /// Forgets what is known of an entry.
    pub(crate) fn remove(&mut self, hash: u64, object: ObjectId, key: &[u8]) {
        self.complete.remove(&object);
        self.entries.remove(hash, object, key);
    }

    /// [Warms](warm) the next entries of `hashes`, for what is about to be done with them one by one: to be called before
    /// each, with its number; does its work for [`WARM_KEYS`] of them at a time.
    #[inline]
    pub(crate) fn warm(&self, hashes: &[u64], number: usize) {
        if number.is_multiple_of(WARM_KEYS) {
            self.warm_now(&hashes[number..hashes.len().min(number + WARM_KEYS)]);
        }
    }

    fn warm_now(&self, hashes: &[u64]) {
        warm(hashes.iter().filter(|hash| self.keeps(**hash)).map(|hash| (*hash, self.entries.table())));
    }

    /// From now on what is read of `table` is cached, and what is written to it. Returns whether that is new.
    pub(crate) fn follow(&mut self, table: Table) -> bool {
        self.followed.insert(table)
    }

    /// `table`, which was just followed, is empty in the store: from now on what is not cached of it is absent, unless something was
    /// written to it that is not in the store yet.
    pub(crate) fn found_empty(&mut self, table: Table) {
        if self.one_of == 1 && !self.written_before.contains(&table) {
            self.complete.insert(table.object());
        }
    }

    /// Something was written to a table that is not followed.
    pub(crate) fn wrote_before(&mut self, table: Table) {
        self.written_before.insert(table);
    }

    /// Whether entries of `table` are cached: the cache has to be told of writes to it.
    pub(crate) fn follows(&self, table: Table) -> bool {
        self.followed.contains(&table)
    }

    /// Forgets all entries of some tables. Looks at every entry of the cache, once.
    pub(crate) fn remove_tables(&mut self, tables: &[Table]) {
        let gone: HashSet<ObjectId> =
            tables.iter().filter(|table| self.followed.remove(table)).map(|table| table.object()).collect();
        if !gone.is_empty() {
            gone.iter().for_each(|object| _ = self.complete.remove(object));
            self.entries.remove_objects(|object| gone.contains(&object));
        }
    }

    /// Whether keys with this hash are cached. By bits that neither the table nor the ghost looks at.
    #[inline]
    fn keeps(&self, hash: u64) -> bool {
        u64::from((hash >> 40) as u8).is_multiple_of(self.one_of)
    }

    fn too_large(&self, key: &[u8], value: Option<&[u8]>) -> bool {
        entry_bytes(key, value) > self.budget / LARGEST_PART
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::{Entry, REFERENCED};
    use crate::key_hasher::KeyHasher;
    use proptest::prelude::*;
    use std::collections::HashMap;

    const OBJECT: ObjectId = ObjectId(3);

    proptest! {
        /// Whatever is written, what the cache says is the last value, of a complete table for every key, and the budget is kept.
        #[test]
        fn it_never_says_anything_old(
            steps in prop::collection::vec((0u8..16, any::<u8>(), prop::option::of(0usize..200)), 0..400),
            is_full in any::<bool>(),
        ) {
            // Few hash values, so that keys collide; with and without the bit that is the cache's own.
            let own = |key: u8| if key.is_multiple_of(3) { REFERENCED } else { 0 };
            let hash = |key: u8| u64::from(key % 16) << 57 | own(key) | u64::from(key % 8);
            let cache = StateCache::new(512 * 150);
            let mut cached = cache.lock();
            if is_full {
                (0..800_u64).for_each(|other| cached.insert(other << 52, ObjectId(4), &other.to_be_bytes(), Some(&[0; 40])));
            }
            cached.found_empty(Table::State(OBJECT));
            let check = |cached: &mut CachedState, key: u8, stored: &HashMap<u8, Vec<u8>>| {
                let complete = cached.complete.contains(&OBJECT);
                match cached.get(hash(key), OBJECT, &[key]) {
                    Some(found) => prop_assert_eq!(found, stored.get(&key).map(Vec::as_slice)),
                    None => prop_assert!(!complete),
                }
                Ok(())
            };
            let mut stored: HashMap<u8, Vec<u8>> = HashMap::new();
            for (step, key, len) in steps {
                // In a cache that is full, only what is evicted ends that the table is complete.
                let value = len.map(|len| vec![key ^ step; if is_full { len % 80 } else { len }]);
                match step {
                    // Read from the store.
                    0 => cached.insert(hash(key), OBJECT, &[key], stored.get(&key).map(Vec::as_slice)),
                    1 if !is_full => cached.remove(hash(key), OBJECT, &[key]),
                    _ => {
                        cached.write(hash(key), OBJECT, &[key], value.as_deref());
                        match value {
                            Some(value) => _ = stored.insert(key, value),
                            None => _ = stored.remove(&key),
                        }
                    }
                }
                check(&mut cached, key.wrapping_mul(7), &stored)?;
                prop_assert!(cached.entries.bytes() <= cached.budget);
                prop_assert_eq!(cached.entries.bytes(), cached.entries.table().iter().map(Entry::bytes).sum::<usize>());
            }
            (0..=u8::MAX).try_for_each(|key| check(&mut cached, key, &stored))?;
        }
    }

    #[test]
    fn a_table_is_complete_until_something_is_evicted_or_forgotten() {
        let cache = StateCache::new(100_000);
        let table = Table::State(OBJECT);
        let knows = |key: u64| cache.lock().get(key, OBJECT, &key.to_be_bytes()).is_some();
        let write = |key: u64| cache.lock().write(key, OBJECT, &key.to_be_bytes(), Some(b"value"));
        let empty = || {
            cache.lock().remove_tables(&[table]);
            assert!(cache.lock().follow(table));
            cache.lock().found_empty(table);
            write(1);
            assert!(knows(1) && knows(2));
        };
        empty();
        (0..10_000).for_each(write);
        assert!(!knows(20_000), "something was evicted");
        empty();
        cache.lock().remove(3, OBJECT, &3_u64.to_be_bytes());
        assert!(knows(1) && !knows(2), "something was forgotten");
        empty();
        cache.lock().write(3, OBJECT, &3_u64.to_be_bytes(), Some(&[7; 1_000]));
        assert!(knows(1) && !knows(3) && !knows(2), "something was too large");
        empty();
        drop(cache.set_budget(50_000, 1));
        assert!(!knows(1) && !knows(2), "everything was forgotten");
        empty();
        drop(cache.set_budget(60_000, 8));
        assert!(!knows(2), "seven of eight keys are not cached");
        cache.lock().found_empty(table);
        assert!(!knows(2), "nor will they be");
        drop(cache.set_budget(60_000, 1));
        cache.lock().remove_tables(&[table]);
        cache.lock().wrote_before(table);
        cache.lock().follow(table);
        cache.lock().found_empty(table);
        assert!(!knows(2), "something was written before");
    }

    #[test]
    fn it_evicts_what_is_not_read() {
        let cache = StateCache::new(100_000);
        let mut cached = cache.lock();
        for key in 0..10_000_u64 {
            cached.insert(key, OBJECT, &key.to_be_bytes(), Some(b"value"));
            assert_eq!(cached.get(0, OBJECT, &0u64.to_be_bytes()), Some(Some(&b"value"[..])), "read all the time");
        }
        assert!(cached.entries.len() > 500 && cached.entries.bytes() <= 100_000);
        let tables = [Table::State(OBJECT), Table::Rows(OBJECT)];
        cached.remove_tables(&tables);
        assert!(cached.entries.len() > 500, "nothing is known of the table");
        cached.follow(tables[0]);
        cached.remove_tables(&tables);
        assert_eq!((cached.entries.bytes(), cached.entries.len()), (0, 0));
    }

    #[test]
    fn for_some_of_the_keys_it_is_as_good_as_a_larger_one() {
        const KEYS: u64 = 8_000;
        let hasher = KeyHasher::default();
        let cache = StateCache::new(100 * KEYS as usize);
        let read_all = || {
            let mut cached = cache.lock();
            let mut known = 0;
            for key in (0..KEYS).map(u64::to_be_bytes) {
                let hash = hasher.hash(OBJECT, &key);
                match cached.get(hash, OBJECT, &key) {
                    Some(value) => {
                        known += 1;
                        assert_eq!(value, Some(&key[..]));
                    }
                    None => cached.insert(hash, OBJECT, &key, Some(&key)),
                }
            }
            known
        };
        assert_eq!([read_all(), read_all()], [0, KEYS]);
        drop(cache.set_budget(cache.budget() / 8, 8));
        assert_eq!(read_all(), 0);
        let some = read_all();
        assert!((KEYS / 10..KEYS / 6).contains(&some), "{some}: an eighth of the keys, and all of these");
        assert!(cache.set_budget(cache.budget() * 8, 1).is_none());
        assert_eq!([read_all(), read_all()], [some, KEYS]);
    }

    #[test]
    fn without_a_budget_it_holds_nothing() {
        let cache = StateCache::new(0);
        cache.lock().insert(1, OBJECT, b"k", Some(b"v"));
        assert_eq!(cache.lock().get(1, OBJECT, b"k"), None);
        assert!(cache.is_empty() && cache.misses() == 1);
    }
}
