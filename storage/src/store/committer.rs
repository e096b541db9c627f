//! The only writer: commits epochs.

use super::EpochBatch;
use super::keyspace::Table;
use super::shared::{EVICTING, PUBLISHING, Shared, WRITING};
use crate::{Epoch, ObjectId, Result, failpoint};
use bytes::Bytes;
use rocksdb::WriteOptions;
use std::sync::Arc;

/// The only writer of a store. Dropping it releases nothing; the directory is free when all [`super::Store`]s are dropped
/// too.
pub struct Committer {
    pub(super) shared: Arc<Shared>,
}

impl Committer {
    /// Starts collecting the next epoch.
    #[must_use]
    pub fn begin(&self) -> EpochBatch {
        EpochBatch::new(self.shared.clone(), self.shared.published().next())
    }

    /// Writes the epoch as one atomic (synced) batch and publishes it. Returns its number.
    ///
    /// # Errors
    /// When RocksDB fails. Nothing is published then and readers go on with the epoch before. As with every commit
    /// whose answer is lost, the epoch may still turn out to be durable when the store is opened again: a caller must
    /// not try it once more, but end the process.
    ///
    /// # Panics
    /// When the batch was not begun after the last commit: a fault in the caller.
    pub fn commit(&mut self, batch: EpochBatch) -> Result<Epoch> {
        let shared = &*self.shared;
        let epoch = batch.epoch();
        assert_eq!(epoch, shared.published().next(), "an epoch is begun when the one before is committed");
        failpoint::check("before_commit")?;
        let write = batch.to_write_batch();
        let mut options = WriteOptions::default();
        options.set_sync(shared.options.synchronous_commit);
        // The batch is sorted: each insert into a memtable starts where the last one ended.
        options.set_memtable_insert_hint_per_batch(true);

        shared.enter(EVICTING);
        let hot = evict_rows(shared, &batch);
        shared.enter(WRITING);
        if let Err(error) = shared.db.write_opt(write, &options) {
            forget_state(shared, &batch);
            shared.abandon();
            return Err(error.into());
        }
        failpoint::hit("after_commit_before_publish");
        shared.enter(PUBLISHING);
        for (object, key, value) in hot {
            shared.rows.insert(object, key, value.map(Bytes::copy_from_slice));
        }
        shared.publish(epoch);
        // Only the writer reads the state cache, and it is here; readers need not wait for it.
        update_state(shared, &batch);
        shared.written.add(&batch);
        failpoint::hit("after_publish");
        Ok(epoch)
    }
}

/// A write to a row that was cached: object, key, new value.
type HotWrite<'a> = (ObjectId, &'a [u8], Option<&'a [u8]>);

/// Removes what the epoch writes from the row cache. Returns the writes to keys that were cached.
fn evict_rows<'a>(shared: &Shared, batch: &'a EpochBatch) -> Vec<HotWrite<'a>> {
    for table in batch.dropped_tables() {
        if let Table::Rows(object) = table {
            shared.rows.remove_object(object);
        }
    }
    let mut hot = Vec::new();
    for (table, overlay) in batch.merged.overlays.iter() {
        if let Table::Rows(object) = table {
            hot.extend(
                overlay
                    .iter()
                    .filter(|(hash, key, _)| shared.rows.remove_hashed(*hash, object, key))
                    .map(|(_, key, value)| (object, key, value)),
            );
        }
    }
    hot
}

/// Writes the epoch through to the state that is cached. Keys that are not were never read, and may never be.
fn update_state(shared: &Shared, batch: &EpochBatch) {
    let mut state = shared.state.lock();
    for table in batch.dropped_tables() {
        if let Table::State(object) = table {
            state.remove_object(object);
        }
    }
    for (table, overlay) in batch.merged.overlays.iter() {
        if let Table::State(object) = table {
            for (hash, key, value) in overlay.iter() {
                state.update(hash, object, key, value);
            }
        }
    }
}

/// Forgets the cached state of keys whose write failed.
fn forget_state(shared: &Shared, batch: &EpochBatch) {
    let mut state = shared.state.lock();
    for (table, overlay) in batch.merged.overlays.iter() {
        if let Table::State(object) = table {
            for (hash, key, _) in overlay.iter() {
                state.remove(hash, object, key);
            }
        }
    }
}
