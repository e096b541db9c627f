//! What happens when something fails: the disk, a stored row, a commit that does not come back.

use crate::process::Process;
use crate::server::{config, connect, rows, run, try_rows};
use attune::server::Server;
use attune_storage::{KeyRange, ObjectId, Store, StoreOptions, Table, TableReader};
use std::path::Path;
use tokio_postgres::Client;
use tokio_postgres::error::DbError;

/// Id of the first relation of a store.
const FIRST: ObjectId = ObjectId(1024);

async fn refused(client: &Client, sql: &str) -> DbError {
    let error = try_rows(client, sql).await.expect_err(sql);
    error.as_db_error().unwrap_or_else(|| panic!("{sql}: {error}")).clone()
}

/// Waits until a server has ended by itself.
async fn ended(server: &mut Process) {
    while !server.has_ended() {
        tokio::task::yield_now().await;
    }
}

/// The one value of a query.
async fn value(client: &Client, sql: &str) -> String {
    rows(client, sql).await[0][0].clone().unwrap_or_else(|| "NULL".to_owned())
}

fn open(data: &Path) -> (Store, attune_storage::Committer) {
    let config = attune::config::Config::default();
    let options = StoreOptions {
        block_cache_bytes: 8 << 20,
        row_cache_bytes: 1 << 20,
        run_cache_bytes: 1 << 20,
        state_cache_bytes: 1 << 20,
        memtable_bytes: 8 << 20,
        shared_memory: false,
        epoch_max_bytes: config.epoch_max_bytes,
        synchronous_commit: true,
    };
    Store::open(data, &options).unwrap()
}

/// Replaces a stored row of the first relation by bytes that are no row.
fn damage(data: &Path) {
    let (_store, mut committer) = open(data);
    let mut batch = committer.begin();
    let mut scope = batch.scope();
    let mut key = Vec::new();
    scope
        .scan(Table::Rows(FIRST), &[], None, &mut |found, _| {
            key = found.to_vec();
            false
        })
        .unwrap();
    assert!(!key.is_empty(), "there is a row");
    scope.put(Table::Rows(FIRST), &key, &[0xff; 3]);
    batch.merge(scope).unwrap();
    committer.commit(batch).unwrap();
}

#[tokio::test]
async fn a_full_queue_refuses_and_reads_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [
        ("ATTUNE_FAILPOINT", "before_commit:2=hold"),
        ("ATTUNE_INPUT_QUEUE_WRITES", "1"),
        ("ATTUNE_INPUT_WAIT_MS", "100"),
    ];
    let server = Process::start_with(dir.path(), &variables).unwrap();
    let (first, second) = (connect(server.addr).await.unwrap(), connect(server.addr).await.unwrap());
    run(&first, "CREATE TABLE t (id bigint PRIMARY KEY)").await;
    // One of them has the only place, and its commit never comes back.
    let ended = tokio::select! {
        ended = try_rows(&first, "INSERT INTO t VALUES (1)") => ended,
        ended = try_rows(&second, "INSERT INTO t VALUES (2)") => ended,
    };
    let error = ended.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "53200");
    assert!(error.message().contains("100 ms"), "{error}");
    assert!(error.hint().unwrap().contains("input_queue_writes"));
    let third = connect(server.addr).await.unwrap();
    assert_eq!(value(&third, "SELECT count(*) FROM t").await, "0");
    server.kill();
}

#[tokio::test]
async fn a_commit_that_fails_loses_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::start(dir.path(), Some("before_commit:5=error")).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY)").await;
    for id in 1..=3 {
        run(&client, &format!("INSERT INTO t VALUES ({id})")).await;
    }
    let error = refused(&client, "INSERT INTO t VALUES (4)").await;
    assert_eq!(error.code().code(), "58030");
    assert!(error.message().contains("told to fail"), "{error}");
    // Memory and disk may differ: nothing is written any more, and the process ends by itself.
    if let Err(error) = client.batch_execute("INSERT INTO t VALUES (5)").await {
        assert!(error.as_db_error().is_none_or(|error| error.code().code() == "57P01"), "{error}");
    } else {
        panic!("a write after a failed commit");
    }
    ended(&mut server).await;
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    // The failed one was told that it failed; it had not reached the disk.
    assert_eq!(value(&client, "SELECT count(*) FROM t").await, "3");
    run(&client, "INSERT INTO t VALUES (4)").await;
    server.kill();
}

