//! One epoch read through the row cache: for reads that follow from one another.

use super::shared::Shared;
use super::{Snapshot, Store, Table};
use crate::{ObjectId, Result};
use bytes::Bytes;

/// A snapshot with the row cache in front of it, as long as no commit takes a step.
///
/// What was read is of one epoch if [`CachedSnapshot::is_one_epoch`] says so after the last read; otherwise it is thrown
/// away and read again [`CachedSnapshot::without_cache`].
pub struct CachedSnapshot {
    snapshot: Snapshot,
    /// The commit's sequence, if its phase was one in which the cache fits the snapshot.
    noted: Option<u64>,
}

impl Store {
    /// The newest epoch, through the row cache.
    #[must_use]
    pub fn cached_snapshot(&self) -> CachedSnapshot {
        // In this order: if the sequence stays, the snapshot was taken in that phase, too.
        let noted = self.shared.stable_sequence();
        CachedSnapshot { snapshot: self.snapshot(), noted }
    }
}

impl CachedSnapshot {
    /// The snapshot, for reads that do not go through the cache.
    #[must_use]
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Whether everything that was read up to now is of the snapshot's epoch.
    #[must_use]
    pub fn is_one_epoch(&self) -> bool {
        self.noted.is_none_or(|noted| self.shared().sequence() == noted)
    }

    /// The same epoch, from RocksDB alone.
    #[must_use]
    pub fn without_cache(self) -> CachedSnapshot {
        CachedSnapshot { noted: None, ..self }
    }

    /// The rows of `object` with these keys, in their order; `None` where there is none.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn rows(&self, object: ObjectId, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        let (shared, options) = (self.shared(), self.snapshot.options());
        let read = |keys: &[&[u8]]| shared.read_many(Table::Rows(object), keys, &options);
        match self.noted {
            Some(noted) => shared.read_rows_cached(object, keys, noted, read),
            None => read(keys),
        }
    }

    /// The commit's sequence, if the caches fit the snapshot.
    pub(super) fn noted(&self) -> Option<u64> {
        self.noted
    }

    pub(super) fn shared(&self) -> &Shared {
        self.snapshot.shared()
    }
}
