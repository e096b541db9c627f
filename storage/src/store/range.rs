//! Ordered reads of committed entries.

use super::keyspace::{Family, OBJECT_BYTES, full_key, in_one_prefix, object_range};
use super::shared::Shared;
use super::{Snapshot, Store};
use crate::{KeyRange, ObjectId, Result};
use bytes::Bytes;
use rocksdb::ReadOptions;

impl Store {
    /// The committed row under `key`, through the row cache.
    pub(crate) fn read_row(&self, object: ObjectId, key: &[u8]) -> Result<Option<Bytes>> {
        self.shared.read_row(object, key)
    }

    /// The committed rows under `keys`, all of one epoch, through the row cache.
    pub(crate) fn read_rows(&self, object: ObjectId, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        self.shared.read_rows(object, keys)
    }

    /// The rows under `keys` in `snapshot`.
    pub(crate) fn read_rows_in(
        &self,
        snapshot: &Snapshot,
        object: ObjectId,
        keys: &[&[u8]],
    ) -> Result<Vec<Option<Bytes>>> {
        snapshot.shared().read_many(super::Table::Rows(object), keys, &snapshot.options())
    }

    /// Visits the rows of `object` in `range` in key order (or backwards) until `each` returns false: in `snapshot`, or
    /// as of now (an iterator is a snapshot of its own). A snapshot is read from the store it was taken of.
    pub(crate) fn visit_rows(
        &self,
        snapshot: Option<&Snapshot>,
        object: ObjectId,
        range: &KeyRange,
        reverse: bool,
        each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        match snapshot {
            Some(snapshot) => visit(snapshot.shared(), snapshot.options(), object, range, reverse, each).map(drop),
            None => visit(&self.shared, ReadOptions::default(), object, range, reverse, each).map(drop),
        }
    }
}

/// As [`Store::visit_rows`]. Returns whether `each` ended it.
pub(super) fn visit(
    shared: &Shared,
    mut options: ReadOptions,
    object: ObjectId,
    range: &KeyRange,
    reverse: bool,
    each: &mut dyn FnMut(&[u8], &[u8]) -> bool,
) -> Result<bool> {
    let from = full_key(object, &range.from);
    let to = range.to.as_ref().map_or_else(|| object_range(object).1, |to| full_key(object, to));
    if from >= to {
        return Ok(false);
    }
    if in_one_prefix(&from, &to) && !reverse {
        options.set_prefix_same_as_start(true);
    } else {
        options.set_total_order_seek(true);
    }
    options.set_iterate_lower_bound(from);
    options.set_iterate_upper_bound(to);
    let mut entries = shared.db.raw_iterator_cf_opt(shared.family(Family::Rows), options);
    if reverse {
        entries.seek_to_last();
    } else {
        entries.seek_to_first();
    }
    while let Some((key, value)) = entries.item() {
        if !each(&key[OBJECT_BYTES..], value) {
            return Ok(true);
        }
        if reverse {
            entries.prev();
        } else {
            entries.next();
        }
    }
    entries.status()?;
    Ok(false)
}