#[tokio::test]
async fn a_large_commit_that_fails_ends_the_server() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::start(dir.path(), Some("before_commit:2=error")).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY, v text)").await;
    // So large that the commit thread takes it, and the coordinator waits for events meanwhile.
    let large = "INSERT INTO t SELECT generate_series, repeat('x', 100) FROM generate_series(1, 2000)";
    assert_eq!(refused(&client, large).await.code().code(), "58030");
    // Nobody sends it anything more.
    ended(&mut server).await;
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    assert_eq!(value(&client, "SELECT count(*) FROM t").await, "0");
    run(&client, large).await;
    assert_eq!(value(&client, "SELECT count(*) FROM t").await, "2000");
    server.kill();
}

#[tokio::test]
async fn a_drop_shows_when_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::start(dir.path(), Some("before_commit:3=hold")).unwrap();
    let (client, other) = (connect(server.addr).await.unwrap(), connect(server.addr).await.unwrap());
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY)").await;
    run(&client, "INSERT INTO t VALUES (1)").await;
    let drop = tokio::spawn(async move { client.batch_execute("DROP TABLE t").await });
    server.logs("held at failure point").await;
    assert_eq!(value(&other, "SELECT count(*) FROM t").await, "1");
    assert_eq!(value(&other, "SELECT id FROM t WHERE id = 1").await, "1");
    assert!(!drop.is_finished(), "a DROP is not acknowledged before it is durable");
    server.kill();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    assert_eq!(value(&client, "SELECT count(*) FROM t").await, "1");
    server.kill();
}

#[tokio::test]
async fn a_create_shows_when_it_is_durable() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::start(dir.path(), Some("before_commit:1=hold")).unwrap();
    let (client, other) = (connect(server.addr).await.unwrap(), connect(server.addr).await.unwrap());
    let create = tokio::spawn(async move { client.batch_execute("CREATE TABLE t (id bigint PRIMARY KEY)").await });
    server.logs("held at failure point").await;
    assert_eq!(refused(&other, "SELECT * FROM t").await.code().code(), "42P01");
    assert!(!create.is_finished());
    server.kill();
}

#[tokio::test]
async fn a_crash_in_a_drop_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let mut server = Process::start(dir.path(), Some("after_drop_before_purge")).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)").await;
    run(&client, "CREATE MATERIALIZED VIEW v AS SELECT n, count(*) AS c FROM t GROUP BY n").await;
    run(&client, "CREATE INDEX i ON t (n)").await;
    run(&client, "INSERT INTO t SELECT generate_series, generate_series % 3 FROM generate_series(1, 100)").await;
    assert!(client.batch_execute("DROP TABLE t CASCADE").await.is_err(), "the process is gone");
    ended(&mut server).await;
    // The catalog is as after the DROP, the rows are still there: the start deletes them.
    let rows_of = |store: &Store| TableReader::new(store.clone(), FIRST).range(&KeyRange::all(), false, 0, 10).unwrap();
    let (store, committer) = open(dir.path());
    assert_eq!(store.meta_scan("dropped/").unwrap().len(), 1);
    assert_eq!(rows_of(&store).len(), 10);
    drop((store, committer));
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    assert_eq!(refused(&client, "SELECT * FROM t").await.code().code(), "42P01");
    assert_eq!(value(&client, "SELECT count(*) FROM attune_views").await, "0");
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)").await;
    assert_eq!(value(&client, "SELECT count(*) FROM t").await, "0");
    server.kill();
    let (store, _committer) = open(dir.path());
    assert_eq!(store.meta_scan("dropped/").unwrap().len(), 0);
    assert_eq!(rows_of(&store).len(), 0);
}

#[tokio::test]
async fn a_view_that_is_being_filled_is_not_read() {
    let dir = tempfile::tempdir().unwrap();
    // Table, rows, view; then the first chunk is held.
    let server = Process::start(dir.path(), Some("before_commit:4=hold")).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY)").await;
    run(&client, "INSERT INTO t VALUES (1)").await;
    run(&client, "SET background_ddl = on; CREATE MATERIALIZED VIEW v AS SELECT id FROM t").await;
    let error = refused(&client, "SELECT * FROM v").await;
    assert_eq!(error.code().code(), "55000");
    assert!(error.hint().unwrap().contains("attune_backfills"));
    assert_eq!(value(&client, "SELECT status FROM attune_views").await, "backfilling");
    assert_eq!(value(&client, "SELECT finished FROM attune_backfills WHERE name = 'v'").await, "f");
    server.kill();
}

