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
            shared.rows.insert(object, key, value.clone());
        }
        shared.publish(epoch);
        // Only the writer reads the state cache, and it is here; readers need not wait for it.
        update_state(shared, &batch);
        shared.written.add(&batch);
        failpoint::hit("after_publish");
        Ok(epoch)
    }
}

/// Removes what the epoch writes from the row cache. Returns the writes to keys that were cached.
fn evict_rows<'a>(shared: &Shared, batch: &'a EpochBatch) -> Vec<(ObjectId, &'a [u8], &'a Option<Bytes>)> {
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
                    .filter(|(key, _)| shared.rows.remove(object, key))
                    .map(|(key, value)| (object, key, value)),
            );
        }
    }
    hot
}

/// Writes the epoch through to the state that is cached. Keys that are not were never read, and may never be.
fn update_state(shared: &Shared, batch: &EpochBatch) {
    for table in batch.dropped_tables() {
        if let Table::State(object) = table {
            shared.state.remove_object(object);
        }
    }
    for (table, overlay) in batch.merged.overlays.iter() {
        if let Table::State(object) = table {
            for (key, value) in overlay.iter() {
                shared.state.update_if_present(object, key, value.clone());
            }
        }
    }
}

/// Forgets the cached state of keys whose write failed.
fn forget_state(shared: &Shared, batch: &EpochBatch) {
    for (table, overlay) in batch.merged.overlays.iter() {
        if let Table::State(object) = table {
            for (key, _) in overlay.iter() {
                shared.state.remove(object, key);
            }
        }
    }
}
