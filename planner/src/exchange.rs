//! Which rows an operator must see together.

use crate::plan::Op;

/// Per input of `op` (of `width` columns each): the columns by which rows are brought together on one worker. `None` leaves
/// rows where they are, `Some([])` brings all to one. The first column decides the virtual node, so data that is distributed
/// by it already stays where it is.
pub(crate) fn exchange(op: &Op, inputs: &[usize], width: impl Fn(usize) -> usize) -> Vec<Option<Vec<usize>>> {
    match op {
        Op::Scan { .. } | Op::Values { .. } => vec![],
        Op::Filter { .. } | Op::Project { .. } | Op::UnionAll => vec![None; inputs.len()],
        Op::Join { on, .. } => {
            let (left, right) = on.iter().copied().unzip();
            vec![Some(left), Some(right)]
        }
        Op::Aggregate { group, .. } => vec![Some(group.clone())],
        Op::Distinct => inputs.iter().map(|input| Some((0..width(*input)).collect())).collect(),
        Op::TopK { partition, .. } => vec![Some(partition.clone())],
    }
}
