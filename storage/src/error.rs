//! What can go wrong in storage.

use std::path::PathBuf;

/// An error of the storage layer. `Display` is written for the person who runs the server.
#[derive(Debug, thiserror::Error)]
pub enum StorageError {
    /// The data directory is locked by another process.
    #[error("data directory {} is in use by another process", path.display())]
    InUse {
        /// The data directory.
        path: PathBuf,
    },
    /// The data directory was written by a newer version of Attune.
    #[error(
        "data directory {} has format version {found}, this build reads up to version {supported}; start a newer build of attune",
        path.display()
    )]
    NewerFormat {
        /// The data directory.
        path: PathBuf,
        /// Version found on disk.
        found: u32,
        /// Newest version this build understands.
        supported: u32,
    },
    /// The data directory cannot be read or written.
    #[error("data directory {} cannot be used: {reason}", path.display())]
    Unusable {
        /// The data directory.
        path: PathBuf,
        /// What the operating system or RocksDB said.
        reason: String,
    },
    /// Stored bytes do not have the form the codec writes.
    #[error("stored bytes are damaged: {0}")]
    Corrupt(String),
    /// A value has a type that cannot be stored.
    #[error("type {0} cannot be stored")]
    UnsupportedType(String),
    /// Values do not have the types, or the number, of the columns they are written to: a fault in the caller.
    #[error("values do not fit the stored columns: {0}")]
    Mismatch(String),
    /// An epoch would be larger than the named limit `epoch_max_bytes`.
    #[error("the epoch would write {bytes} bytes, over the limit of {limit} (epoch_max_bytes)")]
    EpochTooLarge {
        /// Bytes the epoch would write.
        bytes: usize,
        /// The limit in force.
        limit: usize,
    },
    /// RocksDB reported an error.
    #[error("RocksDB: {0}")]
    RocksDb(#[from] rocksdb::Error),
    /// Arrow reported an error.
    #[error("Arrow: {0}")]
    Arrow(#[from] arrow::error::ArrowError),
    /// The operating system reported an error.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A catalog or meta record is not valid JSON of the expected shape.
    #[error("meta record: {0}")]
    Meta(#[from] serde_json::Error),
}
