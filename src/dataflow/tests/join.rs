//! Joins.

use super::cells::{Cell, FLOAT, INT, Row, TEXT};
use super::harness::{check, node, seeds};
use super::relation::{Relation, Rules};
use attune_planner::{Expr, JoinKind, Op};
use attune_storage::ColumnType;

const LEFT: [ColumnType; 3] = [INT, FLOAT, TEXT];
const RIGHT: [ColumnType; 3] = [INT, FLOAT, INT];
const KINDS: [JoinKind; 4] = [JoinKind::Inner, JoinKind::Left, JoinKind::LeftSemi, JoinKind::LeftAnti];

/// A join under test.
#[derive(Clone, Debug)]
struct Case {
    kind: JoinKind,
    on: Vec<(usize, usize)>,
    null_equals_null: bool,
    /// left.0 < right.2
    residual: bool,
}

/// The batch definition: nested loops.
fn batch(case: &Case, left: &[Row], right: &[Row]) -> Vec<Row> {
    let equal = |l: &Cell, r: &Cell| l == r && (case.null_equals_null || *l != Cell::Null);
    let matches = |l: &Row, r: &Row| {
        case.on.iter().all(|(lc, rc)| equal(&l[*lc], &r[*rc]))
            && (!case.residual || matches!((&l[0], &r[2]), (Cell::Int(a), Cell::Int(b)) if a < b))
    };
    let mut result = Vec::new();
    for l in left {
        let partners: Vec<&Row> = right.iter().filter(|r| matches(l, r)).collect();
        match case.kind {
            JoinKind::Inner | JoinKind::Left if !partners.is_empty() => {
                result.extend(partners.iter().map(|r| [l.as_slice(), r.as_slice()].concat()));
            }
            JoinKind::Left => result.push([l.as_slice(), &[const { Cell::Null }; 3]].concat()),
            JoinKind::LeftSemi if !partners.is_empty() => result.push(l.clone()),
            JoinKind::LeftAnti if partners.is_empty() => result.push(l.clone()),
            _ => {}
        }
    }
    result
}

fn check_join(seed: u64, case: &Case, rules: [Rules; 2]) {
    let mut types = LEFT.to_vec();
    if matches!(case.kind, JoinKind::Inner | JoinKind::Left) {
        types.extend(RIGHT);
    }
    let less =
        Expr::Binary { op: "<".into(), left: Box::new(Expr::Column(0)), right: Box::new(Expr::Column(LEFT.len() + 2)) };
    let join = Op::Join {
        kind: case.kind,
        on: case.on.clone(),
        null_equals_null: case.null_equals_null,
        residual: case.residual.then_some(less),
    };
    let [left, right] = rules;
    let relations = vec![Relation::new(&LEFT, left), Relation::new(&RIGHT, right)];
    let mut run =
        check(seed, relations, vec![node(join, &[0, 1], &types)], &|inputs| batch(case, &inputs[0], &inputs[1]));
    for slot in 0..3 {
        assert_eq!(run.state_entries(slot), 0, "seed {seed}: all rows are deleted at the end, slot {slot}, {case:?}");
    }
}

/// All kinds, with and without residual and NULL matching.
fn cases(on: &[(usize, usize)]) -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        for residual in [false, true] {
            for null_equals_null in [false, true] {
                cases.push(Case { kind, on: on.to_vec(), null_equals_null, residual });
            }
        }
    }
    cases
}

#[test]
fn joins_by_key() {
    for seed in seeds(6) {
        for case in cases(&[(0, 0)]) {
            check_join(seed, &case, [Rules::Bag, Rules::Bag]);
        }
    }
}

#[test]
fn joins_by_two_keys_with_nan_and_zeros() {
    for seed in seeds(3) {
        for case in cases(&[(1, 1), (0, 2)]) {
            check_join(seed, &case, [Rules::Bag, Rules::Bag]);
        }
    }
}

#[test]
fn joins_with_a_unique_side() {
    for seed in seeds(4) {
        for case in cases(&[(0, 0)]) {
            check_join(seed, &case, [Rules::Bag, Rules::Key(vec![0])]);
            check_join(seed, &case, [Rules::Key(vec![0]), Rules::Key(vec![0])]);
        }
    }
}

#[test]
fn cross_joins() {
    for seed in seeds(3) {
        for case in cases(&[]) {
            check_join(seed, &case, [Rules::Bag, Rules::Bag]);
        }
    }
}

#[test]
fn self_joins() {
    for seed in seeds(5) {
        let relations = vec![Relation::new(&LEFT, Rules::Bag)];
        let types = [LEFT, LEFT].concat();
        let join = Op::Join { kind: JoinKind::Inner, on: vec![(0, 0)], null_equals_null: false, residual: None };
        let case = Case { kind: JoinKind::Inner, on: vec![(0, 0)], null_equals_null: false, residual: false };
        check(seed, relations, vec![node(join, &[0, 0], &types)], &|inputs| batch(&case, &inputs[0], &inputs[0]));
    }
}
