//! Tests of the binder: plans of the example's views, names, errors, parameters.

mod errors;
mod names;
mod parameters;

use super::*;
use crate::SqlError;
use crate::catalog::tests::example;
use crate::statement::{parse, parse_expression, parse_query};
use datafusion::common::ScalarValue;
use expect_test::{Expect, expect};
use std::fmt::Write;

fn bind(sql: &str) -> Result<BoundQuery, SqlError> {
    let catalog = example();
    let binder = Binder { catalog: &catalog, sources: &SchemaSources };
    binder.bind_query(&*parse_query(sql)?)
}

fn optimised(sql: &str) -> Result<LogicalPlan, SqlError> {
    let catalog = example();
    let binder = Binder { catalog: &catalog, sources: &SchemaSources };
    let bound = binder.bind_query(&*parse_query(sql)?)?;
    check_view_query(&bound.plan)?;
    binder.optimise(bound.plan)
}

fn error_text(e: &SqlError) -> String {
    let at = e.position.map_or(String::new(), |p| format!(" at {p}"));
    format!("{e}{at}")
}

/// The optimised plan.
fn check_plan(sql: &str, expected: Expect) {
    let out = match optimised(sql) {
        Ok(plan) => plan.display_indent().to_string(),
        Err(e) => error_text(&e),
    };
    expected.assert_eq(&out);
}

/// Names and types of the output, per query.
fn check_output(queries: &[&str], expected: Expect) {
    let mut out = String::new();
    for sql in queries {
        let text = match bind(sql) {
            Ok(bound) => {
                let types = bound.types().expect("types of the map");
                let columns: Vec<String> = bound.names.iter().zip(types).map(|(n, t)| format!("{n} {t}")).collect();
                columns.join(", ")
            }
            Err(e) => error_text(&e),
        };
        writeln!(out, "{sql}\n  => {text}").expect("a string");
    }
    expected.assert_eq(&out);
}

