//! Entries of the caches.

use crate::ObjectId;
use hashbrown::HashTable;
use std::sync::atomic::{AtomicU64, Ordering};

/// Keys of which the entries are [warmed](warm) together: a few dozen kilobytes.
pub(crate) const WARM_KEYS: usize = 128;
/// The bit of [`Entry::hash`] that says whether the entry was read since the hand last passed: it stands neither among
/// those that choose a bucket, which are the lowest, nor among those that the table keeps beside it, the seven highest.
pub(crate) const REFERENCED: u64 = 1 << 50;
/// Bytes an entry costs besides its data: the table's bucket (with its share of free ones) and what the allocator rounds up.
const ENTRY_OVERHEAD: usize = 48;
/// Bytes in front of the key of an entry: its object, the length of its key, and [`ABSENT`] or the length of its value.
const HEADER_BYTES: usize = 12;
/// Value length of an entry that is known to be absent.
const ABSENT: u32 = u32::MAX;

/// Small, since there are millions: what tells entries apart lies with the key, which has to be read anyway.
#[derive(Debug)]
pub(crate) struct Entry {
    /// The hash of object and key, but for [`REFERENCED`].
    hash: AtomicU64,
    /// The [header](HEADER_BYTES), the key, then room for the value.
    data: Box<[u8]>,
}

impl Entry {
    pub(crate) fn new(hash: u64, object: ObjectId, key: &[u8], value: Option<&[u8]>) -> Entry {
        let mut data = Vec::with_capacity(data_bytes(key, value));
        data.extend_from_slice(&object.0.to_le_bytes());
        data.extend_from_slice(&(key.len() as u32).to_le_bytes());
        data.extend_from_slice(&value_len(value).to_le_bytes());
        data.extend_from_slice(key);
        data.extend_from_slice(value.unwrap_or_default());
        Entry { hash: AtomicU64::new(hash & !REFERENCED), data: data.into() }
    }

    /// The number at `place` of the header.
    #[inline]
    fn header(&self, place: usize) -> u32 {
        let (numbers, _) = self.data[..HEADER_BYTES].as_chunks();
        u32::from_le_bytes(numbers[place])
    }

    #[inline]
    pub(crate) fn object(&self) -> ObjectId {
        ObjectId(self.header(0))
    }

    /// Where the room for the value begins.
    #[inline]
    fn key_end(&self) -> usize {
        HEADER_BYTES + self.header(1) as usize
    }

    /// The hash of object and key, without the bit that is the cache's own.
    #[inline]
    pub(crate) fn hash(&self) -> u64 {
        self.hash.load(Ordering::Relaxed) & !REFERENCED
    }

    #[inline]
    fn has_hash(&self, hash: u64) -> bool {
        self.hash() == hash & !REFERENCED
    }

    /// Notes that it was read.
    #[inline]
    pub(crate) fn refer(&self) {
        let hash = self.hash.load(Ordering::Relaxed);
        // Only written when it changes, so that hits on a hot entry do not pass its cache line around.
        if hash & REFERENCED == 0 {
            self.hash.store(hash | REFERENCED, Ordering::Relaxed);
        }
    }

    /// Whether it was read since this was last asked.
    pub(crate) fn take_referenced(&mut self) -> bool {
        let hash = self.hash.get_mut();
        let referenced = *hash & REFERENCED != 0;
        *hash &= !REFERENCED;
        referenced
    }

    #[inline]
    pub(crate) fn is(&self, hash: u64, object: ObjectId, key: &[u8]) -> bool {
        self.has_hash(hash) && self.object() == object && self.data[HEADER_BYTES..self.key_end()] == *key
    }

    #[inline]
    pub(crate) fn value(&self) -> Option<&[u8]> {
        let (start, len) = (self.key_end(), self.header(2));
        (len != ABSENT).then(|| &self.data[start..start + len as usize])
    }

    pub(crate) fn bytes(&self) -> usize {
        ENTRY_OVERHEAD + self.data.len()
    }

    /// Replaces the value; in place where it has room and would not waste more than half of it.
    pub(crate) fn set(&mut self, value: Option<&[u8]>) {
        let start = self.key_end();
        let room = self.data.len() - start;
        let fits = value.map_or(room < 64, |value| value.len() <= room && value.len() * 2 >= room);
        if fits {
            let value_bytes = value.unwrap_or_default();
            self.data[start..start + value_bytes.len()].copy_from_slice(value_bytes);
            self.data[HEADER_BYTES - 4..HEADER_BYTES].copy_from_slice(&value_len(value).to_le_bytes());
        } else {
            self.data = Entry::new(self.hash(), self.object(), &self.data[HEADER_BYTES..start], value).data;
        }
    }
}

/// What an entry with this key and value would cost.
pub(crate) fn entry_bytes(key: &[u8], value: Option<&[u8]>) -> usize {
    ENTRY_OVERHEAD + data_bytes(key, value)
}

/// Bytes of the data of an entry.
fn data_bytes(key: &[u8], value: Option<&[u8]>) -> usize {
    HEADER_BYTES + key.len() + value.map_or(0, <[u8]>::len)
}

fn value_len(value: Option<&[u8]>) -> u32 {
    value.map_or(ABSENT, |value| value.len() as u32)
}

/// Brings entries into the processor's cache, for what is about to be done with them one by one: those of the first [`WARM_KEYS`]
/// hashes, each with its table.
///
/// Entries lie in memory at random, and done one by one each is waited for three times: table, bucket, key. Nothing in
/// these two loops depends on the round before, so the processor has many of those reads under way at a time.
#[inline]
pub(crate) fn warm<'a>(hashes: impl Iterator<Item = (u64, &'a HashTable<Entry>)>) {
    let mut found = [None; WARM_KEYS];
    for (found, (hash, table)) in found.iter_mut().zip(hashes) {
        *found = table.find(hash, |entry| entry.has_hash(hash));
    }
    // What is read has to be used.
    let ends = |entry: &Entry| entry.data.first().copied().unwrap_or(0) ^ entry.data.last().copied().unwrap_or(0);
    std::hint::black_box(found.iter().flatten().fold(0, |sum, entry| sum ^ ends(entry)));
}
