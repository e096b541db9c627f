//! The simple protocol.

use super::raw::{Raw, query};
use crate::server::{TestServer, rows, run, try_rows};

const TABLE: &str = "CREATE TABLE items (id bigint PRIMARY KEY, name text, price double precision)";

#[tokio::test]
async fn rows_come_back_as_postgres_prints_them() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(
        &client,
        "CREATE TABLE all_types (k int PRIMARY KEY, b boolean, s smallint, l bigint, r real, d double precision,
         n numeric(10,2), t text, v varchar(5), x bytea, dt date, ts timestamp, tz timestamptz)",
    )
    .await;
    run(
        &client,
        "INSERT INTO all_types VALUES (1, true, -7, 9007199254740993, 0.1, 1e20, 12.5, 'it''s', 'abc', '\\x00ff',
         '2024-02-29', '2024-01-31 12:30:45.5', '2024-01-31 12:30:45+02')",
    )
    .await;
    run(&client, "INSERT INTO all_types (k) VALUES (2)").await;
    let expected = [
        "1",
        "t",
        "-7",
        "9007199254740993",
        "0.1",
        "1e+20",
        "12.50",
        "it's",
        "abc",
        "\\x00ff",
        "2024-02-29",
        "2024-01-31 12:30:45.5",
        "2024-01-31 10:30:45+00",
    ];
    // By key (a lookup), and by a scan.
    for filter in ["k = 1", "k + 0 = 1"] {
        let found = rows(&client, &format!("SELECT * FROM all_types WHERE {filter}")).await;
        assert_eq!(found, [expected.map(|text| Some(text.to_owned())).to_vec()], "{filter}");
        let nulls = rows(
            &client,
            &format!(
                "SELECT b, s, l, r, d, n, t, v, x, dt, ts, tz FROM all_types WHERE {}",
                filter.replace("= 1", "= 2")
            ),
        )
        .await;
        assert_eq!(nulls, [vec![None; 12]], "{filter}");
    }
}

#[tokio::test]
async fn the_same_text_with_other_literals_is_another_lookup() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, TABLE).await;
    run(&client, "INSERT INTO items VALUES (1, 'one', 1.5), (2, 'two', 2.5), (-3, 'minus', 0)").await;
    let one = |text: &str| vec![vec![Some(text.to_owned())]];
    for _ in 0..3 {
        assert_eq!(rows(&client, "SELECT name FROM items WHERE id = 1").await, one("one"));
        assert_eq!(rows(&client, "SELECT name FROM items WHERE id = 2").await, one("two"));
        assert_eq!(rows(&client, "SELECT name FROM items WHERE id = '2'").await, one("two"));
        assert_eq!(rows(&client, "SELECT name FROM items WHERE id = -3").await, one("minus"));
        assert!(rows(&client, "SELECT name FROM items WHERE id = 7").await.is_empty());
        assert!(rows(&client, "SELECT name FROM items WHERE id = NULL").await.is_empty());
        let error = try_rows(&client, "SELECT name FROM items WHERE id = 'x'").await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), "22P02");
    }
    // What a lookup knows must not outlive the table it was made for.
    run(&client, "DROP TABLE items").await;
    assert!(try_rows(&client, "SELECT name FROM items WHERE id = 1").await.is_err());
    run(&client, "CREATE TABLE items (name text PRIMARY KEY, id bigint)").await;
    run(&client, "INSERT INTO items VALUES ('again', 1)").await;
    assert_eq!(rows(&client, "SELECT name FROM items WHERE id = 1").await, one("again"));
}

#[tokio::test]
async fn several_statements_stop_at_the_first_error() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, TABLE).await;
    let text = "INSERT INTO items VALUES (1, 'a', 1); INSERT INTO items VALUES (1, 'b', 1); INSERT INTO items VALUES (2, 'c', 1)";
    let error = client.batch_execute(text).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "23505");
    // All of them are one transaction; see `implicit`.
    assert!(rows(&client, "SELECT id, name FROM items").await.is_empty());
}

#[tokio::test]
async fn transaction_blocks() {
    let server = TestServer::start().await;
    let (client, other) = (server.client().await, server.client().await);
    run(&client, TABLE).await;
    run(&client, "BEGIN").await;
    run(&client, "INSERT INTO items VALUES (1, 'a', 1)").await;
    // Others see nothing before COMMIT; the block itself must not get a stale answer.
    assert!(rows(&other, "SELECT * FROM items WHERE id = 1").await.is_empty());
    let own = try_rows(&client, "SELECT name FROM items WHERE id = 1").await;
    if let Ok(found) = &own {
        assert_eq!(*found, [[Some("a".to_owned())]]);
        run(&client, "COMMIT").await;
        assert_eq!(rows(&other, "SELECT count(*) FROM items").await, [[Some("1".to_owned())]]);
    } else {
        run(&client, "ROLLBACK").await;
    }
    run(&client, "BEGIN").await;
    run(&client, "INSERT INTO items VALUES (5, 'five', 1)").await;
    assert!(try_rows(&client, "SELECT * FROM no_such_table").await.is_err());
    let error = try_rows(&client, "SELECT * FROM items WHERE id = 1").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "25P02");
    run(&client, "COMMIT").await;
    assert!(rows(&client, "SELECT * FROM items WHERE id = 5").await.is_empty());
}

#[tokio::test]
async fn sql_level_prepare_and_execute() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, TABLE).await;
    run(&client, "INSERT INTO items VALUES (1, 'one', 1.5), (2, 'two', 2.5)").await;
    run(&client, "PREPARE by_id AS SELECT name FROM items WHERE id = $1").await;
    assert_eq!(rows(&client, "EXECUTE by_id (2)").await, [[Some("two".to_owned())]]);
    assert_eq!(rows(&client, "EXECUTE by_id ('1')").await, [[Some("one".to_owned())]]);
    let code = async |text: &'static str| try_rows(&client, text).await.unwrap_err().code().unwrap().code().to_owned();
    assert_eq!(code("PREPARE by_id AS SELECT 1").await, "42P05");
    assert_eq!(code("EXECUTE by_id (1, 2)").await, "42601");
    run(&client, "DEALLOCATE by_id").await;
    assert_eq!(code("EXECUTE by_id (1)").await, "26000");
    assert_eq!(code("DEALLOCATE by_id").await, "26000");
}

#[tokio::test]
async fn empty_texts_and_status_bytes() {
    let server = TestServer::start().await;
    let mut raw = Raw::start(server.addr).await;
    raw.send(&query("")).await;
    assert_eq!(raw.tags_until(b'Z').await, "IZ");
    raw.send(&query("BEGIN")).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"T");
    raw.send(&query("SELECT broken")).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"E");
    raw.send(&query("ROLLBACK")).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"I");
    raw.send(&query("SET application_name = 'changed'")).await;
    let reported = raw.until(b'Z').await;
    assert_eq!(reported[0].tag, b'S');
    assert_eq!(reported[0].body, b"application_name\0changed\0");
}
