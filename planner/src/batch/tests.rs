//! Trees built by hand, and the plans that are made of them. DataFusion's physical planner takes each.

use super::to_datafusion;
use attune_sql::algebra::{
    AggregateCall, Callee, Column, CompareOp, Expr, Ids, JoinKind, Rel, Scan, SetOperator, SortKey, Type, WindowCall,
    WindowFunction,
};
use attune_sql::functions::Registry;
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::{NullEquality, Result, ScalarValue};
use datafusion::datasource::empty::EmptyTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::{
    Expr as DfExpr, LogicalPlan, TableProviderFilterPushDown, TableSource, WindowFrame, WindowFrameBound,
    WindowFrameUnits,
};
use datafusion::physical_planner::{DefaultPhysicalPlanner, PhysicalPlanner};
use expect_test::{Expect, expect};
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// A source that uses conditions but may give more rows.
struct Inexact(SchemaRef);

impl TableSource for Inexact {
    fn schema(&self) -> SchemaRef {
        self.0.clone()
    }

    fn supports_filters_pushdown(&self, filters: &[&DfExpr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }
}

fn schema(columns: &[(&str, Type)]) -> SchemaRef {
    Arc::new(Schema::new(columns.iter().map(|(name, ty)| Field::new(*name, ty.to_arrow(), true)).collect::<Vec<_>>()))
}

fn scan_of(ids: &mut Ids, name: &str, source: Arc<dyn TableSource>, of: &[(&str, Type)]) -> (Rel, Vec<Column>) {
    let columns: Vec<Column> = of.iter().map(|(name, ty)| ids.column(*name, *ty, true)).collect();
    let places = columns.iter().cloned().enumerate().map(|(place, column)| (column, place)).collect();
    (Rel::Scan(Scan { name: name.to_owned(), relation: None, source, columns: places }), columns)
}

fn scan(ids: &mut Ids, name: &str, of: &[(&str, Type)]) -> (Rel, Vec<Column>) {
    scan_of(ids, name, provider_as_source(Arc::new(EmptyTable::new(schema(of)))), of)
}

fn bigints<'a>(names: &[&'a str]) -> Vec<(&'a str, Type)> {
    names.iter().map(|name| (*name, Type::BIGINT)).collect()
}

fn number(value: i64) -> Expr {
    Expr::constant(ScalarValue::Int64(Some(value)), Type::BIGINT)
}

fn column(column: &Column) -> Expr {
    Expr::Column(column.clone())
}

fn by(of: &Column, descending: bool) -> SortKey {
    SortKey { expr: column(of), descending, nulls_first: descending }
}

fn boxed(rel: Rel) -> Box<Rel> {
    Box::new(rel)
}

fn limit(input: Rel, skip: i64, fetch: i64) -> Rel {
    Rel::Limit { input: boxed(input), skip: Some(number(skip)), fetch: Some(number(fetch)) }
}

fn count(filter: Option<Expr>) -> AggregateCall {
    let function = Arc::clone(Registry::standard().aggregate("count").unwrap());
    AggregateCall {
        function,
        args: Vec::new(),
        distinct: false,
        filter,
        order: Vec::new(),
        ty: Type::BIGINT,
        nullable: false,
    }
}

fn plan(rel: &Rel, columns: &[Column], names: &[&str]) -> LogicalPlan {
    let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    to_datafusion(rel, columns, &names).unwrap()
}

fn check(rel: &Rel, columns: &[Column], names: &[&str], expected: Expect) {
    let plan = plan(rel, columns, names);
    let given: Vec<&str> = plan.schema().fields().iter().map(|field| field.name().as_str()).collect();
    assert_eq!(given, names);
    for (field, column) in plan.schema().fields().iter().zip(columns) {
        assert_eq!(*field.data_type(), column.ty.to_arrow(), "{}", field.name());
    }
    expected.assert_eq(&plan.display_indent().to_string());
    taken(&plan);
}

/// That the physical planner takes a plan as it is.
fn taken(plan: &LogicalPlan) {
    let state = SessionStateBuilder::new().with_default_features().build();
    let planner = DefaultPhysicalPlanner::default();
    let mut planning = pin!(planner.create_physical_plan(plan, &state));
    let mut context = Context::from_waker(Waker::noop());
    // It waits for nothing but its turns.
    for _ in 0..1_000 {
        if let Poll::Ready(physical) = planning.as_mut().poll(&mut context) {
            assert!(physical.is_ok(), "{}\n{physical:?}", plan.display_indent());
            return;
        }
    }
    panic!("planning waits for something");
}

