//! From a query's syntax tree to a bound plan.

use super::context::Context;
use crate::binder::Binder;
use crate::binder::config::CONFIG;
use crate::binder::errors::map_datafusion_error;
use super::output_names::Names;
use super::{aggregate_casts, check_subqueries, check_types, output_names, parameters, rewrite};
use crate::catalog::RelationId;
use crate::operators;
use crate::types::{SqlType, canonical};
use crate::{SqlError, SqlState};
use datafusion::arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::{Column, DFSchema};
use datafusion::logical_expr::simplify::SimplifyContext;
use datafusion::logical_expr::{Expr, ExprSchemable, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::Analyzer;
use datafusion::optimizer::simplify_expressions::ExprSimplifier;
use datafusion::sql::planner::{NullOrdering, ParserOptions, PlannerContext, SqlToRel};
use datafusion::sql::sqlparser::ast;
use std::collections::BTreeSet;
use std::sync::Arc;

/// A bound query.
#[derive(Clone, Debug)]
pub struct BoundQuery {
    /// The type-checked plan. Its output columns have types of the type map.
    pub plan: LogicalPlan,
    /// Names of the output columns as Postgres prints them; they may repeat.
    pub names: Vec<String>,
    /// Relations the query names (not those that views it names read).
    pub relations: BTreeSet<RelationId>,
    /// Arrow types of the parameters, `$1` first. Lists (`= ANY($1)`) have no [`SqlType`].
    pub parameters: Vec<DataType>,
}

impl BoundQuery {
    /// SQL types of the output columns.
    ///
    /// # Errors
    /// Never for plans of the binder: it refuses types without an SQL type.
    pub fn types(&self) -> Result<Vec<SqlType>, SqlError> {
        self.plan.schema().fields().iter().map(|f| sql_type(f.name(), f.data_type())).collect()
    }
}

/// Binds the query of a statement.
pub(super) fn bind(
    binder: &Binder<'_>,
    query: &ast::Query,
    declared: &[Option<SqlType>],
) -> Result<BoundQuery, SqlError> {
    let declared: Vec<Option<DataType>> = declared.iter().map(|t| t.map(|t| t.to_arrow())).collect();
    bind_at(binder, query, &declared, 0)
}

/// Binds a query inside `depth` views.
pub(super) fn bind_at(
    binder: &Binder<'_>,
    query: &ast::Query,
    declared: &[Option<DataType>],
    depth: usize,
) -> Result<BoundQuery, SqlError> {
    match bind_names(binder, query, declared, depth, Names::AsWritten) {
        // A column named like one of the wildcard's (`SELECT *, n AS total`) is fine where nobody refers to it.
        Err(error) if matches!(error.state, SqlState::AmbiguousColumn | SqlState::DuplicateColumn) => {
            bind_names(binder, query, declared, depth, Names::BesideWildcardsMarked).map_err(|_| error)
        }
        result => result,
    }
}

fn bind_names(
    binder: &Binder<'_>,
    query: &ast::Query,
    declared: &[Option<DataType>],
    depth: usize,
    names: Names,
) -> Result<BoundQuery, SqlError> {
    let query = rewrite::rewrite(query, names)?;
    let context = Context::new(binder, depth);
    let mut plan = to_plan(&context, &query, declared)?;
    let parameters = parameters::infer(&plan, declared)?;
    if parameters::differ(&parameters, declared) {
        // Planned again with all types known, so that coercion sees them.
        let known: Vec<Option<DataType>> = parameters.iter().cloned().map(Some).collect();
        plan = to_plan(&context, &query, &known)?;
    }
    check_types::check(&plan)?;
    check_subqueries::check(&plan)?;
    let plan = Analyzer::new()
        .execute_and_check(plan, &CONFIG, |_, _| {})
        .map_err(|e| output_names::clean(map_datafusion_error(&e)))?;
    let plan = with_canonical_types(plan)?;
    // Before anything is optimised, so that constants are folded as Postgres would compute them.
    let plan = operators::replace_in_plan(plan).map_err(|e| map_datafusion_error(&e))?;
    let names = plan.schema().fields().iter().map(|f| output_names::strip(f.name()).to_owned()).collect();
    Ok(BoundQuery { plan, names, relations: context.named(), parameters })
}

fn to_plan(context: &Context<'_>, query: &ast::Query, declared: &[Option<DataType>]) -> Result<LogicalPlan, SqlError> {
    let mut planner_context = planner_context(declared);
    let statement = ast::Statement::Query(Box::new(query.clone()));
    SqlToRel::new_with_options(context, parser_options())
        .sql_statement_to_plan_with_context(statement, &mut planner_context)
        .and_then(aggregate_casts::restore)
        .map_err(|e| output_names::clean(map_datafusion_error(&e)))
}

fn planner_context(declared: &[Option<DataType>]) -> PlannerContext {
    let fields = declared.iter().map(|t| t.as_ref().map(parameters::field)).collect();
    PlannerContext::new().with_prepare_param_data_types(fields)
}

/// Casts output columns to the types of the type map where they are others.
fn with_canonical_types(plan: LogicalPlan) -> Result<LogicalPlan, SqlError> {
    let schema = Arc::clone(plan.schema());
    let mut changed = false;
    let mut exprs = Vec::with_capacity(schema.fields().len());
    for (qualifier, field) in schema.iter() {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let Some(target) = canonical(field.data_type()) else {
            sql_type(output_names::strip(field.name()), field.data_type())?;
            return Err(SqlError::internal(format!("no type for {}", field.data_type())));
        };
        if target == *field.data_type() {
            exprs.push(column);
        } else {
            changed = true;
            let cast = column.cast_to(&target, &schema).map_err(|e| map_datafusion_error(&e))?;
            exprs.push(cast.alias_qualified(qualifier.cloned(), field.name()));
        }
    }
    if !changed {
        return Ok(plan);
    }
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|e| map_datafusion_error(&e))
}

