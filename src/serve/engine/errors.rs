//! Errors of storage and of DataFusion as SQL errors.

use attune_sql::binder::map_run_error;
use attune_sql::{SqlError, SqlState};
use attune_storage::StorageError;
use datafusion::error::DataFusionError;

/// An error of the store.
pub(super) fn storage(error: StorageError) -> SqlError {
    let state = match &error {
        StorageError::Corrupt(_) | StorageError::Meta(_) => SqlState::DataCorrupted,
        StorageError::RocksDb(_) | StorageError::Io(_) => SqlState::IoError,
        StorageError::EpochTooLarge { .. } => SqlState::ProgramLimitExceeded,
        StorageError::UnsupportedType(_) => SqlState::FeatureNotSupported,
        _ => SqlState::InternalError,
    };
    SqlError::new(state, error.to_string())
}

/// An error of planning or running a query.
pub(in crate::serve) fn datafusion(error: DataFusionError) -> SqlError {
    if let Some(error) = of_storage(&error) {
        return error;
    }
    if let DataFusionError::ResourcesExhausted(detail) = error.find_root() {
        return SqlError::new(SqlState::OutOfMemory, "the query needs more memory than it may use")
            .with_detail(detail.clone())
            .with_hint(
                "Read less (WHERE, LIMIT), keep the result as a materialized view, or raise query_memory_bytes.",
            );
    }
    map_run_error(&error)
}

fn of_storage(error: &DataFusionError) -> Option<SqlError> {
    let DataFusionError::External(source) = error.find_root() else { return None };
    let error = source.downcast_ref::<StorageError>()?;
    let state = if matches!(error, StorageError::Corrupt(_)) { SqlState::DataCorrupted } else { SqlState::IoError };
    Some(SqlError::new(state, error.to_string()))
}

/// An SQL error on its way through DataFusion.
pub(super) fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

/// Arrow errors outside of queries.
pub(super) fn arrow(error: datafusion::arrow::error::ArrowError) -> SqlError {
    datafusion(DataFusionError::ArrowError(Box::new(error), None))
}
