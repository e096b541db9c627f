//! The coordinator: the only writer of the catalog and of the store, and the epoch clock.
//!
//! One thread takes events of a closed set (`event::Event`) from a bounded queue, forms epochs, runs them through the
//! dataflow and commits them. Everything else holds a [`Coordinator`] handle. An epoch closes as soon as the one before
//! it is committed and there is input; there is no tick. Schema changes go through the same queue, so they are in order
//! with the data.
//!
//! Knows dataflow, planner, sql and storage. Knows neither connections nor the serving side.

mod change;
mod clock;
mod commit;
mod epoch;
mod event;
mod gauges;
mod index_build;
mod purge;
mod queue;
mod records;
mod recovery;
mod schema;
mod status;
mod validate;

pub use change::{Ddl, Duplicate, Expected, RelationChange, RowChange};
pub use status::{BackfillStatus, RowErrorStatus, Status, ViewStatistics};

use crate::config::Config;
use attune_planner::DataflowPlan;
use attune_sql::catalog::{Catalog, RelationId, RelationKind, ViewStatus};
use attune_sql::{SqlError, SqlState};
use attune_storage::{Epoch, StorageError, Store, yields};
use event::Event;
use gauges::Gauges;
use parking_lot::{Mutex, RwLock};
use queue::Queue;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;
use tokio::sync::{oneshot, watch};

/// A handle to the running coordinator; cheap to clone.
#[derive(Clone)]
pub struct Coordinator {
    shared: Arc<Shared>,
}

