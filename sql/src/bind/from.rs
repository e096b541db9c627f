//! FROM: relations beside one another, and what they make visible.

use super::scope::{Env, Namespace, Scope, Table};
use super::{Bind, Bound, Result};
use crate::algebra::{Column, Expr, JoinKind, Rel, Type};
use crate::bind::expr::Clause;
use crate::statement::fold;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{self, Spanned, TableFactor};
use std::collections::BTreeSet;

/// What is already there when an item of FROM is bound: LATERAL items see it.
#[derive(Clone, Copy)]
pub(super) struct Before<'s> {
    pub(super) namespace: &'s Namespace,
    pub(super) env: &'s Env<'s>,
}

impl Bind<'_> {
    /// All items of FROM.
    pub(super) fn from(&self, from: &[ast::TableWithJoins], env: &Env<'_>) -> Result<(Rel, Namespace)> {
        let mut rel = Rel::Unit;
        let mut namespace = Namespace::default();
        for (index, item) in from.iter().enumerate() {
            let (next, names) = self.table_with_joins(item, Before { namespace: &namespace, env })?;
            rel = if index == 0 { next } else { rel.join(JoinKind::Inner, next, Expr::boolean(true)) };
            namespace = namespace.with(names)?;
        }
        Ok((rel, namespace))
    }

    pub(super) fn table_with_joins(&self, table: &ast::TableWithJoins, before: Before<'_>) -> Result<(Rel, Namespace)> {
        let (mut rel, mut namespace) = self.factor(&table.relation, before)?;
        for join in &table.joins {
            (rel, namespace) = self.join(rel, namespace, join, before)?;
        }
        Ok((rel, namespace))
    }

    /// One item of FROM.
    pub(super) fn factor(&self, factor: &TableFactor, before: Before<'_>) -> Result<(Rel, Namespace)> {
        self.deeper(|| match factor {
            TableFactor::Table { name, alias, args: None, with_ordinality: false, .. } => {
                let (rel, table) =
                    self.named(name, alias.as_ref(), before.env).map_err(|error| error.or_at(name.span()))?;
                Ok((rel, Namespace::of(table)))
            }
            TableFactor::Table { name, alias, args: Some(args), with_ordinality, .. } => {
                self.function(name, &args.args, alias.as_ref(), *with_ordinality, before)
            }
            TableFactor::Function { name, args, alias, with_ordinality, .. } => {
                self.function(name, args, alias.as_ref(), *with_ordinality, before)
            }
            TableFactor::Derived { lateral, subquery, alias, .. } => {
                self.derived(*lateral, subquery, alias.as_ref(), before)
            }
            TableFactor::NestedJoin { table_with_joins, alias } => {
                let (rel, namespace) = self.table_with_joins(table_with_joins, before)?;
                match alias {
                    None => Ok((rel, namespace)),
                    Some(alias) => {
                        let columns = renamed(namespace.columns, alias)?;
                        Ok((rel, Namespace::of(Table::new(Some(fold(&alias.name)), columns))))
                    }
                }
            }
            TableFactor::UNNEST { alias, array_exprs, with_ordinality, with_offset: false, .. } => {
                self.unnest(array_exprs, alias.as_ref(), *with_ordinality, before)
            }
            other => {
                let error = SqlError::new(SqlState::FeatureNotSupported, "this item of FROM is not supported");
                let hint = "Name relations, subqueries, joins, unnest() and generate_series().";
                Err(error.with_hint(hint).or_at(other.span()))
            }
        })
    }

    fn derived(
        &self,
        lateral: bool,
        query: &ast::Query,
        alias: Option<&ast::TableAlias>,
        before: Before<'_>,
    ) -> Result<(Rel, Namespace)> {
        let here = Scope { namespace: before.namespace, env: before.env };
        let env = match lateral {
            true => Env { outer: Some(&here), place: Clause::Lateral, ctes: before.env.ctes.clone() },
            false => before.env.clone(),
        };
        let bound = self.apart(self.query(query, &env, true)?);
        let columns = match alias {
            Some(alias) => renamed(bound.columns, alias)?,
            None => bound.columns,
        };
        Ok((bound.rel, Namespace::of(Table::new(alias.map(|alias| fold(&alias.name)), columns))))
    }

    /// The result with an id for each column, also where the query names one twice: they may be keys of different grouping sets.
    pub(super) fn apart(&self, mut bound: Bound) -> Bound {
        let mut seen = BTreeSet::new();
        if bound.columns.iter().all(|(_, column)| seen.insert(column.id)) {
            return bound;
        }
        seen.clear();
        let mut exprs = Vec::with_capacity(bound.columns.len());
        for (name, column) in &mut bound.columns {
            let given = column.clone();
            if !seen.insert(column.id) {
                *column = self.column(name.as_str(), column.ty, column.nullable);
            }
            exprs.push((column.clone(), Expr::Column(given)));
        }
        bound.rel = bound.rel.project(exprs);
        bound
    }

    /// `unnest(a, b) [WITH ORDINALITY]`: sees what stands before it.
    pub(super) fn unnest(
        &self,
        arrays: &[ast::Expr],
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
        before: Before<'_>,
    ) -> Result<(Rel, Namespace)> {
        let scope = Scope { namespace: before.namespace, env: before.env };
        let mut rows = Vec::with_capacity(arrays.len());
        for array in arrays {
            let bound = self.expr(array, &scope, Clause::From)?;
            rows.push(self.resolver.rows("unnest", vec![bound]).map_err(|error| error.or_at(array.span()))?);
        }
        self.rows_of("unnest", rows, alias, ordinality)
    }

    /// The elements of arrays side by side, as a function of this name gives them.
    pub(super) fn rows_of(
        &self,
        function: &str,
        rows: Vec<(Expr, SqlType)>,
        alias: Option<&ast::TableAlias>,
        ordinality: bool,
    ) -> Result<(Rel, Namespace)> {
        // A single function gives its column the name of its alias.
        let only = alias.filter(|_| rows.len() == 1).map(|alias| fold(&alias.name));
        let name = only.unwrap_or_else(|| function.to_owned());
        let column = |element: SqlType| self.column(name.as_str(), Type::Sql(element), true);
        let arrays: Vec<(Column, Expr)> = rows.into_iter().map(|(array, element)| (column(element), array)).collect();
        let number = ordinality.then(|| self.column("ordinality", Type::BIGINT, false));
        let mut columns: Vec<(String, Column)> =
            arrays.iter().map(|(column, _)| (name.clone(), column.clone())).collect();
        columns.extend(number.iter().map(|column| ("ordinality".to_owned(), column.clone())));
        let columns = match alias {
            Some(alias) => renamed(columns, alias)?,
            None => columns,
        };
        let table = alias.map_or_else(|| function.to_owned(), |alias| fold(&alias.name));
        let rel = Rel::Unnest { input: Box::new(Rel::Unit), arrays, ordinality: number };
        Ok((rel, Namespace::of(Table::new(Some(table), columns))))
    }
}

/// The columns with the names that an alias gives them: `AS t (a, b)`.
pub(super) fn renamed(mut columns: Vec<(String, Column)>, alias: &ast::TableAlias) -> Result<Vec<(String, Column)>> {
    if alias.columns.len() > columns.len() {
        let message = format!(
            "table \"{}\" has {} columns available but {} columns specified",
            fold(&alias.name),
            columns.len(),
            alias.columns.len()
        );
        return Err(SqlError::new(SqlState::InvalidColumnReference, message).or_at(alias.name.span));
    }
    for ((name, _), given) in columns.iter_mut().zip(&alias.columns) {
        *name = fold(&given.name);
    }
    Ok(columns)
}
