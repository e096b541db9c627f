//! Rewrites of a decorrelated plan: the same rows, computed with less.
//!
//! Every rule has a file of its own, whose first lines say what it does, when it may, and what would go wrong without
//! that. [`order`] says which runs when. All rules keep three things:
//!
//! - The rows are the same bag, NULLs and duplicates included. The order is kept where it can be seen ([`drop_sorts`]).
//! - A relation gives the same columns after a rule as before, by id. Only [`prune_columns`] takes away, and only what
//!   nothing above reads.
//! - A volatile expression is neither copied nor moved past what changes how often it is evaluated. An expression that
//!   can fail is not evaluated for rows that a filter below it had excluded. (Below a join it may be, for rows without
//!   a pair; Postgres does the same.)

mod distincts;
mod drop_sorts;
mod empty;
mod facts;
mod fold_constants;
mod join_order;
mod limits;
mod merge_projects;
mod nullability;
mod nulls;
pub(crate) mod order;
mod outer_to_inner;
mod prune_columns;
mod push_filter;
mod split_or;
mod substitution;
mod transitive;

use attune_sql::algebra::{Column, Ids, Rel};
use attune_sql::{SqlError, SqlState};

/// Most relations above one another. The rules call themselves for each level.
pub(crate) const MAX_DEPTH: usize = 1_000;
/// Stack that a level of relations or expressions needs at most.
const LEVEL: usize = 16 << 10;

/// A plan that gives at least the `needed` columns, with the same ids, of the same rows; in the same order if it is a
/// sort or a limit of one.
///
/// The plan is decorrelated: it has no subqueries, and reads no columns of a surrounding query. No rule needs columns
/// of its own today; `_ids` is for those that will.
///
/// # Errors
/// 54001 for a plan that is nested too deeply.
pub(crate) fn rewrite(rel: Rel, needed: &[Column], _ids: &mut Ids) -> Result<Rel, SqlError> {
    let depth = depth(&rel)?;
    let needed = needed.iter().map(|column| column.id).collect();
    // Rules may put some levels more on what is there.
    let stack = (2 * depth + 16) * LEVEL;
    Ok(stacker::maybe_grow(stack, stack, || order::to_fixpoint(rel, &needed)))
}

/// How deep relations, and expressions in them, are nested.
fn depth(rel: &Rel) -> Result<usize, SqlError> {
    let mut deepest = 0;
    let mut open = vec![(rel, 1)];
    while let Some((rel, depth)) = open.pop() {
        if depth > MAX_DEPTH {
            return Err(SqlError::new(SqlState::StatementTooComplex, "the query is nested too deeply")
                .with_hint("Make parts of it views of their own."));
        }
        let below = rel.exprs().into_iter().map(|expr| facts::extent(expr).1).max().unwrap_or(0);
        deepest = deepest.max(depth + below);
        open.extend(rel.inputs().into_iter().map(|input| (input, depth + 1)));
    }
    Ok(deepest)
}

#[cfg(test)]
mod tests;