#[tokio::test]
async fn an_index_build_tries_again() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), Some("build_index:1=error")).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)").await;
    run(&client, "INSERT INTO t VALUES (1, 10)").await;
    run(&client, "CREATE INDEX i ON t (n)").await;
    assert_eq!(value(&client, "SELECT status FROM attune_indexes").await, "live");
    assert_eq!(value(&client, "SELECT id FROM t WHERE n = 10").await, "1");
    server.kill();
}

#[tokio::test]
async fn an_index_that_cannot_be_built_has_failed() {
    let dir = tempfile::tempdir().unwrap();
    let variables = [("ATTUNE_FAILPOINT", "build_index:1=errors"), ("ATTUNE_INDEX_BUILD_RETRIES", "2")];
    let server = Process::start_with(dir.path(), &variables).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)").await;
    run(&client, "INSERT INTO t VALUES (1, 10)").await;
    let error = refused(&client, "CREATE INDEX i ON t (n)").await;
    assert_eq!(error.code().code(), "55000");
    assert!(error.detail().unwrap().contains("told to fail"), "{error}");
    // Writes and reads go on, the latter without it; a restart does not try again.
    run(&client, "INSERT INTO t VALUES (2, 10)").await;
    server.kill();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    assert_eq!(value(&client, "SELECT status FROM attune_indexes").await, "failed");
    assert!(value(&client, "SELECT reason FROM attune_backfills WHERE name = 'i'").await.contains("told to fail"));
    assert_eq!(value(&client, "SELECT count(*) FROM t WHERE n = 10").await, "2");
    run(&client, "DROP INDEX i; CREATE INDEX i ON t (n)").await;
    assert_eq!(value(&client, "SELECT status FROM attune_indexes").await, "live");
    assert!(value(&client, "EXPLAIN SELECT id FROM t WHERE n = 10").await.contains("using i"));
    assert_eq!(rows(&client, "SELECT id FROM t WHERE n = 10").await.len(), 2);
    server.kill();
}

#[tokio::test]
async fn a_damaged_row_stops_what_reads_it_and_nothing_else() {
    let dir = tempfile::tempdir().unwrap();
    let server = Server::start(config(&dir)).await.unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY, n bigint)").await;
    run(&client, "CREATE TABLE other (id bigint PRIMARY KEY)").await;
    run(&client, "INSERT INTO t VALUES (1, 10); INSERT INTO other VALUES (7)").await;
    server.stop().await;
    damage(&config(&dir).data);
    let server = Server::start(config(&dir)).await.unwrap();
    let client = connect(server.addr).await.unwrap();
    for reads in ["SELECT * FROM t WHERE id = 1", "SELECT count(n) FROM t"] {
        assert_eq!(refused(&client, reads).await.code().code(), "XX001", "{reads}");
    }
    let error = refused(&client, "CREATE MATERIALIZED VIEW v AS SELECT n, count(*) AS c FROM t GROUP BY n").await;
    assert_eq!(error.code().code(), "55000");
    assert!(error.detail().unwrap().contains("damaged"), "{error}");
    assert!(error.hint().unwrap().contains("detail"), "{error}");
    let error = refused(&client, "CREATE INDEX i ON t (n)").await;
    assert_eq!(error.code().code(), "55000");
    assert!(error.detail().unwrap().contains("damaged"), "{error}");
    // Both say why, others do not notice, and both can be dropped.
    let error = refused(&client, "SELECT * FROM v").await;
    assert_eq!((error.code().code(), error.detail().is_some_and(|why| why.contains("damaged"))), ("55000", true));
    let error = refused(&client, "CREATE MATERIALIZED VIEW w AS SELECT c FROM v").await;
    assert_eq!(error.code().code(), "55000");
    assert_eq!(value(&client, "SELECT status FROM attune_views").await, "failed");
    assert_eq!(value(&client, "SELECT status FROM attune_indexes").await, "failed");
    assert!(rows(&client, "SELECT reason FROM attune_backfills").await.iter().all(|row| row[0].is_some()));
    run(&client, "CREATE MATERIALIZED VIEW fine AS SELECT count(*) AS n FROM other").await;
    run(&client, "INSERT INTO other VALUES (8)").await;
    assert_eq!(value(&client, "SELECT n FROM fine").await, "2");
    run(&client, "DROP INDEX i; DROP MATERIALIZED VIEW v; DROP TABLE t").await;
    server.stop().await;
}
