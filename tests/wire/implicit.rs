//! Implicit transactions: several statements in a simple query, or in a pipeline up to Sync.

use super::raw::{Message, Raw, bind, execute, message, parse, query, sync};
use crate::server::{TestServer, rows, run, try_rows};
use std::time::Duration;
use tokio_postgres::Client;

const TABLE: &str = "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)";

/// A server with the table, a client, and a raw session with statements to insert, to add and to look up.
async fn start() -> (TestServer, Client, Raw) {
    start_with(|_| {}).await
}

async fn start_with(change: impl FnOnce(&mut attune::config::Config)) -> (TestServer, Client, Raw) {
    let server = TestServer::start_with(change).await;
    let client = server.client().await;
    run(&client, TABLE).await;
    let mut raw = Raw::start(server.addr).await;
    let statements = [
        parse("insert", "INSERT INTO t VALUES ($1, $2)"),
        parse("add", "UPDATE t SET n = n + $2 WHERE id = $1"),
        parse("get", "SELECT n FROM t WHERE id = $1"),
    ];
    raw.send(&[statements.concat(), sync()].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "111Z");
    (server, client, raw)
}

/// Bind and Execute.
fn does(statement: &str, parameters: &[&str]) -> Vec<u8> {
    [bind(statement, parameters), execute(0)].concat()
}

/// Parse, Bind and Execute of a text.
fn text(sql: &str) -> Vec<u8> {
    [parse("", sql), bind("", &[]), execute(0)].concat()
}

fn flush() -> Vec<u8> {
    message(b'H', b"")
}

fn tags(messages: &[Message]) -> String {
    messages.iter().map(|message| char::from(message.tag)).collect()
}

fn error(messages: &[Message]) -> &Message {
    messages.iter().find(|message| message.tag == b'E').expect("an error")
}

