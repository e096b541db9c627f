//! Joins by key as lookups: instead of reading a whole relation for a hash join, the rows of the other side are gathered,
//! and only the rows with their keys are read.
//!
//! It is still the hash join that joins: its input is narrowed to what can match. So a lookup join gives what the hash join
//! over everything gives, NULL keys, repeated keys, further conditions and the padding of outer joins included. When the
//! other side turns out to have too many rows, nothing is narrowed, and the rows that were gathered are joined first.

mod exec;
mod keyed;
mod replay;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{JoinSide, NullEquality};
use datafusion::error::Result;
use datafusion::logical_expr::JoinType;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties};
use exec::LookupJoinExec;
use keyed::{KeyedSide, is_whole_relation};
use std::sync::Arc;

/// The plan with its joins by key done as lookups, as long as the other side has at most `most_rows`; 0 leaves it as it is.
pub(crate) fn with_lookup_joins(plan: Arc<dyn ExecutionPlan>, most_rows: usize) -> Result<Arc<dyn ExecutionPlan>> {
    if most_rows == 0 {
        return Ok(plan);
    }
    plan.transform_up(|node| {
        let lookup = node.downcast_ref::<HashJoinExec>().and_then(|join| lookup_join(join, most_rows));
        Ok(match lookup {
            Some(lookup) => Transformed::yes(Arc::new(lookup) as Arc<dyn ExecutionPlan>),
            None => Transformed::no(node),
        })
    })
    .data()
}

/// The hash join as a lookup join, if a side of it can be read by key and the other is not a whole relation.
fn lookup_join(join: &HashJoinExec, most_rows: usize) -> Option<LookupJoinExec> {
    let one_partition = |plan: &Arc<dyn ExecutionPlan>| plan.output_partitioning().partition_count() == 1;
    if join.null_equality() != NullEquality::NullEqualsNothing
        || !one_partition(join.left())
        || !one_partition(join.right())
    {
        return None;
    }
    let keyed = |inner: JoinSide| {
        let outer = if inner == JoinSide::Left { join.right() } else { join.left() };
        if is_whole_relation(outer) { None } else { KeyedSide::of(join, inner) }
    };
    // Every row of the outer side is joined; rows of the inner side that match none must not show.
    let (left, right) = match join.join_type() {
        JoinType::Inner => (keyed(JoinSide::Left), keyed(JoinSide::Right)),
        JoinType::Left => (None, keyed(JoinSide::Right)),
        JoinType::Right => (keyed(JoinSide::Left), None),
        _ => return None,
    };
    let inner = match (left, right) {
        (Some(left), Some(right)) if left.is_unique() && !right.is_unique() => left,
        (Some(left), None) => left,
        (_, right) => right?,
    };
    Some(LookupJoinExec::new(join.builder().build().ok()?, inner, most_rows))
}
