//! The wrong answers of the issue, and their neighbours, by their rows.

use super::build::{aggregate, any, col, eq, exists, int, not, nth, scalar, scan, tables, with_value};
use crate::decorrelate::decorrelate;
use crate::tests::evaluate::{Value, bag, same};
use attune_sql::algebra::{Column, CompareOp, Expr, Ids, JoinKind, Rel, Type};

const P: [[Value; 2]; 4] = [[Some(1), Some(1)], [Some(2), Some(2)], [Some(3), None], [Some(4), Some(9)]];
const S: [[Value; 2]; 4] = [[Some(1), Some(5)], [Some(1), Some(6)], [Some(2), Some(7)], [None, Some(8)]];

struct Case {
    ids: Ids,
    p: Rel,
    s: Rel,
    k: Column,
    a: Column,
    x: Column,
    y: Column,
}

fn case() -> Case {
    let mut ids = Ids::default();
    let p = scan(&mut ids, "p", &["k", "a"], true);
    let s = scan(&mut ids, "s", &["x", "y"], false);
    let (k, a, x, y) = (nth(&p, 0), nth(&p, 1), nth(&s, 0), nth(&s, 1));
    Case { ids, p, s, k, a, x, y }
}

/// The values of a column by key, after decorrelation; they are those before.
fn by_key(rel: Rel, columns: &[&Column], ids: &mut Ids) -> Vec<Vec<Value>> {
    let columns: Vec<Column> = columns.iter().map(|c| (*c).clone()).collect();
    let tables = tables(&P, &S);
    let after = decorrelate(rel.clone(), ids).unwrap();
    same(&rel, &after, &columns, &tables);
    bag(&after, &columns, &tables).unwrap()
}

fn pairs(values: [Value; 4]) -> Vec<Vec<Value>> {
    (1..=4).zip(values).map(|(k, value)| vec![Some(k), value]).collect()
}

#[test]
fn a_count_of_no_group_is_null_and_of_no_rows_zero() {
    let Case { mut ids, p, s, k, x, .. } = case();
    let matching = s.filter(eq(&x, &k));
    let (count, n) = aggregate(&mut ids, matching.clone(), Vec::new(), "count", Vec::new());
    let (rel, value) = with_value(&mut ids, p.clone(), scalar(count, &n));
    assert_eq!(by_key(rel, &[&k, &value], &mut ids), pairs([Some(2), Some(1), Some(0), Some(0)]));

    let Case { mut ids, p, s, k, x, .. } = case();
    let group = ids.column("g", Type::BIGINT, true);
    let (grouped, n) = aggregate(&mut ids, s.filter(eq(&x, &k)), vec![(group, col(&x))], "count", Vec::new());
    let (rel, value) = with_value(&mut ids, p, scalar(grouped, &n));
    assert_eq!(by_key(rel, &[&k, &value], &mut ids), pairs([Some(2), Some(1), None, None]));
}

#[test]
fn having_drops_the_row_of_no_rows() {
    let Case { mut ids, p, s, k, x, .. } = case();
    let (count, n) = aggregate(&mut ids, s.filter(eq(&x, &k)), Vec::new(), "count", Vec::new());
    let having = count.filter(Expr::compare(CompareOp::NotEq, col(&n), int(1)));
    let (rel, value) = with_value(&mut ids, p.clone(), scalar(having.clone(), &n));
    assert_eq!(by_key(rel, &[&k, &value], &mut ids), pairs([Some(2), None, Some(0), Some(0)]));
    let kept = by_key(p.filter(exists(having)), &[&k], &mut ids);
    assert_eq!(kept, [[Some(1)], [Some(3)], [Some(4)]]);
}

#[test]
fn a_count_beside_no_pair_is_null() {
    let Case { mut ids, p, s, k, .. } = case();
    let (count, n) = aggregate(&mut ids, s, Vec::new(), "count", Vec::new());
    let rel = p.join(JoinKind::Left, count, Expr::boolean(false));
    assert_eq!(by_key(rel, &[&k, &n], &mut ids), pairs([None; 4]));
}

