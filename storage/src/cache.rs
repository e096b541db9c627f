//! Hot entries of the store in memory: a sharded, byte-bounded hash map with CLOCK eviction.
//!
//! Invariants: what is cached is what the store holds at the published epoch (the committer writes through, fills use
//! [`HotCache::insert_if`]); the bytes accounted for never exceed the budget when no call is running; anything may be
//! missing at any time.

#[cfg(test)]
mod tests;

use crate::ObjectId;
use crate::ghost::Ghost;
use crate::key_hasher::KeyHasher;
use bytes::Bytes;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// Number of shards, a power of two: many more than cores, so that writers seldom meet readers.
const SHARDS: usize = 64;
/// An entry larger than this part of a shard's budget is not cached: it would drive out everything else.
const LARGEST_PART: usize = 8;
/// Bytes an entry costs besides its key and value: the table's bucket (with its share of free ones), the reference count
/// of the value, and what the allocator rounds up.
const ENTRY_OVERHEAD: usize = 128;

/// Entries by object and encoded key, in front of RocksDB. A cached `None` means: known to be absent.
///
/// Eviction is CLOCK, also called second chance (Corbató, "A Paging Experiment with the Multics System", 1968): a hit
/// only sets a bit, so that it needs no more than the shard's read lock; the hand walks the hash table's buckets, clears
/// set bits and evicts where the bit is clear.
///
/// A value should own its bytes (not be a slice of a larger buffer), else more memory is held than is accounted for.
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

#[derive(Debug, Default)]
struct Entries {
    table: HashTable<Entry>,
    bytes: usize,
    /// The bucket that eviction looks at next.
    hand: usize,
}

#[derive(Debug)]
struct Entry {
    object: ObjectId,
    key: Box<[u8]>,
    value: Option<Bytes>,
    /// Read since the hand last passed.
    referenced: AtomicBool,
}

impl Entry {
    fn is(&self, object: ObjectId, key: &[u8]) -> bool {
        self.object == object && *self.key == *key
    }

    fn bytes(&self) -> usize {
        entry_bytes(&self.key, self.value.as_ref())
    }
}

fn entry_bytes(key: &[u8], value: Option<&Bytes>) -> usize {
    ENTRY_OVERHEAD + key.len() + value.map_or(0, Bytes::len)
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

    /// The cached entry; `Some(None)` is known to be absent, `None` is not known. Allocates nothing.
    #[must_use]
    pub fn get(&self, object: ObjectId, key: &[u8]) -> Option<Option<Bytes>> {
        if self.is_disabled() {
            return None;
        }
        let hash = self.hash(object, key);
        self.ghost.read(hash);
        let shard = self.shard(hash);
        let entries = shard.entries.read();
        let Some(entry) = entries.table.find(hash, |entry| entry.is(object, key)) else {
            shard.misses.fetch_add(1, Ordering::Relaxed);
            return None;
        };
        // Only written when it changes, so that hits on a hot entry do not pass its cache line around.
        if !entry.referenced.load(Ordering::Relaxed) {
            entry.referenced.store(true, Ordering::Relaxed);
        }
        shard.hits.fetch_add(1, Ordering::Relaxed);
        Some(entry.value.clone())
    }

    /// Caches an entry, in place of what is cached for the key. One too large to be cached removes what was there.
    pub fn insert(&self, object: ObjectId, key: &[u8], value: Option<Bytes>) {
        self.insert_if(object, key, value, || true);
    }

    /// Caches an entry if `valid` says so. `valid` runs while the shard is locked for writing: a reader that fills the cache
    /// compares the published epoch there, so that a commit which writes through after publishing cannot be overwritten by
    /// an older value. `valid` must not use this cache.
    pub fn insert_if(&self, object: ObjectId, key: &[u8], value: Option<Bytes>, valid: impl FnOnce() -> bool) {
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
        if entry_bytes(key, value.as_ref()) > budget / LARGEST_PART {
            entries.remove(hash, object, key);
        } else {
            self.put(&mut entries, budget, hash, object, key, value);
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
        for shard in &self.shards {
            let mut entries = shard.entries.write();
            let mut freed = 0;
            entries.table.retain(|entry| {
                let keep = entry.object != object;
                freed += if keep { 0 } else { entry.bytes() };
                keep
            });
            entries.bytes -= freed;
        }
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
        self.shards.iter().map(|shard| shard.entries.read().bytes).sum()
    }

    /// Number of entries.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards.iter().map(|shard| shard.entries.read().table.len()).sum()
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

    /// Inserts or replaces, then evicts until the shard is within `budget` again.
    fn put(&self, entries: &mut Entries, budget: usize, hash: u64, object: ObjectId, key: &[u8], value: Option<Bytes>) {
        entries.bytes += entry_bytes(key, value.as_ref());
        let rehash = |entry: &Entry| self.hash(entry.object, &entry.key);
        let bucket = match entries.table.entry(hash, |entry| entry.is(object, key), rehash) {
            TableEntry::Occupied(mut found) => {
                entries.bytes -= found.get().bytes();
                found.get_mut().value = value;
                found.bucket_index()
            }
            TableEntry::Vacant(vacant) => {
                let entry = Entry { object, key: key.into(), value, referenced: AtomicBool::new(false) };
                vacant.insert(entry).bucket_index()
            }
        };
        entries.evict(budget, bucket);
    }

    fn hash(&self, object: ObjectId, key: &[u8]) -> u64 {
        self.hasher.hash(object, key)
    }

    /// hashbrown takes the lowest bits for the bucket and the highest seven for the tag; the shard uses others, so that
    /// the entries of one shard still differ in both.
    fn shard(&self, hash: u64) -> &Shard {
        &self.shards[(hash >> 40) as usize % SHARDS]
    }
}

impl Entries {
    fn remove(&mut self, hash: u64, object: ObjectId, key: &[u8]) -> bool {
        let Ok(found) = self.table.find_entry(hash, |entry| entry.is(object, key)) else { return false };
        let (entry, _) = found.remove();
        self.bytes -= entry.bytes();
        true
    }

    /// Moves the hand and evicts until at most `budget` bytes are left. The entry in bucket `keep` stays: it was just
    /// written, and it is a small part of the budget, so there is always something else to evict.
    fn evict(&mut self, budget: usize, keep: usize) {
        while self.bytes > budget {
            let bucket = self.hand;
            self.hand = if bucket + 1 < self.table.num_buckets() { bucket + 1 } else { 0 };
            if bucket == keep {
                continue;
            }
            if let Ok(mut found) = self.table.get_bucket_entry(bucket)
                && !std::mem::take(found.get_mut().referenced.get_mut())
            {
                let (entry, _) = found.remove();
                self.bytes -= entry.bytes();
            }
        }
    }
}