#[test]
fn a_condition_above_a_scan_is_offered_to_the_source() {
    let mut ids = Ids::default();
    let of = [("a", Type::BIGINT), ("b", Type::TEXT)];
    let predicate = |c: &[Column]| {
        let pattern = Expr::constant(ScalarValue::Utf8(Some("x%".into())), Type::TEXT);
        let like = Expr::Like {
            expr: Box::new(column(&c[1])),
            pattern: Box::new(pattern),
            negated: false,
            case_insensitive: false,
        };
        Expr::and([Expr::compare(CompareOp::Eq, column(&c[0]), number(1)), like])
    };
    let (rel, c) = scan(&mut ids, "t", &of);
    check(
        &rel.filter(predicate(&c)),
        &c[1..],
        &["b"],
        expect![[r#"
            Projection: t.b
              Filter: t.a = Int64(1) AND t.b LIKE Utf8("x%")
                TableScan: t projection=[a, b]"#]],
    );
    let (rel, c) = scan_of(&mut ids, "t", Arc::new(Inexact(schema(&of))), &of);
    let plan = plan(&rel.filter(predicate(&c)), &c, &["a", "b"]);
    expect![[r#"
        Filter: t.a = Int64(1) AND t.b LIKE Utf8("x%")
          TableScan: t projection=[a, b], partial_filters=[t.a = Int64(1), t.b LIKE Utf8("x%")]"#]]
    .assert_eq(&plan.display_indent().to_string());
}

#[test]
fn columns_are_renamed_once_at_the_top() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &bigints(&["a", "b"]));
    let renamed = ids.column("x", Type::BIGINT, true);
    let null = ids.column("y", Type::BOOLEAN, false);
    let rel = rel.project(vec![
        (renamed.clone(), column(&c[1])),
        (c[0].clone(), column(&c[0])),
        (null.clone(), Expr::is_null(column(&c[0]))),
    ]);
    check(
        &limit(rel, 0, 5),
        &[renamed.clone(), null, c[0].clone()],
        &["n", "a", "a_1"],
        expect![[r#"
            Projection: t.b AS n, a_1 AS a, t.a AS a_1
              Projection: t.b, t.a, t.a IS NULL AS a_1
                Limit: skip=0, fetch=5
                  TableScan: t projection=[a, b], fetch=5"#]],
    );
    let (rel, c) = scan(&mut ids, "t", &bigints(&["a", "b"]));
    let twice = plan(&rel, &[c[1].clone(), c[1].clone()], &["b", "b"]);
    expect![[r#"
        Projection: t.b, t.b AS b_1
          TableScan: t projection=[a, b]"#]]
    .assert_eq(&twice.display_indent().to_string());
    let (rel, c) = scan(&mut ids, "t", &bigints(&["a", "b"]));
    check(&rel, &c[1..], &["b"], expect!["TableScan: t projection=[b]"]);
}

#[test]
fn null_equals_null_only_in_its_own_join_condition() {
    let mut ids = Ids::default();
    let (left, p) = scan(&mut ids, "t", &bigints(&["a", "s"]));
    let (right, q) = scan(&mut ids, "t", &bigints(&["a", "s"]));
    let same = Expr::compare(CompareOp::NotDistinct, column(&q[1]), column(&p[1]));
    let equal = Expr::compare(CompareOp::Eq, column(&p[0]), column(&q[0]));
    let more = Expr::compare(CompareOp::Lt, column(&p[0]), column(&q[1]));
    let mixed = left.clone().join(JoinKind::Inner, right.clone(), Expr::and([same.clone(), equal, more.clone()]));
    check(
        &mixed,
        &[p[0].clone(), q[1].clone()],
        &["a", "s"],
        expect![[r#"
            Projection: t.a, t_1.s
              Inner Join: t.a = t_1.a Filter: t.a < t_1.s AND t_1.s IS NOT DISTINCT FROM t.s
                TableScan: t projection=[a, s]
                TableScan: t_1 projection=[a, s]"#]],
    );
    let LogicalPlan::Join(join) = plan(&left.clone().join(JoinKind::Anti, right.clone(), same), &p, &["a", "s"]) else {
        panic!("a join")
    };
    assert_eq!(join.null_equality, NullEquality::NullEqualsNull);
    for kind in [JoinKind::Inner, JoinKind::Left, JoinKind::Full, JoinKind::Semi, JoinKind::Anti] {
        for on in [more.clone(), Expr::boolean(true), Expr::boolean(false)] {
            taken(&plan(&left.clone().join(kind, right.clone(), on), &p, &["a", "s"]));
        }
    }
}

#[test]
fn groups_are_columns_and_expressions() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &[("u", Type::BIGINT), ("i", Type::INTERVAL)]);
    let (null, n, i) = (
        ids.column("null", Type::BOOLEAN, false),
        ids.column("n", Type::BIGINT, false),
        ids.column("i", Type::INTERVAL, true),
    );
    let group = vec![(c[0].clone(), column(&c[0])), (null.clone(), Expr::is_null(column(&c[1])))];
    let filter = Expr::compare(CompareOp::Gt, column(&c[0]), number(0));
    let aggregates = vec![(n.clone(), count(Some(filter)))];
    check(
        &Rel::Aggregate { input: boxed(rel.clone()), group, aggregates },
        &[c[0].clone(), null, n.clone()],
        &["u", "null", "n"],
        expect![[r#"
            Aggregate: groupBy=[[t.u, t.i IS NULL AS null]], aggr=[[count(Int64(1)) FILTER (WHERE t.u > Int64(0)) AS n]]
              TableScan: t projection=[u, i]"#]],
    );
    // Intervals of one length are one group.
    let group = vec![(i.clone(), column(&c[1]))];
    check(
        &Rel::Aggregate { input: boxed(rel), group, aggregates: vec![(n.clone(), count(None))] },
        &[i, n],
        &["i", "n"],
        expect![[r#"
            Projection: i, n
              Aggregate: groupBy=[[interval_order(t.i) AS i_length]], aggr=[[min(t.i) AS i, count(Int64(1)) AS n]]
                TableScan: t projection=[i]"#]],
    );
}

#[test]
fn windows_of_one_order_are_one_node() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &bigints(&["u", "v"]));
    let window = |name: &str, partition: &[Expr], order: Vec<SortKey>| WindowCall {
        function: WindowFunction::Window(Arc::clone(Registry::standard().window(name).unwrap())),
        args: Vec::new(),
        distinct: false,
        filter: None,
        ignore_nulls: false,
        partition: partition.to_vec(),
        frame: WindowFrame::new((!order.is_empty()).then_some(false)),
        order,
        ty: Type::BIGINT,
        nullable: false,
    };
    let frame = WindowFrame::new_bounds(
        WindowFrameUnits::Rows,
        WindowFrameBound::Preceding(ScalarValue::Int64(Some(1))),
        WindowFrameBound::CurrentRow,
    );
    let names = ["all", "rank", "recent"];
    let outputs: Vec<Column> = names.iter().map(|name| ids.column(*name, Type::BIGINT, false)).collect();
    let partition = [column(&c[0])];
    let counted = WindowCall {
        function: WindowFunction::Aggregate(Arc::clone(Registry::standard().aggregate("count").unwrap())),
        frame,
        ..window("row_number", &partition, vec![by(&c[1], true)])
    };
    let calls = [window("row_number", &[], Vec::new()), window("rank", &partition, vec![by(&c[1], true)]), counted];
    let rel = Rel::Window { input: boxed(rel), calls: outputs.iter().cloned().zip(calls).collect() };
    let plan = plan(&rel, &outputs, &names);
    for field in plan.schema().fields() {
        assert_eq!(*field.data_type(), DataType::Int64);
    }
    let shown = plan.display_indent().to_string();
    assert_eq!(shown.matches("WindowAggr").count(), 2, "{shown}");
    taken(&plan);
}

#[test]
fn distinct_on_keeps_the_row_with_number_one() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &bigints(&["u", "v"]));
    let rel = Rel::DistinctOn { input: boxed(rel), on: vec![column(&c[0])], order: vec![by(&c[1], false)] };
    check(
        &rel,
        &c,
        &["u", "v"],
        expect![[r#"
        Projection: t.u, t.v
          Filter: CAST(row_number AS Int64) <= Int64(1)
            WindowAggr: windowExpr=[[row_number() PARTITION BY [t.u] ORDER BY [t.v ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW AS row_number]]
              TableScan: t projection=[u, v]"#]],
    );
}

#[test]
fn set_operations() {
    let mut ids = Ids::default();
    let (left, a) = scan(&mut ids, "t", &bigints(&["a"]));
    let (right, b) = scan(&mut ids, "s", &bigints(&["b"]));
    let x = ids.column("x", Type::BIGINT, true);
    let of = |op, all| Rel::SetOperation {
        op,
        all,
        inputs: vec![left.clone(), right.clone()],
        inputs_columns: vec![a.clone(), b.clone()],
        columns: vec![x.clone()],
    };
    check(
        &of(SetOperator::Union, false),
        std::slice::from_ref(&x),
        &["x"],
        expect![[r#"
        Aggregate: groupBy=[[x]], aggr=[[]]
          Union
            Projection: t.a AS x
              TableScan: t projection=[a]
            Projection: s.b AS x
              TableScan: s projection=[b]"#]],
    );
    check(
        &of(SetOperator::Except, false),
        std::slice::from_ref(&x),
        &["x"],
        expect![[r#"
        Projection: t.a AS x
          LeftAnti Join: t.a = s.b
            Aggregate: groupBy=[[t.a]], aggr=[[]]
              TableScan: t projection=[a]
            TableScan: s projection=[b]"#]],
    );
    let counted = plan(&of(SetOperator::Intersect, true), std::slice::from_ref(&x), &["x"]);
    let shown = counted.display_indent().to_string();
    assert!(shown.contains("LeftSemi Join: t.a = s.b, row_number = row_number_1"), "{shown}");
    taken(&counted);
}

#[test]
fn an_offset_counts_once() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &bigints(&["a"]));
    let sorted = Rel::Sort { input: boxed(rel), by: vec![by(&c[0], false)] };
    check(
        &limit(sorted.clone(), 0, 2),
        &c,
        &["a"],
        expect![[r#"
        Sort: t.a ASC NULLS LAST, fetch=2
          TableScan: t projection=[a]"#]],
    );
    check(
        &limit(sorted.clone(), 3, 2),
        &c,
        &["a"],
        expect![[r#"
        Limit: skip=3, fetch=2
          Sort: t.a ASC NULLS LAST, fetch=5
            TableScan: t projection=[a]"#]],
    );
    check(
        &limit(limit(sorted.clone(), 3, 10), 2, 4),
        &c,
        &["a"],
        expect![[r#"
        Limit: skip=5, fetch=4
          Sort: t.a ASC NULLS LAST, fetch=9
            TableScan: t projection=[a]"#]],
    );
    // The physical planner would move the sort above below the limit.
    let again = Rel::Sort { input: boxed(limit(sorted, 3, 2)), by: vec![by(&c[0], true)] };
    check(
        &again,
        &c,
        &["a"],
        expect![[r#"
        Sort: t.a DESC NULLS FIRST
          Projection: t.a
            Filter: CAST(row_number AS Int64) > Int64(3) AND CAST(row_number AS Int64) <= Int64(5)
              WindowAggr: windowExpr=[[row_number() ORDER BY [t.a ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW AS row_number]]
                TableScan: t projection=[a]"#]],
    );
}

#[test]
fn counts_that_are_parameters_stay() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &bigints(&["a"]));
    let fetch = Some(Expr::Parameter { index: 1, ty: Type::BIGINT });
    let plan = plan(&Rel::Limit { input: boxed(rel), skip: Some(number(0)), fetch }, &c, &["a"]);
    expect![[r#"
        Limit: skip=0, fetch=$2
          TableScan: t projection=[a]"#]]
    .assert_eq(&plan.display_indent().to_string());
    let (rel, c) = scan(&mut ids, "t", &bigints(&["a"]));
    let negative = Rel::Limit { input: boxed(rel), skip: None, fetch: Some(number(-1)) };
    assert_eq!(to_datafusion(&negative, &c, &["a".to_owned()]).unwrap_err().message, "LIMIT must not be negative");
}

#[test]
fn rows_of_constants_and_of_arrays() {
    let mut ids = Ids::default();
    let x = ids.column("x", Type::BIGINT, true);
    let values = Rel::Values { columns: vec![x.clone()], rows: vec![vec![number(1)], vec![Expr::null(Type::BIGINT)]] };
    check(&values, std::slice::from_ref(&x), &["x"], expect!["Values: (Int64(1)), (Int64(NULL))"]);
    taken(&plan(&Rel::Values { columns: vec![x.clone()], rows: Vec::new() }, &[x], &["x"]));
    taken(&plan(&Rel::Values { columns: Vec::new(), rows: vec![Vec::new(); 3] }, &[], &[]));
    taken(&plan(&Rel::Unit, &[], &[]));
    let array = Type::Array(attune_sql::types::SqlType::BigInt);
    let (rel, c) = scan(&mut ids, "t", &[("k", Type::BIGINT), ("list", array)]);
    let (element, nth) = (ids.column("e", Type::BIGINT, true), ids.column("nth", Type::BIGINT, false));
    let arrays = vec![(element.clone(), column(&c[1]))];
    let unnest = Rel::Unnest { input: boxed(rel), arrays, ordinality: Some(nth.clone()) };
    let plan = plan(&unnest, &[c[0].clone(), element, nth], &["k", "e", "nth"]);
    assert!(plan.schema().fields().iter().all(|field| *field.data_type() == DataType::Int64));
    taken(&plan);
}

#[test]
fn functions_get_the_types_that_they_take() {
    let mut ids = Ids::default();
    let (rel, c) = scan(&mut ids, "t", &[("s", Type::TEXT)]);
    let upper = Arc::clone(Registry::standard().scalar("upper").unwrap());
    let call = Expr::Call { callee: Callee::Function(upper), args: vec![column(&c[0])], ty: Type::TEXT };
    let big = ids.column("big", Type::TEXT, true);
    check(
        &rel.project(vec![(big.clone(), call)]),
        &[big],
        &["big"],
        expect![[r#"
        Projection: upper(t.s) AS big
          TableScan: t projection=[s]"#]],
    );
}