/// What the handles and the coordinator thread share.
struct Shared {
    store: Store,
    catalog: RwLock<Arc<Catalog>>,
    /// Version of `catalog`, for a check without the lock.
    catalog_version: AtomicU64,
    queue: Queue,
    gauges: Gauges,
    next_row_id: AtomicI64,
    /// Counts changes of any view's status, so that waiters look again.
    progress: watch::Sender<u64>,
    /// Whether the coordinator thread has ended, and if it was not asked to, why.
    ended: RwLock<Option<Result<(), SqlError>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Coordinator {
    /// Opens the store, recovers catalog and views, and starts the coordinator thread.
    ///
    /// # Errors
    /// When the data directory is in use, unreadable or from a newer version, or a stored record cannot be read.
    pub fn start(config: Arc<Config>) -> Result<Coordinator, SqlError> {
        let recovered = recovery::open(&config)?;
        let (queue, events) = Queue::new(&config);
        let shared = Arc::new(Shared {
            next_row_id: AtomicI64::new(first_row_id(recovered.store.published())),
            store: recovered.store.clone(),
            catalog_version: AtomicU64::new(recovered.catalog.version()),
            catalog: RwLock::new(recovered.catalog.clone()),
            queue,
            gauges: Gauges::new(config.row_error_samples),
            progress: watch::Sender::new(0),
            ended: RwLock::new(None),
            thread: Mutex::new(None),
        });
        for relation in shared.catalog.read().relations() {
            if matches!(relation.kind, RelationKind::MaterializedView { status: ViewStatus::Backfilling }) {
                shared.gauges.backfill_started(relation.id.0, &relation.name, 0);
            }
        }
        for index in shared.catalog.read().indexes().filter(|index| !index.ready) {
            shared.gauges.backfill_started(index.id.0, &index.name, 0);
        }
        shared.gauges.set_events(&records::events(&shared.store)?);
        for build in &recovered.builds {
            if let Some(reason) = &build.failed {
                shared.gauges.backfill_failed(build.index, reason);
            }
        }
        let no_thread = |e: std::io::Error| SqlError::internal(format!("cannot start the coordinator's threads: {e}"));
        let clock = clock::Clock::new(shared.clone(), config, events, recovered).map_err(no_thread)?;
        let thread = std::thread::Builder::new().name("attune-epochs".into());
        let run = move || {
            yields::work();
            clock.run();
        };
        let thread = thread.spawn(run).map_err(no_thread)?;
        *shared.thread.lock() = Some(thread);
        Ok(Coordinator { shared })
    }

    /// The current catalog version. Never older than any acknowledged schema change.
    #[must_use]
    pub fn catalog(&self) -> Arc<Catalog> {
        self.shared.catalog.read().clone()
    }

    /// The number of the current catalog version, without taking a lock.
    #[must_use]
    pub fn catalog_version(&self) -> u64 {
        self.shared.catalog_version.load(Ordering::Acquire)
    }

    /// The store, for reads.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// Applies changes as part of one epoch, all or nothing. When it returns, every view contains them, on every
    /// connection, and (with `synchronous_commit`) they survive a crash.
    ///
    /// # Errors
    /// 40001 when an expected row has changed (nothing is written; evaluate again), 23505 when a row expected absent
    /// exists, 53200 when the queue stays full, 54000 when the epoch would be too large, 57P01 at shutdown.
    pub async fn write(&self, changes: Vec<RelationChange>) -> Result<Epoch, SqlError> {
        let bytes = changes.iter().map(RelationChange::bytes).sum();
        let place = self.shared.queue.reserve(bytes).await?;
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(Event::Write(event::Write { changes, bytes, arrived: Instant::now(), place, reply }))?;
        answer.await.map_err(|_| stopped())?
    }

    /// Applies a schema change in order with the data. `base_version` is the catalog version it was bound against; when
    /// another change came in between the error is retryable (40001): bind and send it again.
    ///
    /// For a materialized view (or an index) this returns when it is registered; it may still be backfilling: wait with
    /// [`Coordinator::wait_for_backfill`].
    ///
    /// # Errors
    /// 40001 as above; what the catalog refuses; 57P01 at shutdown.
    pub async fn ddl(&self, base_version: u64, ddl: Ddl) -> Result<Arc<Catalog>, SqlError> {
        let (reply, answer) = oneshot::channel();
        self.shared.queue.push(Event::Ddl(Box::new(event::SchemaChange { base_version, ddl, reply })))?;
        answer.await.map_err(|_| stopped())?
    }

    /// Returns when the view or index with this id is filled.
    ///
    /// # Errors
    /// When it has failed (55000) or was dropped meanwhile (42P01).
    pub async fn wait_for_backfill(&self, id: u32) -> Result<(), SqlError> {
        let mut progress = self.shared.progress.subscribe();
        loop {
            if self.is_filled(id)? {
                return Ok(());
            }
            if self.shared.ended.read().is_some() {
                return Err(stopped());
            }
            progress.changed().await.map_err(|_| stopped())?;
        }
    }

    /// Returns when the coordinator has ended, with the error when it ended by itself: then memory and disk may differ, and
    /// the process should end too. A start finds the last epoch that is on disk.
    ///
    /// # Errors
    /// What made it end.
    pub async fn ended(&self) -> Result<(), SqlError> {
        let mut progress = self.shared.progress.subscribe();
        loop {
            if let Some(ended) = self.shared.ended.read().clone() {
                return ended;
            }
            if progress.changed().await.is_err() {
                return Ok(());
            }
        }
    }

    fn is_filled(&self, id: u32) -> Result<bool, SqlError> {
        let catalog = self.catalog();
        if let Some(relation) = catalog.get(RelationId(id)) {
            return match &relation.kind {
                RelationKind::MaterializedView { status: ViewStatus::Backfilling } => Ok(false),
                RelationKind::MaterializedView { status: ViewStatus::Failed { reason } } => Err(SqlError::new(
                    SqlState::ObjectNotInPrerequisiteState,
                    format!("materialized view \"{}\" failed while it was filled", relation.name),
                )
                .with_detail(reason.clone())
                .with_hint("DROP it, mend what the detail says, and create it again.")),
                _ => Ok(true),
            };
        }
        match catalog.indexes().find(|i| i.id.0 == id) {
            Some(index) => match self.shared.gauges.backfill_failure(id) {
                Some(reason) => Err(SqlError::new(
                    SqlState::ObjectNotInPrerequisiteState,
                    format!("index \"{}\" could not be built", index.name),
                )
                .with_detail(reason)
                .with_hint("Reads go on without it. DROP it, mend what the detail says, and create it again.")),
                None => Ok(index.ready),
            },
            None => Err(SqlError::new(SqlState::UndefinedTable, "it was dropped while it was filled")),
        }
    }

    /// `count` fresh row ids for a table without primary key: the first of a run of consecutive ones.
    #[must_use]
    pub fn allocate_row_ids(&self, count: u64) -> i64 {
        self.shared.next_row_id.fetch_add(i64::try_from(count).unwrap_or(i64::MAX), Ordering::Relaxed)
    }

    /// The stored plan of a materialized view; `None` when there is none (it was dropped meanwhile).
    ///
    /// # Errors
    /// When the record cannot be read.
    pub fn plan(&self, view: RelationId) -> Result<Option<DataflowPlan>, SqlError> {
        let key = records::plan_key(view.0);
        let record = self.shared.store.meta(&key).map_err(|e| from_storage(&e))?;
        record.map(|bytes| records::decode(&key, &bytes)).transpose()
    }

    /// What the system views show.
    #[must_use]
    pub fn status(&self) -> Status {
        self.shared.gauges.status()
    }

    /// Finishes the running epoch and what is queued before it, refuses further work, and stops the thread.
    pub async fn shutdown(&self) {
        let (reply, answer) = oneshot::channel();
        if self.shared.queue.push(Event::Shutdown { reply }).is_ok() {
            let _ = answer.await;
        }
        let thread = self.shared.thread.lock().take();
        if let Some(thread) = thread {
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

impl Shared {
    /// Makes a catalog version the current one: after the commit that made it durable.
    fn publish(&self, catalog: Arc<Catalog>) {
        let version = catalog.version();
        *self.catalog.write() = catalog;
        self.catalog_version.store(version, Ordering::Release);
        self.progress.send_modify(|n| *n += 1);
    }
}

/// Row ids begin above those of earlier runs: each run starts at a later microsecond, and none takes a million ids a second
/// over its whole life; and each has a later first epoch, for a clock that went back. An id that is taken all the same is
/// refused, since a row is expected to be absent.
fn first_row_id(published: Epoch) -> i64 {
    i64::try_from(published.0 << 24).unwrap_or(i64::MAX / 2).max(gauges::now_us())
}

/// The answer to everything after shutdown or a failed commit.
pub(crate) fn stopped() -> SqlError {
    SqlError::new(SqlState::AdminShutdown, "the server is shutting down")
        .with_hint("Nothing of this statement was written; connect again and repeat it.")
}

/// How a storage error looks to a client.
pub(crate) fn from_storage(error: &StorageError) -> SqlError {
    let state = match error {
        StorageError::EpochTooLarge { .. } => {
            return SqlError::new(SqlState::ProgramLimitExceeded, error.to_string()).with_hint(
                "Write less at a time (COPY ... WITH (batch_rows = 10000) makes an epoch of each 10000 rows), or raise epoch_max_bytes.",
            );
        }
        StorageError::InUse { .. } | StorageError::NewerFormat { .. } | StorageError::Unusable { .. } => {
            SqlState::CannotConnectNow
        }
        StorageError::Corrupt(_) | StorageError::Meta(_) => SqlState::DataCorrupted,
        StorageError::UnsupportedType(_) => SqlState::FeatureNotSupported,
        StorageError::RocksDb(_) | StorageError::Io(_) => SqlState::IoError,
        StorageError::Arrow(_) | StorageError::Mismatch(_) => SqlState::InternalError,
    };
    SqlError::new(state, error.to_string())
}
