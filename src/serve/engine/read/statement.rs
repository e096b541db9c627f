//! What one statement reads from.

use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use attune_sql::catalog::{Catalog, Relation, RelationId};
use attune_sql::{SqlError, SqlState};
use attune_storage::{ObjectId, Snapshot, Store};
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
    /// The catalog after the snapshot was taken. A DROP shows in it before rows are deleted: what is in it, is in the snapshot.
    catalog: Arc<Catalog>,
    /// Rows written earlier in the transaction block, by table id.
    pub(crate) overlays: BTreeMap<u32, Arc<Overlay>>,
}

impl StatementReads {
    /// Reads of the store as of now, without a transaction block.
    pub(crate) fn now(coordinator: &Coordinator) -> StatementReads {
        let store = coordinator.store().clone();
        let snapshot = store.snapshot();
        StatementReads { snapshot, catalog: coordinator.catalog(), store, overlays: BTreeMap::new() }
    }

    /// Fails when the relation was dropped after the statement was bound.
    pub(super) fn check(&self, relation: &Relation) -> Result<()> {
        if self.catalog.get(relation.id).is_some() {
            return Ok(());
        }
        let message = format!("relation \"{}\" does not exist", relation.name);
        Err(errors::external(SqlError::new(SqlState::UndefinedTable, message)))
    }

    /// Whether an index was not dropped after the statement was bound.
    pub(super) fn has_index(&self, object: ObjectId) -> bool {
        self.catalog.indexes().any(|index| index.id == RelationId(object.0))
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
