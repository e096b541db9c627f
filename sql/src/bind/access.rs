//! `array[n]`, `array[n:m]`, `(row).field`.

use super::catalog::plain;
use super::expr::Clause;
use super::scope::Scope;
use super::{Bind, Result};
use crate::algebra::{CatalogType, Expr, Type};
use crate::statement::fold;
use crate::{SqlError, SqlState};
use datafusion::common::ScalarValue;
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
            (None, [AccessExpr::Dot(ast::Expr::Identifier(field)), rest @ ..])
                if let ast::Expr::Nested(call) = root
                    && let Some(value) = self.expanded_array(call, Some(&fold(field)), scope, clause)? =>
            {
                (value, rest)
            }
            _ => self.qualified(root, chain, scope, clause)?,
        };
        if let Some((AccessExpr::Dot(ast::Expr::Identifier(field)), next)) = rest.split_first()
            && value.ty() == Type::Catalog(CatalogType::Expanded)
            && fold(field) == "x"
        {
            (value, rest) = (plain(value), next);
        }
        // A vector of the catalogs begins at 0.
        let from_zero = value.ty() == Type::Catalog(CatalogType::Vector);
        value = plain(value);
        while let Some(first) = rest.first() {
            if let AccessExpr::Dot(field) = first {
                let name = match field {
                    ast::Expr::Identifier(field) => fold(field),
                    other => other.to_string(),
                };
                let ty = value.ty();
                let message = format!("column notation .{name} applied to type {ty}, which is not a composite type");
                return Err(SqlError::new(SqlState::WrongObjectType, message).or_at(root.span()));
            }
            let mut parts = Vec::new();
            while let Some((AccessExpr::Subscript(subscript), next)) = rest.split_first() {
                let part = self.part(subscript, scope, clause)?;
                parts.push(if from_zero { self.counted_from_one(part)? } else { part });
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
            Subscript::Slice { .. } => Err(SqlError::new(SqlState::SyntaxError, "syntax error at or near \":\"")),
        }
    }

    /// A subscript that counts from 0, counted from 1.
    fn counted_from_one(&self, part: Part) -> Result<Part> {
        let next = |index: Expr| {
            let one = Expr::constant(ScalarValue::Int32(Some(1)), Type::INTEGER);
            self.resolver.binary("+", index, one)
        };
        Ok(match part {
            Part::Index(index) => Part::Index(next(index)?),
            Part::Slice(lower, upper) => Part::Slice(lower.map(next).transpose()?, upper.map(next).transpose()?),
        })
    }

    /// What is accessed, and how: in `t.a[1]` the parser takes the column for a field.
    fn qualified<'e>(
        &self,
        root: &ast::Expr,
        chain: &'e [AccessExpr],
        scope: &Scope<'_>,
        clause: Clause,
    ) -> Result<(Expr, &'e [AccessExpr])> {
        let mut parts = match root {
            ast::Expr::Identifier(ident) => vec![ident.clone()],
            ast::Expr::CompoundIdentifier(parts) => parts.clone(),
            _ => return Ok((self.typed_expr(root, scope, clause)?, chain)),
        };
        let before = parts.len();
        parts.extend(chain.iter().map_while(|access| match access {
            AccessExpr::Dot(ast::Expr::Identifier(ident)) => Some(ident.clone()),
            _ => None,
        }));
        let dots = parts.len() - before;
        if dots == 0 {
            return Ok((self.typed_expr(root, scope, clause)?, chain));
        }
        Ok((self.compound(&parts, scope)?, &chain[dots..]))
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