#[test]
fn not_in_with_nulls_is_never_true() {
    let Case { mut ids, p, s, k, a, x, .. } = case();
    let not_in = not(any(col(&k), CompareOp::Eq, false, s.clone(), &x));
    assert!(by_key(p.clone().filter(not_in), &[&k], &mut ids).is_empty());
    // x is NULL, but there are no rows: true.
    let none = s.filter(Expr::compare(CompareOp::Gt, col(&x), int(100)));
    let not_in = not(any(col(&a), CompareOp::Eq, false, none, &x));
    assert_eq!(by_key(p.filter(not_in), &[&k], &mut ids).len(), 4);
}

#[test]
fn quantified_comparisons_have_three_values() {
    for op in [CompareOp::Eq, CompareOp::NotEq, CompareOp::Lt, CompareOp::GtEq] {
        for all in [false, true] {
            for tied in [false, true] {
                let Case { mut ids, p, s, k, a, x, y } = case();
                let rel = if tied { s.filter(Expr::compare(CompareOp::LtEq, col(&y), col(&k))) } else { s };
                let (rel, value) = with_value(&mut ids, p, any(col(&a), op, all, rel, &x));
                by_key(rel, &[&k, &value], &mut ids);
            }
        }
    }
}

#[test]
fn a_second_row_fails_only_if_it_is_asked_for() {
    let Case { mut ids, p, s, k, x, y, .. } = case();
    let two = scalar(s.clone().filter(eq(&x, &k)), &y);
    let (rel, _) = with_value(&mut ids, p.clone(), two.clone());
    let after = decorrelate(rel, &mut ids).unwrap();
    assert_eq!(bag(&after, std::slice::from_ref(&k), &tables(&P, &S)), Err("21000".to_owned()));

    // No row asks for x = 1.
    let others = p.clone().filter(Expr::compare(CompareOp::Gt, col(&k), int(1)));
    let (rel, value) = with_value(&mut ids, others, two);
    assert_eq!(by_key(rel, &[&k, &value], &mut ids).len(), 3);

    let Case { mut ids, p, s, k, x, y, .. } = case();
    let is_two = Expr::compare(CompareOp::Eq, col(&k), int(2));
    let branches = vec![(is_two, scalar(s.filter(eq(&x, &k)), &y))];
    let case = Expr::Case { operand: None, branches, otherwise: None, ty: Type::BIGINT };
    let (rel, value) = with_value(&mut ids, p, case);
    assert_eq!(by_key(rel, &[&k, &value], &mut ids), pairs([None, Some(7), None, None]));
}

#[test]
fn the_outer_column_may_be_selected_inside() {
    // k IN (SELECT k FROM s), with and without a projection that passes it on.
    let Case { mut ids, p, s, k, .. } = case();
    let rel = p.clone().filter(any(col(&k), CompareOp::Eq, false, s.clone(), &k));
    assert_eq!(by_key(rel, &[&k], &mut ids).len(), 4);
    let passed = s.project(vec![(k.clone(), col(&k))]);
    let rel = p.filter(any(col(&k), CompareOp::Eq, false, passed, &k));
    assert_eq!(by_key(rel, &[&k], &mut ids).len(), 4);
}

#[test]
fn a_condition_of_an_outer_join_may_ask_a_subquery_of_either_side_or_both() {
    let build = |of: usize, kind: JoinKind| {
        let Case { mut ids, p, s, k, a, x, y } = case();
        let u = scan(&mut ids, "s", &["x", "y"], false);
        let (ux, uy) = (nth(&u, 0), nth(&u, 1));
        let inner = match of {
            0 => eq(&ux, &k),
            1 => eq(&ux, &x),
            _ => Expr::and([eq(&ux, &a), Expr::compare(CompareOp::Lt, col(&uy), col(&y))]),
        };
        let either = Expr::Or(vec![exists(u.filter(inner)), Expr::compare(CompareOp::Gt, col(&y), int(7))]);
        let rel = p.join(kind, s, either);
        let columns = if kind.gives_right() { vec![k, x, y] } else { vec![k] };
        let columns: Vec<&Column> = columns.iter().collect();
        by_key(rel, &columns, &mut ids)
    };
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Semi, JoinKind::Anti] {
        for of in 0..3 {
            build(of, kind);
        }
    }
    build(0, JoinKind::Full);
    build(1, JoinKind::Full);
}
