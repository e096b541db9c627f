//! The order of the rules, and how often they run.
//!
//! A round is one pass of each rule over the plan. Later rules see what earlier ones of the round made:
//!
//! 1. [`nullability`] first: folding trusts what it says, and inner joins made in the last round changed it.
//! 2. [`fold_constants`], so that conditions have the form the others look for, and impossible ones show.
//! 3. [`empty`], so that nothing is moved around in what gives no rows.
//! 4. [`push_filter`]. On the way down it makes outer joins inner ([`outer_to_inner`](super::outer_to_inner)), spreads
//!    constants over equal columns ([`transitive`](super::transitive)) and puts inner joins in order
//!    ([`join_order`](super::join_order)): these need the conditions, which are at hand there only.
//! 5. [`limits`], then [`drop_sorts`], [`distincts`]: what they look at are neighbours, and filters are no longer
//!    between.
//! 6. [`merge_projects`]: filters are no longer between projections either.
//! 7. [`prune_columns`] last: what is needed is known when everything else has its place.
//!
//! A second round is for what the first one made possible: a filter that reached an input which then is empty, an inner
//! join that was an outer one and can be put in order with its neighbours.

use super::{
    distincts, drop_sorts, empty, fold_constants, limits, merge_projects, nullability, prune_columns, push_filter,
};
use attune_sql::algebra::{ColumnId, Rel};
use std::collections::BTreeSet;

/// Most rounds. Plans that people write change in the first two; a plan is right after any number.
pub(crate) const MAX_ROUNDS: usize = 6;

/// Runs rounds until one changes nothing.
pub(super) fn to_fixpoint(mut rel: Rel, needed: &BTreeSet<ColumnId>) -> Rel {
    for _ in 0..MAX_ROUNDS {
        let before = rel.clone();
        rel = round(rel, needed);
        if rel == before {
            break;
        }
    }
    rel
}

/// One pass of each rule.
pub(super) fn round(rel: Rel, needed: &BTreeSet<ColumnId>) -> Rel {
    let rel = nullability::refresh(rel);
    let rel = fold_constants::fold(rel);
    let rel = empty::propagate(rel);
    let rel = push_filter::push(rel);
    let rel = limits::merge(rel);
    let rel = drop_sorts::drop_sorts(rel);
    let rel = distincts::drop_distincts(rel);
    let rel = merge_projects::merge(rel);
    prune_columns::prune(rel, needed)
}
