//! Limits that have a name: messages, connections, memory. What is over them is refused, and the server goes on.

use super::raw::{Raw, bind, execute, parse, query, startup, sync};
use crate::server::{TestServer, rows, run, try_rows};
use tokio_postgres::error::DbError;

/// The error of a statement that must fail.
async fn refused(client: &tokio_postgres::Client, sql: &str) -> DbError {
    let error = try_rows(client, sql).await.expect_err(sql);
    error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}")).clone()
}

#[tokio::test]
async fn a_row_over_the_message_limit() {
    let server = TestServer::start_with(|config| config.max_message_bytes = 100_000).await;
    let client = server.client().await;
    run(&client, "CREATE TABLE wide (id bigint PRIMARY KEY, body text, raw bytea)").await;
    run(&client, "INSERT INTO wide SELECT 1, repeat('x', 99000), NULL").await;
    run(&client, "INSERT INTO wide SELECT 2, repeat('x', 200000), NULL").await;
    run(&client, "INSERT INTO wide SELECT 3, NULL, decode(repeat('ab', 60000), 'hex')").await;
    for too_large in [
        // Lookups, queries, expressions, and what is twice as long in text form.
        "SELECT * FROM wide WHERE id = 2",
        "SELECT * FROM wide WHERE id >= 2",
        "SELECT body, body AS again FROM wide WHERE id = 1",
        "SELECT body || body FROM wide WHERE id = 1",
        "SELECT repeat('x', 200000)",
        "SELECT raw FROM wide WHERE id = 3",
    ] {
        let error = refused(&client, too_large).await;
        assert_eq!(error.code().code(), "54000", "{too_large}");
        assert!(error.message().contains("max_message_bytes"), "{too_large}: {error}");
        assert!(error.hint().is_some_and(|hint| hint.contains("fewer")), "{too_large}");
    }
    assert_eq!(rows(&client, "SELECT length(body) FROM wide WHERE id = 2").await, [[Some("200000".to_owned())]]);
    let body = rows(&client, "SELECT body FROM wide WHERE id = 1").await;
    assert_eq!(body[0][0].as_ref().unwrap().len(), 99_000);
}

#[tokio::test]
async fn a_row_over_the_message_limit_in_copy_and_in_binary() {
    let server = TestServer::start_with(|config| config.max_message_bytes = 100_000).await;
    let client = server.client().await;
    run(&client, "CREATE TABLE wide (id bigint PRIMARY KEY, body text)").await;
    run(&client, "INSERT INTO wide SELECT 1, repeat('x', 99000)").await;
    run(&client, "INSERT INTO wide SELECT 2, repeat('x', 200000)").await;
    let error = client.query("SELECT body FROM wide WHERE id = $1", &[&2_i64]).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "54000");
    let row = client.query_one("SELECT body FROM wide WHERE id = $1", &[&1_i64]).await.unwrap();
    assert_eq!(row.get::<_, &str>(0).len(), 99_000);
    let mut raw = Raw::start(server.addr).await;
    for copy in ["COPY wide TO STDOUT", "COPY (SELECT body FROM wide WHERE id = 2) TO STDOUT"] {
        raw.send(&query(copy)).await;
        let messages = raw.until(b'Z').await;
        let error = messages.iter().find(|message| message.tag == b'E').expect(copy);
        assert_eq!(error.field(b'C').unwrap(), "54000", "{copy}");
    }
    raw.send(&query("COPY (SELECT id FROM wide) TO STDOUT")).await;
    assert_eq!(raw.tags_until(b'Z').await, "HddcCZ");
}

#[tokio::test]
async fn answers_leave_the_server_while_a_text_of_statements_runs() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, "CREATE TABLE big (id bigint PRIMARY KEY)").await;
    run(&client, "INSERT INTO big SELECT generate_series FROM generate_series(1, 2000)").await;
    // Far more answers than the buffer holds, then a statement that runs for hours.
    let endless = "SELECT count(*) FROM big a, (SELECT b.id FROM big b, (SELECT c.id FROM big c, big d) e) w WHERE a.id + w.id < 0";
    let text = format!("{}{endless}", "SELECT 1;".repeat(5_000));
    let mut raw = Raw::start(server.addr).await;
    raw.send(&query(&text)).await;
    for tag in *b"TDCTDC" {
        assert_eq!(raw.next().await.unwrap().tag, tag);
    }
    // The same in a pipeline that has no Sync yet.
    let mut raw = Raw::start(server.addr).await;
    raw.send(&parse("one", "SELECT 1")).await;
    raw.send(&parse("endless", endless)).await;
    for _ in 0..5_000 {
        raw.send(&[bind("one", &[]), execute(0)].concat()).await;
    }
    raw.send(&[bind("endless", &[]), execute(0)].concat()).await;
    for tag in *b"112DC2DC" {
        assert_eq!(raw.next().await.unwrap().tag, tag);
    }
    raw.send(&sync()).await;
}

#[tokio::test]
async fn a_query_over_its_memory() {
    let server = TestServer::start_with(|config| config.query_memory_bytes = 1 << 20).await;
    let client = server.client().await;
    for too_much in [
        "SELECT generate_series * 7 % 999983 AS x, count(*) FROM generate_series(1, 1000000) GROUP BY 1 ORDER BY 2 LIMIT 1",
        "SELECT generate_series FROM generate_series(1, 1000000) ORDER BY generate_series % 1000",
    ] {
        let error = refused(&client, too_much).await;
        assert_eq!(error.code().code(), "53200", "{too_much}");
        assert!(error.hint().is_some_and(|hint| hint.contains("query_memory_bytes")), "{error}");
    }
    let fine = "SELECT sum(generate_series) FROM generate_series(1, 1000000)";
    assert_eq!(rows(&client, fine).await, [[Some("500000500000".to_owned())]]);
}

#[tokio::test]
async fn sockets_that_say_nothing_keep_nobody_out() {
    let server = TestServer::start_with(|config| {
        config.max_connections = 2;
        config.max_starting_connections = 8;
        config.startup_timeout_ms = 600_000;
    })
    .await;
    let mut silent = Vec::new();
    for _ in 0..300 {
        silent.push(Raw::connect(server.addr).await);
    }
    let (first, second) = (server.client().await, server.client().await);
    run(&first, "SELECT 1").await;
    run(&second, "SELECT 1").await;
    // There is no room for a third, and it is told so at once.
    let mut third = Raw::connect(server.addr).await;
    third.send(&startup(196_608, &[("user", "third")])).await;
    assert_eq!(third.last_words().await.field(b'C').unwrap(), "53300");
    // The oldest had to make room, and were told why; the youngest may still start.
    let error = silent[0].last_words().await;
    assert_eq!(error.field(b'C').unwrap(), "53300");
    assert!(error.field(b'H').unwrap().contains("max_starting_connections"));
    drop(first);
    let youngest = silent.last_mut().unwrap();
    youngest.send(&startup(196_608, &[("user", "late")])).await;
    let answer = youngest.next().await.unwrap().tag;
    assert!(answer == b'R' || answer == b'E', "{}", char::from(answer));
}
