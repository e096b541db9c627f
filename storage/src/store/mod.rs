//! The store: RocksDB opened, read and committed.
//!
//! Invariants: one writer ([`Committer`]); one atomic, synced batch per epoch; a reader never sees part of an epoch.
//!
//! - `open`: data directory, lock, format version; `options`, `metadata`: what the settings mean to RocksDB; `memory`: who has how much
//! - `keyspace`, `meta`, `log`, `log_entry`, `log_rows`: what lies where (see `docs/storage-format.md`)
//! - `epoch_batch`, `scope`, `overlay`, `log_writes`, `scan`: an epoch being collected, and reads through it
//! - `committer`, `shared`: the commit protocol between the writer and readers
//! - `snapshot`, `cached`, `range`, `values`, `size`: reads; `runs`: the first rows under key prefixes, in memory

mod backlog;
mod cached;
mod committer;
mod epoch_batch;
mod keyspace;
mod log;
mod log_entry;
mod log_rows;
mod log_writes;
mod memory;
mod meta;
mod metadata;
mod open;
mod options;
mod overlay;
mod range;
mod runs;
mod scan;
mod scope;
mod shared;
mod size;
mod snapshot;
mod steps;
#[cfg(test)]
mod tests;
mod values;

pub use cached::OneEpoch;
pub use committer::{Committer, PendingCommit};
pub use epoch_batch::EpochBatch;
pub use keyspace::Table;
pub(crate) use keyspace::{PREFIX_BYTES, successor};
pub use log::{LogChunk, LogPosition};
pub use log_rows::{PlacedRows, RowPlace};
pub use open::FORMAT_VERSION;
pub use options::StoreOptions;
pub(crate) use runs::{Shape, Wanted};
pub use scope::EpochScope;
pub use snapshot::Snapshot;
#[cfg(test)]
pub(crate) use tests::{Fixture as StoreFixture, small};
pub use values::Values;

use crate::{Epoch, HotCache, Result, StateCache, StorageError};
use rocksdb::checkpoint::Checkpoint;
use shared::Shared;
use std::path::Path;
use std::sync::Arc;

/// Shared, cheap to clone: what readers hold.
#[derive(Clone)]
pub struct Store {
    shared: Arc<Shared>,
}

impl Store {
    /// Number of the last published epoch.
    #[must_use]
    pub fn published(&self) -> Epoch {
        self.shared.published()
    }

    /// A consistent view of the whole store as of now: the published epoch, or the next one if that is durable already.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot::new(self.shared.clone())
    }

    /// The cache in front of rows, for metrics.
    #[must_use]
    pub fn row_cache(&self) -> &HotCache {
        &self.shared.rows
    }

    /// The cache of the first rows under key prefixes, for metrics.
    #[must_use]
    pub fn run_cache(&self) -> &HotCache {
        self.shared.runs.cache()
    }

    /// The cache in front of operator state, for metrics.
    #[must_use]
    pub fn state_cache(&self) -> &StateCache {
        &self.shared.state
    }

    /// A consistent, openable copy of the store in `dir` (hard links where possible). `dir` must not exist.
    ///
    /// # Errors
    /// [`StorageError::Unusable`] when `dir` exists or cannot be made; when RocksDB fails.
    pub fn checkpoint(&self, dir: &Path) -> Result<()> {
        let unusable = |e: std::io::Error| StorageError::Unusable { path: dir.to_path_buf(), reason: e.to_string() };
        std::fs::create_dir(dir).map_err(unusable)?;
        // With the write-ahead log, however long, in place of a flush: one that is asked for while another runs may wait forever, since
        // several memtables are flushed as one (facebook/rocksdb#12094).
        Checkpoint::new(&self.shared.db)?.create_checkpoint_with_log_size(dir.join(open::DATABASE_DIR), u64::MAX)?;
        // Last: a copy without the format file is one that was not finished, and is refused.
        open::write_format(dir).map_err(unusable)
    }
}
