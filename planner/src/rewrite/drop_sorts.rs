//! Sorts whose order nobody sees.
//!
//! **Law.** A relation is a bag; an order is seen by the reader of the top, and by a limit. It is handed on by
//! projections, filters, unnest and limits, and by nothing else. A sort that neither sees is dropped. One below a limit
//! stays, also if another sort with the same keys is above the limit: it decides which rows there are.
//!
//! Postgres happens to keep the order of a subquery for what reads it row by row: an aggregate such as array_agg or
//! string_agg without ORDER BY of its own, a window function without ORDER BY, DISTINCT ON without ORDER BY. People
//! rely on it, so there the sort stays.
//!
//! Of the keys, constants and repetitions order nothing.

use super::facts::{distinct, is_value};
use attune_sql::algebra::{AggregateCall, Expr, Rel, SortKey};

/// Aggregates whose result depends on the order of rows.
const ORDERED: [&str; 5] = ["array_agg", "first_value", "last_value", "nth_value", "string_agg"];

/// The plan without sorts that nobody sees.
pub(super) fn drop_sorts(rel: Rel) -> Rel {
    walk(rel, true)
}

/// `seen`: whether the order of the rows is.
fn walk(mut rel: Rel, seen: bool) -> Rel {
    if let Rel::Sort { input, by } = rel {
        let by = keys(by);
        if !seen || by.is_empty() {
            return walk(*input, seen);
        }
        return Rel::Sort { input: Box::new(walk(*input, false)), by };
    }
    let below = match &rel {
        Rel::Limit { .. } => true,
        Rel::Project { .. } | Rel::Filter { .. } | Rel::Unnest { .. } => seen,
        Rel::Aggregate { aggregates, .. } => aggregates.iter().any(|(_, call)| is_ordered(call)),
        Rel::Window { calls, .. } => calls.iter().any(|(_, call)| call.order.is_empty()),
        Rel::DistinctOn { order, .. } => order.is_empty(),
        _ => false,
    };
    for input in rel.inputs_mut() {
        *input = walk(std::mem::replace(input, Rel::Unit), below);
    }
    rel
}

fn is_ordered(call: &AggregateCall) -> bool {
    call.order.is_empty() && ORDERED.contains(&call.function.name())
}

/// The keys that order something. Of two for one expression, the first decides.
fn keys(by: Vec<SortKey>) -> Vec<SortKey> {
    let mut open = distinct(by.iter().map(|key| key.expr.clone()).collect::<Vec<Expr>>()).into_iter().peekable();
    let mut first = |key: &SortKey| open.next_if_eq(&key.expr).is_some();
    by.into_iter().filter(|key| first(key) && !is_value(&key.expr)).collect()
}