async fn ids(client: &Client) -> Vec<String> {
    let found = rows(client, "SELECT id FROM t ORDER BY id").await;
    found.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

#[tokio::test]
async fn an_error_takes_back_the_whole_pipeline() {
    let (_server, client, mut raw) = start().await;
    let pipeline =
        [does("insert", &["1", "1"]), does("insert", &["2", "2"]), does("insert", &["1", "9"]), does("get", &["2"])];
    raw.send(&[pipeline.concat(), sync()].concat()).await;
    let answers = raw.until(b'Z').await;
    assert_eq!(tags(&answers), "2C2C2EZ");
    let error = error(&answers);
    let fields = [b'C', b's', b't', b'n', b'D'].map(|kind| error.field(kind).unwrap());
    assert_eq!(fields, ["23505", "public", "t", "t_pkey", "Key (id)=(1) already exists."]);
    assert_eq!(answers.last().unwrap().body, b"I");
    assert!(ids(&client).await.is_empty());
    // What follows Sync is another one.
    raw.send(&[does("insert", &["3", "3"]), sync(), does("insert", &["3", "3"]), sync()].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await + &raw.tags_until(b'Z').await, "2CZ2EZ");
    assert_eq!(ids(&client).await, ["3"]);
}

/// The last epoch of view `v` when it had seen this many rows. The figures follow the answer, so they are waited for.
async fn epoch_of(client: &Client, rows_in: u32) -> u64 {
    let read = format!("SELECT last_epoch FROM attune_freshness WHERE view = 'v' AND rows_in = {rows_in}");
    let found = async {
        loop {
            if let Some(row) = rows(client, &read).await.into_iter().next() {
                return row[0].clone().unwrap().parse().unwrap();
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), found).await.expect("the view sees the rows")
}

#[tokio::test]
async fn a_pipeline_is_one_epoch_and_reads_its_own_rows() {
    let (_server, client, mut raw) = start().await;
    run(&client, "CREATE MATERIALIZED VIEW v AS SELECT count(*) AS n FROM t").await;
    run(&client, "INSERT INTO t VALUES (0, 0)").await;
    let before = epoch_of(&client, 1).await;
    let inserts: Vec<u8> = (1..50).flat_map(|id| does("insert", &[&id.to_string(), "7"])).collect();
    raw.send(&[inserts, does("add", &["9", "1"]), does("get", &["9"]), flush()].concat()).await;
    let answers = raw.until(b'D').await;
    assert_eq!(answers.last().unwrap().body, b"\0\x01\0\0\0\x018");
    // Nobody else sees them before Sync.
    assert_eq!(ids(&client).await, ["0"]);
    raw.send(&sync()).await;
    assert_eq!(raw.tags_until(b'Z').await, "CZ");
    assert_eq!(rows(&client, "SELECT n FROM v").await, [[Some("50".to_owned())]]);
    assert_eq!(epoch_of(&client, 50).await, before + 1);
}

#[tokio::test]
async fn an_answer_that_was_flushed_is_no_commit() {
    let (server, client, mut raw) = start().await;
    raw.send(&[does("insert", &["1", "1"]), flush()].concat()).await;
    assert_eq!(raw.tags_until(b'C').await, "2C");
    raw.send(&[text("SELECT 1 / 0"), sync()].concat()).await;
    assert_eq!(error(&raw.until(b'Z').await).field(b'C').unwrap(), "22012");
    assert!(ids(&client).await.is_empty());
    // Nor is one whose client has gone.
    raw.send(&[does("insert", &["1", "1"]), flush()].concat()).await;
    assert_eq!(raw.tags_until(b'C').await, "2C");
    drop(raw);
    let mut other = Raw::start(server.addr).await;
    other.send(&query("INSERT INTO t VALUES (1, 2)")).await;
    assert_eq!(other.tags_until(b'Z').await, "CZ");
    assert_eq!(ids(&client).await, ["1"]);
}

#[tokio::test]
async fn begin_and_commit_inside_a_pipeline() {
    let (_server, client, mut raw) = start().await;
    // BEGIN makes a block of all of it.
    raw.send(&[does("insert", &["1", "1"]), text("BEGIN"), does("insert", &["2", "2"]), sync()].concat()).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"T");
    assert!(ids(&client).await.is_empty());
    raw.send(&query("ROLLBACK")).await;
    raw.until(b'Z').await;
    assert!(ids(&client).await.is_empty());
    // COMMIT ends it: what comes after is another one.
    let pipeline = [does("insert", &["1", "1"]), text("COMMIT"), does("insert", &["2", "2"]), text("SELECT 1 / 0")];
    raw.send(&[pipeline.concat(), sync()].concat()).await;
    assert_eq!(tags(&raw.until(b'Z').await), "2C12NC2C12EZ");
    assert_eq!(ids(&client).await, ["1"]);
    let pipeline = [does("insert", &["4", "4"]), text("ROLLBACK"), does("insert", &["5", "5"])];
    raw.send(&[pipeline.concat(), sync()].concat()).await;
    assert_eq!(tags(&raw.until(b'Z').await), "2C12NC2CZ");
    assert_eq!(ids(&client).await, ["1", "5"]);
}

#[tokio::test]
async fn a_commit_that_fails_is_told_before_ready() {
    let (_server, client, mut raw) = start().await;
    raw.send(&[does("insert", &["1", "1"]), flush()].concat()).await;
    assert_eq!(raw.tags_until(b'C').await, "2C");
    run(&client, "INSERT INTO t VALUES (1, 5)").await;
    raw.send(&sync()).await;
    let answers = raw.until(b'Z').await;
    assert_eq!(tags(&answers), "EZ");
    let fields = [b'C', b't', b'n', b'D', b'M'].map(|kind| answers[0].field(kind).unwrap());
    let told = "duplicate key value violates unique constraint \"t_pkey\"";
    assert_eq!(fields, ["23505", "t", "t_pkey", "Key (id)=(1) already exists.", told]);
    // The client has an answer that is no longer true: it has to know.
    raw.send(&[does("add", &["1", "1"]), flush()].concat()).await;
    assert_eq!(raw.tags_until(b'C').await, "2C");
    run(&client, "UPDATE t SET n = 6").await;
    raw.send(&sync()).await;
    assert_eq!(error(&raw.until(b'Z').await).field(b'C').unwrap(), "40001");
    assert_eq!(rows(&client, "SELECT n FROM t").await, [[Some("6".to_owned())]]);
}

#[tokio::test]
async fn commit_names_the_constraint_too() {
    let (server, client, _raw) = start().await;
    let other = server.client().await;
    run(&client, "BEGIN; INSERT INTO t VALUES (7, 1)").await;
    run(&other, "INSERT INTO t VALUES (7, 2)").await;
    for (client, sql) in [(&client, "COMMIT"), (&other, "INSERT INTO t VALUES (7, 3)"), (&other, "UPDATE t SET id = 7")]
    {
        if sql.starts_with("UPDATE") {
            run(&other, "INSERT INTO t VALUES (8, 8)").await;
        }
        let error = try_rows(client, sql).await.unwrap_err();
        let error = error.as_db_error().unwrap();
        assert_eq!((error.schema(), error.table(), error.constraint()), (Some("public"), Some("t"), Some("t_pkey")));
        assert_eq!((error.code().code(), error.detail()), ("23505", Some("Key (id)=(7) already exists.")), "{sql}");
    }
    let error = try_rows(&client, "INSERT INTO t VALUES (NULL, 3)").await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!((error.schema(), error.table(), error.column()), (Some("public"), Some("t"), Some("id")));
}

#[tokio::test]
async fn a_lone_write_waits_for_what_comes_next() {
    let (_server, client, mut raw) = start().await;
    // Each message in a packet of its own, as far as the network lets it.
    for part in [does("insert", &["1", "1"]), sync(), does("insert", &["2", "2"]), does("insert", &["2", "2"]), sync()]
    {
        raw.send(&part).await;
    }
    assert_eq!(raw.tags_until(b'Z').await, "2CZ");
    assert_eq!(raw.tags_until(b'Z').await, "2C2EZ");
    assert_eq!(ids(&client).await, ["1"]);
    // Close before Sync, as some drivers send it; and a Close that is none.
    raw.send(&[does("insert", &["3", "3"]), message(b'C', b"P\0"), sync()].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "2C3Z");
    raw.send(&[does("insert", &["4", "4"]), vec![b'C', 0, 0, 0, 1]].concat()).await;
    assert_eq!(raw.tags_until(b'E').await, "2CE");
    assert_eq!(ids(&client).await, ["1", "3"]);
}

#[tokio::test]
async fn a_simple_query_ends_a_pipeline() {
    let (_server, client, mut raw) = start().await;
    raw.send(&[does("insert", &["1", "1"]), query("INSERT INTO t VALUES (2, 2)")].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "2CCZ");
    assert_eq!(ids(&client).await, ["1", "2"]);
    raw.send(&[does("insert", &["3", "3"]), query("INSERT INTO t VALUES (2, 2)")].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "2CEZ");
    assert_eq!(ids(&client).await, ["1", "2"]);
    // After an error all is skipped until Sync.
    raw.send(&[does("insert", &["1", "3"]), query("INSERT INTO t VALUES (4, 4)"), sync()].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "2EZ");
    assert_eq!(ids(&client).await, ["1", "2"]);
}

#[tokio::test]
async fn a_pipeline_has_a_limit() {
    let (_server, client, mut raw) = start_with(|config| config.transaction_max_bytes = 10_000).await;
    let inserts: Vec<u8> = (0..1_000).flat_map(|id| does("insert", &[&id.to_string(), "7"])).collect();
    raw.send(&[inserts, sync()].concat()).await;
    let error = raw.until(b'Z').await;
    assert_eq!(error.iter().find(|message| message.tag == b'E').unwrap().field(b'C').unwrap(), "53400");
    assert!(ids(&client).await.is_empty());
}

#[tokio::test]
async fn several_statements_are_one_transaction() {
    let (_server, client, mut raw) = start().await;
    let text = "INSERT INTO t VALUES (1, 1); INSERT INTO t VALUES (1, 2); INSERT INTO t VALUES (2, 3)";
    assert_eq!(try_rows(&client, text).await.unwrap_err().code().unwrap().code(), "23505");
    assert!(ids(&client).await.is_empty());
    let text =
        "INSERT INTO t VALUES (1, 1); UPDATE t SET n = n + 1; SELECT n FROM t WHERE id = 1; SELECT sum(n) FROM t";
    let two = || [Some("2".to_owned())];
    assert_eq!(rows(&client, text).await, [two(), two()]);
    for text in [
        "INSERT INTO t VALUES (2, 2); COMMIT; INSERT INTO t VALUES (3, 3); SELECT 1 / 0",
        "INSERT INTO t VALUES (4, 4); ROLLBACK; INSERT INTO t VALUES (5, 5); SELECT 1 / 0",
        "INSERT INTO t VALUES (6, 6); BEGIN; INSERT INTO t VALUES (7, 7); COMMIT; INSERT INTO t VALUES (8, 8); SELECT 1 / 0",
    ] {
        assert_eq!(try_rows(&client, text).await.unwrap_err().code().unwrap().code(), "22012");
    }
    assert_eq!(ids(&client).await, ["1", "2", "6", "7"]);
    // An open block goes on, and fails as a whole.
    raw.send(&query("INSERT INTO t VALUES (9, 9); BEGIN; INSERT INTO t VALUES (10, 10)")).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"T");
    raw.send(&query("SELECT 1; SELECT 1 / 0")).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"E");
    raw.send(&query("COMMIT")).await;
    assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"I");
    assert_eq!(ids(&client).await, ["1", "2", "6", "7"]);
}

