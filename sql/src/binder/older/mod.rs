//! DataFusion's binder: names and types resolved by its `SqlToRel`. Nothing outside needs it but the queries that
//! [`bind`](crate::bind) has not yet ([`Unbound::NotYet`](crate::bind::Unbound)), and `attune bench plan`, which compares.
//!
//! A query goes: `rewrite` (of the syntax tree, into what DataFusion plans as Postgres would), DataFusion's `SqlToRel` with
//! our `context` and `type_planner`, `parameters`, the analyzer (type coercion), a last projection to the types of the
//! type map, and [`operators`](crate::operators) with Postgres' results; then `optimise`.

mod aggregate_casts;
mod array_literal;
mod check_subqueries;
mod check_syntax;
mod check_types;
mod check_view;
mod context;
mod optimise;
mod output_names;
mod parameters;
mod query;
mod rewrite;
mod type_planner;

pub use check_view::check_view_query;
pub use parameters::{bind_parameters, parameter_arrow_types, parameter_types};
pub use query::BoundQuery;

use super::Binder;
use crate::SqlError;
use crate::types::SqlType;
use datafusion::common::DFSchema;
use datafusion::logical_expr::{Expr, LogicalPlan};
use datafusion::sql::sqlparser::ast;

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
    pub fn bind_query_with(&self, query: &ast::Query, declared: &[Option<SqlType>]) -> Result<BoundQuery, SqlError> {
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
        declared: &[Option<SqlType>],
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
