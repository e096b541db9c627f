//! The last steps: limits from ranks, fewer nodes, semi joins further down, then properties and state slots of what is left.

use super::{derive, rank, semi, simplify, top_k};
use crate::plan::{DataflowPlan, Node, PLAN_VERSION};
use crate::properties::state_slots;
use attune_sql::catalog::Catalog;

/// The plan of the nodes that `root` reads.
pub(super) fn finish(mut nodes: Vec<Node>, root: usize, catalog: &Catalog) -> DataflowPlan {
    rank::limit(&mut nodes);
    let root = simplify::simplify(&mut nodes, root);
    let mut kept = compact(&nodes, root, catalog);
    // Without the rank, a projection that only dropped it does nothing.
    if rank::drop_unused(&mut kept) {
        let root = kept.len() - 1;
        let root = simplify::simplify(&mut kept, root);
        kept = compact(&kept, root, catalog);
    }
    if let Some(mut moved) = semi::push_down(&kept, catalog) {
        let root = moved.len() - 1;
        let root = simplify::simplify(&mut moved, root);
        kept = compact(&moved, root, catalog);
    }
    for index in 0..kept.len() {
        top_k::choose_kept(&mut kept, index);
    }
    let mut slots = 0;
    for node in &mut kept {
        let count = state_slots(&node.op);
        node.state = (slots..slots + count).collect();
        slots += count;
    }
    let root_key = kept.last().and_then(|node| node.key.clone());
    let single_row = root_key.as_ref().is_some_and(Vec::is_empty);
    let key = root_key.unwrap_or_default();
    // Rows that never leave need not be found again.
    let in_log = key.is_empty() && !single_row && kept.last().is_some_and(|root| root.append_only);
    let mut plan = DataflowPlan {
        version: PLAN_VERSION,
        nodes: kept,
        state_slots: slots,
        key,
        single_row,
        in_log,
        state_in_rows: false,
    };
    plan.state_slots += u32::from(plan.counts_rows());
    // One entry is read and written where there would be two.
    plan.state_in_rows = plan.row_aggregate().is_some();
    plan
}

/// The nodes that the root reads, in their order, with all properties derived anew.
fn compact(nodes: &[Node], root: usize, catalog: &Catalog) -> Vec<Node> {
    let mut used = vec![false; nodes.len()];
    let mut open = vec![root];
    while let Some(index) = open.pop() {
        used[index] = true;
        open.extend(&nodes[index].inputs);
    }
    // Inputs come before their users, so a node's inputs have their new places already.
    let mut place = vec![0; nodes.len()];
    let mut kept: Vec<Node> = Vec::new();
    for (index, node) in nodes.iter().enumerate().filter(|(index, _)| used[*index]) {
        place[index] = kept.len();
        let inputs = node.inputs.iter().map(|i| place[*i]).collect();
        let node = derive(node.op.clone(), inputs, node.schema.clone(), &kept, catalog);
        kept.push(node);
    }
    kept
}
