//! Changes to a query's syntax tree before DataFusion plans it, so that it means what it means in Postgres.

use super::output_names::{self, Names};
use super::{aggregate_casts, array_literal, check_syntax};
use crate::binder::precedence;
use crate::SqlError;
use crate::functions::generate_series;
use datafusion::sql::sqlparser::ast::{
    Distinct, Expr, LimitClause, OrderBy, OrderByKind, Query, Select, SelectItem, SetExpr, TableAliasColumnDef,
    TableFactor, Value, ValueWithSpan, VisitMut, VisitorMut,
};
use datafusion::sql::sqlparser::tokenizer::Span;
use std::ops::ControlFlow;

/// The query as DataFusion shall see it.
pub(super) fn rewrite(query: &Query, names: Names) -> Result<Query, SqlError> {
    let mut query = query.clone();
    if names == Names::BesideWildcardsMarked {
        mark_beside_wildcards(&mut query);
    }
    match VisitMut::visit(&mut query, &mut Rewriter) {
        ControlFlow::Continue(()) => Ok(query),
        ControlFlow::Break(error) => Err(*error),
    }
}

/// Marks the names beside a wildcard of the outermost select list, where only ORDER BY could refer to them.
fn mark_beside_wildcards(query: &mut Query) {
    let SetExpr::Select(select) = &mut *query.body else { return };
    let ordered = match &query.order_by {
        Some(OrderBy { kind: OrderByKind::Expressions(exprs), .. }) => {
            exprs.iter().map(|e| e.expr.to_string()).collect()
        }
        Some(_) => return,
        None => Vec::new(),
    };
    if !output_names::any_given(select, &ordered) {
        output_names::give_aliases(select, Names::BesideWildcardsMarked);
    }
}

struct Rewriter;

impl VisitorMut for Rewriter {
    type Break = Box<SqlError>;

    fn pre_visit_query(&mut self, query: &mut Query) -> ControlFlow<Box<SqlError>> {
        order_by_positions(query);
        result(check_syntax::query(query).and_then(|()| fetch_to_limit(query)))
    }

    fn pre_visit_select(&mut self, select: &mut Select) -> ControlFlow<Box<SqlError>> {
        result(check_syntax::select(select).map(|()| output_names::give_aliases(select, Names::AsWritten)))
    }

    fn pre_visit_table_factor(&mut self, factor: &mut TableFactor) -> ControlFlow<Box<SqlError>> {
        name_series(factor);
        result(check_syntax::table_factor(factor))
    }

    fn pre_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Box<SqlError>> {
        precedence::restore(expr);
        if let Err(error) = check_syntax::expr(expr) {
            return result(Err(error));
        }
        match expr {
            Expr::Function(function) => {
                aggregate_casts::mark(function);
                ControlFlow::Continue(())
            }
            Expr::Cast { .. } => result(array_literal::expand(expr)),
            _ => ControlFlow::Continue(()),
        }
    }
}

fn result(result: Result<(), SqlError>) -> ControlFlow<Box<SqlError>> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(Box::new(error)),
    }
}

/// `SELECT DISTINCT f(a) ... ORDER BY f(a)` orders by the select list: DataFusion finds the expression there only by position,
/// once it has a name.
fn order_by_positions(query: &mut Query) {
    let SetExpr::Select(select) = &*query.body else { return };
    let Some(OrderBy { kind: OrderByKind::Expressions(exprs), .. }) = &mut query.order_by else { return };
    if !matches!(select.distinct, Some(Distinct::Distinct)) {
        return;
    }
    let items: Vec<Option<String>> = select
        .projection
        .iter()
        .map(|item| match item {
            SelectItem::UnnamedExpr(expr) | SelectItem::ExprWithAlias { expr, .. } => Some(expr.to_string()),
            _ => None,
        })
        .collect();
    if items.iter().any(Option::is_none) {
        return;
    }
    for order in exprs {
        if matches!(order.expr, Expr::Value(_) | Expr::Identifier(_) | Expr::CompoundIdentifier(_)) {
            continue;
        }
        let text = order.expr.to_string();
        if let Some(index) = items.iter().position(|item| item.as_ref() == Some(&text)) {
            order.expr = number(index + 1);
        }
    }
}

fn number(n: usize) -> Expr {
    Expr::Value(ValueWithSpan { value: Value::Number(n.to_string(), false), span: Span::empty() })
}

/// FETCH FIRST n ROWS ONLY is LIMIT n.
fn fetch_to_limit(query: &mut Query) -> Result<(), SqlError> {
    let Some(fetch) = query.fetch.take() else { return Ok(()) };
    if fetch.with_ties || fetch.percent {
        return Err(SqlError::unsupported(
            "FETCH with TIES or PERCENT is not supported",
            "Use rank() OVER (ORDER BY ...) in a subquery and filter on it.",
        ));
    }
    let quantity = fetch.quantity.unwrap_or_else(|| number(1));
    match &mut query.limit_clause {
        Some(LimitClause::LimitOffset { limit: limit @ None, .. }) => *limit = Some(quantity),
        Some(_) => {
            return Err(SqlError::new(crate::SqlState::SyntaxError, "multiple LIMIT clauses not allowed"));
        }
        None => {
            query.limit_clause =
                Some(LimitClause::LimitOffset { limit: Some(quantity), offset: None, limit_by: Vec::new() });
        }
    }
    Ok(())
}

/// `FROM generate_series(1, 3) AS i`: the alias names the column too, as in Postgres.
fn name_series(factor: &mut TableFactor) {
    if let TableFactor::Table { name, args: Some(_), alias: Some(alias), .. } = factor
        && alias.columns.is_empty()
        && name.to_string() == generate_series::NAME
    {
        alias.columns.push(TableAliasColumnDef::from_name(alias.name.value.clone()));
    }
}
