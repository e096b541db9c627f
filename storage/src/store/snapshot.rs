//! A consistent view of the whole store at one epoch.

use super::keyspace::Family;
use super::meta;
use super::shared::Shared;
use crate::{Epoch, ObjectId, Result};
use rocksdb::ReadOptions;
use std::sync::Arc;

type RocksSnapshot<'a> = rocksdb::Snapshot<'a>;

self_cell::self_cell!(
    struct Cell {
        owner: Arc<Shared>,
        #[covariant]
        dependent: RocksSnapshot,
    }
);

/// A consistent view of the whole store at one epoch. Holding one keeps old versions of rows from being dropped, so
/// it is for the length of a query or of a step of a backfill, not for longer.
pub struct Snapshot {
    cell: Cell,
}

impl Snapshot {
    pub(super) fn new(shared: Arc<Shared>) -> Snapshot {
        Snapshot { cell: Cell::new(shared, |shared| shared.db.snapshot()) }
    }

    /// The epoch this snapshot shows.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn epoch(&self) -> Result<Epoch> {
        let shared = self.shared();
        let record = shared.db.get_pinned_cf_opt(shared.family(Family::Meta), meta::EPOCH_KEY, &self.options())?;
        meta::decode_epoch(record.as_deref())
    }

    pub(super) fn shared(&self) -> &Shared {
        self.cell.borrow_owner()
    }

    /// Read options that read this snapshot.
    pub(super) fn options(&self) -> ReadOptions {
        let mut options = ReadOptions::default();
        options.set_snapshot(self.cell.borrow_dependent());
        options
    }

    /// Whether the log of `stream` is empty in this snapshot.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn log_is_empty(&self, stream: ObjectId) -> Result<bool> {
        let shared = self.shared();
        let mut entries = super::log::entries(shared, self.options(), stream);
        entries.seek_to_first();
        entries.status()?;
        Ok(!entries.valid())
    }
}
