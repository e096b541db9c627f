//! CREATE VIEW and CREATE MATERIALIZED VIEW.

use super::{Bound, check_taken};
use crate::coordinator::Ddl;
use attune_planner::{DataflowPlan, PlannedQuery};
use attune_sql::binder::{Binder, RelationSources, SchemaSources};
use attune_sql::catalog::{
    Catalog, Column, KeyPart, MAX_COLUMNS, Relation, RelationId, RelationKind, ViewStatus, check_name,
};
use attune_sql::statement::CreateView;
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use datafusion::logical_expr::TableSource;
use std::collections::BTreeSet;
use std::sync::Arc;

pub(super) fn view(catalog: &Catalog, view: &CreateView) -> Result<Bound, SqlError> {
    if let Some(bound) = check_taken(catalog, &view.name, view.if_not_exists)? {
        return Ok(bound);
    }
    let id = RelationId(catalog.next_id());
    let bound = bind(catalog, view)?;
    let columns = columns(view, &bound)?;
    let mut depends_on = bound.relations.clone();
    let mut relation = Relation {
        id,
        name: view.name.clone(),
        kind: RelationKind::View,
        columns,
        key: Vec::new(),
        query: Some(view.query_text.clone()),
        depends_on: BTreeSet::new(),
        state_objects: (0, 0),
        single_row: false,
        in_log: false,
    };
    if !view.materialized {
        relation.depends_on = depends_on;
        return Ok(Bound::change(Ddl::CreateRelation { relation, plan: None }));
    }
    depends_on.extend(bound.scanned().iter().copied());
    let plan = lower(catalog, &bound)?;
    relation.kind = RelationKind::MaterializedView { status: ViewStatus::Backfilling };
    relation.depends_on = depends_on;
    relation.key =
        plan.key.iter().map(|column| KeyPart { column: *column, descending: false, nulls_first: false }).collect();
    relation.single_row = plan.single_row;
    relation.in_log = plan.in_log;
    take_types(&mut relation.columns, &plan)?;
    let first =
        id.0.checked_add(1).ok_or_else(|| SqlError::new(SqlState::ProgramLimitExceeded, "no object ids are left"))?;
    relation.state_objects = (first, plan.state_slots);
    let mut bound = Bound::change(Ddl::CreateRelation { relation, plan: Some(plan) });
    bound.fill = Some(id.0);
    Ok(bound)
}

/// The dataflow a CREATE MATERIALIZED VIEW would make, for EXPLAIN.
pub(in crate::serve::engine) fn view_plan(catalog: &Catalog, view: &CreateView) -> Result<DataflowPlan, SqlError> {
    let bound = bind(catalog, view)?;
    columns(view, &bound)?;
    lower(catalog, &bound)
}

fn bind(catalog: &Catalog, view: &CreateView) -> Result<PlannedQuery, SqlError> {
    let binder = Binder { catalog, sources: sources(view) };
    let bound = PlannedQuery::bind(&binder, &view.query, &[]).map_err(|error| {
        let system = error.state == SqlState::UndefinedTable && error.message.contains("\"attune_");
        match system {
            true => error.with_hint("Views over system relations are not supported; query them directly."),
            false => error,
        }
    })?;
    if view.materialized {
        bound.check_view()?;
    } else if !bound.parameters.is_empty() {
        return Err(SqlError::new(SqlState::UndefinedParameter, "there is no parameter $1")
            .with_hint("The query of a view has no parameters; write the value, or filter when reading the view."));
    }
    Ok(bound)
}

/// Where the query of a view finds its relations.
fn sources(view: &CreateView) -> &'static dyn RelationSources {
    if view.materialized { &NullableSources } else { &SchemaSources }
}

/// Relations as a materialized view sees them: every column may be NULL. An expression that fails on a row gives NULL there,
/// so no conclusion (`10 / v` is never NULL, since `v` is not) may be drawn from the columns it reads.
struct NullableSources;

impl RelationSources for NullableSources {
    fn relation(&self, relation: &Arc<Relation>) -> Result<Arc<dyn TableSource>, SqlError> {
        let mut relation = Relation::clone(relation);
        relation.columns.iter_mut().for_each(|column| column.nullable = true);
        SchemaSources.relation(&Arc::new(relation))
    }

    fn system(&self, schema: Option<&str>, name: &str) -> Option<Arc<dyn TableSource>> {
        SchemaSources.system(schema, name)
    }
}

fn lower(catalog: &Catalog, bound: &PlannedQuery) -> Result<DataflowPlan, SqlError> {
    let plan = bound.plan()?;
    attune_planner::lower(&plan, catalog)
}

/// The types the plan gives. They are those of the bound query, but for a function whose type follows from a constant that the
/// optimizer has worked out (`round(x, 1)` of a numeric).
fn take_types(columns: &mut [Column], plan: &DataflowPlan) -> Result<(), SqlError> {
    let Some(output) = plan.nodes.last() else { return Ok(()) };
    for (column, field) in columns.iter_mut().zip(&output.schema) {
        if attune_planner::stored_type(column.sql_type) != field.column_type {
            column.sql_type = SqlType::from_arrow(&field.column_type.to_arrow()).ok_or_else(|| {
                let message =
                    format!("column \"{}\" has a type that cannot be stored: {}", column.name, field.column_type);
                SqlError::unsupported(message, "Cast it to another type.")
            })?;
        }
    }
    Ok(())
}

/// Columns of the view: names given, or those of the query.
fn columns(view: &CreateView, bound: &PlannedQuery) -> Result<Vec<Column>, SqlError> {
    if view.columns.len() > bound.names.len() {
        let message = match view.materialized {
            true => "too many column names were specified",
            false => "CREATE VIEW specifies more column names than columns",
        };
        return Err(SqlError::new(SqlState::SyntaxError, message));
    }
    if bound.names.len() > MAX_COLUMNS {
        let message = format!("relations can have at most {MAX_COLUMNS} columns");
        return Err(SqlError::new(SqlState::ProgramLimitExceeded, message));
    }
    let mut seen = BTreeSet::new();
    let mut columns = Vec::with_capacity(bound.names.len());
    for (index, (name, sql_type)) in bound.names.iter().zip(bound.types()?).enumerate() {
        let name = view.columns.get(index).unwrap_or(name).clone();
        check_name("column", &name)?;
        if !seen.insert(name.clone()) {
            let message = format!("column \"{name}\" specified more than once");
            return Err(SqlError::new(SqlState::DuplicateColumn, message)
                .with_hint("Give the columns of the query different names with AS."));
        }
        columns.push(Column { name, sql_type, nullable: true, hidden: false, default: None });
    }
    Ok(columns)
}
