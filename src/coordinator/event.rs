//! The closed set of events the coordinator thread handles.

use super::change::{Ddl, RelationChange};
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use attune_storage::Epoch;
use std::sync::Arc;
use std::time::Instant;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

/// Everything that can happen to the coordinator.
pub(super) enum Event {
    /// A client's changes.
    Write(Write),
    /// A schema change.
    Ddl(Box<SchemaChange>),
    /// Stop after what came before.
    Shutdown {
        /// Told when the last epoch is committed.
        reply: oneshot::Sender<()>,
    },
    /// The commit thread has ended: the epoch in flight may have failed.
    CommitsEnded,
}

/// Changes of one client that become part of one epoch.
pub(super) struct Write {
    /// The changes.
    pub(super) changes: Vec<RelationChange>,
    /// Their size in memory, in bytes.
    pub(super) bytes: usize,
    /// When they arrived, for the delay statistics.
    pub(super) arrived: Instant,
    /// Their place in the queue, given back when the epoch is done.
    pub(super) place: Place,
    /// Told when they are visible and durable.
    pub(super) reply: oneshot::Sender<Result<Epoch, SqlError>>,
}

/// Room taken in the queue.
pub(super) struct Place {
    /// One of `input_queue_writes`.
    pub(super) _write: OwnedSemaphorePermit,
    /// Part of `input_queue_bytes`.
    pub(super) _bytes: OwnedSemaphorePermit,
}

/// A schema change and who waits for it.
pub(super) struct SchemaChange {
    /// Catalog version it was bound against.
    pub(super) base_version: u64,
    /// The change.
    pub(super) ddl: Ddl,
    /// Told the new catalog when it is durable.
    pub(super) reply: oneshot::Sender<Result<Arc<Catalog>, SqlError>>,
}
