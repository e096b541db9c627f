//! Uncommitted writes in memory: found by hash, sorted when somebody wants them in order.

use super::keyspace::Table;
use crate::key_order::{Head, head, in_key_order};
use crate::yields;
use hashbrown::HashTable;
use hashbrown::hash_table::Entry as TableEntry;
use std::collections::HashMap;
use std::sync::OnceLock;

/// The writes to one table. The last write to a key wins.
///
/// An epoch writes far more often than it scans what it wrote, so entries lie in a hash table over one buffer, and are
/// sorted only for a scan and for the commit.
#[derive(Clone, Default)]
pub(super) struct Overlay {
    /// Numbers of entries.
    index: HashTable<u32>,
    entries: Vec<Entry>,
    /// Keys and values, also values that were overwritten by longer ones.
    data: Vec<u8>,
    /// Bytes of keys and values, without what was overwritten.
    bytes: usize,
    /// Numbers of the entries in key order, when known.
    sorted: OnceLock<Vec<u32>>,
}

/// Places in the buffer.
#[derive(Clone, Copy)]
struct Entry {
    hash: u64,
    /// The first bytes of the key, for sorting.
    head: Head,
    key: usize,
    value: usize,
    key_len: u32,
    /// [`DELETED`] or the length of the value.
    value_len: u32,
}

const DELETED: u32 = u32::MAX;

/// One write: the hash of its key, the key, the value (`None`: deleted).
pub(super) type Write<'a> = (u64, &'a [u8], Option<&'a [u8]>);

impl Overlay {
    /// What was written to `key` (whose hash is `hash`): `Some(None)` is a deletion.
    #[inline]
    pub(super) fn get(&self, hash: u64, key: &[u8]) -> Option<Option<&[u8]>> {
        let number = self.index.find(hash, |number| self.key(*number) == key)?;
        Some(self.value(*number))
    }

    /// Makes room for about so many entries more, and so many bytes of keys and values.
    pub(super) fn reserve(&mut self, entries: usize, bytes: usize) {
        let Overlay { index, entries: known, data, .. } = self;
        index.reserve(entries, |number| known[*number as usize].hash);
        known.reserve(entries);
        data.reserve(bytes);
    }

    /// Writes `value` under `key`, or deletes it.
    ///
    /// # Panics
    /// When there are more than 2^32 entries, or a key or value has 4 GiB: an epoch is bounded far below.
    pub(super) fn set(&mut self, hash: u64, key: &[u8], value: Option<&[u8]>) {
        yields::point();
        let (data, entries) = (&mut self.data, &mut self.entries);
        let key_of = |number: u32| {
            let entry: &Entry = &entries[number as usize];
            &data[entry.key..entry.key + entry.key_len as usize]
        };
        let found = match self.index.entry(hash, |n| key_of(*n) == key, |n| entries[*n as usize].hash) {
            TableEntry::Occupied(found) => *found.get(),
            TableEntry::Vacant(free) => {
                let number = u32::try_from(entries.len()).expect("an epoch has fewer entries than 2^32");
                free.insert(number);
                entries.push(Entry {
                    hash,
                    head: head(key),
                    key: data.len(),
                    value: 0,
                    key_len: length(key),
                    value_len: DELETED,
                });
                data.extend_from_slice(key);
                self.bytes += key.len();
                self.sorted.take();
                number
            }
        };
        let entry = &mut entries[found as usize];
        let before = if entry.value_len == DELETED { 0 } else { entry.value_len as usize };
        self.bytes -= before;
        let Some(value) = value else {
            entry.value_len = DELETED;
            return;
        };
        self.bytes += value.len();
        if entry.value_len != DELETED && value.len() <= before {
            data[entry.value..entry.value + value.len()].copy_from_slice(value);
        } else {
            entry.value = data.len();
            data.extend_from_slice(value);
        }
        entry.value_len = length(value);
    }

    /// Adds the writes of `later`, which win.
    pub(super) fn absorb(&mut self, later: Overlay) {
        if self.entries.is_empty() {
            *self = later;
            return;
        }
        for (hash, key, value) in later.iter() {
            self.set(hash, key, value);
        }
    }

    /// Entries from `from` (included) on, in key order.
    pub(super) fn range_from(&self, from: &[u8]) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        let sorted = self.sorted();
        let first = sorted.partition_point(|number| self.key(*number) < from);
        sorted[first..].iter().map(|number| (self.key(*number), self.value(*number)))
    }

    /// Entries in key order.
    pub(super) fn in_order(&self) -> impl Iterator<Item = (&[u8], Option<&[u8]>)> {
        self.sorted().iter().map(|number| (self.key(*number), self.value(*number)))
    }

    /// Entries in the order in which their keys were first written.
    pub(super) fn iter(&self) -> impl Iterator<Item = Write<'_>> {
        (0u32..).zip(&self.entries).map(|(number, entry)| (entry.hash, self.key(number), self.value(number)))
    }

    /// Bytes of keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether nothing was written.
    pub(super) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    #[inline]
    fn key(&self, number: u32) -> &[u8] {
        let entry = &self.entries[number as usize];
        &self.data[entry.key..entry.key + entry.key_len as usize]
    }

    #[inline]
    fn value(&self, number: u32) -> Option<&[u8]> {
        let entry = &self.entries[number as usize];
        (entry.value_len != DELETED).then(|| &self.data[entry.value..entry.value + entry.value_len as usize])
    }

    fn sorted(&self) -> &[u32] {
        self.sorted.get_or_init(|| in_key_order(self.entries.iter().map(|entry| entry.head), |number| self.key(number)))
    }
}

