//! Semi and anti joins where they see the fewest changes.
//!
//! `(a JOIN b ON b.key = a.x) WHERE [NOT] EXISTS (... a.y ...)` is `(a WHERE [NOT] EXISTS (... a.y ...)) JOIN b`: the semi or anti join
//! then keeps rows of `a` only, and a change of `b` does not pass through it.
//!
//! Only below joins that look up one row of `b` at most for each of `a`. Below others, rows might be kept and looked at that
//! the join would have dropped.

use super::derive;
use crate::expr::Expr;
use crate::plan::{JoinKind, Node, Op};
use attune_sql::catalog::Catalog;

/// A node with all that it reads.
struct Tree {
    node: Node,
    inputs: Vec<Tree>,
}

/// Moves semi and anti joins down. The last node is the root; gives `None` when there is nothing to move.
pub(super) fn push_down(nodes: &[Node], catalog: &Catalog) -> Option<Vec<Node>> {
    let is_semi = |node: &Node| matches!(&node.op, Op::Join { kind: JoinKind::LeftSemi | JoinKind::LeftAnti, .. });
    if !nodes.iter().any(is_semi) {
        return None;
    }
    let mut moved = false;
    let tree = tree(nodes, nodes.len() - 1).map_semi(&mut moved);
    let mut rebuilt = Vec::with_capacity(nodes.len());
    tree.flatten(catalog, &mut rebuilt);
    moved.then_some(rebuilt)
}

fn tree(nodes: &[Node], root: usize) -> Tree {
    let node = nodes[root].clone();
    let inputs = node.inputs.iter().map(|input| tree(nodes, *input)).collect();
    Tree { node, inputs }
}

impl Tree {
    /// Appends the nodes, inputs before their users, with properties derived anew. Gives the place of the root.
    fn flatten(self, catalog: &Catalog, nodes: &mut Vec<Node>) -> usize {
        let inputs = self.inputs.into_iter().map(|input| input.flatten(catalog, nodes)).collect();
        nodes.push(derive(self.node.op, inputs, self.node.schema, nodes, catalog));
        nodes.len() - 1
    }

    fn map_semi(mut self, moved: &mut bool) -> Tree {
        self.inputs = self.inputs.into_iter().map(|input| input.map_semi(moved)).collect();
        self.sink(moved)
    }

    /// A semi or anti join as far down as it may go.
    fn sink(self, moved: &mut bool) -> Tree {
        let Some(place) = self.place_below() else { return self };
        *moved = true;
        let Tree { node: mut semi, mut inputs } = self;
        let right = inputs.remove(1);
        let mut left = inputs.remove(0);
        rename(&mut semi.op, left.node.schema.len(), place.width, &place.column);
        let below = left.inputs.remove(place.input);
        semi.schema = below.node.schema.clone();
        // Its key, for a join that it sinks below in turn.
        semi.key.clone_from(&below.node.key);
        let semi = Tree { node: semi, inputs: vec![below, right] };
        left.inputs.insert(place.input, semi.sink(moved));
        left
    }

    /// Where a semi or anti join may go below its left input.
    fn place_below(&self) -> Option<Place> {
        let Op::Join { kind: JoinKind::LeftSemi | JoinKind::LeftAnti, on, residual, .. } = &self.node.op else {
            return None;
        };
        let left = &self.inputs[0];
        let mut used: Vec<usize> = on.iter().map(|(left, _)| *left).collect();
        let width = left.node.schema.len();
        if let Some(residual) = residual {
            residual.visit_columns(&mut |column| used.extend((column < width).then_some(column)));
        }
        // Without any, the join is about all rows or none; it may stay.
        if used.is_empty() {
            return None;
        }
        match &left.node.op {
            Op::Project { exprs } => {
                let column = |column: usize| match exprs.get(column) {
                    Some(Expr::Column(input)) => Some(*input),
                    _ => None,
                };
                // Only on the way to a join: below a projection by itself, rows are wider.
                let column = (0..width).map(column).collect::<Vec<_>>();
                let place = Place { input: 0, width: left.inputs[0].node.schema.len(), column };
                let semi = |column: usize| place.column[column];
                let below = used.iter().map(|column| semi(*column)).collect::<Option<Vec<_>>>()?;
                below_join(&left.inputs[0], &below).map(|_| place)
            }
            _ => below_join(left, &used),
        }
    }
}

/// What a semi or anti join becomes an input of.
struct Place {
    /// Which input.
    input: usize,
    /// Columns of that input.
    width: usize,
    /// Its column, by column of what the join read before.
    column: Vec<Option<usize>>,
}

/// The input of a join that all of `used` come from, if the other one has at most one row for each of it.
fn below_join(join: &Tree, used: &[usize]) -> Option<Place> {
    let Op::Join { kind: JoinKind::Inner, on, .. } = &join.node.op else { return None };
    let [left, right] = &join.inputs[..] else { return None };
    let (width, all) = (left.node.schema.len(), join.node.schema.len());
    let one =
        |side: &Tree, on: Vec<usize>| side.node.key.as_ref().is_some_and(|key| key.iter().all(|c| on.contains(c)));
    if used.iter().all(|column| *column < width) && one(right, on.iter().map(|(_, r)| *r).collect()) {
        let column = (0..all).map(|column| (column < width).then_some(column)).collect();
        return Some(Place { input: 0, width, column });
    }
    if used.iter().all(|column| *column >= width) && one(left, on.iter().map(|(l, _)| *l).collect()) {
        let column = (0..all).map(|column| column.checked_sub(width)).collect();
        return Some(Place { input: 1, width: all - width, column });
    }
    None
}

/// Makes a semi or anti join that had `before` columns on the left one over `width` columns.
fn rename(op: &mut Op, before: usize, width: usize, column: &[Option<usize>]) {
    let Op::Join { on, residual, .. } = op else { return };
    // Columns that are not used have no place; those that are were checked.
    let place = |left: usize| column.get(left).copied().flatten().unwrap_or_default();
    for (left, _) in on {
        *left = place(*left);
    }
    *residual = residual
        .take()
        .map(|expr| expr.map_columns(&mut |c| Expr::Column(if c < before { place(c) } else { c - before + width })));
}
