//! Which tier answers a query, large results, and queries beside one another.

use crate::server::{TestServer, connect, rows, run, try_rows};
use std::sync::Arc;
use std::time::Duration;
use tokio_postgres::Client;

/// EXPLAIN, its lines joined by `|`.
async fn explain(client: &Client, sql: &str) -> String {
    let lines = rows(client, &format!("EXPLAIN {sql}")).await;
    lines.into_iter().map(|mut row| row.remove(0).unwrap()).collect::<Vec<_>>().join("|")
}

/// The relations of the first example.
async fn shop(client: &Client) {
    run(
        client,
        "CREATE STREAM purchases (household_id bigint, basket_id bigint, product_id bigint, quantity int, price double precision, ts timestamp);
         CREATE TABLE products (product_id bigint PRIMARY KEY, department text, category text, name text);
         CREATE MATERIALIZED VIEW spend AS SELECT household_id, count(*) AS n, sum(price) AS total, max(ts) AS last_seen FROM purchases GROUP BY household_id;
         CREATE MATERIALIZED VIEW affinity AS SELECT household_id, category, sum(quantity) AS n FROM purchases JOIN products USING (product_id) GROUP BY 1, 2;
         CREATE MATERIALIZED VIEW top_categories AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY household_id ORDER BY n DESC, category) AS rank FROM affinity) t WHERE rank <= 10;
         CREATE INDEX ON affinity (household_id, n DESC) INCLUDE (category);
         INSERT INTO products VALUES (1, 'food', 'cheese', 'brie'), (2, 'food', 'tea', 'assam');
         INSERT INTO purchases VALUES (42, 1, 1, 2, 3.5, '2026-01-01 12:00'), (42, 1, 2, 5, 1.5, '2026-01-01 12:00'), (7, 2, 1, 1, 3.5, '2026-01-02')",
    )
    .await;
}

#[tokio::test]
async fn the_first_example_is_answered_by_lookups() {
    let server = TestServer::start().await;
    let client = server.client().await;
    shop(&client).await;
    let tier = "(tier 1: straight from storage)";
    for (query, plan) in [
        (
            "SELECT * FROM top_categories WHERE household_id = 42 ORDER BY rank",
            format!("Prefix lookup on top_categories {tier}|  Key: household_id = 42|  Order: rank"),
        ),
        (
            "SELECT * FROM spend WHERE household_id = 42",
            format!("Point lookup on spend {tier}|  Key: household_id = 42"),
        ),
        (
            "SELECT category, n FROM affinity WHERE household_id = 42 ORDER BY n DESC LIMIT 10",
            format!(
                "Prefix lookup on affinity using affinity_household_id_n_idx {tier}|  Key: household_id = 42|  Order: n DESC, category|  Limit: 10"
            ),
        ),
        (
            "SELECT n FROM affinity WHERE household_id = 42 AND category = 'tea'",
            format!("Point lookup on affinity {tier}|  Key: household_id = 42 AND category = 'tea'"),
        ),
        (
            "SELECT name FROM products WHERE product_id IN (1, 2)",
            format!("Many-point lookup on products {tier}|  Key: product_id IN (1, 2)"),
        ),
    ] {
        assert_eq!(explain(&client, query).await, plan, "{query}");
    }
    let names = |query| {
        let client = &client;
        async move {
            let mut found: Vec<String> =
                rows(client, query).await.into_iter().map(|mut row| row.remove(0).unwrap()).collect();
            found.sort();
            found
        }
    };
    assert_eq!(names("SELECT name FROM products WHERE product_id IN (2, 1, 2, 3, NULL)").await, ["assam", "brie"]);
    assert_eq!(names("SELECT name FROM products WHERE product_id = 2 OR product_id = 9").await, ["assam"]);
    let prepared = client.query("SELECT name FROM products WHERE product_id IN ($1, 1, $2)", &[&2_i64, &1_i64]).await;
    assert_eq!(prepared.unwrap().len(), 2);
    // And so are the prepared ones, with the same rows.
    let top = rows(&client, "SELECT * FROM top_categories WHERE household_id = 42 ORDER BY rank").await;
    let text = |cells: [&str; 4]| cells.map(|cell| Some(cell.to_owned())).to_vec();
    assert_eq!(top, [text(["42", "tea", "5", "1"]), text(["42", "cheese", "2", "2"])]);
    let top =
        client.query("SELECT category FROM top_categories WHERE household_id = $1 ORDER BY rank", &[&42_i64]).await;
    assert_eq!(top.unwrap().iter().map(|row| row.get::<_, String>(0)).collect::<Vec<_>>(), ["tea", "cheese"]);
}

