//! What DataFusion asks while it plans: relations, functions, types.

use super::aggregate_casts;
use super::query;
use super::type_planner::PostgresTypes;
use crate::binder::config::CONFIG;
use crate::binder::sources::ViewSource;
use crate::binder::{Binder, visible_schema};
use crate::catalog::{Relation, RelationId, RelationKind};
use crate::functions::Registry;
use crate::statement::parse_query;
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::{DataFusionError, Result, TableReference};
use datafusion::config::ConfigOptions;
use datafusion::logical_expr::planner::{ContextProvider, ExprPlanner, TypePlanner};
use datafusion::logical_expr::{AggregateUDF, Expr, HigherOrderUDF, ScalarUDF, TableSource, WindowUDF};
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Most views that may be expanded into each other.
const MAX_VIEW_DEPTH: usize = 32;

/// The context of one query.
pub(super) struct Context<'a> {
    binder: &'a Binder<'a>,
    functions: &'a Registry,
    /// How many views this query is nested in.
    depth: usize,
    /// Relations the query names, plain views as such.
    named: RefCell<BTreeSet<RelationId>>,
}

impl<'a> Context<'a> {
    pub(super) fn new(binder: &'a Binder<'a>, depth: usize) -> Context<'a> {
        Context { binder, functions: binder.sources.functions(), depth, named: RefCell::default() }
    }

    /// Relations named so far.
    pub(super) fn named(&self) -> BTreeSet<RelationId> {
        self.named.borrow().clone()
    }

    fn source(&self, name: &TableReference) -> std::result::Result<Arc<dyn TableSource>, SqlError> {
        let table = name.table();
        match name.schema() {
            None | Some("public") => {}
            Some(schema @ ("pg_catalog" | "information_schema")) => {
                return self.binder.sources.system(Some(schema), table).ok_or_else(|| {
                    SqlError::new(SqlState::UndefinedTable, format!("relation \"{schema}.{table}\" does not exist"))
                });
            }
            Some(schema) => {
                let error = SqlError::new(SqlState::InvalidSchemaName, format!("schema \"{schema}\" does not exist"));
                return Err(error.with_hint("There is one schema, \"public\"; leave the schema out."));
            }
        }
        if let Some(relation) = self.binder.catalog.find(table) {
            self.named.borrow_mut().insert(relation.id);
            return match relation.kind {
                RelationKind::View => self.view(relation),
                _ => self.binder.sources.relation(relation),
            };
        }
        if name.schema().is_none()
            && let Some(source) = self.binder.sources.system(None, table)
        {
            return Ok(source);
        }
        // Not there: the catalog words the error.
        let relation = self.binder.catalog.relation(table)?;
        self.binder.sources.relation(relation)
    }

    /// The plan of a plain view, its columns named and typed as the catalog says.
    fn view(&self, relation: &Arc<Relation>) -> std::result::Result<Arc<dyn TableSource>, SqlError> {
        if self.depth >= MAX_VIEW_DEPTH {
            let message = format!("views are nested more than {MAX_VIEW_DEPTH} deep at \"{}\"", relation.name);
            return Err(SqlError::new(SqlState::StatementTooComplex, message)
                .with_hint("Make one of them a materialized view."));
        }
        let in_view = |mut e: SqlError| {
            // Positions in the text of the view mean nothing in the text of the query.
            e.position = None;
            if e.context.is_none() { e.in_context(format!("view \"{}\"", relation.name)) } else { e }
        };
        let text = relation.query.as_deref().ok_or_else(|| SqlError::internal("a view without a query"))?;
        let ast = parse_query(text).map_err(in_view)?;
        let bound = query::bind_at(self.binder, &ast, &[], self.depth + 1).map_err(in_view)?;
        let schema = visible_schema(relation);
        let plan = query::project_as(bound.plan, &schema).map_err(in_view)?;
        Ok(Arc::new(ViewSource { plan, schema }))
    }
}

impl ContextProvider for Context<'_> {
    fn get_table_source(&self, name: TableReference) -> Result<Arc<dyn TableSource>> {
        self.source(&name).map_err(|e| DataFusionError::External(Box::new(e)))
    }

    fn get_table_function_source(&self, name: &str, args: Vec<Expr>) -> Result<Arc<dyn TableSource>> {
        let source = match self.functions.table(name) {
            Some(function) => function.source(&args),
            None => Err(SqlError::new(SqlState::UndefinedFunction, format!("function {name}() cannot stand in FROM"))
                .with_hint("docs/sql.md lists what can stand in FROM.")),
        };
        source.map_err(|e| DataFusionError::External(Box::new(e)))
    }

    fn get_expr_planners(&self) -> &[Arc<dyn ExprPlanner>] {
        self.functions.planners()
    }

    fn get_type_planner(&self) -> Option<Arc<dyn TypePlanner>> {
        Some(Arc::new(PostgresTypes))
    }

    fn get_function_meta(&self, name: &str) -> Option<Arc<ScalarUDF>> {
        self.functions.scalar(name).cloned().or_else(|| aggregate_casts::function(name))
    }

    fn get_higher_order_meta(&self, name: &str) -> Option<Arc<HigherOrderUDF>> {
        self.functions.higher_order(name).cloned()
    }

    fn get_aggregate_meta(&self, name: &str) -> Option<Arc<AggregateUDF>> {
        self.functions.aggregate(name).cloned()
    }

    fn get_window_meta(&self, name: &str) -> Option<Arc<WindowUDF>> {
        self.functions.window(name).cloned()
    }

    fn get_variable_type(&self, _variable_names: &[String]) -> Option<DataType> {
        None
    }

    fn options(&self) -> &ConfigOptions {
        &CONFIG
    }

    fn udf_names(&self) -> Vec<String> {
        self.functions.scalar_names().map(str::to_owned).collect()
    }

    fn higher_order_function_names(&self) -> Vec<String> {
        self.functions.higher_order_names().map(str::to_owned).collect()
    }

    fn udaf_names(&self) -> Vec<String> {
        self.functions.aggregate_names().map(str::to_owned).collect()
    }

    fn udwf_names(&self) -> Vec<String> {
        self.functions.window_names().map(str::to_owned).collect()
    }
}
