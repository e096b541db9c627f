//! What one statement reads from.

use attune_storage::{Snapshot, Store};
use bytes::Bytes;
use datafusion::error::{DataFusionError, Result};
use datafusion::prelude::SessionConfig;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Uncommitted rows of one table, by encoded key; `None` is a deleted row.
pub(crate) type Overlay = BTreeMap<Vec<u8>, Option<Bytes>>;

/// The state of the data a statement sees: one snapshot, and the writes of its own transaction block.
pub(crate) struct StatementReads {
    /// Every relation of the statement is read from this snapshot.
    pub(crate) snapshot: Snapshot,
    /// The store the snapshot is of.
    pub(crate) store: Store,
    /// Rows written earlier in the transaction block, by table id.
    pub(crate) overlays: BTreeMap<u32, Arc<Overlay>>,
}

impl StatementReads {
    /// Reads of the store as of now, without a transaction block.
    pub(crate) fn now(store: &Store) -> StatementReads {
        StatementReads { snapshot: store.snapshot(), store: store.clone(), overlays: BTreeMap::new() }
    }

    /// The reads of the running statement.
    pub(super) fn of(config: &SessionConfig) -> Result<Arc<StatementReads>> {
        config
            .get_extension::<StatementReads>()
            .ok_or_else(|| DataFusionError::Internal("a scan runs outside of a statement".to_owned()))
    }
}

impl std::fmt::Debug for StatementReads {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("StatementReads").field("overlays", &self.overlays.len()).finish_non_exhaustive()
    }
}