#[tokio::test]
async fn scripts_with_schema_changes_and_views() {
    let (_server, client, _raw) = start().await;
    let script = "CREATE TABLE s (a int PRIMARY KEY); INSERT INTO s VALUES (1); INSERT INTO s VALUES (2);
        CREATE MATERIALIZED VIEW total AS SELECT sum(a) AS a FROM s; SELECT a FROM total;
        INSERT INTO s VALUES (3); SELECT a FROM total; INSERT INTO s SELECT a + 10 FROM total; SELECT count(*) FROM s";
    let found: Vec<_> = rows(&client, script).await.into_iter().map(|row| row[0].clone().unwrap()).collect();
    assert_eq!(found, ["3", "6", "4"]);
    // What was written before a schema change stays, and so does what was read from a view.
    let script = "INSERT INTO t VALUES (1, 1); CREATE TABLE other (a int); INSERT INTO t VALUES (2, 2); SELECT 1 / 0";
    assert!(try_rows(&client, script).await.is_err());
    assert_eq!(ids(&client).await, ["1"]);
    // A schema change that is refused commits nothing.
    let script = "INSERT INTO t VALUES (3, 3); CREATE TABLE other (a int)";
    assert_eq!(try_rows(&client, script).await.unwrap_err().code().unwrap().code(), "42P07");
    assert_eq!(ids(&client).await, ["1"]);
    let script = "INSERT INTO t VALUES (3, 3); EXPLAIN ANALYZE INSERT INTO t VALUES (4, 4); SELECT 1 / 0";
    assert!(try_rows(&client, script).await.is_err());
    assert_eq!(ids(&client).await, ["1"]);
}

