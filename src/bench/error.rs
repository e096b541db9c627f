//! Why a benchmark could not run.

use crate::server::StartError;

/// Why a benchmark could not run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The server did not start.
    #[error(transparent)]
    Start(#[from] StartError),
    /// A statement failed.
    #[error("{0}")]
    Client(#[from] tokio_postgres::Error),
    /// A file could not be read or written.
    #[error("{0}")]
    Io(#[from] std::io::Error),
    /// A chart could not be drawn.
    #[error("a chart cannot be drawn: {0}")]
    Chart(String),
    /// A server or a peer did not do what the benchmark expects of it.
    #[error("{0}")]
    Failed(String),
}
