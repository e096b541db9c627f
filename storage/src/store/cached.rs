//! One epoch read through the row cache: for reads that follow from one another.

use super::shared::{CACHED_READS, Shared};
use super::steps::Step;
use super::{Snapshot, Store, Table};
use crate::{ObjectId, Result};
use bytes::Bytes;
use std::cell::{Cell, OnceCell};

/// What several reads see: one epoch, through the caches, or from RocksDB alone.
///
/// The snapshot is only taken when something has to be read from RocksDB: taking one waits for a lock that commits and compactions use.
pub struct OneEpoch<'a> {
    store: &'a Store,
    snapshot: OnceCell<Snapshot>,
    /// The step at which the reads began, if they go through the caches.
    noted: Option<Step>,
    /// The snapshot is not of the epoch that was read from the caches, or may not be.
    torn: Cell<bool>,
}

impl Store {
    /// What `read` returns, all of whose reads see one epoch. It is called again when a commit has published meanwhile, the last time with
    /// a view that reads from RocksDB alone.
    pub fn at_one_epoch<T>(&self, mut read: impl FnMut(&OneEpoch<'_>) -> T) -> T {
        for _ in 0..CACHED_READS {
            let view = OneEpoch::new(self, Some(self.shared.steps.now()));
            let result = read(&view);
            if view.is_one_epoch() {
                return result;
            }
        }
        read(&OneEpoch::new(self, None))
    }
}

impl<'a> OneEpoch<'a> {
    fn new(store: &'a Store, noted: Option<Step>) -> OneEpoch<'a> {
        OneEpoch { store, snapshot: OnceCell::new(), noted, torn: Cell::new(false) }
    }

    /// Whether everything that was read up to now is of one epoch.
    fn is_one_epoch(&self) -> bool {
        !self.torn.get() && self.noted.is_none_or(|noted| noted.is_one_epoch(self.shared().steps.now(), false))
    }

    /// For reads that do not go through the caches.
    pub(super) fn snapshot(&self) -> &Snapshot {
        self.snapshot.get_or_init(|| {
            let snapshot = self.store.snapshot();
            // From here on it stays what it is, and the caches do until the next epoch is published.
            let fits = |noted: Step| noted.is_one_epoch(self.shared().steps.now(), true);
            self.torn.set(!self.noted.is_none_or(fits));
            snapshot
        })
    }

    /// The rows of `object` with these keys, in their order; `None` where there is none.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn rows(&self, object: ObjectId, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        let shared = self.shared();
        let read = |keys: &[&[u8]]| shared.read_many(Table::Rows(object), keys, &self.snapshot().options());
        match self.noted {
            Some(noted) => shared.read_rows_cached(object, keys, noted, read).map(|(values, _)| values),
            None => read(keys),
        }
    }

    /// The step at which the reads began, if they go through the caches.
    pub(super) fn noted(&self) -> Option<Step> {
        self.noted
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.store.shared
    }
}
