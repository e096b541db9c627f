//! Entries by object and key that know their bytes and are evicted by CLOCK: what each cache is made of.
//!
//! Eviction is CLOCK, also called second chance (Corbató, "A Paging Experiment with the Multics System", 1968): a hit
//! only sets a bit, so that many may read at a time; the hand walks the hash table's buckets, clears set bits and evicts
//! where the bit is clear.

use crate::ObjectId;
use crate::entry::Entry;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;

/// A hash table of entries. `hash` is that of object and key everywhere.
#[derive(Debug, Default)]
pub(crate) struct Entries {
    table: HashTable<Entry>,
    bytes: usize,
    /// The bucket that eviction looks at next.
    hand: usize,
}

impl Entries {
    /// Bytes of all entries: keys, values and the fixed overhead of each.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of entries.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// What there is to be [warmed](crate::entry::warm).
    pub(crate) fn table(&self) -> &HashTable<Entry> {
        &self.table
    }

    /// The entry, which counts as read: `Some(None)` is known to be absent, `None` is not known.
    #[inline]
    pub(crate) fn get(&self, hash: u64, object: ObjectId, key: &[u8]) -> Option<Option<&[u8]>> {
        let entry = self.table.find(hash, |entry| entry.is(hash, object, key))?;
        entry.refer();
        Some(entry.value())
    }

    /// Inserts or replaces, then evicts until there are `budget` bytes at most. The entry must be a small part of these.
    /// `evicted` is told of what goes.
    pub(crate) fn put(
        &mut self,
        budget: usize,
        hash: u64,
        object: ObjectId,
        key: &[u8],
        value: Option<&[u8]>,
        evicted: impl FnMut(&Entry),
    ) {
        let bucket = match self.table.entry(hash, |entry| entry.is(hash, object, key), Entry::hash) {
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
        self.evict(budget, bucket, evicted);
    }

    /// What is there is known to be absent from now on.
    pub(crate) fn set_absent(&mut self, hash: u64, object: ObjectId, key: &[u8]) {
        if let Some(entry) = self.table.find_mut(hash, |entry| entry.is(hash, object, key)) {
            self.bytes -= entry.bytes();
            entry.set(None);
            self.bytes += entry.bytes();
        }
    }

    /// Forgets an entry. Returns whether it was there.
    pub(crate) fn remove(&mut self, hash: u64, object: ObjectId, key: &[u8]) -> bool {
        let Ok(found) = self.table.find_entry(hash, |entry| entry.is(hash, object, key)) else { return false };
        let (entry, _) = found.remove();
        self.bytes -= entry.bytes();
        true
    }

    /// Forgets all entries of the objects that are `gone`. Looks at every entry.
    pub(crate) fn remove_objects(&mut self, gone: impl Fn(ObjectId) -> bool) {
        let mut freed = 0;
        self.table.retain(|entry| {
            let keep = !gone(entry.object());
            freed += if keep { 0 } else { entry.bytes() };
            keep
        });
        self.bytes -= freed;
    }

    /// Moves the hand and evicts until at most `budget` bytes are left. The entry in bucket `keep` stays: it was just
    /// written, and it is a small part of the budget, so there is always something else to evict.
    fn evict(&mut self, budget: usize, keep: usize, mut evicted: impl FnMut(&Entry)) {
        while self.bytes > budget {
            let bucket = self.hand;
            self.hand = if bucket + 1 < self.table.num_buckets() { bucket + 1 } else { 0 };
            if bucket == keep {
                continue;
            }
            if let Ok(mut found) = self.table.get_bucket_entry(bucket)
                && !found.get_mut().take_referenced()
            {
                let (entry, _) = found.remove();
                self.bytes -= entry.bytes();
                evicted(&entry);
            }
        }
    }
}
