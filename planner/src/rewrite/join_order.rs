//! Inner joins of several relations, in an order in which they are connected.
//!
//! **Law.** Inner joins are commutative and associative: any order gives the same bag of pairs, if each condition is
//! asked where the relations that it reads are there. The written order stays where it is connected: next is the first
//! relation that an equality connects with those before it. What nothing connects is joined by itself first and
//! multiplied with the others at the end, so `FROM a, b, c WHERE a.x = c.x AND c.y = b.y` multiplies nothing.
//!
//! Only of inner joins whose conditions are not volatile. An outer, semi or anti join is one relation here: its
//! condition decides about rows without a pair, and moving a relation into it would change which those are.

use super::facts::can_fail;
use attune_sql::algebra::{ColumnId, CompareOp, Expr, JoinKind, Rel};
use std::collections::{BTreeMap, BTreeSet};

/// A condition that reads several relations.
pub(super) struct Link {
    pub(super) condition: Expr,
    /// Numbers of the relations.
    pub(super) relations: BTreeSet<usize>,
}

/// The join of all relations, by these conditions. `owner` tells which relation a column is of.
pub(super) fn connect(relations: Vec<Rel>, owner: &BTreeMap<ColumnId, usize>, links: Vec<Link>) -> Rel {
    let (components, place) = components(relations.len(), owner, &links);
    // Conditions by component and place in it, and those between components by the last of them.
    let mut inside: BTreeMap<(usize, usize), Vec<Expr>> = BTreeMap::new();
    let mut between: BTreeMap<usize, Vec<Expr>> = BTreeMap::new();
    for Link { condition, relations } in links {
        let places = || relations.iter().filter_map(|relation| place.get(relation).copied());
        let (first, last) = (places().min().unwrap_or_default(), places().max().unwrap_or_default());
        if first.0 == last.0 {
            inside.entry(last).or_default().push(condition);
        } else {
            between.entry(last.0).or_default().push(condition);
        }
    }
    let mut relations: Vec<Option<Rel>> = relations.into_iter().map(Some).collect();
    let mut result: Option<Rel> = None;
    for (number, members) in components.into_iter().enumerate() {
        let mut component: Option<Rel> = None;
        for (place, member) in members.into_iter().enumerate() {
            let Some(relation) = relations.get_mut(member).and_then(Option::take) else { continue };
            component = Some(joined(component, relation, inside.remove(&(number, place))));
        }
        if let Some(component) = component {
            result = Some(joined(result, component, between.remove(&number)));
        }
    }
    result.unwrap_or(Rel::Unit)
}

fn joined(before: Option<Rel>, next: Rel, conditions: Option<Vec<Expr>>) -> Rel {
    let mut conditions = conditions.unwrap_or_default();
    // What can fail is asked last.
    conditions.sort_by_cached_key(can_fail);
    match before {
        Some(before) => before.join(JoinKind::Inner, next, Expr::and(conditions)),
        None => next.filter(Expr::and(conditions)),
    }
}

/// Component, then place in it.
type Place = (usize, usize);

/// The relations that equalities connect, each component in its order; and where each relation is.
fn components(
    count: usize,
    owner: &BTreeMap<ColumnId, usize>,
    links: &[Link],
) -> (Vec<Vec<usize>>, BTreeMap<usize, Place>) {
    let mut neighbours: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (left, right) in links.iter().filter_map(|link| connected(link, owner)) {
        neighbours[left].push(right);
        neighbours[right].push(left);
    }
    let mut place: BTreeMap<usize, Place> = BTreeMap::new();
    let mut components = Vec::new();
    for start in 0..count {
        if place.contains_key(&start) {
            continue;
        }
        let mut members = Vec::new();
        let mut open = BTreeSet::from([start]);
        while let Some(next) = open.pop_first() {
            place.insert(next, (components.len(), members.len()));
            members.push(next);
            open.extend(neighbours[next].iter().filter(|other| !place.contains_key(*other)));
        }
        components.push(members);
    }
    (components, place)
}

/// The two relations whose columns are on the two sides of an equality.
fn connected(link: &Link, owner: &BTreeMap<ColumnId, usize>) -> Option<(usize, usize)> {
    let Expr::Compare { op: CompareOp::Eq | CompareOp::NotDistinct, left, right } = &link.condition else {
        return None;
    };
    let only = |side: &Expr| {
        let owners: BTreeSet<usize> = side.columns().iter().filter_map(|column| owner.get(column)).copied().collect();
        match owners.len() {
            1 => owners.into_iter().next(),
            _ => None,
        }
    };
    let (left, right) = (only(left)?, only(right)?);
    (left != right).then_some((left, right))
}
