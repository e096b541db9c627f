//! Attune's storage: epochs, deltas, codecs, state tables and view tables on RocksDB.
//!
//! This crate knows Arrow and RocksDB. It knows no SQL, no DataFusion and no async runtime.
//!
//! - [`Delta`] is a change to a relation: rows and a weight per row (a Z-set).
//! - [`codec`] turns rows into bytes: order-preserving keys, and rows with access to single columns.
//! - [`Store`] is shared by readers; the [`Committer`] is the only writer: one atomic batch per [`Epoch`].
//! - [`EpochScope`] collects the writes of one view (or of the inputs) within an epoch and reads through them.
//! - [`TableLayout`], [`TableReader`] and [`TableWriter`] are stored relations (tables, views) and their indexes.

mod cache;
pub mod codec;
mod column_type;
mod delta;
mod entries;
mod entry;
mod epoch;
mod error;
pub mod failpoint;
mod ghost;
mod key_hasher;
mod key_order;
pub mod machine;
mod state_cache;
mod store;
mod table;
pub mod yields;

pub use cache::HotCache;
pub use column_type::{ColumnType, UTC};
pub use delta::{Delta, canonical_floats};
pub use epoch::{Epoch, ObjectId};
pub use error::StorageError;
pub use state_cache::StateCache;
pub use store::{
    Committer, EpochBatch, EpochScope, FORMAT_VERSION, LogChunk, LogPosition, OneEpoch, PendingCommit, PlacedRows,
    RowPlace, Snapshot, Store, StoreOptions, Table, Values,
};
pub use table::{BatchShape, IndexLayout, KeyColumn, KeyRange, TableLayout, TableReader, TableWriter};

/// Result of this crate's fallible functions.
pub type Result<T, E = StorageError> = std::result::Result<T, E>;
