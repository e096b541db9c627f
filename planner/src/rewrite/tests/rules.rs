//! Each rule by itself, and all of them together, over random plans.

use super::random::Random;
use crate::rewrite::{
    distincts, drop_sorts, empty, fold_constants, limits, merge_projects, nullability, order, prune_columns,
    push_filter, rewrite,
};
use crate::tests::evaluate::{rows, same};
use attune_sql::algebra::{Column, ColumnId, Ids, Rel, explain};
use std::cell::Cell;
use std::collections::BTreeSet;

/// Plans for each rule.
const PLANS: u64 = 400;
/// Sets of rows for each plan.
const TABLES: usize = 3;
const DEPTH: usize = 3;

fn check(seeds: std::ops::Range<u64>, with: impl Fn(u64) -> Random, rule: impl Fn(Rel, &[Column]) -> Rel) {
    for seed in seeds {
        let mut random = with(seed);
        let before = random.relation(DEPTH);
        let columns = random.some_columns(&before);
        let after = rule(before.clone(), &columns);
        for _ in 0..TABLES {
            same(&before, &after, &columns, &random.tables());
        }
    }
}

/// A rule that keeps all columns.
fn keeps(rule: impl Fn(Rel) -> Rel) {
    let kept = |rel: Rel, _: &[Column]| {
        let columns = rel.ids();
        let after = rule(rel.clone());
        assert_eq!(after.ids(), columns, "other columns:\n{}\n{}", explain(&rel), explain(&after));
        after
    };
    check(0..PLANS, Random::new, kept);
    check(0..PLANS, dividing, kept);
}

/// Plans in which rows may fail, without joins: below those, conditions may be asked of more rows than before.
fn dividing(seed: u64) -> Random {
    let mut random = Random::new(seed);
    (random.divides, random.joins) = (true, false);
    random
}

fn ids(columns: &[Column]) -> BTreeSet<ColumnId> {
    columns.iter().map(|column| column.id).collect()
}

#[test]
fn nullability_changes_nothing() {
    keeps(nullability::refresh);
}

#[test]
fn folding_keeps_rows() {
    keeps(fold_constants::fold);
}

#[test]
fn folding_keeps_rows_after_nullability() {
    keeps(|rel| fold_constants::fold(nullability::refresh(rel)));
}

#[test]
fn empty_relations_keep_rows() {
    keeps(empty::propagate);
}

#[test]
fn filters_keep_rows() {
    keeps(push_filter::push);
}

#[test]
fn filters_keep_rows_when_pushed_twice() {
    keeps(|rel| push_filter::push(push_filter::push(rel)));
}

#[test]
fn limits_keep_rows() {
    keeps(limits::merge);
}

#[test]
fn dropped_sorts_keep_rows() {
    keeps(drop_sorts::drop_sorts);
}

#[test]
fn dropped_distincts_keep_rows() {
    keeps(distincts::drop_distincts);
}

#[test]
fn merged_projections_keep_rows() {
    keeps(merge_projects::merge);
}

#[test]
fn pruning_keeps_rows() {
    let pruned = |rel: Rel, columns: &[Column]| prune_columns::prune(rel, &ids(columns));
    check(0..PLANS, Random::new, pruned);
    check(0..PLANS, dividing, pruned);
}

#[test]
fn a_round_keeps_rows() {
    let round = |rel: Rel, columns: &[Column]| order::round(rel, &ids(columns));
    check(0..3 * PLANS, Random::new, round);
    check(0..PLANS, dividing, round);
}

#[test]
fn all_rounds_keep_rows() {
    let (plans, open) = (Cell::new(0), Cell::new(0));
    let all = |rel: Rel, columns: &[Column]| {
        let after = rewrite(rel, columns, &mut Ids::default()).unwrap();
        let needed = ids(columns);
        assert!(after.ids().is_superset(&needed), "columns are missing:\n{}", explain(&after));
        plans.set(plans.get() + 1);
        if explain(&order::round(after.clone(), &needed)) != explain(&after) {
            open.set(open.get() + 1);
        }
        after
    };
    check(0..5 * PLANS, Random::new, all);
    check(0..2 * PLANS, dividing, all);
    // One more round would change hardly any plan.
    assert!(open.get() * 100 <= plans.get(), "{} of {} plans are not done", open.get(), plans.get());
}

#[test]
fn the_order_at_the_top_is_kept() {
    for seed in 0..PLANS {
        let mut random = Random::new(seed);
        let input = random.relation(DEPTH - 1);
        let columns = input.columns();
        let sorted = Rel::Sort { input: Box::new(input), by: super::random::by(&columns) };
        let after = rewrite(sorted.clone(), &columns, &mut Ids::default()).unwrap();
        let tables = random.tables();
        if let Ok(expected) = rows(&sorted, &columns, &tables) {
            assert_eq!(rows(&after, &columns, &tables), Ok(expected), "{}\n{}", explain(&sorted), explain(&after));
        }
    }
}
