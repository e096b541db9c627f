//! Binding: a query's syntax tree becomes a tree of the [algebra](crate::algebra).
//!
//! Names, types and levels of subqueries are resolved here, by Postgres' rules, and nowhere else:
//!
//! - `from`, `join`, `table`: what FROM gives, and which names it makes visible (`scope`);
//! - `query`, `select`, `set`, `order`: the clauses, in the order in which they mean something;
//! - `level`, `group`, `grouping`, `window`, `expand`: aggregates, window functions and functions that give rows are taken out of
//!   expressions and become columns;
//! - `expr`, `access`, `call`, `subquery`: expressions; `catalog`: types of Postgres' catalogs;
//! - `resolve`: which operator, function or cast a call means.
//!
//! Errors carry SQLSTATE, Postgres' words and the position. What is bound is bounded: `MAX_NODES` expressions and relations,
//! plain views `MAX_VIEW_DEPTH` deep, queries `MAX_DEPTH` deep.

mod access;
mod call;
mod catalog;
mod expand;
mod expr;
mod expression;
mod from;
mod group;
mod grouping;
mod join;
mod level;
mod like;
mod order;
mod query;
mod resolve;
mod rows;
mod scope;
mod select;
mod set;
mod subquery;
mod syntax;
mod table;
mod window;

pub use expression::{Assigned, BoundExpression, Place, bind_expression};
pub use resolve::gives_rows;
pub(crate) use resolve::type_from_ast;

use crate::algebra::{Column, ColumnId, Expr, Ids, Query, Type};
use crate::binder::Binder;
use crate::catalog::RelationId;
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast;
use datafusion::sql::sqlparser::tokenizer::Span;
use resolve::Resolver;
use scope::Env;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Most plain views that may be expanded into each other.
const MAX_VIEW_DEPTH: usize = 32;
/// Most expressions and relations of a statement, those of views and of repeated CTEs included.
const MAX_NODES: usize = 200_000;
/// Most queries and expressions that may be nested into each other.
const MAX_DEPTH: usize = 1_500;
/// Highest parameter number, as in Postgres' protocol (a 16-bit count).
const MAX_PARAMETERS: usize = 65_535;

/// The result of a step of binding.
type Result<T> = std::result::Result<T, SqlError>;

/// Binds a query. `declared` are the parameter types that the client gave; the others are found out from their use, and are text
/// where nothing tells.
///
/// # Errors
/// With SQLSTATE and position.
pub fn bind_query(
    binder: &Binder<'_>,
    query: &ast::Query,
    declared: &[Option<Type>],
) -> std::result::Result<Query, SqlError> {
    let query = syntax::prepared(query)?;
    let mut known: Vec<Option<Type>> = declared.to_vec();
    // A use may tell the type of a parameter that an earlier use took for text: then once more, with what is known.
    for last in [false, true] {
        let parameters = RefCell::new(known);
        let bind = Bind::new(binder, &parameters);
        let bound = bind.shown(bind.query(&query, &Env::default(), true)?)?;
        let defaulted = bind.defaulted.take();
        let found = parameters.borrow().clone();
        let again = defaulted.iter().any(|index| found.get(*index).is_some_and(Option::is_some));
        if again && !last {
            known = found;
            continue;
        }
        let text = |ty: Option<Type>| ty.unwrap_or(Type::TEXT);
        let highest = defaulted.last().map_or(0, |index| index + 1).max(found.len());
        let parameters = (0..highest).map(|index| text(found.get(index).copied().flatten())).collect();
        return Ok(Query {
            rel: bound.rel,
            columns: bound.columns.iter().map(|(_, column)| column.clone()).collect(),
            names: bound.columns.into_iter().map(|(name, _)| name).collect(),
            parameters,
            relations: bind.relations.take(),
            scanned: bind.scanned.take(),
            ids: bind.ids.take(),
        });
    }
    Err(SqlError::internal("parameters have no types after two passes"))
}

/// What is shared while a statement is bound.
struct Bind<'a> {
    binder: &'a Binder<'a>,
    resolver: Resolver<'a>,
    ids: RefCell<Ids>,
    /// Relations the text names.
    relations: RefCell<BTreeSet<RelationId>>,
    /// Relations that are read.
    scanned: RefCell<BTreeSet<RelationId>>,
    /// Parameters that were taken for text since nothing around them told.
    defaulted: RefCell<BTreeSet<usize>>,
    /// Where a column was referred to last, for errors that are found later.
    spans: RefCell<BTreeMap<ColumnId, Span>>,
    /// Whether a system relation is read.
    system: Cell<bool>,
    /// How many plain views this is nested in.
    views: Cell<usize>,
    depth: Cell<usize>,
    nodes: Cell<usize>,
}

/// A query that is bound: its rows, and names and columns of its result.
struct Bound {
    rel: crate::algebra::Rel,
    columns: Vec<(String, Column)>,
    /// Columns that are unknown literals; they were taken for text.
    unknown: Vec<bool>,
}

impl<'a> Bind<'a> {
    fn new(binder: &'a Binder<'a>, parameters: &'a RefCell<Vec<Option<Type>>>) -> Bind<'a> {
        Bind {
            binder,
            resolver: Resolver { functions: binder.sources.functions(), parameters },
            ids: RefCell::default(),
            relations: RefCell::default(),
            scanned: RefCell::default(),
            defaulted: RefCell::default(),
            spans: RefCell::default(),
            system: Cell::new(false),
            views: Cell::new(0),
            depth: Cell::new(0),
            nodes: Cell::new(0),
        }
    }

    /// A new column.
    fn column(&self, name: impl Into<Arc<str>>, ty: Type, nullable: bool) -> Column {
        self.ids.borrow_mut().column(name, ty, nullable)
    }

    /// A new column for an expression; an expression that is a column keeps it.
    fn column_of(&self, name: &str, expr: &Expr) -> Column {
        match expr {
            Expr::Column(column) => column.clone(),
            other => self.column(name, other.ty(), other.nullable()),
        }
    }

    /// A type for what nothing tells the type of: text.
    fn settle(&self, expr: Expr) -> Result<Expr> {
        match expr {
            Expr::Parameter { index, ty: Type::Unknown } => {
                self.defaulted.borrow_mut().insert(index);
                Ok(Expr::Parameter { index, ty: Type::TEXT })
            }
            other => Ok(self.resolver.settle(other)?),
        }
    }

    /// Runs a step one level deeper, within the limits on depth and size.
    fn deeper<T>(&self, step: impl FnOnce() -> Result<T>) -> Result<T> {
        let (depth, nodes) = (self.depth.get() + 1, self.nodes.get() + 1);
        if depth > MAX_DEPTH || nodes > MAX_NODES {
            return Err(too_complex());
        }
        self.depth.set(depth);
        self.nodes.set(nodes);
        let result = stacker::maybe_grow(RED_ZONE, STACK, step);
        self.depth.set(depth - 1);
        result
    }
}

/// 54001
fn too_complex() -> SqlError {
    let error = SqlError::new(SqlState::StatementTooComplex, "the statement is too complex");
    let detail = format!("It may have {MAX_NODES} expressions and relations, nested {MAX_DEPTH} deep.");
    error.with_detail(detail).with_hint("Make parts of it views of their own.")
}

/// Stack that a step needs at most before the next one looks again.
const RED_ZONE: usize = 256 << 10;
/// How much is added when less is left.
const STACK: usize = 2 << 20;

#[cfg(test)]
mod tests;
