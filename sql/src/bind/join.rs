//! Joins: ON, USING, NATURAL.

use super::from::Before;
use super::scope::{Namespace, Scope, Table};
use super::{Bind, Result};
use crate::algebra::{Column, Expr, JoinKind, Rel, Truth};
use crate::bind::expr::Clause;
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, JoinConstraint, JoinOperator, Spanned};

/// A join as it is written.
#[derive(Clone, Copy, PartialEq)]
enum Written {
    Inner,
    Left,
    Right,
    Full,
}

impl Bind<'_> {
    /// `rel` joined with the next item.
    pub(super) fn join(
        &self,
        rel: Rel,
        namespace: Namespace,
        join: &ast::Join,
        before: Before<'_>,
    ) -> Result<(Rel, Namespace)> {
        let (written, constraint) = operator(&join.join_operator)?;
        // A LATERAL item sees what this join has on its left, and what stands before it in FROM.
        let visible = before.namespace.clone().with(namespace.clone())?;
        let (right, right_names) = self.factor(&join.relation, Before { namespace: &visible, env: before.env })?;
        if matches!(written, Written::Right | Written::Full) {
            let given = rel.ids();
            if right.free().iter().any(|id| given.contains(id)) {
                let message = "invalid reference to FROM-clause entry of the left side";
                return Err(SqlError::new(SqlState::InvalidColumnReference, message)
                    .with_detail("The combining JOIN type must be INNER or LEFT for a LATERAL reference.")
                    .or_at(join.relation.span()));
            }
        }
        let (left_names, right_names) = match written {
            Written::Inner => (namespace, right_names),
            Written::Left => (namespace, right_names.nullable()),
            Written::Right => (namespace.nullable(), right_names),
            Written::Full => (namespace.nullable(), right_names.nullable()),
        };
        let merged = self.merged_names(constraint, &left_names, &right_names)?;
        let mut pairs = Vec::with_capacity(merged.len());
        for name in &merged {
            let pair = (unique(&left_names, name, "left")?, unique(&right_names, name, "right")?);
            pairs.push((name.clone(), pair.0, pair.1));
        }
        let on = match constraint {
            JoinConstraint::On(on) => {
                let both = left_names.clone().with(right_names.clone())?;
                let scope = Scope { namespace: &both, env: before.env };
                self.condition(on, &scope, Clause::JoinOn)?
            }
            _ => {
                for (_, left, right) in &pairs {
                    self.resolver.common_type(&[left.ty, right.ty], "JOIN/USING")?;
                }
                let equal = pairs.iter().map(|(_, left, right)| {
                    let (left, right) = (Expr::Column(left.clone()), Expr::Column(right.clone()));
                    self.resolver.binary("=", left, right)
                });
                Expr::and(equal.collect::<std::result::Result<Vec<_>, _>>()?)
            }
        };
        let rel = match written {
            Written::Inner => rel.join(JoinKind::Inner, right, on),
            Written::Left => rel.join(JoinKind::Left, right, on),
            Written::Right => right.join(JoinKind::Left, rel, on),
            Written::Full => rel.join(JoinKind::Full, right, on),
        };
        if pairs.is_empty() {
            return Ok((rel, left_names.with(right_names)?));
        }
        self.merge(rel, written, pairs, left_names, right_names)
    }

    /// The columns that USING or NATURAL name.
    fn merged_names(&self, constraint: &JoinConstraint, left: &Namespace, right: &Namespace) -> Result<Vec<String>> {
        match constraint {
            JoinConstraint::On(_) | JoinConstraint::None => Ok(Vec::new()),
            JoinConstraint::Using(names) => {
                let mut all = Vec::with_capacity(names.len());
                for name in names {
                    let Some(ident) = name.0.last().and_then(|part| part.as_ident()) else { continue };
                    let own = fold(ident);
                    if all.contains(&own) {
                        let message = format!("column name \"{own}\" appears more than once in USING clause");
                        return Err(SqlError::new(SqlState::DuplicateColumn, message).or_at(ident.span));
                    }
                    all.push(own);
                }
                Ok(all)
            }
            JoinConstraint::Natural => {
                let has = |name: &String| right.columns.iter().any(|(own, _)| own == name);
                let mut all: Vec<String> = Vec::new();
                for (name, _) in left.columns.iter().filter(|(name, _)| has(name)) {
                    if !all.contains(name) {
                        all.push(name.clone());
                    }
                }
                Ok(all)
            }
        }
    }

    /// What USING names is one column: of the side that always has a row, or of the one that has a row.
    fn merge(
        &self,
        rel: Rel,
        written: Written,
        pairs: Vec<(String, Column, Column)>,
        left: Namespace,
        right: Namespace,
    ) -> Result<(Rel, Namespace)> {
        let mut computed = Vec::new();
        let mut merged: Vec<(String, Column)> = Vec::with_capacity(pairs.len());
        for (name, l, r) in &pairs {
            let (left, right) = (Expr::Column(l.clone()), Expr::Column(r.clone()));
            let ty = self.resolver.common_type(&[l.ty, r.ty], "JOIN/USING")?;
            let value = match written {
                Written::Inner | Written::Left => self.resolver.cast(left, ty)?,
                Written::Right => self.resolver.cast(right, ty)?,
                Written::Full => {
                    let (left, right) = (self.resolver.cast(left, ty)?, self.resolver.cast(right, ty)?);
                    let there = Expr::Is { expr: Box::new(left.clone()), test: Truth::Null, negated: true };
                    let branches = vec![(there, left)];
                    Expr::Case { operand: None, branches, otherwise: Some(Box::new(right)), ty }
                }
            };
            let column = self.column_of(name, &value);
            if value.as_column().is_none() {
                computed.push((column.clone(), value));
            }
            merged.push((name.clone(), column));
        }
        // By name too: a subquery may give one column under two names.
        let is_merged = |own: &String, column: &Column| {
            pairs.iter().any(|(name, l, r)| name == own && (l == column || r == column))
        };
        let rest = left.columns.iter().chain(&right.columns).filter(|(name, column)| !is_merged(name, column));
        let columns: Vec<(String, Column)> = merged.iter().chain(rest).cloned().collect();
        let mut both = left.with(right)?;
        both.columns = columns;
        both.tables.push(Table::new(None, merged));
        Ok((rel.extend(computed), both))
    }

    /// A condition: a boolean expression.
    pub(super) fn condition(&self, expr: &ast::Expr, scope: &Scope<'_>, clause: Clause) -> Result<Expr> {
        let bound = self.expr(expr, scope, clause)?;
        let bound = self.resolver.boolean(bound, clause.sql());
        bound.map_err(|error| error.or_at(expr.span()))
    }
}

