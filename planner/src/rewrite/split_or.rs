//! What an OR over several relations says about one of them.
//!
//! **Law.** If in `(a AND b) OR (c AND d)` both `a` and `c` are about one relation, then `a OR c` is true wherever the
//! whole is, so it may filter that relation before the join; the whole is still asked after it.
//!
//! Every branch needs a part about the relation: a branch without one can be true for any row of it. A part that can
//! fail is not taken: it would be evaluated for rows where an earlier part of its branch was false.

use super::facts::{can_fail, is_volatile};
use super::fold_constants::booleans;
use attune_sql::algebra::{ColumnId, Expr};
use std::collections::BTreeMap;

/// For each relation that all branches say something about, what they say. `relations` tells which one a column is of.
pub(super) fn parts(condition: &Expr, relations: &BTreeMap<ColumnId, usize>) -> Vec<(usize, Expr)> {
    let Expr::Or(branches) = condition else { return Vec::new() };
    if is_volatile(condition) {
        return Vec::new();
    }
    let mut found: BTreeMap<usize, Vec<Expr>> = BTreeMap::new();
    for (place, branch) in branches.iter().enumerate() {
        for (relation, part) in of_branch(branch, relations) {
            let parts = found.entry(relation).or_default();
            // Relations that an earlier branch said nothing about are out.
            if parts.len() == place {
                parts.push(part);
            }
        }
    }
    found.retain(|_, parts| parts.len() == branches.len());
    found.into_iter().map(|(relation, parts)| (relation, booleans::or(parts))).collect()
}

/// The conditions of one branch, by the only relation that they are about.
fn of_branch(branch: &Expr, relations: &BTreeMap<ColumnId, usize>) -> BTreeMap<usize, Expr> {
    let conditions: &[Expr] = match branch {
        Expr::And(all) => all,
        other => std::slice::from_ref(other),
    };
    let mut found: BTreeMap<usize, Vec<Expr>> = BTreeMap::new();
    for condition in conditions {
        let columns = condition.columns();
        let mut about = columns.iter().filter_map(|column| relations.get(column));
        if let Some(first) = about.next()
            && about.all(|other| other == first)
            && !can_fail(condition)
        {
            found.entry(*first).or_default().push(condition.clone());
        }
    }
    found.into_iter().map(|(relation, conditions)| (relation, booleans::and(conditions))).collect()
}
