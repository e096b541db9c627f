//! Uncommitted writes in memory, ordered by key.

use super::keyspace::Table;
use bytes::Bytes;
use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ops::Bound;

/// The writes to one table: `None` is a deletion.
#[derive(Clone, Default)]
pub(super) struct Overlay {
    entries: BTreeMap<Box<[u8]>, Option<Bytes>>,
    bytes: usize,
}

impl Overlay {
    pub(super) fn get(&self, key: &[u8]) -> Option<&Option<Bytes>> {
        self.entries.get(key)
    }

    pub(super) fn set(&mut self, key: Box<[u8]>, value: Option<Bytes>) {
        let (key_bytes, value_bytes) = (key.len(), value.as_ref().map_or(0, Bytes::len));
        self.bytes += value_bytes;
        match self.entries.insert(key, value) {
            Some(replaced) => self.bytes -= replaced.map_or(0, |v| v.len()),
            None => self.bytes += key_bytes,
        }
    }

    /// Adds the writes of `later`, which win.
    pub(super) fn absorb(&mut self, later: Overlay) {
        if self.entries.is_empty() {
            *self = later;
            return;
        }
        for (key, value) in later.entries {
            self.set(key, value);
        }
    }

    /// Entries from `from` (included) on, in key order.
    pub(super) fn range_from<'a>(&'a self, from: &[u8]) -> impl Iterator<Item = (&'a [u8], &'a Option<Bytes>)> {
        let bounds = (Bound::Included(from), Bound::Unbounded);
        self.entries.range::<[u8], _>(bounds).map(|(key, value)| (&**key, value))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&[u8], &Option<Bytes>)> {
        self.entries.iter().map(|(key, value)| (&**key, value))
    }

    /// Bytes of keys and values.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }
}

/// The writes to all tables.
#[derive(Clone, Default)]
pub(super) struct Overlays {
    tables: HashMap<Table, Overlay, foldhash::fast::RandomState>,
}

impl Overlays {
    pub(super) fn get(&self, table: Table) -> Option<&Overlay> {
        self.tables.get(&table)
    }

    pub(super) fn table(&mut self, table: Table) -> &mut Overlay {
        self.tables.entry(table).or_default()
    }

    pub(super) fn remove(&mut self, table: Table) {
        self.tables.remove(&table);
    }

    pub(super) fn absorb(&mut self, later: Overlays) {
        for (table, overlay) in later.tables {
            self.table(table).absorb(overlay);
        }
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (Table, &Overlay)> {
        self.tables.iter().map(|(table, overlay)| (*table, overlay))
    }

    pub(super) fn bytes(&self) -> usize {
        self.tables.values().map(Overlay::bytes).sum()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.tables.values().all(|overlay| overlay.entries.is_empty())
    }
}
