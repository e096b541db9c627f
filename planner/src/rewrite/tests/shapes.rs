//! What the rules are for: plans before and after.

use super::random::{Random, boxed, by, column, int};
use crate::rewrite::rewrite;
use attune_sql::algebra::{AggregateCall, Column, CompareOp, Expr, Ids, JoinKind, Rel, Type, explain};
use attune_sql::functions::Registry;
use std::sync::Arc;

fn eq(left: &Column, right: &Column) -> Expr {
    Expr::compare(CompareOp::Eq, column(left), column(right))
}

fn is(left: &Column, value: i64) -> Expr {
    Expr::compare(CompareOp::Eq, column(left), int(value))
}

fn above(left: &Column, value: i64) -> Expr {
    Expr::compare(CompareOp::Gt, column(left), int(value))
}

fn limit(input: Rel, skip: Option<i64>, fetch: Option<i64>) -> Rel {
    Rel::Limit { input: boxed(input), skip: skip.map(int), fetch: fetch.map(int) }
}

/// A scan and its columns.
fn scan(random: &mut Random, name: &str) -> (Rel, [Column; 3]) {
    let scan = random.scan(name);
    let columns = scan.columns().try_into().unwrap();
    (scan, columns)
}

#[track_caller]
fn check(rel: Rel, needed: &[&Column], expected: &[&str]) {
    let needed: Vec<Column> = needed.iter().map(|column| (*column).clone()).collect();
    let after = explain(&rewrite(rel, &needed, &mut Ids::default()).unwrap());
    assert_eq!(after.lines().collect::<Vec<_>>(), expected, "\n{after}");
}

/// Item 1: only what DISTINCT ON is on may be filtered below it.
#[test]
fn distinct_on_stops_conditions_on_other_columns() {
    let mut random = Random::new(1);
    let (t, [a, b, _]) = scan(&mut random, "t");
    let on = Rel::DistinctOn { input: boxed(t), on: vec![column(&a)], order: by(std::slice::from_ref(&b)) };
    check(
        on.filter(Expr::and([above(&b, 1), is(&a, 2)])),
        &[&a, &b],
        &[
            "Filter (b#1 > 1::bigint)",
            "  Distinct on [a#0] order [b#1]",
            "    Filter (a#0 = 2::bigint)",
            "      Scan t: a#0, b#1",
        ],
    );
}

/// Comma joins become joins on what connects them, in the written order where that is connected.
#[test]
fn comma_joins_are_connected() {
    let mut random = Random::new(1);
    let (t, [a, b, _]) = scan(&mut random, "t");
    let (u, [d, e, _]) = scan(&mut random, "u");
    let (v, [g, h, _]) = scan(&mut random, "v");
    let cross = t.join(JoinKind::Inner, u, Expr::boolean(true)).join(JoinKind::Inner, v, Expr::boolean(true));
    let condition = Expr::and([eq(&a, &g), eq(&h, &d), is(&b, 1), above(&e, 0)]);
    check(
        cross.filter(condition),
        &[&a],
        &[
            "Inner join on (b#7 = a#3)",
            "  Inner join on (a#0 = a#6)",
            "    Filter (b#1 = 1::bigint)",
            "      Scan t: a#0, b#1",
            "    Scan v: a#6, b#7",
            "  Filter (b#4 > 0::bigint)",
            "    Scan u: a#3, b#4",
        ],
    );
}

/// A constant is known for every equal column of an inner join, and for the right side of a left one.
#[test]
fn constants_spread() {
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Semi] {
        let mut random = Random::new(1);
        let (t, [a, ..]) = scan(&mut random, "t");
        let (u, [d, ..]) = scan(&mut random, "u");
        let first = format!("{kind:?} join on (a#0 = a#3)");
        check(
            t.join(kind, u, eq(&a, &d)).filter(is(&a, 5)),
            &[&a],
            &[
                first.as_str(),
                "  Filter (a#0 = 5::bigint)",
                "    Scan t: a#0",
                "  Filter (a#3 = 5::bigint)",
                "    Scan u: a#3",
            ],
        );
    }
}

/// A condition on the added side makes a left join an inner one, unless it can be true for NULL.
#[test]
fn outer_joins_that_lose_what_they_add() {
    fn build(condition: fn(&Column) -> Expr, expected: &[&str]) {
        let mut random = Random::new(1);
        let (t, [a, ..]) = scan(&mut random, "t");
        let (u, [d, e, _]) = scan(&mut random, "u");
        check(t.join(JoinKind::Left, u, eq(&a, &d)).filter(condition(&e)), &[&a], expected);
    }
    build(
        |e| above(e, 0),
        &["Inner join on (a#0 = a#3)", "  Scan t: a#0", "  Filter (b#4 > 0::bigint)", "    Scan u: a#3, b#4"],
    );
    build(
        |e| Expr::is_null(column(e)),
        &["Filter (b#4 IS NULL)", "  Left join on (a#0 = a#3)", "    Scan t: a#0", "    Scan u: a#3, b#4"],
    );
}

