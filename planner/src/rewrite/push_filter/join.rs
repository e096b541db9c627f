//! Conditions at joins.
//!
//! **Law**, by kind of join:
//!
//! - Inner: conditions above, ON, and filters between inner joins are one list. What reads one relation goes into it,
//!   what reads several becomes a condition of the join where the last of them comes
//!   ([`join_order`](crate::rewrite::join_order)).
//! - Left, Single: conditions above go left if they read the left side only; above, the right side's columns may be
//!   NULL that are not so below. Of ON, what reads the right side only goes right: other rows of it have no pair. What
//!   reads the left side only stays in ON: left rows that do not meet it are kept.
//! - Semi: both, and what ON says of the left side alone goes left. Anti: as Left, and all columns above are left ones.
//! - Full: nothing. Each side's rows are kept.
//!
//! Before that, the join's kind may change by the conditions ([`outer_to_inner`](crate::rewrite::outer_to_inner)), and
//! constants are spread over equal columns ([`transitive`](crate::rewrite::transitive)).
//!
//! A volatile part of ON stays there, and makes an inner join one relation for those around it.

use super::{place, wrap};
use crate::rewrite::facts::{distinct, is_volatile};
use crate::rewrite::join_order::{Link, connect};
use crate::rewrite::outer_to_inner::reduce;
use crate::rewrite::split_or::parts;
use crate::rewrite::transitive::inferred;
use attune_sql::algebra::{ColumnId, Expr, Join, JoinKind, Rel};
use std::collections::{BTreeMap, BTreeSet};

/// The rows of a join that meet conditions; see [`place`].
pub(super) fn place_join(join: Join, conditions: Vec<Expr>, later: &[Expr]) -> Rel {
    let join = reduce(join, conditions.iter().chain(later));
    match join.kind {
        JoinKind::Inner => inner(join, conditions, later),
        JoinKind::Full => {
            let (left, right) = (place(*join.left, Vec::new(), &[]), place(*join.right, Vec::new(), &[]));
            wrap(left.join(JoinKind::Full, right, join.on), conditions)
        }
        JoinKind::Left | JoinKind::Single | JoinKind::Semi | JoinKind::Anti => one_sided(join, conditions, later),
    }
}

/// Relations that are joined, and conditions of all of them.
#[derive(Default)]
struct Flat {
    relations: Vec<Rel>,
    conditions: Vec<Expr>,
}

impl Flat {
    fn add(&mut self, rel: Rel) {
        match rel {
            Rel::Join(join) if join.kind == JoinKind::Inner && !is_volatile(&join.on) => {
                self.add(*join.left);
                self.add(*join.right);
                join.on.into_conjuncts(&mut self.conditions);
            }
            Rel::Filter { input, predicate } if !is_volatile(&predicate) => {
                self.add(*input);
                predicate.into_conjuncts(&mut self.conditions);
            }
            // One row without columns changes nothing.
            Rel::Unit => {}
            other => self.relations.push(other),
        }
    }
}

fn inner(join: Join, conditions: Vec<Expr>, later: &[Expr]) -> Rel {
    let (volatile, on) = conjuncts(join.on);
    let mut flat = Flat::default();
    flat.add(*join.left);
    flat.add(*join.right);
    flat.conditions.extend(on);
    flat.conditions.extend(conditions);
    let Flat { mut relations, conditions } = flat;
    if relations.is_empty() {
        relations.push(Rel::Unit);
    }
    let more = inferred(conditions.iter());
    let conditions = distinct(conditions.into_iter().chain(more).collect());
    let mut owner: BTreeMap<ColumnId, usize> = BTreeMap::new();
    for (number, relation) in relations.iter().enumerate() {
        owner.extend(relation.columns().into_iter().map(|column| (column.id, number)));
    }
    let read = |condition: &Expr| -> BTreeSet<usize> {
        condition.columns().iter().filter_map(|column| owner.get(column)).copied().collect()
    };
    let mut own: Vec<Vec<Expr>> = vec![Vec::new(); relations.len()];
    let mut outside: Vec<Vec<Expr>> = vec![Vec::new(); relations.len()];
    let mut links = Vec::new();
    for condition in conditions {
        let read = read(&condition);
        // What reads no column is asked once, of the first.
        let first = read.first().copied().unwrap_or_default();
        if read.len() <= 1 {
            own[first].push(condition);
            continue;
        }
        for (relation, part) in parts(&condition, &owner) {
            own[relation].push(part);
        }
        links.push(Link { condition, relations: read });
    }
    // What will be asked of a relation's rows matters if it is an outer join.
    for (condition, read) in
        links.iter().map(|l| (&l.condition, l.relations.clone())).chain(later.iter().map(|c| (c, read(c))))
    {
        for relation in read.into_iter().filter(|relation| has_outer_join(&relations[*relation])) {
            outside[relation].push(condition.clone());
        }
    }
    let placed =
        relations.into_iter().zip(own).zip(&outside).map(|((relation, own), later)| place(relation, own, later));
    let placed = placed.collect();
    connect(placed, &owner, links).filter(Expr::and(volatile))
}

fn one_sided(join: Join, conditions: Vec<Expr>, later: &[Expr]) -> Rel {
    let Join { kind, left, right, on } = join;
    let (left_ids, right_ids) = (left.ids(), right.ids());
    let (mut to_left, stay): (Vec<Expr>, Vec<Expr>) =
        conditions.into_iter().partition(|condition| condition.columns().is_disjoint(&right_ids));
    let (mut kept, on) = conjuncts(on);
    // Each of them holds for every pair.
    let mut more = inferred(to_left.iter().chain(&on));
    more.retain(|condition| condition.columns().is_subset(&right_ids));
    let asked = if has_outer_join(&right) { on.clone() } else { Vec::new() };
    let mut to_right = Vec::new();
    for condition in on {
        let columns = condition.columns();
        if columns.is_disjoint(&left_ids) {
            to_right.push(condition);
        } else if kind == JoinKind::Semi && columns.is_disjoint(&right_ids) {
            to_left.push(condition);
        } else {
            kept.push(condition);
        }
    }
    to_right.extend(more);
    let left = place(*left, to_left, later);
    let right = place(*right, to_right, &asked);
    wrap(left.join(kind, right, Expr::and(kept)), stay)
}

/// The volatile conditions of a conjunction, and the others.
fn conjuncts(on: Expr) -> (Vec<Expr>, Vec<Expr>) {
    let mut all = Vec::new();
    on.into_conjuncts(&mut all);
    all.into_iter().partition(is_volatile)
}

/// Whether there is an outer join that conditions from above can reach.
fn has_outer_join(mut rel: &Rel) -> bool {
    loop {
        match rel {
            Rel::Filter { input, .. } | Rel::Project { input, .. } => rel = input,
            Rel::Join(join) => match join.kind {
                JoinKind::Left | JoinKind::Full => return true,
                JoinKind::Single | JoinKind::Semi | JoinKind::Anti => rel = &join.left,
                JoinKind::Inner => return true,
            },
            _ => return false,
        }
    }
}
