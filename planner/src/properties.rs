//! What is known about a node's output: a unique key, and whether rows ever leave it.

use crate::plan::{JoinKind, Node, Op};
use attune_sql::catalog::Catalog;
use attune_sql::catalog::RelationId;

/// A unique key of the output of `op`, in the order in which rows are best stored; `Some([])`: at most one row.
///
/// `nodes` are all nodes so far, `inputs` those of this one, `width` the number of its columns.
pub(crate) fn key(op: &Op, inputs: &[&Node], width: usize, nodes: &[Node], catalog: &Catalog) -> Option<Vec<usize>> {
    match (op, inputs) {
        (Op::Scan { relation, columns, .. }, _) => scan_key(*relation, columns, catalog),
        (Op::Values { rows }, _) => (rows.len() <= 1).then(Vec::new),
        (Op::Filter { .. }, [input]) => input.key.clone(),
        (Op::Project { exprs }, [input]) => {
            // A key survives if each of its columns does; where one is copied, the first copy stands for it.
            let copy = |column: usize| exprs.iter().position(|e| *e == crate::Expr::Column(column));
            let place = |column: &usize| copy(*column).or_else(|| copy(equal_column(input, *column, nodes)?));
            input.key.as_ref()?.iter().map(place).collect()
        }
        (Op::Join { kind, on, .. }, [left, right]) => join_key(*kind, on, left, right),
        (Op::Aggregate { group, .. }, _) => Some((0..group.len()).collect()),
        (Op::Distinct, [input]) => input.key.clone().or_else(|| Some((0..width).collect())),
        (Op::TopK { partition, limit, rank, .. }, [input]) => {
            let mut first = Vec::new();
            for column in partition {
                if !first.contains(column) {
                    first.push(*column);
                }
            }
            match (limit, rank) {
                (Some(0 | 1), _) => Some(first),
                (_, true) => Some(first.into_iter().chain([width - 1]).collect()),
                (_, false) => input.key.clone(),
            }
        }
        _ => None,
    }
}

/// The key of the scanned relation, if all its columns are scanned.
fn scan_key(relation: u32, columns: &[usize], catalog: &Catalog) -> Option<Vec<usize>> {
    let relation = catalog.get(RelationId(relation))?;
    if relation.key.is_empty() {
        return relation.single_row.then(Vec::new);
    }
    relation.key.iter().map(|part| columns.iter().position(|c| *c == part.column)).collect()
}

/// A pair of rows is known by the keys of both; by one side's alone if the join finds at most one partner for each of its rows.
fn join_key(kind: JoinKind, on: &[(usize, usize)], left: &Node, right: &Node) -> Option<Vec<usize>> {
    let left_key = left.key.as_ref()?;
    if matches!(kind, JoinKind::LeftSemi | JoinKind::LeftAnti) {
        return Some(left_key.clone());
    }
    let right_key = right.key.as_ref()?;
    let width = left.schema.len();
    if right_key.iter().all(|key| on.iter().any(|(_, r)| r == key)) {
        return Some(left_key.clone());
    }
    if kind == JoinKind::Inner && left_key.iter().all(|key| on.iter().any(|(l, _)| l == key)) {
        return Some(right_key.iter().map(|key| key + width).collect());
    }
    Some(both_keys(on, left, left_key, right_key))
}

/// The column of the other side that always equals this column of an inner join.
fn equal_column(join: &Node, column: usize, nodes: &[Node]) -> Option<usize> {
    let (Op::Join { kind: JoinKind::Inner, on, .. }, [left, _]) = (&join.op, &join.inputs[..]) else { return None };
    let width = nodes.get(*left)?.schema.len();
    // Equal values are the same value, floats too: -0 is 0 in every delta, and all NaNs are one.
    let mut both = on.iter().flat_map(|(l, r)| [(*l, r + width), (r + width, *l)]);
    both.find(|(from, _)| *from == column).map(|(_, to)| to)
}

