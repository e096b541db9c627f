//! Limits from row numbers: `row_number() OVER (PARTITION BY p ORDER BY o) <= k` keeps k rows per partition.
//!
//! Wherever DataFusion left the filter: it may be several projections above the number.

use crate::expr::{Expr, Literal};
use crate::plan::{Node, Op};
use attune_storage::ColumnType;

/// Turns upper bounds on ranks into limits. Conditions that the limit implies are left out of their filters; others stay.
pub(super) fn limit(nodes: &mut [Node]) {
    for index in 0..nodes.len() {
        let (Op::Filter { predicate }, [input]) = (&nodes[index].op, &nodes[index].inputs[..]) else { continue };
        let input = *input;
        let mut rest = Vec::new();
        let mut limits = Vec::new();
        for condition in predicate.conjuncts() {
            let bound = bound(condition);
            let found = bound.and_then(|bound| Some((source(nodes, input, bound.column)?, bound)));
            let Some((top_k, bound)) = found else {
                rest.push(condition.clone());
                continue;
            };
            limits.extend(bound.most.map(|most| (top_k, most)));
            if !bound.implied {
                rest.push(condition.clone());
            }
        }
        for (top_k, most) in limits {
            if let Op::TopK { limit, .. } = &mut nodes[top_k].op {
                *limit = Some(limit.map_or(most, |limit| limit.min(most)));
            }
        }
        // A filter without conditions becomes a projection that changes nothing, which is dropped with the others.
        nodes[index].op = match Expr::chain("and", rest) {
            Some(predicate) => Op::Filter { predicate },
            None => Op::Project { exprs: (0..nodes[index].schema.len()).map(Expr::Column).collect() },
        };
    }
}

/// The top-k whose rank a column is. Filters between do no harm: they drop rows, and none of those that count. Another top-k
/// between would number what the limit leaves.
fn source(nodes: &[Node], mut node: usize, mut column: usize) -> Option<usize> {
    loop {
        match (&nodes[node].op, &nodes[node].inputs[..]) {
            (Op::Project { exprs }, [input]) => {
                column = column_of(exprs.get(column)?)?;
                node = *input;
            }
            (Op::Filter { .. }, [input]) => node = *input,
            (Op::TopK { rank: true, .. }, _) => return (column + 1 == nodes[node].schema.len()).then_some(node),
            _ => return None,
        }
    }
}

/// The column itself, or cast to another number.
fn column_of(expr: &Expr) -> Option<usize> {
    match expr {
        Expr::Column(column) => Some(*column),
        Expr::Cast { expr, to: ColumnType::Int64 | ColumnType::Decimal { scale: 0, .. } | ColumnType::Float64 } => {
            column_of(expr)
        }
        _ => None,
    }
}

/// What a condition says about a column, if it is a rank (a whole number from 1).
struct Bound {
    column: usize,
    /// Largest rank that can meet it.
    most: Option<u64>,
    /// Every rank up to `most` meets it.
    implied: bool,
}

fn bound(condition: &Expr) -> Option<Bound> {
    let Expr::Binary { op, left, right } = condition else { return None };
    let (column, op, value) = match (column_of(left), column_of(right)) {
        (Some(column), None) => (column, op.as_str(), whole(right)?),
        (None, Some(column)) => (column, mirrored(op)?, whole(left)?),
        _ => return None,
    };
    let up_to = |most: i64| Some(u64::try_from(most).unwrap_or(0));
    Some(match op {
        "<=" => Bound { column, most: up_to(value), implied: true },
        "<" => Bound { column, most: up_to(value.saturating_sub(1)), implied: true },
        "=" => Bound { column, most: up_to(value), implied: value <= 1 },
        ">=" if value <= 1 => Bound { column, most: None, implied: true },
        ">" if value <= 0 => Bound { column, most: None, implied: true },
        _ => return None,
    })
}

/// `5 > rank` is `rank < 5`.
fn mirrored(op: &str) -> Option<&'static str> {
    Some(match op {
        "<" => ">",
        "<=" => ">=",
        ">" => "<",
        ">=" => "<=",
        "=" => "=",
        _ => return None,
    })
}

fn whole(expr: &Expr) -> Option<i64> {
    match expr {
        Expr::Literal(Literal { value: Some(value), .. }) => value.parse().ok(),
        Expr::Cast { expr, .. } => whole(expr),
        _ => None,
    }
}

/// Drops ranks that no one reads: where the nearest projection above leaves them out. Says whether there were any.
pub(super) fn drop_unused(nodes: &mut [Node]) -> bool {
    let mut dropped = false;
    for index in 0..nodes.len() {
        let Op::Project { exprs } = &nodes[index].op else { continue };
        let Some(path) = path_to_rank(nodes, index) else { continue };
        let Some(rank) = path.last().map(|top_k| nodes[*top_k].schema.len() - 1) else { continue };
        let reads = |expr: &Expr| {
            let mut reads = false;
            expr.visit_columns(&mut |column| reads |= column == rank);
            reads
        };
        let filter_reads = |node: &usize| matches!(&nodes[*node].op, Op::Filter { predicate } if reads(predicate));
        if exprs.iter().any(reads) || path.iter().any(filter_reads) {
            continue;
        }
        for node in path {
            nodes[node].schema.pop();
            if let Op::TopK { rank, .. } = &mut nodes[node].op {
                *rank = false;
                dropped = true;
            }
        }
    }
    dropped
}

/// The filters below a projection down to a top-k with rank, that one last.
fn path_to_rank(nodes: &[Node], project: usize) -> Option<Vec<usize>> {
    let mut path = Vec::new();
    let mut node = *nodes[project].inputs.first()?;
    loop {
        path.push(node);
        match &nodes[node].op {
            Op::Filter { .. } => node = *nodes[node].inputs.first()?,
            Op::TopK { rank: true, .. } => return Some(path),
            _ => return None,
        }
    }
}
