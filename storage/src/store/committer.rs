//! The only writer: commits epochs.

use super::EpochBatch;
use super::keyspace::Table;
use super::scope::{Merged, notes_of};
use super::shared::{Shared, for_readers};
use super::steps::{EVICTING, PUBLISHING, WRITING};
use crate::entry::WARM_KEYS;
use crate::{Epoch, ObjectId, Result, failpoint, yields};
use parking_lot::MutexGuard;
use rocksdb::{WriteBatch, WriteOptions};
use std::collections::VecDeque;
use std::sync::{Arc, Weak};

/// The only writer of a store. Dropping it releases nothing; the directory is free when all [`super::Store`]s are dropped
/// too.
///
/// An epoch may be collected while the one before it is written, on another thread: [`Committer::detach`] takes an epoch
/// out of the writer's hands, [`PendingCommit::commit`] writes it, and [`PublishedEpoch::settle`] ends its flight. In between, the
/// writer reads through what is in flight, so it sees the same as afterwards.
pub struct Committer {
    pub(super) shared: Arc<Shared>,
    /// The epochs that were detached and are not known to be settled: one, and while the next is about to be written, two.
    in_flight: VecDeque<InFlight>,
}

struct InFlight {
    epoch: Epoch,
    /// They live until the epoch is settled, wherever that happens.
    writes: Weak<Merged>,
}

/// An epoch that is ready to be written.
pub struct PendingCommit {
    shared: Arc<Shared>,
    batch: EpochBatch,
    /// What RocksDB is given, once it is made.
    write: Option<WriteBatch>,
}

/// An epoch that was written and published, and is in flight all the same: the state cache does not know of it.
#[must_use = "the next epoch but one cannot be begun before this one is settled"]
pub struct PublishedEpoch {
    shared: Arc<Shared>,
    epoch: Epoch,
    writes: Arc<Merged>,
}

impl Committer {
    pub(super) fn new(shared: Arc<Shared>) -> Committer {
        Committer { shared, in_flight: VecDeque::new() }
    }

    /// Starts collecting the next epoch.
    ///
    /// # Panics
    /// When more than one epoch is not settled, or one was lost before it was: a fault in the caller.
    #[must_use]
    pub fn begin(&self) -> EpochBatch {
        let settled = self.shared.settled();
        let mut in_flight = self.in_flight.iter().filter(|epoch| epoch.epoch > settled);
        let before = in_flight.next().and_then(|InFlight { epoch, writes }| {
            let writes = writes.upgrade();
            // Another thread may just have settled it.
            assert!(writes.is_some() || self.shared.settled() >= *epoch, "an epoch lives until it is settled");
            writes
        });
        assert!(in_flight.next().is_none(), "an epoch reads through one other");
        EpochBatch::new(self.shared.clone(), self.last().next(), before)
    }

    /// Writes the epoch as one atomic (synced) batch, publishes and settles it. Returns its number.
    ///
    /// # Errors
    /// As [`PendingCommit::commit`].
    ///
    /// # Panics
    /// As [`Committer::detach`].
    pub fn commit(&mut self, batch: EpochBatch) -> Result<Epoch> {
        Ok(self.detach(batch).commit()?.settle())
    }

    /// Takes an epoch to be written, on whichever thread, when the one before it is settled. The next one may be begun then, and its
    /// scopes see this one.
    ///
    /// # Panics
    /// When the batch was not begun after the last epoch, or two are in flight: a fault in the caller.
    pub fn detach(&mut self, batch: EpochBatch) -> PendingCommit {
        let settled = self.shared.settled();
        self.in_flight.retain(|epoch| epoch.epoch > settled);
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

    /// Writes the epoch as one atomic (synced) batch and publishes it.
    ///
    /// # Errors
    /// When RocksDB fails. Nothing is published then and readers go on with the epoch before. As with every commit
    /// whose answer is lost, the epoch may still turn out to be durable when the store is opened again: a caller must
    /// not try it once more, but end the process.
    ///
    /// # Panics
    /// When the epoch before it is not published: a fault in the caller.
    pub fn commit(self) -> Result<PublishedEpoch> {
        let PendingCommit { shared, batch, write } = self;
        let epoch = batch.epoch();
        assert_eq!(epoch, shared.published().next(), "epochs are published one after the other");
        failpoint::check("before_commit")?;
        let write = write.unwrap_or_else(|| batch.to_write_batch());
        let mut options = WriteOptions::default();
        options.set_sync(shared.options.synchronous_commit);

        shared.steps.enter(EVICTING);
        let hot = evict_rows(&shared, &batch);
        shared.runs.evict(&batch);
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
        shared.written.add(&batch);
        shared.memory.wrote(&shared, batch.bytes());
        shared.backlog.wrote(&shared, &batch);
        failpoint::hit("after_publish");
        let writes = batch.merged.clone();
        Ok(PublishedEpoch { shared, epoch, writes })
    }
}

impl PublishedEpoch {
    /// Its number.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Ends its flight: what is cached of the state becomes that of this epoch. Returns its number. Meanwhile the next one may be
    /// collected: what this one wrote is found before the cache is asked.
    ///
    /// # Panics
    /// When the epoch before it is not settled: a fault in the caller.
    pub fn settle(self) -> Epoch {
        let PublishedEpoch { shared, epoch, writes } = self;
        update_state(&shared, &writes);
        // Before the writes go: whoever does not find them any more finds this.
        shared.settle(epoch);
        epoch
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

/// Writes the epoch through to the state cache: all that is written to tables it follows, since what was read and written in
/// one epoch will be in later ones. Only the writer reads the cache, so this need not happen at the moment of publishing; it may
/// need it for the next epoch, so the lock is handed on again and again.
fn update_state(shared: &Shared, writes: &Merged) {
    let mut state = shared.state.lock();
    for table in &writes.dropped {
        state.remove_table(*table);
        state.remove_table(notes_of(table.object()));
    }
    for (table, overlay) in writes.overlays.iter().chain(writes.notes.iter()) {
        if !state.follows(table) {
            continue;
        }
        let hashes: Vec<u64> = overlay.iter().map(|(hash, _, _)| hash).collect();
        for (i, (hash, key, value)) in overlay.iter().enumerate() {
            if i.is_multiple_of(WARM_KEYS) {
                MutexGuard::unlocked_fair(&mut state, yields::long_point);
            }
            state.warm(&hashes, i);
            state.write(hash, table.object(), key, value);
        }
    }
}
