//! Plans that views and lookups are good at: joins on columns, no domain where none is needed.

use super::build::{aggregate, any, col, eq, exists, int, key, not, nth, plan, scalar, scan, subquery, with_value};
use crate::decorrelate::decorrelate;
use attune_sql::algebra::{Column, CompareOp, Expr, Ids, JoinKind, Rel, SubqueryKind, Type};

/// `p (k, a)` with key `k`, and `s (x, y)`.
fn both(ids: &mut Ids) -> (Rel, Column, Column, Rel, Column, Column) {
    let p = scan(ids, "p", &["k", "a"], true);
    let s = scan(ids, "s", &["x", "y"], false);
    let (k, a, x, y) = (nth(&p, 0), nth(&p, 1), nth(&s, 0), nth(&s, 1));
    (p, k, a, s, x, y)
}

#[test]
fn exists_is_a_semi_join_on_equality() {
    let mut ids = Ids::default();
    let (p, k, _, s, x, _) = both(&mut ids);
    let text = plan(p.filter(exists(s.filter(eq(&x, &k)))), &mut ids);
    assert_eq!(text, "Semi join on (x#2 = k#0)\n  Scan p: k#0, a#1\n  Scan s: x#2, y#3\n");
}

#[test]
fn not_exists_is_an_anti_join() {
    let mut ids = Ids::default();
    let (p, k, _, s, x, _) = both(&mut ids);
    let inner = s.filter(eq(&x, &k));
    let text = plan(p.filter(not(exists(Rel::Distinct { input: Box::new(inner) }))), &mut ids);
    assert_eq!(text, "Anti join on (x#2 = k#0)\n  Scan p: k#0, a#1\n  Scan s: x#2, y#3\n");
}

#[test]
fn in_is_a_semi_join() {
    let mut ids = Ids::default();
    let (p, _, a, s, x, _) = both(&mut ids);
    let text = plan(p.filter(any(col(&a), CompareOp::Eq, false, s, &x)), &mut ids);
    assert_eq!(text, "Semi join on (a#1 = x#2)\n  Scan p: k#0, a#1\n  Scan s: x#2, y#3\n");
}

#[test]
fn not_in_is_an_anti_join_only_without_nulls() {
    let mut ids = Ids::default();
    let p = scan(&mut ids, "p", &["k", "a"], true);
    let q = scan(&mut ids, "q", &["k", "a"], true);
    let (k, a, k2, a2) = (nth(&p, 0), nth(&p, 1), nth(&q, 0), nth(&q, 1));
    let never = p.clone().filter(not(any(col(&k), CompareOp::Eq, false, q.clone(), &k2)));
    assert!(plan(never, &mut ids.clone()).starts_with("Anti join on (k#0 = k#2)\n"));
    for maybe in [any(col(&a), CompareOp::Eq, false, q.clone(), &k2), any(col(&k), CompareOp::Eq, false, q, &a2)] {
        assert!(!plan(p.clone().filter(not(maybe)), &mut ids.clone()).contains("Anti"));
    }
}

#[test]
fn a_subquery_by_key_is_a_left_join() {
    let mut ids = Ids::default();
    let (p, k, a, s, x, _) = both(&mut ids);
    let inner = p.filter(eq(&k, &x));
    let (rel, _) = with_value(&mut ids, s, scalar(inner, &a));
    let text = plan(rel, &mut ids);
    let expected =
        "Project x#2, y#3, a#1 -> value#4\n  Left join on (k#0 = x#2)\n    Scan s: x#2, y#3\n    Scan p: k#0, a#1\n";
    assert_eq!(text, expected);
}

#[test]
fn a_correlated_count_is_grouped_and_left_joined() {
    let mut ids = Ids::default();
    let (p, k, _, s, x, _) = both(&mut ids);
    let (count, n) = aggregate(&mut ids, s.filter(eq(&x, &k)), Vec::new(), "count", Vec::new());
    let (rel, _) = with_value(&mut ids, p, scalar(count, &n));
    let text = plan(rel, &mut ids);
    assert!(text.contains("Aggregate by [x#2 -> x#"), "{text}");
    assert!(text.contains("IS NULL) THEN 0::bigint"), "{text}");
    assert!(text.contains("Left join on (k#0 = x#"), "{text}");
    assert!(!text.contains("Distinct"), "{text}");
}

#[test]
fn a_subquery_that_may_give_two_rows_groups_only_what_is_asked_for() {
    let mut ids = Ids::default();
    let (p, _, a, s, x, y) = both(&mut ids);
    let (rel, _) = with_value(&mut ids, p, scalar(s.filter(eq(&x, &a)), &y));
    let text = plan(rel, &mut ids);
    assert!(text.contains("single_value"), "{text}");
    assert!(text.contains("Distinct"), "the domain of a: {text}");
}

#[test]
fn the_first_rows_are_a_window() {
    let mut ids = Ids::default();
    let (p, k, _, s, x, y) = both(&mut ids);
    let sorted = Rel::Sort { input: Box::new(s.filter(eq(&x, &k))), by: vec![key(&y)] };
    let first = Rel::Limit { input: Box::new(sorted), skip: None, fetch: Some(int(3)) };
    let text = plan(p.join(JoinKind::Inner, first, Expr::boolean(true)), &mut ids);
    assert!(text.contains("Window row_number() over (x#2; y#3) -> number#4"), "{text}");
    assert!(text.contains("Filter (number#4 <= 3::bigint)"), "{text}");
    assert!(text.contains("Inner join on (x#2 = k#0)"), "{text}");
}

