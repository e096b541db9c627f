//! The algebra of queries: what a statement means, before anything decides how it is computed.
//!
//! A bound query is a tree of relations ([`Rel`]) over typed expressions ([`Expr`]). Columns are known by their id
//! ([`ColumnId`]), which is unique in the statement: a name is text for people and decides nothing. So no rewrite can
//! confuse two columns of one name, and a relation may be put anywhere in a plan.
//!
//! What holds of every bound tree:
//!
//! - An expression has its Postgres type ([`Type`]); operands have been cast to the types that their operator takes. There is
//!   no implicit cast left. `Type::Unknown` occurs nowhere.
//! - A float is canonical: -0 is 0 and every NaN is one, above all numbers.
//! - A subquery is an expression ([`Expr::Subquery`]) or the right side of a join, and may refer to columns of what surrounds it.
//! - A column is read only where a relation below, or one that surrounds it, gives it.

mod column;
mod display;
mod expr;
mod refresh;
mod rel;
mod rename;
mod types;
mod walk;

pub use column::{Column, ColumnId, Ids};
pub use display::explain;
pub use expr::{
    AggregateCall, Callee, CompareOp, Expr, SortKey, Subquery, SubqueryKind, Truth, WindowCall, WindowFunction,
};
pub use refresh::refresh;
pub use rel::{Join, JoinKind, Query, Rel, Scan, SetOperator};
pub use types::{CatalogType, Category, Type};
