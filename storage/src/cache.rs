//! Hot entries of the store in memory: a sharded, byte-bounded hash map with CLOCK eviction.
//!
//! Invariants: what is cached is what the store holds at the published epoch (the committer writes through, fills use
//! [`HotCache::insert_if`]); the bytes accounted for never exceed the budget when no call is running; anything may be
//! missing at any time.

#[cfg(test)]
mod tests;

use crate::ObjectId;
use crate::entries::Entries;
use crate::entry::{WARM_KEYS, entry_bytes, warm};
use crate::ghost::Ghost;
use crate::key_hasher::KeyHasher;
use bytes::Bytes;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Number of shards, a power of two: many more than cores, so that writers seldom meet readers. No more than a `u64` has bits.
const SHARDS: usize = 64;
/// An entry larger than this part of a shard's budget is not cached: it would drive out everything else.
const LARGEST_PART: usize = 8;

/// Entries by object and encoded key, in front of RocksDB. A cached `None` means: known to be absent.
#[derive(Debug)]
pub struct HotCache {
    shards: Box<[Shard]>,
    hasher: KeyHasher,
    /// Bytes per shard; 0 disables the cache.
    budget: AtomicUsize,
    ghost: Ghost,
}

/// Aligned so that two shards share no cache line, which threads would otherwise fight over.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    entries: RwLock<Entries>,
    hits: AtomicU64,
    misses: AtomicU64,
}

impl HotCache {
    /// A cache of at most `bytes` bytes (keys, values and a fixed overhead per entry); 0 disables it.
    #[must_use]
    pub fn new(bytes: usize) -> HotCache {
        HotCache::with_hasher(bytes, KeyHasher::default())
    }

    /// As [`HotCache::new`], with the hasher of a store.
    pub(crate) fn with_hasher(bytes: usize, hasher: KeyHasher) -> HotCache {
        let shards = (0..SHARDS).map(|_| Shard::default()).collect();
        HotCache { shards, hasher, budget: AtomicUsize::new(bytes / SHARDS), ghost: Ghost::default() }
    }

    /// What it would be with another budget.
    pub(crate) fn ghost(&self) -> &Ghost {
        &self.ghost
    }

    /// Gives it another budget. With a smaller one it forgets all entries, so that their memory is given back in whole pages; to
    /// drop what is returned may take long.
    #[must_use]
    pub(crate) fn set_budget(&self, bytes: usize) -> Option<impl Send + use<>> {
        let before = self.budget.swap(bytes / SHARDS, Ordering::Relaxed);
        (bytes / SHARDS < before).then(|| self.take())
    }

    #[cfg(test)]
    pub(crate) fn budget_bytes(&self) -> usize {
        self.budget() * SHARDS
    }

    fn budget(&self) -> usize {
        self.budget.load(Ordering::Relaxed)
    }

    /// Whether nothing is ever cached.
    pub(crate) fn is_disabled(&self) -> bool {
        self.budget() == 0
    }

    /// The cached entry; `Some(None)` is known to be absent, `None` is not known.
    #[must_use]
    pub fn get(&self, object: ObjectId, key: &[u8]) -> Option<Option<Bytes>> {
        self.get_with(object, key, |value| value.map(Bytes::copy_from_slice))
    }

    /// What `read` makes of the cached entry, which it is given if it is known. `read` must not use this cache.
    pub(crate) fn get_with<T>(&self, object: ObjectId, key: &[u8], read: impl FnOnce(Option<&[u8]>) -> T) -> Option<T> {
        if self.is_disabled() {
            return None;
        }
        let hash = self.hash(object, key);
        self.ghost.read(hash);
        let shard = self.shard(hash);
        let value = shard.entries.read().get(hash, object, key).map(read);
        shard.count([u64::from(value.is_some()), u64::from(value.is_none())]);
        value
    }