#[test]
fn a_lateral_expression_needs_no_join() {
    let mut ids = Ids::default();
    let p = scan(&mut ids, "p", &["k", "a"], true);
    let value = ids.column("v", Type::BIGINT, true);
    let lateral = Rel::Unit.project(vec![(value, col(&nth(&p, 1)))]);
    let text = plan(p.join(JoinKind::Inner, lateral, Expr::boolean(true)), &mut ids);
    assert_eq!(text, "Project k#0, a#1, a#1 -> v#2\n  Scan p: k#0, a#1\n");
}

#[test]
fn a_subquery_in_a_subquery_reads_what_equals_the_outermost() {
    // SELECT (SELECT count(*) FROM s WHERE s.x = p.k AND s.y > (SELECT max(v) FROM u WHERE u.w = s.y AND u.z = p.k)) FROM p
    let mut ids = Ids::default();
    let (p, k, _, s, x, y) = both(&mut ids);
    let u = scan(&mut ids, "u", &["v", "w", "z"], false);
    let (v, w, z) = (nth(&u, 0), nth(&u, 1), nth(&u, 2));
    let inner = u.filter(Expr::and([eq(&w, &y), eq(&z, &k)]));
    let (inner, most) = aggregate(&mut ids, inner, Vec::new(), "max", vec![col(&v)]);
    let above = Expr::compare(CompareOp::Gt, col(&y), scalar(inner, &most));
    let (count, n) = aggregate(&mut ids, s.filter(Expr::and([eq(&x, &k), above])), Vec::new(), "count", Vec::new());
    let (rel, _) = with_value(&mut ids, p, scalar(count, &n));
    let text = plan(rel, &mut ids);
    assert_eq!(text.matches("Scan p").count(), 1, "{text}");
    assert_eq!(text.matches("Scan s").count(), 1, "{text}");
    assert!(!text.contains("Distinct"), "{text}");
}

#[test]
fn only_the_general_case_has_a_domain() {
    let mut ids = Ids::default();
    let (p, _, a, s, x, y) = both(&mut ids);
    let below = Expr::compare(CompareOp::Lt, col(&x), col(&a));
    let (sum, n) = aggregate(&mut ids, s.filter(below), Vec::new(), "sum", vec![col(&y)]);
    let (rel, _) = with_value(&mut ids, p, scalar(sum, &n));
    let text = plan(rel, &mut ids);
    assert_eq!(text.matches("Scan p").count(), 2, "{text}");
    assert!(text.contains("IS NOT DISTINCT FROM"), "{text}");
}

#[test]
fn arrays_of_outer_rows_are_taken_apart_beside_them() {
    let mut ids = Ids::default();
    let (p, _, a, _, _, _) = both(&mut ids);
    let element = ids.column("e", Type::BIGINT, true);
    let unnest = Rel::Unnest { input: Box::new(Rel::Unit), arrays: vec![(element, col(&a))], ordinality: None };
    let text = plan(p.join(JoinKind::Inner, unnest, Expr::boolean(true)), &mut ids);
    assert_eq!(text, "Unnest a#1 -> e#4\n  Scan p: k#0, a#1\n");
}

#[test]
fn an_array_keeps_the_order_of_its_subquery() {
    let mut ids = Ids::default();
    let (p, k, _, s, x, y) = both(&mut ids);
    let sorted = Rel::Sort { input: Box::new(s.filter(eq(&x, &k))), by: vec![key(&y)] };
    let array = subquery(SubqueryKind::Array(y), sorted);
    let (rel, _) = with_value(&mut ids, p, array);
    let rel = decorrelate(rel, &mut ids).unwrap();
    let mut orders = Vec::new();
    rel.visit(&mut |node| {
        if let Rel::Aggregate { aggregates, .. } = node {
            orders.extend(aggregates.iter().map(|(_, call)| (call.function.name().to_owned(), call.order.len())));
        }
    });
    assert_eq!(orders, [("array_agg".to_owned(), 1)]);
}

#[test]
fn hostile_nesting_is_refused_not_endured() {
    let mut ids = Ids::default();
    let rel = nested(&mut ids, None, 40);
    let refused = decorrelate(rel, &mut ids);
    assert!(refused.is_err_and(|error| error.state.code() == "54001"));
}

/// Each level compares with the one around it by `<`, in two places, so each needs two domains, in which the level around is copied.
fn nested(ids: &mut Ids, around: Option<&Column>, depth: usize) -> Rel {
    let mut table = || {
        let table = scan(ids, "t", &["x", "y"], false);
        let (x, y) = (nth(&table, 0), nth(&table, 1));
        let below = around.map(|around| Expr::compare(CompareOp::Lt, col(&x), col(around)));
        (Rel::Distinct { input: Box::new(table.filter(Expr::and(below))) }, x, y)
    };
    let ((left, x, y), (right, ..)) = (table(), table());
    let pairs = left.join(JoinKind::Inner, right, Expr::boolean(true));
    if depth == 0 {
        return pairs;
    }
    let inner = nested(ids, Some(&x), depth - 1);
    let (count, n) = aggregate(ids, inner, Vec::new(), "count", Vec::new());
    pairs.filter(Expr::compare(CompareOp::Lt, col(&y), scalar(count, &n)))
}
