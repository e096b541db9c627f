//! Binding UPDATE and DELETE: as a query for the affected rows and their new values.

use super::change::Change;
use super::coerce;
use super::conflict::{assigned, assigned_twice, default_syntax, is_default};
use super::prepare_insert::{Parameters, typed};
use super::returning::Returning;
use super::target::Target;
use crate::serve::engine::read::{Identity, KEY_COLUMN, ROW_COLUMN};
use crate::serve::engine::select::{Select, output_columns, parameter_types};
use crate::serve::engine::{Engine, Prepared, PreparedBody, Settings};
use attune_sql::algebra::Type;
use attune_sql::bind::gives_rows;
use attune_sql::binder::Binder;
use attune_sql::catalog::Catalog;
use attune_sql::functions::Registry;
use attune_sql::statement::{Parsed, fold, parse_query, relation_name};
use attune_sql::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{
    Expr, FromTable, Ident, Query, SelectItem, SetExpr, Spanned, Statement, TableFactor, TableWithJoins,
    UpdateTableFromKind, Visit, Visitor,
};
use std::ops::ControlFlow;

/// What UPDATE and DELETE have in common.
struct Parts<'a> {
    table: &'a TableWithJoins,
    others: Vec<TableWithJoins>,
    selection: Option<Expr>,
    returning: Option<&'a [SelectItem]>,
}

impl Engine {
    /// Binds an UPDATE or DELETE.
    pub(in crate::serve::engine) fn prepare_change(
        &self,
        parsed: Parsed,
        statement: &Statement,
        declared: &[Option<Type>],
        settings: &Settings,
    ) -> Result<Prepared, SqlError> {
        let catalog = self.coordinator.catalog();
        let (parts, verb) = match statement {
            Statement::Update(update) => (update_parts(update)?, "update"),
            Statement::Delete(delete) => (delete_parts(delete)?, "delete from"),
            _ => return Err(SqlError::internal("neither UPDATE nor DELETE")),
        };
        let (target, alias) = target(&catalog, parts.table, verb)?;
        let mut items = vec![identity(&alias, KEY_COLUMN), identity(&alias, ROW_COLUMN)];
        let columns = match statement {
            Statement::Update(update) => Some(assignments(&target, &update.assignments, &mut items)?),
            _ => None,
        };
        let query = affected_rows(&parts, items)?;
        let bound = self.bind(&catalog, &query, declared, settings, Identity::Of(target.relation.id));
        let bound = bound.map_err(aggregate_of_target)?;
        let mut parameters = Parameters::new(declared);
        parameters.note_all(&parameter_types(&bound.parameters)?);
        let query_columns = output_columns(&bound)?;
        if let (Statement::Update(update), Some(columns)) = (statement, &columns) {
            for ((column, found), assignment) in columns.iter().zip(&query_columns[2..]).zip(&update.assignments) {
                coerce::check(found.sql_type, &target.relation.columns[*column])
                    .map_err(|error| error.or_at(assignment.value.span()))?;
            }
        }
        let relations = bound.scanned().clone();
        let sources = self.sources(&catalog, Identity::Hidden);
        let binder = Binder { catalog: &catalog, sources: &sources };
        check_returning(&parts)?;
        let returning = Returning::bind(&binder, &target, &alias, parts.returning, &mut parameters)?;
        Ok(Prepared {
            parsed,
            parameters: parameters.finish(),
            columns: returning.as_ref().map(|r| r.columns.clone()),
            lookup: None,
            ranking: None,
            catalog_version: catalog.version(),
            body: PreparedBody::Change(Box::new(Change {
                target,
                assigned: columns,
                query: Select { query: bound, relations },
                query_columns,
                returning,
            })),
        })
    }
}

/// Refuses `RETURNING *` beside other tables: it has their columns, too, and these are not kept for it.
fn check_returning(parts: &Parts<'_>) -> Result<(), SqlError> {
    let all = parts.returning.into_iter().flatten().find(|item| matches!(item, SelectItem::Wildcard(_)));
    match all {
        Some(item) if !parts.others.is_empty() => Err(SqlError::unsupported(
            "RETURNING * of several tables is not supported",
            "Name the target before the star (target.*): columns of the other tables cannot be returned yet.",
        )
        .or_at(item.span())),
        _ => Ok(()),
    }
}

fn update_parts(update: &datafusion::sql::sqlparser::ast::Update) -> Result<Parts<'_>, SqlError> {
    if update.or.is_some() || update.limit.is_some() || !update.order_by.is_empty() || update.output.is_some() {
        let what = "UPDATE with ORDER BY or LIMIT is not supported";
        return Err(SqlError::unsupported(what, "Select the keys in a subquery: WHERE key IN (SELECT ... LIMIT n)."));
    }
    let others = match &update.from {
        None => Vec::new(),
        Some(UpdateTableFromKind::AfterSet(tables) | UpdateTableFromKind::BeforeSet(tables)) => tables.clone(),
    };
    let returning = update.returning.as_deref();
    Ok(Parts { table: &update.table, others, selection: update.selection.clone(), returning })
}

