//! What a statement is bound against, and what binding shares with running: the catalog and where relations come from
//! (`sources`), the syntax tree as Postgres reads it (`precedence`, `output_names`, `check_syntax`), DataFusion's settings
//! (`config`), and its errors in Postgres' words (`errors`).
//!
//! [`bind`](crate::bind) binds.

pub(crate) mod check_syntax;
mod config;
mod errors;
pub(crate) mod output_names;
pub(crate) mod precedence;
mod sources;

pub(crate) use config::CONFIG;
pub use errors::{map_datafusion_error, map_run_error};
pub(crate) use sources::ViewSource;
pub use sources::{RelationSource, SchemaSources, visible_schema};

use crate::SqlError;
use crate::catalog::{Catalog, Relation};
use crate::functions::Registry;
use datafusion::logical_expr::TableSource;
use std::sync::Arc;

/// Gives DataFusion a source for each relation: schema only for planning views ([`SchemaSources`]), or readable
/// providers for running a SELECT (the serving side's).
pub trait RelationSources: Send + Sync {
    /// The source of a catalog relation (never a plain view, those are expanded by the binder). Its schema is
    /// [`visible_schema`]: hidden columns cannot be named.
    ///
    /// # Errors
    /// When the relation cannot be read now (55000: backfilling or failed view).
    fn relation(&self, relation: &Arc<Relation>) -> Result<Arc<dyn TableSource>, SqlError>;

    /// The source of a system relation such as `attune_views` or `pg_catalog.pg_class`; `None` if there is none.
    fn system(&self, schema: Option<&str>, name: &str) -> Option<Arc<dyn TableSource>>;

    /// The functions queries can call. The serving side adds those that need a session to [`Registry::standard`].
    fn functions(&self) -> &Registry {
        Registry::standard()
    }
}

/// Resolves statements against one catalog version.
pub struct Binder<'a> {
    /// The catalog version.
    pub catalog: &'a Catalog,
    /// Where relations come from.
    pub sources: &'a dyn RelationSources,
}
