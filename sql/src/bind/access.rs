//! `array[n]`, `array[n:m]`, `(row).field`.

use super::expr::Clause;
use super::scope::Scope;
use super::{Bind, Result};
use crate::algebra::Expr;
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, AccessExpr, Spanned, Subscript};

/// A subscript that is bound.
enum Part {
    Index(Expr),
    Slice(Option<Expr>, Option<Expr>),
}

impl Bind<'_> {
    /// What stands behind a value: subscripts, of which those that follow one another are of one array, and fields.
    pub(super) fn access(
        &self,
        root: &ast::Expr,
        chain: &[AccessExpr],
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<Expr> {
        let (mut value, mut rest) = match (table(root, scope), chain) {
            // (t).a is t.a
            (Some(name), [AccessExpr::Dot(ast::Expr::Identifier(field)), rest @ ..]) => {
                (Expr::Column(scope.column_of(&name, &fold(field))?), rest)
            }
            _ => (self.expr(root, scope, clause)?, chain),
        };
        while let Some(first) = rest.first() {
            if let AccessExpr::Dot(field) = first {
                let name = match field {
                    ast::Expr::Identifier(field) => fold(field),
                    other => other.to_string(),
                };
                let ty = value.ty();
                let message = format!("column notation .{name} applied to type {ty}, which is not a composite type");
                return Err(SqlError::new(SqlState::WrongObjectType, message).or_at(root.span()).into());
            }
            let mut parts = Vec::new();
            while let Some((AccessExpr::Subscript(subscript), next)) = rest.split_first() {
                parts.push(self.part(subscript, scope, clause)?);
                rest = next;
            }
            value = self.subscripted(value, parts).map_err(|error| error.or_at(root.span()))?;
        }
        Ok(value)
    }

    fn part(&self, subscript: &Subscript, scope: &Scope<'_>, clause: Clause) -> Result<Part> {
        let bound = |bound: &Option<ast::Expr>| bound.as_ref().map(|e| self.expr(e, scope, clause)).transpose();
        match subscript {
            Subscript::Index { index } => Ok(Part::Index(self.expr(index, scope, clause)?)),
            Subscript::Slice { lower_bound, upper_bound, stride: None } => {
                Ok(Part::Slice(bound(lower_bound)?, bound(upper_bound)?))
            }
            Subscript::Slice { .. } => {
                Err(SqlError::new(SqlState::SyntaxError, "syntax error at or near \":\"").into())
            }
        }
    }

    /// If one is a slice, all are: `a[n]` is `a[1:n]` then.
    fn subscripted(&self, array: Expr, mut parts: Vec<Part>) -> std::result::Result<Expr, SqlError> {
        let slices = parts.iter().any(|part| matches!(part, Part::Slice(..)));
        if parts.len() == 1 {
            return match parts.remove(0) {
                Part::Index(index) => self.resolver.subscript(array, index),
                Part::Slice(lower, upper) => self.resolver.slice(array, lower, upper),
            };
        }
        let bounds = parts.into_iter().flat_map(|part| match part {
            Part::Index(index) => [Some(index), None],
            Part::Slice(lower, upper) => [lower, upper],
        });
        self.resolver.subscripts(array, bounds.flatten().collect(), slices)
    }
}

/// The table that `(t)` names, if no column has that name.
fn table(root: &ast::Expr, scope: &Scope<'_>) -> Option<String> {
    let ast::Expr::Nested(inner) = root else { return None };
    let ast::Expr::Identifier(ident) = &**inner else { return None };
    let name = fold(ident);
    let is_column = matches!(scope.find(&name), Ok(Some(_)) | Err(_));
    (!is_column && scope.table(&name).is_some()).then_some(name)
}
