//! Preparing and executing statements: what every protocol front end calls.
//!
//! Tier 1 and 2 reads are not executed here: a [`Prepared`] that carries a lookup is run by `serve::lookup` straight from
//! storage into the wire format (unless [`Transaction::has_writes`], whose rows a lookup does not see). Everything else
//! comes through [`Engine::execute`].
//!
//! - `prepare`, `execute`: which statement goes where; `result`: batches on their way out
//! - `read`: relations as DataFusion tables over one snapshot; `query`: running plans on threads of their own
//! - `select`, `dml`, `ddl`, `explain`, `settings`, `transaction`: the statements; `turns`: who writes beside others, and who alone
//! - `system`: the `attune_*` views; `pg_catalog`: what psql and drivers ask

mod ddl;
mod dml;
mod errors;
mod execute;
mod explain;
mod pace;
mod pg_catalog;
mod prepare;
mod query;
mod read;
mod result;
mod row_program;
mod select;
mod settings;
mod system;
#[cfg(test)]
mod tests;
mod transaction;
mod turns;
mod unordered;

use attune_sql::algebra::Type;
pub(super) use errors::datafusion as query_error;
pub(super) use query::conform;
pub use settings::Settings;
pub use transaction::{Pending, Transaction};
pub(super) use turns::Alone;
use turns::Turns;

use crate::config::Config;
use crate::coordinator::Coordinator;
use attune_planner::Lookup;
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use attune_sql::functions::Registry;
use attune_sql::statement::Parsed;
use attune_sql::types::SqlType;
use datafusion::execution::{SendableRecordBatchStream, SessionState};
use datafusion::logical_expr::LogicalPlan;
use query::QueryRuntime;
use read::{EngineSources, Identity};
use std::sync::Arc;

/// Shared by all sessions.
pub struct Engine {
    /// The coordinator.
    pub coordinator: Coordinator,
    /// The configuration.
    pub config: Arc<Config>,
    queries: QueryRuntime,
    functions: Registry,
    turns: Turns,
}

/// A column of a result.
#[derive(Clone, PartialEq, Debug)]
pub struct OutputColumn {
    /// Name as the client sees it.
    pub name: String,
    /// Type.
    pub sql_type: SqlType,
}

/// The type of a parameter: a scalar, or an array of it (`= ANY($1)`).
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct ParameterType {
    /// Element type.
    pub sql_type: SqlType,
    /// Whether the parameter is an array.
    pub array: bool,
}

impl ParameterType {
    /// For values of a type that is known.
    pub(crate) fn of(ty: Type) -> Option<ParameterType> {
        match ty {
            Type::Sql(sql_type) => Some(ParameterType { sql_type, array: false }),
            Type::Array(sql_type) => Some(ParameterType { sql_type, array: true }),
            Type::Unknown | Type::Catalog(_) => None,
        }
    }

    /// The type of its values.
    pub(crate) fn ty(self) -> Type {
        if self.array { Type::Array(self.sql_type) } else { Type::Sql(self.sql_type) }
    }
}

/// A statement that is parsed, bound and typed, ready to run many times.
pub struct Prepared {
    /// The statement.
    pub parsed: Parsed,
    /// Types of `$1..`.
    pub parameters: Vec<ParameterType>,
    /// Columns of the result; `None` for statements that return no rows.
    pub columns: Option<Vec<OutputColumn>>,
    /// The compiled read, when the statement is one. Not to be used while [`Transaction::has_writes`].
    pub lookup: Option<Arc<Lookup>>,
    /// The plan of a ranking, when the statement may be one. Not to be used while [`Transaction::has_writes`].
    pub(crate) ranking: Option<Arc<LogicalPlan>>,
    /// Catalog version it was bound against; `Engine::prepare` is called again when the catalog has moved on.
    pub catalog_version: u64,
    /// Whatever else the engine keeps per statement (logical plans, insert templates).
    pub(crate) body: PreparedBody,
}

/// What the engine keeps per statement.
pub(crate) enum PreparedBody {
    /// Nothing: the statement is executed from its syntax tree.
    Statement,
    /// A query of tier 3.
    Select(select::Select),
    /// INSERT.
    Insert(Box<dml::Insert>),
    /// UPDATE or DELETE.
    Change(Box<dml::Change>),
}

/// What a statement gives.
pub enum Outcome {
    /// Rows (SELECT, RETURNING, SHOW, EXPLAIN) and the command tag without count (`SELECT`, `INSERT 0`, ...).
    Rows {
        /// Columns.
        columns: Vec<OutputColumn>,
        /// Batches with exactly the columns' Arrow types.
        stream: SendableRecordBatchStream,
        /// Tag, completed by the session with the number of rows.
        tag: String,
    },
    /// A command without rows, with its complete tag (`INSERT 0 3`, `CREATE TABLE`, `BEGIN`).
    Command {
        /// Tag.
        tag: String,
        /// Notices to send before it (`relation "x" already exists, skipping`).
        notices: Vec<String>,
    },
}

impl Engine {
    /// An engine with its query threads.
    ///
    /// # Errors
    /// XX000 when threads cannot be started.
    pub fn new(coordinator: Coordinator, config: Arc<Config>) -> Result<Engine, SqlError> {
        let queries = QueryRuntime::new(&config)?;
        let functions = pg_catalog::functions(&coordinator);
        Ok(Engine { coordinator, config, queries, functions, turns: Turns::new() })
    }

    /// What expressions of a ranking are compiled with.
    pub(super) fn expression_state(&self) -> SessionState {
        self.queries.expression_state()
    }

    /// Sources of readable relations.
    fn sources<'a>(&'a self, catalog: &'a Catalog, identity: Identity) -> EngineSources<'a> {
        EngineSources { catalog, coordinator: &self.coordinator, functions: &self.functions, identity }
    }
}