fn length(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).ok().filter(|len| *len != DELETED).expect("keys and values are smaller than 4 GiB")
}

/// The writes to all tables.
#[derive(Clone, Default)]
pub(super) struct Overlays {
    tables: HashMap<Table, Overlay, foldhash::fast::RandomState>,
    /// Bytes of all of them: there may be thousands, and each view asks.
    bytes: usize,
}

impl Overlays {
    pub(super) fn get(&self, table: Table) -> Option<&Overlay> {
        self.tables.get(&table)
    }

    /// As [`Overlay::reserve`].
    pub(super) fn reserve(&mut self, table: Table, entries: usize, bytes: usize) {
        self.change(table, |overlay| overlay.reserve(entries, bytes));
    }

    /// As [`Overlay::set`].
    pub(super) fn set(&mut self, table: Table, hash: u64, key: &[u8], value: Option<&[u8]>) {
        self.change(table, |overlay| overlay.set(hash, key, value));
    }

    pub(super) fn remove(&mut self, table: Table) {
        self.bytes -= self.tables.remove(&table).map_or(0, |overlay| overlay.bytes());
    }

    /// Adds the writes of `later`, which win.
    pub(super) fn absorb(&mut self, later: Overlays) {
        for (table, overlay) in later.tables {
            self.change(table, |before| before.absorb(overlay));
        }
    }

    #[inline]
    fn change(&mut self, table: Table, change: impl FnOnce(&mut Overlay)) {
        let overlay = self.tables.entry(table).or_default();
        let before = overlay.bytes();
        change(overlay);
        self.bytes = self.bytes - before + overlay.bytes();
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Table, &Overlay)> {
        self.tables.iter().map(|(table, overlay)| (*table, overlay))
    }

    /// Bytes of keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.values().all(Overlay::is_empty)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectId;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn bytes_of_all_tables_follow_what_is_written() {
        let (table, other) = (Table::State(ObjectId(1)), Table::Rows(ObjectId(2)));
        let (mut all, mut later) = (Overlays::default(), Overlays::default());
        all.set(table, 1, b"k", Some(b"long"));
        all.set(other, 2, b"k", Some(b"v"));
        all.reserve(other, 10, 100);
        assert_eq!(all.bytes(), 5 + 2);
        later.set(table, 1, b"k", Some(b"s"));
        later.set(other, 2, b"k", None);
        all.absorb(later);
        assert_eq!(all.bytes(), 2 + 1);
        assert_eq!(all.bytes(), all.iter().map(|(_, overlay)| overlay.bytes()).sum::<usize>());
        all.remove(table);
        assert_eq!(all.bytes(), 1);
    }

    proptest! {
        #[test]
        fn the_last_write_wins_and_scans_are_sorted(
            writes in prop::collection::vec(
                (prop::collection::vec(prop::sample::select(vec![0u8, 1, 255]), 0..12),
                 prop::option::weighted(0.7, prop::collection::vec(any::<u8>(), 0..6))),
                0..60,
            ),
            split in 0usize..60,
            from in prop::collection::vec(prop::sample::select(vec![0u8, 1, 255]), 0..12),
        ) {
            // Few hash values, so that keys collide.
            let hash = |key: &[u8]| key.len() as u64 % 3;
            let (mut overlay, mut later) = (Overlay::default(), Overlay::default());
            let mut model = BTreeMap::new();
            for (i, (key, value)) in writes.iter().enumerate() {
                let part = if i < split { &mut overlay } else { &mut later };
                part.set(hash(key), key, value.as_deref());
                if i % 7 == 0 {
                    part.in_order().for_each(drop);
                }
                model.insert(key.clone(), value.clone());
            }
            overlay.absorb(later);
            let owned = |(key, value): (&[u8], Option<&[u8]>)| (key.to_vec(), value.map(<[u8]>::to_vec));
            let expected: Vec<_> = model.clone().into_iter().collect();
            prop_assert_eq!(overlay.in_order().map(owned).collect::<Vec<_>>(), expected);
            let expected: Vec<_> = model.range(from.clone()..).map(|(k, v)| (k.clone(), v.clone())).collect();
            prop_assert_eq!(overlay.range_from(&from).map(owned).collect::<Vec<_>>(), expected);
            for (key, value) in &model {
                prop_assert_eq!(overlay.get(hash(key), key), Some(value.as_deref()));
            }
            prop_assert_eq!(overlay.get(1, b"never written"), None);
            let bytes: usize = model.iter().map(|(k, v)| k.len() + v.as_ref().map_or(0, Vec::len)).sum();
            prop_assert_eq!(overlay.bytes(), bytes);
        }
    }
}
