//! The syntax tree before it is bound: operators put together as Postgres reads them, clauses of other databases refused.

use super::Result;
use crate::binder::{check_syntax, precedence};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{Expr, Query, Select, SetExpr, TableFactor, VisitMut, VisitorMut};
use std::ops::ControlFlow;

/// The query as it is bound.
pub(super) fn prepared(query: &Query) -> Result<Query> {
    let mut query = query.clone();
    match VisitMut::visit(&mut query, &mut Visitor) {
        ControlFlow::Continue(()) => Ok(query),
        ControlFlow::Break(unbound) => Err(*unbound),
    }
}

struct Visitor;

type Flow = ControlFlow<Box<SqlError>>;

impl VisitorMut for Visitor {
    type Break = Box<SqlError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> Flow {
        flow(check_query(query))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> Flow {
        flow(check_select(select))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> Flow {
        flow(check_factor(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> Flow {
        precedence::restore(expr);
        flow(check_syntax::expr_only(expr))
    }
}

fn flow(result: Result<()>) -> Flow {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(unbound) => ControlFlow::Break(Box::new(unbound)),
    }
}

fn unsupported(what: &str, instead: &str) -> Result<()> {
    Err(SqlError::unsupported(what, instead))
}

fn check_query(query: &Query) -> Result<()> {
    if !query.locks.is_empty() {
        return unsupported(
            "SELECT ... FOR UPDATE is not supported",
            "Leave it out: a transaction that writes is one epoch.",
        );
    }
    if query.for_clause.is_some() || query.settings.is_some() || query.format_clause.is_some() {
        return unsupported("FOR XML, SETTINGS and FORMAT are not supported", "Leave the clause out.");
    }
    if !query.pipe_operators.is_empty() {
        return unsupported("pipe operators are not supported", "Write the query with subqueries.");
    }
    match &*query.body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
            unsupported("INSERT, UPDATE and DELETE inside a query are not supported", "Send them on their own.")
        }
        _ => Ok(()),
    }
}

fn check_select(select: &Select) -> Result<()> {
    if select.into.is_some() {
        return unsupported(
            "SELECT INTO is not supported",
            "Use CREATE MATERIALIZED VIEW, or CREATE TABLE and INSERT INTO ... SELECT.",
        );
    }
    let foreign = select.prewhere.is_some()
        || !select.connect_by.is_empty()
        || !select.distribute_by.is_empty()
        || !select.cluster_by.is_empty()
        || !select.sort_by.is_empty()
        || !select.lateral_views.is_empty()
        || select.value_table_mode.is_some()
        || select.exclude.is_some()
        || select.top.is_some();
    if foreign {
        return unsupported(
            "PREWHERE, CONNECT BY, DISTRIBUTE BY, EXCLUDE, TOP and SELECT AS STRUCT are not supported",
            "Leave the clause out; LIMIT limits rows.",
        );
    }
    if select.qualify.is_some() {
        return unsupported("QUALIFY is not supported", "Filter on the window function in a query around this one.");
    }
    Ok(())
}

fn check_factor(factor: &TableFactor) -> Result<()> {
    match factor {
        TableFactor::Table { partitions, version, sample, with_hints, .. } => {
            if sample.is_some() {
                return unsupported("TABLESAMPLE is not supported", "Filter on a hash of a column.");
            }
            if !partitions.is_empty() || version.is_some() || !with_hints.is_empty() {
                return unsupported("PARTITION, FOR SYSTEM_TIME and hints are not supported", "Leave the clause out.");
            }
            Ok(())
        }
        TableFactor::Derived { sample: Some(_), .. } => {
            unsupported("TABLESAMPLE is not supported", "Filter on a hash of a column.")
        }
        TableFactor::Derived { .. }
        | TableFactor::NestedJoin { .. }
        | TableFactor::UNNEST { .. }
        | TableFactor::Function { .. } => Ok(()),
        _ => Err(SqlError::new(SqlState::FeatureNotSupported, "this item of FROM is not supported")
            .with_hint("Name relations, subqueries, joins, unnest() and generate_series().")),
    }
}