#[tokio::test]
async fn explain_does_not_promise_a_lookup_that_is_none() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, "CREATE TABLE t (id numeric(10, 2) PRIMARY KEY, n bigint)").await;
    assert!(explain(&client, "SELECT * FROM t WHERE id = 1.50").await.contains("lookup"), "numeric keys are looked up");
    // A block that has written reads through what it has written.
    run(&client, "BEGIN; INSERT INTO t VALUES (2.5, 1)").await;
    assert!(explain(&client, "SELECT * FROM t WHERE id = 2.50").await.contains("Scan:"));
    run(&client, "ROLLBACK").await;
}

#[tokio::test]
async fn float_keys_are_looked_up() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, "CREATE TABLE points (x double precision, y real, n bigint, PRIMARY KEY (x, y))").await;
    run(
        &client,
        "INSERT INTO points VALUES (0, 1.5, 1), (0, 2.5, 2), ('NaN', 1.5, 3), ('Infinity', 1.5, 4), ('-Infinity', 1.5, 5), (1e300, 'NaN', 6)",
    )
    .await;
    // -0 is 0: the row is there already.
    let error = try_rows(&client, "INSERT INTO points VALUES ('-0', 1.5, 7)").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "23505");
    let plan = explain(&client, "SELECT n FROM points WHERE x = '-0' AND y = '1.5'").await;
    assert!(plan.starts_with("Point lookup on points"), "{plan}");
    let one = |n: &str| vec![vec![Some(n.to_owned())]];
    for (x, y, n) in
        [("-0", "1.5", "1"), ("0", "2.5", "2"), ("NaN", "1.5", "3"), ("inf", "1.5", "4"), ("1e300", "NaN", "6")]
    {
        let query = format!("SELECT n FROM points WHERE x = '{x}' AND y = '{y}'");
        assert_eq!(rows(&client, &query).await, one(n), "{query}");
    }
    let prepared = client.prepare("SELECT n FROM points WHERE x = $1 AND y > $2 ORDER BY y DESC").await.unwrap();
    let found = |x: f64, y: f32| {
        let (client, prepared) = (&client, &prepared);
        async move {
            let found = client.query(prepared, &[&x, &y]).await.unwrap();
            found.iter().map(|row| row.get::<_, i64>(0)).collect::<Vec<_>>()
        }
    };
    assert_eq!(found(-0.0, 1.0).await, [2, 1]);
    assert_eq!(found(-0.0, 1.5).await, [2]);
    // NaN is above all numbers and equal to itself.
    assert_eq!(found(1e300, f32::INFINITY).await, [6]);
    assert_eq!(found(-f64::NAN, 0.0).await, [3]);
    assert_eq!(found(1e300, f32::NAN).await, [] as [i64; 0]);
}