    /// Gives `visit` the number of each of `keys` and the cached entry, as [`HotCache::get`] has it. `visit` must not use this cache.
    pub(crate) fn get_each(
        &self,
        object: ObjectId,
        keys: &[&[u8]],
        mut visit: impl FnMut(usize, Option<Option<&[u8]>>),
    ) {
        if self.is_disabled() {
            return (0..keys.len()).for_each(|number| visit(number, None));
        }
        let mut hashes = Vec::with_capacity(keys.len().min(WARM_KEYS));
        for (chunk, first) in keys.chunks(WARM_KEYS).zip((0..).step_by(WARM_KEYS)) {
            hashes.clear();
            hashes.extend(chunk.iter().map(|key| self.hash(object, key)));
            // All of them at once, since a lock that is taken ends what the processor reads ahead. Always in this order, and who locks
            // for writing has no other lock of this cache.
            let wanted = hashes.iter().fold(0, |shards: u64, hash| shards | 1 << shard_of(*hash));
            let locked: [_; SHARDS] =
                std::array::from_fn(|shard| (wanted >> shard & 1 == 1).then(|| self.shards[shard].entries.read()));
            let entries = |hash: u64| locked[shard_of(hash)].as_deref();
            warm(hashes.iter().filter_map(|hash| Some((*hash, entries(*hash)?.table()))));
            let mut counts = [0; 2];
            for ((number, key), hash) in (first..).zip(chunk).zip(&hashes) {
                self.ghost.read(*hash);
                let value = entries(*hash).and_then(|entries| entries.get(*hash, object, key));
                counts[usize::from(value.is_none())] += 1;
                visit(number, value);
            }
            self.shards[shard_of(hashes[0])].count(counts);
        }
    }

    /// Caches an entry, in place of what is cached for the key. One too large to be cached removes what was there.
    pub fn insert(&self, object: ObjectId, key: &[u8], value: Option<&[u8]>) {
        self.insert_if(object, key, value, || true);
    }

    /// Caches an entry if `valid` says so. `valid` runs while the shard is locked for writing: a reader that fills the cache
    /// compares the published epoch there, so that a commit which writes through after publishing cannot be overwritten by
    /// an older value. `valid` must not use this cache.
    pub fn insert_if(&self, object: ObjectId, key: &[u8], value: Option<&[u8]>, valid: impl FnOnce() -> bool) {
        if self.is_disabled() {
            return;
        }
        let hash = self.hash(object, key);
        let mut entries = self.shard(hash).entries.write();
        if !valid() {
            return;
        }
        // Once: it may change meanwhile, and what is put must be a small part of it.
        let budget = self.budget();
        if entry_bytes(key, value) > budget / LARGEST_PART {
            entries.remove(hash, object, key);
        } else {
            entries.put(budget, hash, object, key, value, |_| ());
        }
    }

    /// Forgets an entry. Returns whether it was cached.
    pub fn remove(&self, object: ObjectId, key: &[u8]) -> bool {
        if self.is_disabled() {
            return false;
        }
        self.remove_hashed(self.hash(object, key), object, key)
    }

    /// As [`HotCache::remove`], when the hash of the key is known.
    pub(crate) fn remove_hashed(&self, hash: u64, object: ObjectId, key: &[u8]) -> bool {
        !self.is_disabled() && self.shard(hash).entries.write().remove(hash, object, key)
    }

    /// Forgets all entries of an object. Looks at every entry of the cache.
    pub fn remove_object(&self, object: ObjectId) {
        self.shards.iter().for_each(|shard| shard.entries.write().remove_objects(|gone| gone == object));
    }

    /// Forgets everything and gives the memory back.
    pub fn clear(&self) {
        drop(self.take());
    }

    fn take(&self) -> Vec<Entries> {
        self.shards.iter().map(|shard| std::mem::take(&mut *shard.entries.write())).collect()
    }

    /// Bytes of all entries: keys, values and the fixed overhead of each.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.shards.iter().map(|shard| shard.entries.read().bytes()).sum()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.entries.read().len()).sum()
    }

    /// Whether nothing is cached.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many [`get`](HotCache::get)s found their entry since the start.
    #[must_use]
    pub fn hits(&self) -> u64 {
        self.shards.iter().map(|shard| shard.hits.load(Ordering::Relaxed)).sum()
    }

    /// How many [`get`](HotCache::get)s did not find their entry since the start.
    #[must_use]
    pub fn misses(&self) -> u64 {
        self.shards.iter().map(|shard| shard.misses.load(Ordering::Relaxed)).sum()
    }

    fn hash(&self, object: ObjectId, key: &[u8]) -> u64 {
        self.hasher.hash(object, key)
    }

    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[shard_of(hash)]
    }
}

/// The number of a shard. hashbrown takes the lowest bits for the bucket and the highest seven for the tag; the shard uses others, so that
/// the entries of one shard still differ in both.
fn shard_of(hash: u64) -> usize {
    (hash >> 40) as usize % SHARDS
}

impl Shard {
    /// Counts hits and misses.
    fn count(&self, [hits, misses]: [u64; 2]) {
        for (counter, count) in [(&self.hits, hits), (&self.misses, misses)] {
            if count > 0 {
                counter.fetch_add(count, Ordering::Relaxed);
            }
        }
    }
}
