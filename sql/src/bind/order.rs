//! ORDER BY of a SELECT and of a set operation, DISTINCT ON.

use super::call::direction;
use super::expr::Clause;
use super::scope::Scope;
use super::select::Item;
use super::{Bind, Bound, Result};
use crate::algebra::{Expr, Rel, SortKey};
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, Spanned, Value};

/// What a key of ORDER BY, GROUP BY or DISTINCT ON names.
pub(super) enum Target {
    /// An item of the select list.
    Item(usize),
    /// An expression of its own.
    Expr(Expr),
}

/// A key of ORDER BY.
pub(super) struct Key {
    pub(super) target: Target,
    pub(super) descending: bool,
    pub(super) nulls_first: bool,
}

impl Bind<'_> {
    /// The keys of ORDER BY: names of the select list first, then positions, then expressions over FROM.
    pub(super) fn order_keys(&self, order: &[ast::OrderByExpr], items: &[Item], scope: &Scope<'_>) -> Result<Vec<Key>> {
        order
            .iter()
            .map(|by| {
                let target = self.output_target(&by.expr, items, scope, "ORDER BY")?;
                let (descending, nulls_first) = direction(by);
                Ok(Key { target, descending, nulls_first })
            })
            .collect()
    }

    /// What an expression of ORDER BY or DISTINCT ON means.
    pub(super) fn output_target(
        &self,
        expr: &ast::Expr,
        items: &[Item],
        scope: &Scope<'_>,
        clause: &str,
    ) -> Result<Target> {
        let expr = bare(expr);
        if let ast::Expr::Identifier(ident) = expr {
            let name = fold(ident);
            let mut found = items.iter().enumerate().filter(|(_, item)| item.name == name);
            if let Some((index, first)) = found.next() {
                if found.any(|(_, other)| other.expr != first.expr) {
                    let message = format!("{clause} \"{name}\" is ambiguous");
                    return Err(SqlError::new(SqlState::AmbiguousColumn, message).or_at(ident.span));
                }
                return Ok(Target::Item(index));
            }
        }
        if let Some(index) = position(expr, items.len(), clause)? {
            return Ok(Target::Item(index));
        }
        let bound = self.settle(self.typed_expr(expr, scope, Clause::OrderBy)?)?;
        Ok(match items.iter().position(|item| item.expr.is_same(&bound)) {
            Some(index) => Target::Item(index),
            None => Target::Expr(bound),
        })
    }

    /// What an expression of GROUP BY means: a column of FROM first, then a name or position of the select list.
    pub(super) fn group_target(&self, expr: &ast::Expr, items: &[Item], scope: &Scope<'_>) -> Result<Expr> {
        let item = |index: usize| -> Result<Expr> {
            let item = &items[index];
            if super::group::has_aggregate(&item.expr) || scope.namespace.lifts_any(&item.expr.columns()) {
                let message = "aggregate functions are not allowed in GROUP BY";
                return Err(SqlError::new(SqlState::GroupingError, message).or_at(expr.span()));
            }
            if item.expr.any(|e| matches!(e, Expr::Window(_))) {
                let message = "window functions are not allowed in GROUP BY";
                return Err(SqlError::new(SqlState::WindowingError, message).or_at(expr.span()));
            }
            Ok(item.expr.clone())
        };
        let expr = bare(expr);
        if let ast::Expr::Identifier(ident) = expr {
            let name = fold(ident);
            let in_from = scope.namespace.columns.iter().any(|(own, _)| *own == name);
            let mut found = items.iter().enumerate().filter(|(_, item)| item.name == name);
            if !in_from && let Some((index, first)) = found.next() {
                if found.any(|(_, other)| other.expr != first.expr) {
                    let message = format!("GROUP BY \"{name}\" is ambiguous");
                    return Err(SqlError::new(SqlState::AmbiguousColumn, message).or_at(ident.span));
                }
                return item(index);
            }
        }
        if let Some(index) = position(expr, items.len(), "GROUP BY")? {
            return item(index);
        }
        self.settle(self.typed_expr(expr, scope, Clause::GroupBy)?)
    }

    /// ORDER BY of what is no SELECT: by names and positions of its result.
    pub(super) fn order_output(&self, bound: Bound, order: &[ast::OrderByExpr]) -> Result<Bound> {
        if order.is_empty() {
            return Ok(bound);
        }
        let mut by = Vec::with_capacity(order.len());
        for key in order {
            let index = match bare(&key.expr) {
                ast::Expr::Identifier(ident) => {
                    let name = fold(ident);
                    let mut found = bound.columns.iter().enumerate().filter(|(_, (own, _))| *own == name);
                    match (found.next(), found.next()) {
                        (Some((index, _)), None) => Some(index),
                        (Some(_), Some(_)) => {
                            let message = format!("ORDER BY \"{name}\" is ambiguous");
                            return Err(SqlError::new(SqlState::AmbiguousColumn, message).or_at(ident.span));
                        }
                        _ => {
                            let message = format!("column \"{name}\" does not exist");
                            return Err(SqlError::new(SqlState::UndefinedColumn, message).or_at(ident.span));
                        }
                    }
                }
                other => position(other, bound.columns.len(), "ORDER BY")?,
            };
            let Some(index) = index else {
                let error =
                    SqlError::new(SqlState::FeatureNotSupported, "invalid UNION/INTERSECT/EXCEPT ORDER BY clause");
                return Err(error
                    .with_detail("Only result column names can be used, not expressions or functions.")
                    .with_hint("Add the expression/function to every SELECT, or move the UNION into a FROM clause.")
                    .or_at(key.expr.span()));
            };
            let (descending, nulls_first) = direction(key);
            by.push(SortKey { expr: Expr::Column(bound.columns[index].1.clone()), descending, nulls_first });
        }
        Ok(Bound { rel: Rel::Sort { input: Box::new(bound.rel), by }, ..bound })
    }
}

/// The expression without parentheses around it: `ORDER BY (1)` is a position too.
fn bare(mut expr: &ast::Expr) -> &ast::Expr {
    while let ast::Expr::Nested(inner) = expr {
        expr = inner;
    }
    expr
}

/// The item that a number names, from 0.
fn position(expr: &ast::Expr, items: usize, clause: &str) -> Result<Option<usize>> {
    let ast::Expr::Value(value) = expr else { return Ok(None) };
    let number = match &value.value {
        Value::Number(digits, _) => digits.parse::<usize>().ok(),
        Value::Placeholder(_) => return Ok(None),
        _ => None,
    };
    match number {
        Some(number) if (1..=items).contains(&number) => Ok(Some(number - 1)),
        Some(number) => {
            let message = format!("{clause} position {number} is not in select list");
            Err(SqlError::new(SqlState::InvalidColumnReference, message).or_at(expr.span()))
        }
        None => {
            let message = format!("non-integer constant in {clause}");
            Err(SqlError::new(SqlState::SyntaxError, message).or_at(expr.span()))
        }
    }
}