#[tokio::test]
async fn results_of_many_chunks() {
    let server = TestServer::start().await;
    let client = server.client().await;
    const ROWS: i64 = 30_000;
    run(&client, "CREATE TABLE t (g bigint, id bigint, name text, PRIMARY KEY (g, id))").await;
    run(&client, "CREATE STREAM s (id bigint)").await;
    let series = format!("generate_series(1, {ROWS})");
    run(&client, &format!("INSERT INTO t SELECT 5, generate_series, 'name ' || generate_series FROM {series}")).await;
    run(&client, &format!("INSERT INTO s SELECT generate_series FROM {series}")).await;
    // A lookup, backwards too; a scan; a log; an expression.
    let expected: Vec<i64> = (1..=ROWS).collect();
    let backwards: Vec<i64> = expected.iter().rev().copied().collect();
    for (query, expected) in [
        ("SELECT id FROM t WHERE g = $1 ORDER BY id", &expected),
        ("SELECT id FROM t WHERE g = $1 ORDER BY id DESC", &backwards),
        ("SELECT id + 0 FROM t WHERE g = $1 ORDER BY 1", &expected),
        ("SELECT id FROM s WHERE id > $1::bigint - 5 ORDER BY id", &expected),
    ] {
        let found = client.query(query, &[&5_i64]).await.unwrap();
        let found: Vec<i64> = found.iter().map(|row| row.get(0)).collect();
        assert!(found == *expected, "{query}: {} rows", found.len());
    }
    let text = rows(&client, "SELECT id, name FROM t WHERE g = 5 ORDER BY id").await;
    assert_eq!(text.len(), expected.len());
    for (row, id) in text.iter().zip(&expected) {
        assert_eq!(row[..], [Some(id.to_string()), Some(format!("name {id}"))]);
    }
    let some = rows(&client, "SELECT id FROM t WHERE g = 5 ORDER BY id LIMIT 9000 OFFSET 8190").await;
    assert_eq!((some.len(), some[0][0].as_deref(), some[8_999][0].as_deref()), (9_000, Some("8191"), Some("17190")));
}

/// Statements that work for hours: conditions that are never true over products of relations, and sums of them.
const HEAVY: [&str; 4] = [
    "SELECT count(*) FROM big a, huge w WHERE a.id + w.id < 0",
    "SELECT sum(a.id * w.id) FROM big a, huge w",
    "SELECT count(*) FROM (SELECT x.id FROM big x, big y) t LEFT JOIN huge w ON t.id * w.id < 0",
    "SELECT count(*) FROM big a JOIN huge w ON w.one = a.one WHERE a.id + w.id < 0",
];

async fn big(client: &Client) {
    run(client, "CREATE TABLE big (id bigint PRIMARY KEY, one bigint)").await;
    run(client, "INSERT INTO big SELECT generate_series, 1 FROM generate_series(1, 2000)").await;
    let product = "SELECT b.id, b.one FROM big b, (SELECT c.id FROM big c, big d) e";
    run(client, &format!("CREATE VIEW huge AS {product}")).await;
}

/// Runs a statement on a connection of its own, which goes when the task is dropped.
fn begin(server: &TestServer, sql: &'static str) -> tokio::task::JoinHandle<()> {
    let addr = server.addr;
    tokio::spawn(async move {
        let client = connect(addr).await.unwrap();
        let ended = try_rows(&client, sql).await;
        panic!("{sql} has ended: {ended:?}");
    })
}

/// Within this everything small must be answered; far less than any of [`HEAVY`] takes.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn heavy_queries_leave_room_for_others() {
    let server = TestServer::start_with(|config| config.query_threads = 1).await;
    let client = server.client().await;
    big(&client).await;
    let heavy: Vec<_> = HEAVY.iter().map(|sql| begin(&server, sql)).collect();
    let lookup = client.prepare("SELECT one FROM big WHERE id = $1").await.unwrap();
    let small = async {
        for id in 1..=20_i64 {
            // A lookup needs no query thread; a query needs the one that all the heavy ones are on.
            assert_eq!(client.query_one(&lookup, &[&id]).await.unwrap().get::<_, i64>(0), 1);
            assert_eq!(rows(&client, "SELECT max(id) + 1 FROM big").await, [[Some("2001".to_owned())]]);
        }
    };
    tokio::time::timeout(PATIENCE, small).await.expect("small queries beside heavy ones");
    assert!(heavy.iter().all(|task| !task.is_finished()), "the heavy ones still run");
    heavy.iter().for_each(tokio::task::JoinHandle::abort);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_heavy_query_that_is_over_leaves_its_thread() {
    let server = Arc::new(TestServer::start_with(|config| config.query_threads = 1).await);
    let client = server.client().await;
    big(&client).await;
    run(&client, "SET statement_timeout = '100ms'").await;
    let all = async {
        for sql in HEAVY {
            let error = try_rows(&client, sql).await.unwrap_err();
            assert_eq!(error.code().unwrap().code(), "57014", "{sql}");
            run(&client, "SET statement_timeout = 0; SELECT max(id) + 1 FROM big; SET statement_timeout = '100ms'")
                .await;
        }
    };
    tokio::time::timeout(PATIENCE, all).await.expect("timeouts end what runs");
}
