//! Fewer nodes: neighbouring projections and filters become one, projections that change nothing are dropped.

use crate::expr::{Expr, MAX_JSON_DEPTH};
use crate::plan::{Field, Node, Op};

/// Simplifies the tree below `root` in place; gives the new root. Nodes that are no longer read stay in the list.
pub(super) fn simplify(nodes: &mut [Node], root: usize) -> usize {
    // What stands for a node after it was dropped.
    let mut stands_for: Vec<usize> = (0..nodes.len()).collect();
    for index in 0..nodes.len() {
        let (before, rest) = nodes.split_at_mut(index);
        let Some(node) = rest.first_mut() else { break };
        for input in &mut node.inputs {
            *input = stands_for[*input];
        }
        let [input] = node.inputs[..] else { continue };
        merge(node, &before[input]);
        let [input] = node.inputs[..] else { continue };
        if is_identity(node, &before[input].schema) {
            rename(&mut before[input].schema, &node.schema);
            stands_for[index] = input;
        }
    }
    stands_for[root]
}

/// Takes the input's work into the node, where both are of the same kind.
fn merge(node: &mut Node, input: &Node) {
    let merged = match (&node.op, &input.op) {
        (Op::Project { exprs: outer }, Op::Project { exprs: inner }) => {
            substitute(outer, inner).map(|exprs| Op::Project { exprs })
        }
        (Op::Filter { predicate: outer }, Op::Filter { predicate: inner }) => {
            let both = inner.conjuncts().into_iter().chain(outer.conjuncts()).cloned().collect();
            Expr::chain("and", both).map(|predicate| Op::Filter { predicate })
        }
        _ => None,
    };
    if let Some(op) = merged {
        node.op = op;
        node.inputs.clone_from(&input.inputs);
    }
}

/// `outer` over the input of `inner`; `None` where an expression would be computed more than once, or nested too deeply.
fn substitute(outer: &[Expr], inner: &[Expr]) -> Option<Vec<Expr>> {
    let mut uses = vec![0_usize; inner.len()];
    for expr in outer {
        expr.visit_columns(&mut |column| {
            if let Some(count) = uses.get_mut(column) {
                *count += 1;
            }
        });
    }
    if inner.iter().zip(uses).any(|(expr, uses)| uses > 1 && !expr.is_trivial()) {
        return None;
    }
    let merged: Vec<Expr> = outer.iter().map(|e| e.clone().map_columns(&mut |column| inner[column].clone())).collect();
    merged.iter().all(|e| e.json_depth() <= MAX_JSON_DEPTH).then_some(merged)
}

fn is_identity(node: &Node, input: &[Field]) -> bool {
    let Op::Project { exprs } = &node.op else { return false };
    exprs.len() == input.len() && exprs.iter().enumerate().all(|(i, e)| *e == Expr::Column(i))
}

fn rename(fields: &mut [Field], names: &[Field]) {
    for (field, name) in fields.iter_mut().zip(names) {
        field.name.clone_from(&name.name);
    }
}