fn sql_type(column: &str, data_type: &DataType) -> Result<SqlType, SqlError> {
    SqlType::from_arrow(data_type).ok_or_else(|| {
        SqlError::unsupported(
            format!("column \"{column}\" has a type that cannot be shown ({data_type})"),
            "Turn it into text or numbers in the query: array_to_string for lists, a field for structs.",
        )
        .with_detail(format!("Type {data_type} has no SQL type in Attune."))
    })
}

/// Projects a plan to the names and types of a schema.
pub(super) fn project_as(plan: LogicalPlan, schema: &SchemaRef) -> Result<LogicalPlan, SqlError> {
    let input = Arc::clone(plan.schema());
    if input.fields().len() != schema.fields().len() {
        return Err(SqlError::internal("a view has another number of columns than its query"));
    }
    let mut exprs = Vec::with_capacity(schema.fields().len());
    for ((qualifier, field), target) in input.iter().zip(schema.fields()) {
        let column = Expr::Column(Column::new(qualifier.cloned(), field.name()));
        let cast = column.cast_to(target.data_type(), &input).map_err(|e| map_datafusion_error(&e))?;
        exprs.push(cast.alias(target.name()));
    }
    LogicalPlanBuilder::from(plan)
        .project(exprs)
        .and_then(LogicalPlanBuilder::build)
        .map_err(|e| map_datafusion_error(&e))
}

/// Binds one expression.
pub(super) fn bind_expression(
    binder: &Binder<'_>,
    expr: &ast::Expr,
    schema: &DFSchema,
    declared: &[Option<SqlType>],
    target: Option<SqlType>,
) -> Result<Expr, SqlError> {
    let mapped = |e| map_datafusion_error(&e);
    let declared: Vec<Option<DataType>> = declared.iter().map(|t| t.map(|t| t.to_arrow())).collect();
    let context = Context::new(binder, 0);
    let mut planner_context = planner_context(&declared);
    let planner = SqlToRel::new_with_options(&context, parser_options());
    let bound = planner.sql_to_expr(expr.clone(), schema, &mut planner_context).map_err(mapped)?;
    if contains_aggregate(&bound) {
        let message = "aggregate and window functions are not allowed here";
        return Err(SqlError::new(SqlState::GroupingError, message));
    }
    let coerce = ExprSimplifier::new(SimplifyContext::builder().with_config_options(Arc::clone(&CONFIG)).build());
    let bound = match (bound, target) {
        // A parameter that is the whole value has the type of its target.
        (Expr::Placeholder(mut p), Some(target)) if p.field.is_none() => {
            p.field = Some(parameters::field(&target.to_arrow()));
            Expr::Placeholder(p)
        }
        (bound, _) => bound,
    };
    let bound = coerce.coerce(bound, schema).map_err(mapped)?;
    let bound = match target {
        Some(target) => bound.cast_to(&target.to_arrow(), schema).map_err(mapped)?,
        None => bound,
    };
    operators::replace_all(bound, schema).map_err(mapped)
}

fn contains_aggregate(expr: &Expr) -> bool {
    use datafusion::common::tree_node::TreeNode;
    expr.exists(|e| Ok(matches!(e, Expr::AggregateFunction(_) | Expr::WindowFunction(_)))).unwrap_or(true)
}

/// How SQL text becomes expressions: names folded and NULLs ordered as in Postgres, text as `Utf8`, positions kept.
fn parser_options() -> ParserOptions {
    ParserOptions::new()
        .with_map_string_types_to_utf8view(false)
        .with_enable_ident_normalization(true)
        .with_collect_spans(true)
        .with_default_null_ordering(NullOrdering::NullsMax)
}