/// The one column of this name.
fn unique(namespace: &Namespace, name: &str, side: &str) -> Result<Column> {
    let mut found = namespace.columns.iter().filter(|(own, _)| own == name).map(|(_, column)| column);
    match (found.next(), found.next()) {
        (Some(column), None) => Ok(column.clone()),
        (Some(_), Some(_)) => {
            let message = format!("common column name \"{name}\" appears more than once in {side} table");
            Err(SqlError::new(SqlState::AmbiguousColumn, message))
        }
        _ => {
            let message = format!("column \"{name}\" specified in USING clause does not exist in {side} table");
            Err(SqlError::new(SqlState::UndefinedColumn, message))
        }
    }
}

fn operator(operator: &JoinOperator) -> Result<(Written, &JoinConstraint)> {
    let (written, constraint) = match operator {
        JoinOperator::Join(constraint) | JoinOperator::Inner(constraint) => (Written::Inner, constraint),
        JoinOperator::CrossJoin(constraint) => return Ok((Written::Inner, constraint)),
        JoinOperator::Left(constraint) | JoinOperator::LeftOuter(constraint) => (Written::Left, constraint),
        JoinOperator::Right(constraint) | JoinOperator::RightOuter(constraint) => (Written::Right, constraint),
        JoinOperator::FullOuter(constraint) => (Written::Full, constraint),
        _ => {
            return Err(SqlError::unsupported(
                "this kind of join is not supported",
                "Use JOIN, LEFT, RIGHT, FULL or CROSS JOIN.",
            ));
        }
    };
    if matches!(constraint, JoinConstraint::None) {
        let error = SqlError::new(SqlState::SyntaxError, "a join needs ON, USING or NATURAL");
        return Err(error.with_hint("CROSS JOIN is the join without a condition."));
    }
    Ok((written, constraint))
}