/// Item 16: an offset counts once, whatever is sorted above.
#[test]
fn limits_of_limits() {
    let mut random = Random::new(1);
    let (t, [a, ..]) = scan(&mut random, "t");
    let sort = |input: Rel| Rel::Sort { input: boxed(input), by: by(std::slice::from_ref(&a)) };
    check(
        sort(limit(sort(t.clone()), Some(2), Some(2))),
        &[&a],
        &["Sort a#0", "  Limit skip 2::bigint fetch 2::bigint", "    Sort a#0", "      Scan t: a#0"],
    );
    check(
        limit(limit(sort(t.clone()), Some(2), Some(5)), Some(1), Some(9)),
        &[&a],
        &["Limit skip 3::bigint fetch 4::bigint", "  Sort a#0", "    Scan t: a#0"],
    );
    // A sort that nobody sees.
    check(Rel::Distinct { input: boxed(sort(t)) }, &[&a], &["Distinct", "  Scan t: a#0, b#1, c#2"]);
}

/// What is counted needs no column.
#[test]
fn columns_that_nothing_reads() {
    let mut random = Random::new(1);
    let (t, [a, b, _]) = scan(&mut random, "t");
    let count = AggregateCall {
        function: Arc::clone(Registry::standard().aggregate("count").unwrap()),
        args: Vec::new(),
        distinct: false,
        filter: None,
        order: Vec::new(),
        ty: Type::BIGINT,
        nullable: false,
    };
    let n = random.fresh("n");
    let inner = t.filter(is(&a, 1)).project(vec![(b.clone(), column(&b))]);
    let rel = Rel::Aggregate { input: boxed(inner), group: Vec::new(), aggregates: vec![(n.clone(), count)] };
    check(rel, &[&n], &["Aggregate by []: count() -> n#3", "  Filter (a#0 = 1::bigint)", "    Scan t: a#0"]);
}

/// `(a AND b) OR (a AND c)` joins by `a`; what both branches say of one table filters it.
#[test]
fn conditions_in_an_or() {
    let mut random = Random::new(1);
    let (t, [a, b, _]) = scan(&mut random, "t");
    let (u, [d, e, _]) = scan(&mut random, "u");
    let either =
        Expr::Or(vec![Expr::and([eq(&a, &d), is(&b, 1), is(&e, 2)]), Expr::and([eq(&a, &d), is(&b, 2), is(&e, 1)])]);
    let cross = t.join(JoinKind::Inner, u, Expr::boolean(true));
    check(
        cross.filter(either),
        &[&a],
        &[
            "Inner join on ((a#0 = a#3) AND (((b#1 = 1::bigint) AND (b#4 = 2::bigint)) OR ((b#1 = 2::bigint) AND (b#4 = \
             1::bigint))))",
            "  Filter ((b#1 = 1::bigint) OR (b#1 = 2::bigint))",
            "    Scan t: a#0, b#1",
            "  Filter ((b#4 = 2::bigint) OR (b#4 = 1::bigint))",
            "    Scan u: a#3, b#4",
        ],
    );
}

/// What can fail is asked after what cannot, of the rows that are left.
#[test]
fn conditions_that_can_fail_come_last() {
    let mut random = Random::new(1);
    let (t, [a, b, _]) = scan(&mut random, "t");
    let args = vec![int(1), column(&a)];
    let callee = attune_sql::algebra::Callee::Operator(datafusion::logical_expr::Operator::Divide);
    let quotient = Expr::Call { callee, args, ty: Type::BIGINT };
    let q = random.fresh("q");
    let inner = t.filter(Expr::compare(CompareOp::NotEq, column(&a), int(0)));
    let inner = inner.project(vec![(b.clone(), column(&b)), (q.clone(), quotient)]);
    check(
        inner.filter(Expr::and([above(&q, 1), is(&b, 2)])),
        &[&b],
        &[
            "Project b#1",
            "  Filter ((1::bigint / a#0) > 1::bigint)",
            "    Filter ((a#0 <> 0::bigint) AND (b#1 = 2::bigint))",
            "      Scan t: a#0, b#1",
        ],
    );
}