/// The key columns of both sides, those the sides are joined by first: rows are looked up by them.
fn both_keys(on: &[(usize, usize)], left: &Node, left_key: &[usize], right_key: &[usize]) -> Vec<usize> {
    let width = left.schema.len();
    let joined = on.iter().map(|(l, _)| *l).filter(|l| left_key.contains(l));
    // A right column that equals a left key column adds nothing.
    let repeats = |key: &usize| on.iter().any(|(l, r)| r == key && left_key.contains(l));
    let right = right_key.iter().filter(|key| !repeats(key)).map(|key| key + width);
    let mut key = Vec::new();
    for column in joined.chain(left_key.iter().copied()).chain(right) {
        if !key.contains(&column) {
            key.push(column);
        }
    }
    key
}

/// Whether no two rows of a node's output agree in all of `columns`.
///
/// Beyond the node's key it sees that a column always equals another one, by a join below: so a subquery that groups by the columns
/// it is correlated with has one row for each row outside.
pub(crate) fn is_unique(node: &Node, columns: &[usize], nodes: &[Node]) -> bool {
    let fixed = |column: &usize| equals_one_of(node, *column, columns, nodes);
    if node.key.as_ref().is_some_and(|key| key.iter().all(fixed)) {
        return true;
    }
    let Some(input) = node.inputs.first().and_then(|input| nodes.get(*input)) else { return false };
    match &node.op {
        Op::Filter { .. } => is_unique(input, columns, nodes),
        Op::Project { exprs } => is_unique(input, &copied(exprs, columns), nodes),
        _ => false,
    }
}

/// The input's columns of which these are copies.
fn copied(exprs: &[crate::Expr], columns: &[usize]) -> Vec<usize> {
    let below = |column: &usize| match exprs.get(*column) {
        Some(crate::Expr::Column(below)) => Some(*below),
        _ => None,
    };
    columns.iter().filter_map(below).collect()
}

/// Whether a column is one of `columns`, or always equals one.
fn equals_one_of(node: &Node, column: usize, columns: &[usize], nodes: &[Node]) -> bool {
    if columns.contains(&column) {
        return true;
    }
    let input = node.inputs.first().and_then(|input| nodes.get(*input));
    match (&node.op, input) {
        (Op::Filter { .. }, Some(input)) => equals_one_of(input, column, columns, nodes),
        (Op::Project { exprs }, Some(input)) => {
            let columns = copied(exprs, columns);
            copied(exprs, &[column]).into_iter().any(|column| equals_one_of(input, column, &columns, nodes))
        }
        (Op::Aggregate { group, .. }, Some(input)) => {
            let columns: Vec<usize> = columns.iter().filter_map(|column| group.get(*column).copied()).collect();
            group.get(column).is_some_and(|column| equals_one_of(input, *column, &columns, nodes))
        }
        (Op::Join { kind: JoinKind::Inner, .. }, _) => {
            equal_column(node, column, nodes).is_some_and(|equal| columns.contains(&equal))
        }
        _ => false,
    }
}

/// Whether the output of `op` never has deletes.
pub(crate) fn append_only(op: &Op, inputs: &[&Node], catalog: &Catalog) -> bool {
    let all = || inputs.iter().all(|input| input.append_only);
    match op {
        Op::Scan { relation, .. } => catalog.get(RelationId(*relation)).is_some_and(|r| r.only_grows()),
        Op::Values { .. } => true,
        Op::Filter { .. } | Op::Project { .. } | Op::UnionAll | Op::Distinct => all(),
        Op::Join { kind, .. } => matches!(kind, JoinKind::Inner | JoinKind::LeftSemi) && all(),
        Op::Aggregate { .. } | Op::TopK { .. } => false,
    }
}

/// How many state tables `op` has, as its documentation says.
pub(crate) fn state_slots(op: &Op) -> u32 {
    match op {
        Op::Scan { .. } | Op::Values { .. } | Op::Filter { .. } | Op::Project { .. } | Op::UnionAll => 0,
        Op::Join { kind: JoinKind::Inner, .. } => 2,
        Op::Join { .. } => 3,
        Op::Aggregate { .. } => 2,
        Op::Distinct | Op::TopK { .. } => 1,
    }
}
