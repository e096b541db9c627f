//! The writes of one view in the running epoch, and reads through them.

use super::keyspace::{Table, full_key, object_range, successor};
use super::overlay::{Overlay, Overlays};
use super::scan::{self, Records};
use super::shared::Shared;
use crate::{Epoch, HotCache, Result};
use bytes::Bytes;
use rocksdb::ReadOptions;
use std::collections::HashSet;
use std::sync::Arc;

/// Takes the index of a prefix, a key and its value; false ends the prefix.
type VisitPrefixed<'a> = dyn FnMut(usize, &[u8], &[u8]) -> bool + 'a;

/// What earlier scopes of this epoch wrote, and which objects the epoch drops.
#[derive(Clone, Default)]
pub(super) struct Merged {
    pub(super) overlays: Overlays,
    pub(super) dropped: HashSet<Table>,
}

/// The writes of one view (or of the epoch's inputs) in the running epoch, and reads through them.
///
/// Reads see: own writes first, then what earlier scopes of this epoch merged, then the last committed epoch.
/// A scope that is dropped without [`EpochBatch::merge`](super::EpochBatch::merge) leaves no trace, which is how a fault
/// in one view is contained. Scopes of one epoch are used one after the other, and not while an epoch is committed.
pub struct EpochScope {
    shared: Arc<Shared>,
    epoch: Epoch,
    merged: Arc<Merged>,
    own: Overlays,
}

impl EpochScope {
    pub(super) fn new(shared: Arc<Shared>, epoch: Epoch, merged: Arc<Merged>) -> EpochScope {
        EpochScope { shared, epoch, merged, own: Overlays::default() }
    }

    /// The epoch these writes will become.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Bytes of keys and values written so far.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.own.bytes()
    }

    pub(super) fn into_writes(self) -> Overlays {
        self.own
    }

    /// Values of `keys`, in their order (sorted and batched inside).
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn get_many(&mut self, table: Table, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        let mut values = Vec::with_capacity(keys.len());
        let mut missing = Vec::new();
        for (i, key) in keys.iter().enumerate() {
            let known = self.known(table, key);
            if known.is_none() {
                missing.push(i);
            }
            values.push(known.flatten());
        }
        if missing.is_empty() {
            return Ok(values);
        }
        let noted = self.shared.sequence();
        let missing_keys: Vec<&[u8]> = missing.iter().map(|i| keys[*i]).collect();
        let found = match missing_keys.as_slice() {
            [key] => vec![self.shared.read(table, key)?],
            several => self.shared.read_many(table, several, &ReadOptions::default())?,
        };
        for (i, value) in missing.into_iter().zip(found) {
            let cached = value.clone();
            self.cache(table).insert_if(table.object(), keys[i], cached, || self.shared.still_idle(noted));
            values[i] = value;
        }
        Ok(values)
    }

    /// Value of `key`.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn get(&mut self, table: Table, key: &[u8]) -> Result<Option<Bytes>> {
        if let Some(known) = self.known(table, key) {
            return Ok(known);
        }
        let noted = self.shared.sequence();
        let value = self.shared.read(table, key)?;
        self.cache(table).insert_if(table.object(), key, value.clone(), || self.shared.still_idle(noted));
        Ok(value)
    }

    /// Writes `value` under `key`.
    pub fn put(&mut self, table: Table, key: &[u8], value: &[u8]) {
        self.own.table(table).set(key.into(), Some(Bytes::copy_from_slice(value)));
    }

    /// Deletes `key`, whether it exists or not.
    pub fn delete(&mut self, table: Table, key: &[u8]) {
        self.own.table(table).set(key.into(), None);
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
        let mut records = self.records(table, end);
        if let Some(records) = &mut records {
            records.seek(full_key(table.object(), &from));
        }
        let (own, merged) = self.overlays(table);
        scan::merge(own, merged, records.as_mut(), prefix, &from, visit)
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
        let mut records = if prefixes.is_empty() { None } else { self.records(table, None) };
        let (own, merged) = self.overlays(table);
        for i in order {
            let prefix = prefixes[i];
            if let Some(records) = &mut records {
                records.seek(full_key(table.object(), prefix));
            }
            scan::merge(own, merged, records.as_mut(), prefix, prefix, &mut |key, value| visit(i, key, value))?;
        }
        Ok(())
    }

    /// The value as far as it is in memory; `None` when RocksDB has to be asked.
    fn known(&self, table: Table, key: &[u8]) -> Option<Option<Bytes>> {
        let (own, merged) = self.overlays(table);
        if let Some(written) = own.and_then(|o| o.get(key)).or_else(|| merged.and_then(|m| m.get(key))) {
            return Some(written.clone());
        }
        if self.merged.dropped.contains(&table) {
            return Some(None);
        }
        self.cache(table).get(table.object(), key)
    }

    fn overlays(&self, table: Table) -> (Option<&Overlay>, Option<&Overlay>) {
        (self.own.get(table), self.merged.overlays.get(table))
    }

    fn cache(&self, table: Table) -> &HotCache {
        match table {
            Table::State(_) => &self.shared.state,
            Table::Rows(_) => &self.shared.rows,
        }
    }

    /// An iterator over the committed entries of `table` up to `end`; `None` when the epoch drops them.
    fn records(&self, table: Table, end: Option<Vec<u8>>) -> Option<Records<'_>> {
        if self.merged.dropped.contains(&table) {
            return None;
        }
        let mut options = ReadOptions::default();
        let (first, last) = object_range(table.object());
        options.set_iterate_lower_bound(first);
        options.set_iterate_upper_bound(end.unwrap_or(last));
        Some(self.shared.db.raw_iterator_cf_opt(self.shared.family(table.family()), options))
    }
}
