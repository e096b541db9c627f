//! Binding: names and types resolved through DataFusion.
//!
//! A query goes: `rewrite` (of the syntax tree, into what DataFusion plans as Postgres would), DataFusion's `SqlToRel` with
//! our `context` and `type_planner`, `parameters`, the analyzer (type coercion), a last projection to the types of the
//! type map, and [`operators`](crate::operators) with Postgres' results. Errors come back through `errors` with SQLSTATE, position and suggestion.

mod aggregate_casts;
mod array_literal;
mod check_subqueries;
pub(crate) mod check_syntax;
mod check_types;
mod check_view;
mod config;
mod context;
mod errors;
mod optimise;
pub(crate) mod output_names;
mod parameters;
pub(crate) mod precedence;
mod query;
mod rewrite;
mod sources;
mod type_planner;

pub use check_view::check_view_query;
pub(crate) use config::CONFIG;
pub use errors::{map_datafusion_error, map_run_error};
pub use parameters::{bind_parameters, parameter_arrow_types, parameter_types};
pub use query::BoundQuery;
pub(crate) use sources::ViewSource;
pub use sources::{RelationSource, SchemaSources, visible_schema};

use crate::SqlError;
use crate::algebra::Type;
use crate::catalog::{Catalog, Relation};
use crate::functions::Registry;
use crate::types::SqlType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan, TableSource};
use datafusion::sql::sqlparser::ast;
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

impl Binder<'_> {
    /// Binds a query to an unoptimised, type-checked logical plan. Its output columns have Arrow types that
    /// `SqlType::from_arrow` knows (others are cast or refused). Where names of output columns repeat, those of the plan are
    /// made different; [`Binder::bind_query`] gives the names as a client sees them.
    ///
    /// # Errors
    /// With SQLSTATE and position; see [`map_datafusion_error`].
    pub fn query(&self, query: &ast::Query) -> Result<LogicalPlan, SqlError> {
        self.bind_query(query).map(|bound| bound.plan)
    }

    /// Binds a query; parameters get the types their use asks for.
    ///
    /// # Errors
    /// As [`Binder::query`].
    pub fn bind_query(&self, query: &ast::Query) -> Result<BoundQuery, SqlError> {
        self.bind_query_with(query, &[])
    }

    /// Binds a query whose parameters have declared types (`$1` first; `None` is found out from its use, and text
    /// where nothing tells).
    ///
    /// # Errors
    /// As [`Binder::query`].
    pub fn bind_query_with(&self, query: &ast::Query, declared: &[Option<Type>]) -> Result<BoundQuery, SqlError> {
        query::bind(self, query, declared)
    }

    /// Binds an expression over the columns of `schema` (of DEFAULT, SET, VALUES, EXECUTE), type-checked and without
    /// aggregates. With `target`, the value is cast to that type.
    ///
    /// # Errors
    /// As [`Binder::query`].
    pub fn expression(
        &self,
        expr: &ast::Expr,
        schema: &DFSchema,
        declared: &[Option<Type>],
        target: Option<SqlType>,
    ) -> Result<Expr, SqlError> {
        query::bind_expression(self, expr, schema, declared, target)
    }

    /// Optimises a bound plan with Attune's explicit rule list (no physical planning, deterministic, `now()` kept).
    ///
    /// # Errors
    /// When a constant part of the query cannot be computed, and for faults of a rule.
    pub fn optimise(&self, plan: LogicalPlan) -> Result<LogicalPlan, SqlError> {
        optimise::optimise(plan)
    }
}

#[cfg(test)]
mod tests;
