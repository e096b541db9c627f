//! The two ways from a text to a plan.

use crate::bench::report::ATTUNE;
use attune_planner::PlannedQuery;
use attune_sql::SqlError;
use attune_sql::binder::{Binder, SchemaSources, map_datafusion_error, visible_schema};
use attune_sql::catalog::Catalog;
use attune_sql::statement::{Statement, parse};
use datafusion::datasource::empty::EmptyTable;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::SessionContext;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast;
use std::sync::Arc;

/// A way from a text to a plan. Both have the same parser.
#[derive(Clone)]
pub(super) enum Front {
    /// Ours.
    Attune,
    /// DataFusion's binder, type coercion and optimiser rules, as they come.
    DataFusion(Box<SessionContext>),
}

impl Front {
    /// Both over one catalog.
    pub(super) fn both(catalog: &Catalog) -> Result<[Front; 2], SqlError> {
        let session = SessionContext::new();
        for relation in catalog.relations() {
            let table = Arc::new(EmptyTable::new(visible_schema(relation)));
            session.register_table(relation.name.as_str(), table).map_err(|error| map_datafusion_error(&error))?;
        }
        Ok([Front::Attune, Front::DataFusion(Box::new(session))])
    }

    /// Its name in the report.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Front::Attune => ATTUNE,
            Front::DataFusion(_) => "datafusion",
        }
    }

    /// The plan of a statement.
    pub(super) fn plan(&self, text: &str, catalog: &Catalog) -> Result<LogicalPlan, SqlError> {
        let query = query(text)?;
        match self {
            Front::Attune => PlannedQuery::bind(&Binder { catalog, sources: &SchemaSources }, &query, &[])?.plan(),
            Front::DataFusion(session) => {
                let statement = Parsed::Statement(Box::new(ast::Statement::Query(query)));
                let state = session.state();
                let plan = futures::executor::block_on(state.statement_to_plan(statement));
                plan.and_then(|plan| state.optimize(&plan)).map_err(|error| map_datafusion_error(&error))
            }
        }
    }
}

/// The query of a SELECT or of a view.
fn query(text: &str) -> Result<Box<ast::Query>, SqlError> {
    match parse(text)?.pop().map(|parsed| parsed.statement) {
        Some(Statement::Query(query)) => Ok(query),
        Some(Statement::CreateView(view)) => Ok(view.query),
        _ => Err(SqlError::internal("neither a query nor a view")),
    }
}
