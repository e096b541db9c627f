//! Attune's planner: from a bound, optimised logical plan to a [`DataflowPlan`] (views) or a [`Lookup`] (reads).
//!
//! This crate knows `attune-sql` and the types of `attune-storage`. It opens no store and no socket: everything here is
//! pure data, printable and deterministic.

mod batch;
mod decorrelate;
mod exchange;
mod explain;
mod expr;
mod front;
mod layout;
mod lookup;
mod lower;
mod plan;
mod properties;
mod rewrite;
mod row;
mod types;

pub use explain::{StateOwner, explain, explain_state};
pub use expr::{Expr, Literal, expression_sql, physical, placeholder_index};
pub use front::PlannedQuery;
pub use layout::{arrow_schema, column_types, index_layout, table_layout};
pub use lookup::{Access, Bound, Lookup, LookupCount, LookupObject, LookupValue, explain_lookup, lookup, row_count};
pub use lower::lower;
pub use plan::{
    Aggregate, AggregateFunction, DataflowPlan, Field, JoinKind, Kept, Node, OLDEST_PLAN_VERSION, Op, PLAN_VERSION,
    RowAggregate, SortColumn,
};
pub use row::{RowExpression, compile};
pub use types::stored_type;

#[cfg(test)]
mod tests;
