//! A query: WITH, its body, ORDER BY, LIMIT.

use super::scope::{Cte, Env};
use super::{Bind, Bound, Result};
use crate::algebra::{Expr, Rel, Type};
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
use datafusion::sql::sqlparser::ast::{self, LimitClause, OrderByKind, SetExpr, Spanned, visit_relations};
use std::cell::Cell;
use std::ops::ControlFlow;
use std::rc::Rc;

impl Bind<'_> {
    /// Binds a query within `env`. With `settle`, columns that are unknown literals are text for good.
    pub(super) fn query(&self, query: &ast::Query, env: &Env<'_>, settle: bool) -> Result<Bound> {
        self.deeper(|| {
            let env = with(query, env)?;
            let order = order_by(query)?;
            let mut bound = match &*query.body {
                SetExpr::Select(select) => self.select(select, order, &env)?,
                body => {
                    let bound = self.body(body, &env)?;
                    self.order_output(bound, order)?
                }
            };
            bound.rel = self.limit(bound.rel, query)?;
            self.check_unread(query, &env)?;
            if settle {
                bound.unknown.fill(false);
            }
            Ok(bound)
        })
    }

    /// A CTE that nothing reads must still make sense.
    fn check_unread(&self, query: &ast::Query, env: &Env<'_>) -> Result<()> {
        let count = query.with.as_ref().map_or(0, |with| with.cte_tables.len());
        let mut next = env.ctes.clone();
        for _ in 0..count {
            let Some(cte) = next else { break };
            if !cte.read.get() {
                self.query(&cte.cte.query, &cte.env, true)?;
            }
            next = cte.env.ctes.clone();
        }
        Ok(())
    }

    /// What may stand where a SELECT may.
    pub(super) fn body(&self, body: &SetExpr, env: &Env<'_>) -> Result<Bound> {
        match body {
            SetExpr::Select(select) => self.select(select, &[], env),
            SetExpr::Query(query) => self.query(query, env, false),
            SetExpr::SetOperation { .. } => self.deeper(|| self.set_operation(body, env)),
            SetExpr::Values(values) => self.values(values, env),
            SetExpr::Table(table) => self.table_statement(table, env),
            SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => {
                let what = "INSERT, UPDATE and DELETE inside a query are not supported";
                Err(SqlError::unsupported(what, "Send them on their own."))
            }
        }
    }

    fn limit(&self, rel: Rel, query: &ast::Query) -> Result<Rel> {
        let (limit, offset) = match &query.limit_clause {
            None => (None, None),
            Some(LimitClause::LimitOffset { limit, offset, limit_by }) => {
                if !limit_by.is_empty() {
                    return Err(SqlError::unsupported("LIMIT BY is not supported", "Use row_number()."));
                }
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            Some(LimitClause::OffsetCommaLimit { .. }) => {
                let error = SqlError::new(SqlState::SyntaxError, "LIMIT #,# syntax is not supported");
                return Err(error.with_hint("Use separate LIMIT and OFFSET clauses."));
            }
        };
        let mut fetch = limit.map(|limit| self.count(limit, "LIMIT")).transpose()?;
        if let Some(clause) = &query.fetch {
            if clause.with_ties || clause.percent {
                let what = "FETCH with TIES or PERCENT is not supported";
                let instead = "Use rank() OVER (ORDER BY ...) in a subquery and filter on it.";
                return Err(SqlError::unsupported(what, instead));
            }
            if fetch.is_some() {
                return Err(SqlError::new(SqlState::SyntaxError, "multiple LIMIT clauses not allowed"));
            }
            fetch = Some(match &clause.quantity {
                Some(quantity) => self.count(quantity, "LIMIT")?,
                None => Expr::constant(ScalarValue::Int64(Some(1)), Type::BIGINT),
            });
        }
        let skip = offset.map(|offset| self.count(offset, "OFFSET")).transpose()?;
        if fetch.is_none() && skip.is_none() {
            return Ok(rel);
        }
        Ok(Rel::Limit { input: Box::new(rel), skip, fetch })
    }

    /// A count of rows: a constant or a parameter.
    fn count(&self, expr: &ast::Expr, clause: &'static str) -> Result<Expr> {
        let bound = self.constant(expr, clause)?;
        if bound.any(|e| matches!(e, Expr::Subquery(_))) {
            let what = format!("a subquery in {clause} is not supported");
            let error = SqlError::unsupported(what, "Write a number, or a parameter.");
            return Err(error.or_at(expr.span()));
        }
        let ty = bound.ty();
        let number = self.resolver.can_coerce(ty, Type::BIGINT, super::resolve::CastContext::Assignment);
        if !number {
            let message = format!("argument of {clause} must be type bigint, not type {ty}");
            return Err(SqlError::new(SqlState::DatatypeMismatch, message).or_at(expr.span()));
        }
        let bound = self.resolver.coerce(bound, Type::BIGINT, super::resolve::CastContext::Assignment);
        bound.map_err(|error| error.or_at(expr.span()))
    }
}

/// The surroundings of a query's body: those of the query, and its CTEs.
fn with<'s>(query: &'s ast::Query, env: &Env<'s>) -> Result<Env<'s>> {
    let mut env = env.clone();
    let Some(with) = &query.with else { return Ok(env) };
    if with.recursive {
        check_not_recursive(with)?;
    }
    let outside = env.ctes.as_ref().map(Rc::as_ptr);
    for cte in &with.cte_tables {
        let name = fold(&cte.alias.name);
        let mut own = env.ctes.clone();
        while let Some(other) = own.filter(|cte| Some(Rc::as_ptr(cte)) != outside) {
            if other.name == name {
                let message = format!("WITH query name \"{name}\" specified more than once");
                return Err(SqlError::new(SqlState::DuplicateAlias, message).or_at(cte.alias.name.span));
            }
            own = other.env.ctes.clone();
        }
        env.ctes = Some(Rc::new(Cte { name, cte, env: env.clone(), read: Cell::new(false) }));
    }
    Ok(env)
}

/// Refuses CTEs that read themselves or later ones; without that RECURSIVE means nothing.
fn check_not_recursive(with: &ast::With) -> Result<()> {
    for (index, cte) in with.cte_tables.iter().enumerate() {
        let later: Vec<String> = with.cte_tables[index..].iter().map(|cte| fold(&cte.alias.name)).collect();
        let read = visit_relations(&cte.query, |relation| match relation.0.as_slice() {
            [only] if only.as_ident().is_some_and(|name| later.contains(&fold(name))) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        });
        if read.is_break() {
            let name = fold(&cte.alias.name);
            let error = SqlError::unsupported(
                format!("WITH RECURSIVE is not supported: \"{name}\" reads itself, or what follows it"),
                "Join as often as the depth needs, or loop in the program.",
            );
            return Err(error.or_at(cte.alias.name.span));
        }
    }
    Ok(())
}

/// The expressions of ORDER BY.
fn order_by(query: &ast::Query) -> Result<&[ast::OrderByExpr]> {
    match &query.order_by {
        None => Ok(&[]),
        Some(order) => match &order.kind {
            OrderByKind::Expressions(exprs) if order.interpolate.is_none() => Ok(exprs),
            _ => Err(SqlError::unsupported("ORDER BY ALL is not supported", "Name the columns.")),
        },
    }
}
