//! Expressions put in the place of the columns they define.

use super::facts::{extent, is_volatile};
use attune_sql::algebra::{Column, ColumnId, Expr};
use std::collections::BTreeMap;

/// Nodes that a substitution may add to an expression. Each level of subqueries could double it otherwise.
const MOST_ADDED: usize = 1_000;
/// How deep an expression may become by it.
const DEEPEST: usize = 200;

/// What columns stand for.
pub(super) struct Substitution {
    with: BTreeMap<ColumnId, Expr>,
    facts: BTreeMap<ColumnId, Facts>,
}

struct Facts {
    nodes: usize,
    depth: usize,
    volatile: bool,
}

impl Substitution {
    /// What the columns of a projection or grouping stand for. Those that are passed on stand for themselves.
    pub(super) fn of(exprs: &[(Column, Expr)]) -> Substitution {
        let defined = exprs.iter().filter(|(column, expr)| expr.as_column() != Some(column));
        let with: BTreeMap<ColumnId, Expr> = defined.map(|(column, expr)| (column.id, expr.clone())).collect();
        let facts = with.iter().map(|(id, expr)| {
            let (nodes, depth) = extent(expr);
            (*id, Facts { nodes, depth, volatile: is_volatile(expr) })
        });
        Substitution { facts: facts.collect(), with }
    }

    /// The columns of one input of a set operation in the place of those that it gives.
    pub(super) fn renaming(from: &[Column], to: &[Column]) -> Substitution {
        let exprs: Vec<(Column, Expr)> =
            from.iter().zip(to).map(|(from, to)| (from.clone(), Expr::Column(to.clone()))).collect();
        Substitution::of(&exprs)
    }

    /// The expression over what the columns stand for. `None` if that would evaluate a volatile expression once more,
    /// or is too large.
    pub(super) fn apply(&self, expr: &Expr) -> Option<Expr> {
        let (mut added, mut deepest, mut volatile) = (0_usize, 0, false);
        expr.visit(&mut |part| {
            if let Expr::Column(column) = part
                && let Some(facts) = self.facts.get(&column.id)
            {
                added = added.saturating_add(facts.nodes - 1);
                deepest = deepest.max(facts.depth);
                volatile |= facts.volatile;
            }
        });
        let small = added == 0 || (added <= MOST_ADDED && extent(expr).1 + deepest <= DEEPEST);
        (small && !volatile).then(|| expr.clone().substitute(&self.with))
    }
}