#[test]
fn spend() {
    check_plan(
        "SELECT household_id, count(*) AS n, sum(price) AS total, max(ts) AS last_seen FROM purchases GROUP BY household_id",
        expect![[r#"
            Projection: purchases.household_id, count(Int64(1)) AS count(*) AS n, sum(purchases.price) AS total, max(purchases.ts) AS last_seen
              Aggregate: groupBy=[[purchases.household_id]], aggr=[[count(Int64(1)), sum(purchases.price), max(purchases.ts)]]
                TableScan: purchases projection=[household_id, price, ts]"#]],
    );
}

#[test]
fn affinity() {
    check_plan(
        "SELECT household_id, category, sum(quantity) AS n FROM purchases JOIN products USING (product_id) GROUP BY 1, 2",
        expect![[r#"
            Projection: purchases.household_id, products.category, sum(purchases.quantity) AS n
              Aggregate: groupBy=[[purchases.household_id, products.category]], aggr=[[sum(purchases.quantity)]]
                Projection: purchases.household_id, purchases.quantity, products.category
                  Inner Join: purchases.product_id = products.product_id
                    TableScan: purchases projection=[household_id, product_id, quantity]
                    TableScan: products projection=[product_id, category]"#]],
    );
}

#[test]
fn top_categories() {
    check_plan(
        "SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY household_id ORDER BY n DESC, category) AS rank FROM affinity) t WHERE rank <= 10",
        expect![[r#"
            Projection: t.household_id, t.category, t.n, CAST(t.rank AS Int64) AS rank
              SubqueryAlias: t
                Projection: affinity.household_id, affinity.category, affinity.n, row_number() PARTITION BY [affinity.household_id] ORDER BY [affinity.n DESC NULLS FIRST, affinity.category ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW AS rank
                  Filter: row_number() PARTITION BY [affinity.household_id] ORDER BY [affinity.n DESC NULLS FIRST, affinity.category ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW <= UInt64(10)
                    WindowAggr: windowExpr=[[row_number() PARTITION BY [affinity.household_id] ORDER BY [affinity.n DESC NULLS FIRST, affinity.category ASC NULLS LAST] RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW]]
                      TableScan: affinity projection=[household_id, category, n]"#]],
    );
}

#[test]
fn subqueries_become_joins() {
    check_plan(
        "SELECT household_id FROM purchases p WHERE product_id IN (SELECT product_id FROM products WHERE category = 'x')
           AND price > (SELECT avg(price) FROM purchases q WHERE q.product_id = p.product_id)",
        expect![[r#"
            Projection: p.household_id
              LeftSemi Join: p.product_id = __scalar_sq_2.product_id Filter: p.price > __scalar_sq_2.avg
                LeftSemi Join: p.product_id = __correlated_sq_1.product_id
                  SubqueryAlias: p
                    TableScan: purchases projection=[household_id, product_id, price]
                  SubqueryAlias: __correlated_sq_1
                    Projection: products.product_id
                      Filter: products.category = Utf8("x")
                        TableScan: products projection=[product_id, category]
                SubqueryAlias: __scalar_sq_2
                  Projection: avg(q.price) AS avg, q.product_id
                    Aggregate: groupBy=[[q.product_id]], aggr=[[avg(q.price)]]
                      SubqueryAlias: q
                        TableScan: purchases projection=[product_id, price]"#]],
    );
    check_plan(
        "SELECT n, (SELECT max(n) FROM affinity) AS m FROM spend",
        expect![[r#"
        Projection: spend.n, __scalar_sq_1.max AS m
          Left Join:
            TableScan: spend projection=[n]
            SubqueryAlias: __scalar_sq_1
              Projection: max(affinity.n) AS max
                Aggregate: groupBy=[[]], aggr=[[max(affinity.n)]]
                  TableScan: affinity projection=[n]"#]],
    );
}

#[test]
fn distinct_and_limits_stay() {
    check_plan(
        "SELECT DISTINCT category FROM products",
        expect![[r#"
        Distinct:
          TableScan: products projection=[category]"#]],
    );
    check_plan(
        "SELECT DISTINCT ON (household_id) household_id, category FROM affinity ORDER BY household_id, n DESC",
        expect![[r#"
            DistinctOn: on_expr=[[affinity.household_id]], select_expr=[[affinity.household_id, affinity.category]], sort_expr=[[affinity.household_id ASC NULLS LAST, affinity.n DESC NULLS FIRST]]
              TableScan: affinity projection=[household_id, category, n]"#]],
    );
    check_plan(
        "SELECT * FROM spend ORDER BY total DESC FETCH FIRST 3 ROWS ONLY",
        expect![[r#"
        Sort: spend.total DESC NULLS FIRST, fetch=3
          TableScan: spend projection=[household_id, n, total]"#]],
    );
}

#[test]
fn plain_views_are_expanded() {
    check_plan(
        "SELECT v.who FROM big_spenders v WHERE v.who < 10",
        expect![[r#"
        SubqueryAlias: v
          SubqueryAlias: big_spenders
            Projection: spend.household_id AS who
              Filter: spend.total > Float64(100) AND spend.household_id < Int64(10)
                TableScan: spend projection=[household_id, total]"#]],
    );
    let bound = bind("SELECT * FROM big_spenders").expect("binds");
    let catalog = example();
    let named: Vec<&str> = bound.relations.iter().map(|id| catalog.get(*id).expect("exists").name.as_str()).collect();
    assert_eq!(named, ["big_spenders"]);
}

#[test]
fn views_must_depend_on_their_inputs_only() {
    for (sql, code) in [
        ("SELECT now() FROM spend", "0A000"),
        ("SELECT n FROM spend WHERE random() > 0.5", "0A000"),
        ("SELECT ts FROM purchases WHERE ts > current_date", "0A000"),
        ("SELECT n FROM spend WHERE n > $1", "42P02"),
        ("SELECT n FROM spend WHERE n IN (SELECT n FROM affinity WHERE random() > 0)", "0A000"),
    ] {
        assert_eq!(optimised(sql).expect_err(sql).state.code(), code, "{sql}");
    }
}

#[test]
fn now_is_not_folded() {
    let catalog = example();
    let binder = Binder { catalog: &catalog, sources: &SchemaSources };
    let plan = binder.query(&parse_query("SELECT ts FROM purchases WHERE ts > now()").expect("parses")).expect("binds");
    let text = binder.optimise(plan).expect("optimises").display_indent().to_string();
    assert!(text.contains("now()"), "{text}");
}

#[test]
fn optimising_twice_gives_the_same_text() {
    let sql = "SELECT household_id FROM purchases p WHERE product_id IN (SELECT product_id FROM products) AND price > (SELECT avg(price) FROM purchases)";
    let text = || optimised(sql).expect("a plan").display_indent().to_string();
    assert_eq!(text(), text());
}

#[test]
fn chains_of_operators_and_views_do_not_overflow_the_stack() {
    let chain = format!("SELECT n FROM spend WHERE n = 0{}", " OR n = 1".repeat(300));
    assert!(bind(&chain).is_ok());
    assert!(parse(&format!("SELECT 1{}", " + 1".repeat(950))).is_ok());
    let sum = format!("SELECT n{} FROM spend", " + n".repeat(950));
    assert!(optimised(&sum).is_ok());
}
