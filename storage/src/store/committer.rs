//! The only writer: commits epochs.

use super::EpochBatch;
use super::keyspace::Table;
use super::scope::Merged;
use super::shared::{Shared, for_readers};
use super::steps::{EVICTING, PUBLISHING, WRITING};
use crate::{Epoch, ObjectId, Result, failpoint, yields};
use rocksdb::{WriteBatch, WriteOptions};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// The only writer of a store. Dropping it releases nothing; the directory is free when all [`super::Store`]s are dropped
/// too.
///
/// An epoch may be collected while the one before it is written, on another thread: [`Committer::detach`] takes an epoch
/// out of the writer's hands, and [`PendingCommit::commit`] writes it. In between, the writer reads through what is in flight, so it sees
/// the same as afterwards.
pub struct Committer {
    pub(super) shared: Arc<Shared>,
    /// The epochs that were detached and are not known to be published: one, and while the next is about to be written, two.
    in_flight: VecDeque<InFlight>,
}

struct InFlight {
    epoch: Epoch,
    /// They live until the epoch is published, wherever that happens.
    writes: Weak<Merged>,
}

/// An epoch that is ready to be written.
pub struct PendingCommit {
    shared: Arc<Shared>,
    batch: EpochBatch,
    /// What RocksDB is given, once it is made.
    write: Option<WriteBatch>,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>) -> Committer {
        Committer { shared, in_flight: VecDeque::new() }
    }

    /// Starts collecting the next epoch.
    ///
    /// # Panics
    /// When more than one epoch is not published, or one was lost before it was: a fault in the caller.
    #[must_use]
    pub fn begin(&self) -> EpochBatch {
        let published = self.shared.published();
        let mut in_flight = self.in_flight.iter().filter(|epoch| epoch.epoch > published);
        let before = in_flight.next().and_then(|InFlight { epoch, writes }| {
            let writes = writes.upgrade();
            // Another thread may just have published it.
            assert!(writes.is_some() || self.shared.published() >= *epoch, "an epoch lives until it is published");
            writes
        });
        assert!(in_flight.next().is_none(), "an epoch reads through one other");
        EpochBatch::new(self.shared.clone(), self.last().next(), before)
    }

    /// Writes the epoch as one atomic (synced) batch and publishes it. Returns its number.
    ///
    /// # Errors
    /// As [`PendingCommit::commit`].
    ///
    /// # Panics
    /// As [`Committer::detach`].
    pub fn commit(&mut self, batch: EpochBatch) -> Result<Epoch> {
        self.detach(batch).commit()
    }

    /// Takes an epoch to be written, on whichever thread, when the one before it is published. The next one may be begun then, and its
    /// scopes see this one.
    ///
    /// # Panics
    /// When the batch was not begun after the last epoch, or two are in flight: a fault in the caller.
    pub fn detach(&mut self, batch: EpochBatch) -> PendingCommit {
        let published = self.shared.published();
        self.in_flight.retain(|epoch| epoch.epoch > published);
        assert!(self.in_flight.len() <= 1, "an epoch waits for one other");
        assert_eq!(batch.epoch(), self.last().next(), "an epoch is begun after the one before");
        self.in_flight.push_back(InFlight { epoch: batch.epoch(), writes: Arc::downgrade(&batch.merged) });
        PendingCommit { shared: self.shared.clone(), batch, write: None }
    }

    /// The last epoch that was committed or detached.
    fn last(&self) -> Epoch {
        self.in_flight.back().map_or_else(|| self.shared.published(), |in_flight| in_flight.epoch)
    }
}

impl PendingCommit {
    /// Keys plus values, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.batch.bytes()
    }

    /// Makes what RocksDB is given, which [`PendingCommit::commit`] does otherwise: for a thread that has to wait anyway.
    pub fn prepare(&mut self) {
        self.write.get_or_insert_with(|| self.batch.to_write_batch());
    }

    /// Writes the epoch as one atomic (synced) batch and publishes it. Returns its number. To be called once; afterwards this only holds memory,
    /// which may be given back when nobody waits for it.
    ///
    /// # Errors
    /// When RocksDB fails. Nothing is published then and readers go on with the epoch before. As with every commit
    /// whose answer is lost, the epoch may still turn out to be durable when the store is opened again: a caller must
    /// not try it once more, but end the process.
    ///
    /// # Panics
    /// When the epoch before it is not published, or this one is: a fault in the caller.
    pub fn commit(&mut self) -> Result<Epoch> {
        let PendingCommit { shared, batch, write } = self;
        let epoch = batch.epoch();
        assert_eq!(epoch, shared.published().next(), "epochs are published one after the other");
        failpoint::check("before_commit")?;
        let write = write.take().unwrap_or_else(|| batch.to_write_batch());
        let mut options = WriteOptions::default();
        options.set_sync(shared.options.synchronous_commit);

        shared.steps.enter(EVICTING);
        let hot = evict_rows(shared, batch);
        shared.runs.evict(batch);
        shared.steps.enter(WRITING);
        if let Err(error) = shared.db.write_opt(write, &options) {
            shared.steps.abandon();
            return Err(error.into());
        }
        failpoint::hit("after_commit_before_publish");
        shared.steps.enter(PUBLISHING);
        for (object, key, value) in hot {
            let value = value.map(|value| for_readers(Table::Rows(object), value));
            shared.rows.insert(object, key, value);
        }
        shared.publish(epoch);
        shared.written.add(batch);
        shared.memory.wrote(shared, batch.bytes());
        shared.backlog.wrote(shared, batch);
        batch.set_committed();
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
                    .inspect(|_| yields::point())
                    .filter(|(hash, key, _)| shared.rows.remove_hashed(*hash, object, key))
                    .map(|(_, key, value)| (object, key, value)),
            );
        }
    }
    hot
}
