//! The coordinator thread: takes events in order and lets epochs follow one another.

use super::commit::CommitThread;
use super::event::{Event, SchemaChange, Write};
use super::index_build::IndexBuild;
use super::recovery::Recovered;
use super::{Shared, from_storage};
use crate::config::Config;
use crate::dataflow::{InputRelation, LocalDriver};
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use attune_storage::{Committer, yields};
use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

/// How often expired events of streams with a retention are deleted from the log.
const TRIM_INTERVAL: Duration = Duration::from_secs(60);

/// The state of the coordinator thread. Nothing else writes the store or the catalog.
pub(super) struct Clock {
    pub(super) shared: Arc<Shared>,
    pub(super) config: Arc<Config>,
    pub(super) committer: Committer,
    pub(super) commits: CommitThread,
    pub(super) driver: LocalDriver,
    /// Streams, tables and materialized views: what writes and views read.
    pub(super) relations: HashMap<u32, InputRelation>,
    pub(super) builds: Vec<IndexBuild>,
    /// Timestamp of the last epoch; epochs never go back in time.
    pub(super) last_timestamp_us: i64,
    events: Receiver<Event>,
    /// An event taken from the queue that has to wait for the epoch before it.
    held: Option<Event>,
    next_trim: Instant,
}

enum Next {
    Event(Event),
    /// Nothing waits; background work may go on.
    Idle,
    Closed,
}

impl Clock {
    /// # Errors
    /// When the commit thread cannot be started.
    pub(super) fn new(
        shared: Arc<Shared>,
        config: Arc<Config>,
        events: Receiver<Event>,
        recovered: Recovered,
    ) -> std::io::Result<Clock> {
        let Recovered { committer, driver, relations, builds, .. } = recovered;
        let next_trim = Instant::now();
        // A record that cannot be read only means that the clock starts afresh.
        let last_timestamp_us = super::records::timestamp(&shared.store).unwrap_or(0);
        Ok(Clock {
            commits: CommitThread::start(shared.clone())?,
            shared,
            config,
            committer,
            driver,
            relations,
            builds,
            last_timestamp_us,
            events,
            held: None,
            next_trim,
        })
    }

    /// Runs until shutdown or until a commit fails. However it ends, nobody is left waiting.
    pub(super) fn run(mut self) {
        let shared = self.shared.clone();
        let ended = catch_unwind(AssertUnwindSafe(|| self.work())).unwrap_or_else(|_| {
            shared.queue.close();
            Err(SqlError::internal("the coordinator panicked"))
        });
        if let Err(error) = &ended {
            tracing::error!(%error, "the coordinator has ended; nothing more is written");
        }
        *shared.ended.write() = Some(ended);
        shared.progress.send_modify(|n| *n += 1);
    }

    fn work(&mut self) -> Result<(), SqlError> {
        loop {
            let done = match self.next() {
                Next::Event(Event::Write(first)) => {
                    let writes = self.gather(first);
                    self.write_epoch(writes)
                }
                Next::Event(Event::Ddl(change)) => self.schema_change(*change),
                Next::Event(Event::Shutdown { reply }) => {
                    let settled = self.commits.wait();
                    self.refuse_queued();
                    let _ = reply.send(());
                    return settled;
                }
                Next::Event(Event::CommitsEnded) => self.commits.wait(),
                Next::Idle => self.background(),
                Next::Closed => return self.commits.wait(),
            };
            if let Err(fatal) = done {
                // The store did not take an epoch: memory and disk may differ from here on, so nothing more is answered.
                self.refuse_queued();
                return Err(fatal);
            }
        }
    }

    fn next(&mut self) -> Next {
        if let Some(event) = self.held.take() {
            return Next::Event(event);
        }
        if self.has_background_work() {
            return match self.events.try_recv() {
                Ok(event) => Next::Event(event),
                Err(TryRecvError::Empty) => Next::Idle,
                Err(TryRecvError::Disconnected) => Next::Closed,
            };
        }
        let next = self.next_build().map_or(self.next_trim, |build| build.min(self.next_trim));
        match yields::wait(|| self.events.recv_timeout(next.saturating_duration_since(Instant::now()))) {
            Ok(event) => Next::Event(event),
            Err(RecvTimeoutError::Timeout) => Next::Idle,
            Err(RecvTimeoutError::Disconnected) => Next::Closed,
        }
    }

