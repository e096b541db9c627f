//! Where the binder gets readable relations from.

use super::{StoredTable, StreamTable};
use crate::coordinator::Coordinator;
use crate::serve::engine::system;
use attune_sql::binder::RelationSources;
use attune_sql::catalog::{Catalog, Index, Relation, RelationId, RelationKind, ViewStatus};
use attune_sql::functions::Registry;
use attune_sql::{SqlError, SqlState};
use datafusion::catalog::TableProvider;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::TableSource;
use std::sync::Arc;

/// Which relation shows [`super::KEY_COLUMN`] and [`super::ROW_COLUMN`]: the target of an UPDATE or DELETE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Identity {
    /// None.
    Hidden,
    /// This one.
    Of(RelationId),
}

/// Readable sources of one catalog version.
pub(crate) struct EngineSources<'a> {
    /// The catalog version.
    pub(crate) catalog: &'a Catalog,
    /// For system relations, and the progress of views that cannot be read yet.
    pub(crate) coordinator: &'a Coordinator,
    /// Functions.
    pub(crate) functions: &'a Registry,
    /// The target of an UPDATE or DELETE.
    pub(crate) identity: Identity,
}

impl RelationSources for EngineSources<'_> {
    fn relation(&self, relation: &Arc<Relation>) -> Result<Arc<dyn TableSource>, SqlError> {
        self.check_readable(relation)?;
        let provider: Arc<dyn TableProvider> = match relation.kind {
            RelationKind::Stream { .. } => Arc::new(StreamTable::new(relation.clone())),
            _ => {
                let indexes: Vec<Arc<Index>> =
                    self.catalog.indexes_of(relation.id).filter(|i| i.ready).cloned().collect();
                let layout = attune_planner::table_layout(relation, &indexes)?;
                Arc::new(StoredTable::new(relation.clone(), layout, self.identity == Identity::Of(relation.id)))
            }
        };
        Ok(provider_as_source(provider))
    }

    fn system(&self, schema: Option<&str>, name: &str) -> Option<Arc<dyn TableSource>> {
        system::source(schema, name, self.coordinator)
    }

    fn functions(&self) -> &Registry {
        self.functions
    }
}

impl EngineSources<'_> {
    fn check_readable(&self, relation: &Relation) -> Result<(), SqlError> {
        let RelationKind::MaterializedView { status } = &relation.kind else { return Ok(()) };
        let name = &relation.name;
        match status {
            ViewStatus::Live => Ok(()),
            ViewStatus::Backfilling => {
                let status = self.coordinator.status();
                let progress = status.backfills.iter().find(|b| b.view == relation.id.0 && !b.finished).map_or_else(
                    || "It has not begun to read its inputs.".to_owned(),
                    |b| format!("It has read {} of about {} rows.", b.rows_done, b.rows_total),
                );
                let message = format!("materialized view \"{name}\" is still being filled from history");
                Err(SqlError::new(SqlState::ObjectNotInPrerequisiteState, message)
                    .with_detail(progress)
                    .with_hint("Wait until SELECT * FROM attune_backfills shows it finished, then read it again."))
            }
            ViewStatus::Failed { reason } => {
                let message = format!("materialized view \"{name}\" has failed and is not current");
                Err(SqlError::new(SqlState::ObjectNotInPrerequisiteState, message)
                    .with_detail(reason.clone())
                    .with_hint("DROP it and CREATE it again; \\d+ shows its query."))
            }
        }
    }
}