#[tokio::test]
async fn copy_among_other_statements() {
    let (_server, client, mut raw) = start().await;
    let data = || [message(b'd', b"2\t2\n3\t3\n"), message(b'c', b"")].concat();
    raw.send(&query("INSERT INTO t VALUES (1, 1); COPY t FROM STDIN; SELECT count(*) FROM t")).await;
    assert_eq!(raw.tags_until(b'G').await, "CG");
    raw.send(&data()).await;
    assert_eq!(raw.tags_until(b'Z').await, "CTDCZ");
    assert_eq!(ids(&client).await, ["1", "2", "3"]);
    run(&client, "DELETE FROM t").await;
    raw.send(&query("COPY t FROM STDIN; INSERT INTO t VALUES (3, 3); SELECT 1")).await;
    assert_eq!(raw.tags_until(b'G').await, "G");
    raw.send(&data()).await;
    let answers = raw.until(b'Z').await;
    assert_eq!((tags(&answers).as_str(), error(&answers).field(b'C').unwrap().as_str()), ("CEZ", "23505"));
    assert!(ids(&client).await.is_empty());
    // With batches it is no transaction, and ends the one before it.
    raw.send(&query("INSERT INTO t VALUES (1, 1); COPY t FROM STDIN WITH (batch_rows 1); SELECT 1 / 0")).await;
    raw.until(b'G').await;
    raw.send(&data()).await;
    assert_eq!(raw.tags_until(b'Z').await, "CTEZ");
    assert_eq!(ids(&client).await, ["1", "2", "3"]);
    // In a pipeline: asked for its data without Sync or Flush.
    raw.send(&[text("DELETE FROM t"), text("COPY t FROM STDIN")].concat()).await;
    raw.until(b'G').await;
    raw.send(&[data(), text("SELECT 1 / 0"), sync()].concat()).await;
    assert_eq!(raw.tags_until(b'Z').await, "C12EZ");
    assert_eq!(ids(&client).await, ["1", "2", "3"]);
}
