//! What a top-k has to keep.

use crate::expr::Expr;
use crate::plan::{Aggregate, AggregateFunction, Kept, Node, Op, SortColumn};

/// Most places of a window that is one entry: it is rewritten whole.
const WINDOW_PLACES: u64 = 64;
/// The same where rows are of any width, and only appended: an entry for each is then read and written instead.
const APPENDED_PLACES: u64 = 4;

/// Decides what node `index` keeps, if it is a top-k.
pub(super) fn choose_kept(nodes: &mut [Node], index: usize) {
    let (Op::TopK { partition, order, offset, limit: Some(limit), .. }, [input]) =
        (&nodes[index].op, &nodes[index].inputs[..])
    else {
        return;
    };
    let places = offset.saturating_add(*limit);
    let window = if nodes[*input].append_only {
        places <= APPENDED_PLACES
    } else {
        places <= WINDOW_PLACES && moves_forward(nodes, *input, partition, order)
    };
    if let (true, Op::TopK { kept, .. }) = (window, &mut nodes[index].op) {
        *kept = Kept::Window;
    }
}

/// Whether the rows of a node are groups that never go away, and never move back in this order.
///
/// A group's row is replaced when the group changes. What is asked is whether the new row always comes before the one it replaces:
/// then as many rows come before any other one as did, and what has fallen out of a window stays out. The two rows agree in the
/// columns of the group, so the aggregates decide, in the order of the columns: each must move forward only, until one that
/// every change moves.
fn moves_forward(nodes: &[Node], mut node: usize, partition: &[usize], order: &[SortColumn]) -> bool {
    // The columns of the aggregate, by column of the node.
    let mut columns: Vec<Option<usize>> = (0..nodes[node].schema.len()).map(Some).collect();
    let (group, aggregates) = loop {
        match (&nodes[node].op, &nodes[node].inputs[..]) {
            (Op::Project { exprs }, [input]) => {
                for column in &mut columns {
                    *column = match column.and_then(|column| exprs.get(column)) {
                        Some(Expr::Column(column)) => Some(*column),
                        _ => None,
                    };
                }
                node = *input;
            }
            (Op::Aggregate { group, aggregates }, [input]) if nodes[*input].append_only => break (group, aggregates),
            _ => return false,
        }
    };
    if group.is_empty() {
        // The one row of an aggregate without groups is there from the start.
        return false;
    }
    // A row stays in its partition.
    let fixed = |column: &usize| columns[*column].is_some_and(|column| column < group.len());
    if !partition.iter().all(fixed) {
        return false;
    }
    let rest = (0..columns.len()).map(|column| SortColumn { column, descending: false, nulls_first: false });
    for sort in order.iter().copied().chain(rest) {
        match columns[sort.column] {
            Some(column) if column < group.len() => {}
            Some(column) => {
                let aggregate = &aggregates[column - group.len()];
                if !only_forward(aggregate, sort) {
                    return false;
                }
                if always_moves(aggregate) {
                    return true;
                }
            }
            None => return false,
        }
    }
    true
}

/// Whether every new row of a group changes the aggregate: `count(*)`.
fn always_moves(aggregate: &Aggregate) -> bool {
    aggregate.function == AggregateFunction::Count && aggregate.argument.is_none() && aggregate.filter.is_none()
}

/// Whether new rows in a group move its aggregate forward in this order, if at all.
fn only_forward(aggregate: &Aggregate, sort: SortColumn) -> bool {
    match aggregate.function {
        // Never NULL.
        AggregateFunction::Count => sort.descending,
        // NULL until there is a value.
        AggregateFunction::Max => sort.descending && !sort.nulls_first,
        AggregateFunction::Min => !sort.descending && !sort.nulls_first,
        _ => false,
    }
}