fn delete_parts(delete: &datafusion::sql::sqlparser::ast::Delete) -> Result<Parts<'_>, SqlError> {
    if delete.limit.is_some() || !delete.order_by.is_empty() || delete.output.is_some() || !delete.tables.is_empty() {
        let what = "DELETE with ORDER BY or LIMIT is not supported";
        return Err(SqlError::unsupported(what, "Select the keys in a subquery: WHERE key IN (SELECT ... LIMIT n)."));
    }
    let (FromTable::WithFromKeyword(tables) | FromTable::WithoutKeyword(tables)) = &delete.from;
    let [table] = tables.as_slice() else {
        return Err(SqlError::new(SqlState::SyntaxError, "DELETE is from one table").with_hint("Name others in USING."));
    };
    let others = delete.using.clone().unwrap_or_default();
    Ok(Parts { table, others, selection: delete.selection.clone(), returning: delete.returning.as_deref() })
}

fn target(catalog: &Catalog, table: &TableWithJoins, verb: &str) -> Result<(Target, String), SqlError> {
    let TableFactor::Table { name, alias, .. } = &table.relation else {
        return Err(SqlError::new(SqlState::SyntaxError, format!("{verb} needs the name of a table")));
    };
    if !table.joins.is_empty() {
        return Err(SqlError::new(SqlState::SyntaxError, "a join cannot be changed")
            .with_hint("Name the other tables in FROM (UPDATE) or USING (DELETE)."));
    }
    let target = relation_name(name).and_then(|name| Target::new(catalog, &name, verb));
    let target = target.map_err(|error| error.or_at(name.span()))?;
    let alias = alias.as_ref().map_or_else(|| target.relation.name.clone(), |a| fold(&a.name));
    Ok((target, alias))
}

fn identity(alias: &str, column: &str) -> SelectItem {
    let parts = vec![Ident::with_quote('"', alias), Ident::with_quote('"', column)];
    SelectItem::ExprWithAlias { expr: Expr::CompoundIdentifier(parts), alias: Ident::with_quote('"', column) }
}

fn assignments(
    target: &Target,
    assignments: &[datafusion::sql::sqlparser::ast::Assignment],
    items: &mut Vec<SelectItem>,
) -> Result<Vec<usize>, SqlError> {
    let mut columns = Vec::with_capacity(assignments.len());
    for (number, assignment) in assignments.iter().enumerate() {
        let (column, value) = assigned(target, assignment)?;
        if columns.contains(&column) {
            return Err(assigned_twice(target, column).or_at(assignment.span()));
        }
        columns.push(column);
        let definition = &target.relation.columns[column];
        refuse_aggregates(value)?;
        let mut expr = if is_default(value) { default_syntax(definition)? } else { value.clone() };
        // A constant is checked like a value of INSERT, so that errors say the same.
        match is_default(value) {
            true => super::literal::parse(&expr, definition)?,
            false => super::literal::parse_at(&expr, definition)?,
        };
        typed(&mut expr, definition.sql_type)?;
        items.push(SelectItem::ExprWithAlias { expr, alias: Ident::with_quote('"', format!("_attune_set_{number}")) });
    }
    Ok(columns)
}

/// The error for an aggregate of the rows themselves in a subquery: in the query for the rows their identity, which has no name
/// for others, is not grouped by.
fn aggregate_of_target(error: SqlError) -> SqlError {
    let of_identity = error.message.starts_with("column \"\" must") || error.message.contains(KEY_COLUMN);
    if error.state != SqlState::GroupingError || !of_identity {
        return error;
    }
    SqlError::new(SqlState::GroupingError, "aggregate functions are not allowed in UPDATE")
}

/// Refuses aggregates, window functions and functions that give rows in a value of SET; those of its subqueries are theirs. In the
/// query for the rows
/// they would be understood.
fn refuse_aggregates(value: &Expr) -> Result<(), SqlError> {
    match value.visit(&mut Aggregates { queries: 0 }) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(*error),
    }
}

struct Aggregates {
    /// How many queries surround what is visited.
    queries: usize,
}

impl Visitor for Aggregates {
    type Break = Box<SqlError>;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        self.queries += 1;
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, _: &Query) -> ControlFlow<Self::Break> {
        self.queries -= 1;
        ControlFlow::Continue(())
    }

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Self::Break> {
        let Expr::Function(function) = expr else { return ControlFlow::Continue(()) };
        let [name] = function.name.0.as_slice() else { return ControlFlow::Continue(()) };
        let name = name.as_ident().map(fold).unwrap_or_default();
        let error = if function.over.is_some() {
            SqlError::new(SqlState::WindowingError, "window functions are not allowed in UPDATE")
        } else if name == "grouping" {
            SqlError::new(SqlState::GroupingError, "grouping operations are not allowed in UPDATE")
        } else if gives_rows(&name) {
            SqlError::new(SqlState::FeatureNotSupported, "set-returning functions are not allowed in UPDATE")
        } else if Registry::standard().aggregate(&name).is_some() {
            SqlError::new(SqlState::GroupingError, "aggregate functions are not allowed in UPDATE")
        } else {
            return ControlFlow::Continue(());
        };
        if self.queries > 0 {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(Box::new(error.or_at(expr.span())))
        }
    }
}

/// `SELECT items FROM table, others WHERE selection`.
fn affected_rows(parts: &Parts<'_>, items: Vec<SelectItem>) -> Result<Box<Query>, SqlError> {
    let mut query = parse_query("SELECT 1")?;
    let SetExpr::Select(select) = query.body.as_mut() else {
        return Err(SqlError::internal("SELECT 1 is no SELECT"));
    };
    select.projection = items;
    select.from = std::iter::once(parts.table.clone()).chain(parts.others.iter().cloned()).collect();
    select.selection = parts.selection.clone();
    Ok(query)
}