    /// Everything that waits and fits into one epoch. A schema change or shutdown ends it and is held back.
    fn gather(&mut self, first: Write) -> Vec<Write> {
        let (mut rows, mut bytes) = (first.rows(), first.bytes);
        let mut writes = vec![first];
        // A third of the limit: state and view rows come on top of the input.
        let max_bytes = self.config.epoch_max_bytes / 3;
        while rows < self.config.epoch_max_rows && bytes < max_bytes {
            match self.events.try_recv() {
                Ok(Event::Write(write)) => {
                    rows += write.rows();
                    bytes += write.bytes;
                    writes.push(write);
                }
                Ok(other) => {
                    self.held = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        writes
    }

    /// Whether the next event is a write, and is there already.
    pub(super) fn write_waits(&mut self) -> bool {
        if self.held.is_none() {
            self.held = self.events.try_recv().ok();
        }
        matches!(self.held, Some(Event::Write(_)))
    }

    pub(super) fn has_background_work(&self) -> bool {
        self.driver.is_backfilling() || self.has_due_build()
    }

    fn background(&mut self) -> Result<(), SqlError> {
        self.commits.wait()?;
        if Instant::now() >= self.next_trim {
            self.next_trim = Instant::now() + TRIM_INTERVAL;
            self.trim()?;
        }
        if self.has_background_work() { self.write_epoch(Vec::new()) } else { Ok(()) }
    }

    fn refuse_queued(&mut self) {
        self.shared.queue.close();
        let mut waiting: Vec<Event> = self.held.take().into_iter().collect();
        waiting.extend(self.events.try_iter());
        for event in waiting {
            match event {
                Event::Write(Write { reply, .. }) => drop(reply.send(Err(super::stopped()))),
                Event::Ddl(change) => drop(change.reply.send(Err(super::stopped()))),
                Event::Shutdown { reply } => drop(reply.send(())),
                Event::CommitsEnded => {}
            }
        }
    }

    /// Deletes events beyond the retention of their stream, as an epoch of its own.
    fn trim(&mut self) -> Result<(), SqlError> {
        let catalog = self.catalog();
        let timestamp_us = self.next_timestamp();
        let mut batch = self.committer.begin();
        for relation in catalog.relations() {
            if let attune_sql::catalog::RelationKind::Stream { retention_seconds: Some(seconds) } = relation.kind {
                let age_us = i64::try_from(seconds.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
                let before_us = timestamp_us.saturating_sub(age_us);
                batch.trim_log(attune_storage::ObjectId(relation.id.0), before_us).map_err(|e| from_storage(&e))?;
            }
        }
        if !batch.is_empty() {
            self.committer.commit(batch).map_err(|e| from_storage(&e))?;
        }
        Ok(())
    }

    pub(super) fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.read().clone()
    }

    /// The timestamp of an epoch: the system clock, but never earlier than the epoch before.
    pub(super) fn next_timestamp(&mut self) -> i64 {
        self.last_timestamp_us = super::gauges::now_us().max(self.last_timestamp_us);
        self.last_timestamp_us
    }

    fn schema_change(&mut self, change: SchemaChange) -> Result<(), SqlError> {
        self.commits.wait()?;
        let SchemaChange { base_version, ddl, reply } = change;
        match self.apply_schema_change(base_version, ddl)? {
            Ok(catalog) => drop(reply.send(Ok(catalog))),
            Err(refused) => drop(reply.send(Err(refused))),
        }
        Ok(())
    }
}

impl Write {
    fn rows(&self) -> usize {
        self.changes.iter().map(super::RelationChange::rows).sum()
    }
}
