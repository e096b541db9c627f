//! The two ways from a text to a plan.

use crate::bench::report::ATTUNE;
use attune_planner::PlannedQuery;
use attune_sql::SqlError;
use attune_sql::binder::{Binder, SchemaSources};
use attune_sql::catalog::Catalog;
use attune_sql::statement::{Statement, parse};
use datafusion::common::ScalarValue;
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::sqlparser::ast::Query;

/// A way from a text to a plan. Both have the same parser.
#[derive(Clone, Copy)]
pub(super) enum Front {
    /// Ours.
    Attune,
    /// DataFusion's binder, type coercion and optimiser rules, as lookups, rankings and views had them before there was ours.
    DataFusion,
}

impl Front {
    pub(super) const BOTH: [Front; 2] = [Front::Attune, Front::DataFusion];

    /// Its name in the report.
    pub(super) fn name(self) -> &'static str {
        match self {
            Front::Attune => ATTUNE,
            Front::DataFusion => "datafusion",
        }
    }

    /// The plan of a statement.
    pub(super) fn plan(self, text: &str, catalog: &Catalog) -> Result<LogicalPlan, SqlError> {
        let query = query(text)?;
        let binder = Binder { catalog, sources: &SchemaSources };
        match self {
            Front::Attune => PlannedQuery::bind(&binder, &query, &[])?.plan(&binder),
            Front::DataFusion => binder.optimise(binder.bind_query_with(&query, &[])?.plan),
        }
    }
}

/// Whether our front end plans a statement itself: what it does not know yet it leaves to DataFusion's, and that would be
/// measured twice.
pub(super) fn is_ours(text: &str, catalog: &Catalog) -> Result<bool, SqlError> {
    let query = query(text)?;
    let bound = PlannedQuery::bind(&Binder { catalog, sources: &SchemaSources }, &query, &[])?;
    let values = vec![ScalarValue::Int64(Some(1)); bound.parameters.len()];
    Ok(bound.executable(values, 0)?.is_final)
}

/// The query of a SELECT or of a view.
fn query(text: &str) -> Result<Box<Query>, SqlError> {
    match parse(text)?.pop().map(|parsed| parsed.statement) {
        Some(Statement::Query(query)) => Ok(query),
        Some(Statement::CreateView(view)) => Ok(view.query),
        _ => Err(SqlError::internal("neither a query nor a view")),
    }
}
