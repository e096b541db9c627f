//! A server that starts again is the same server: data, views, indexes, half-done backfills.

use crate::process::Process;
use crate::server::{TestServer, connect, rows, run};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_go_on_after_a_restart() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(
        &client,
        "CREATE STREAM s (k bigint, v bigint);
         CREATE TABLE t (k bigint PRIMARY KEY, name text);
         INSERT INTO t VALUES (1, 'one'), (2, 'two');
         CREATE MATERIALIZED VIEW v AS SELECT t.name, count(*) AS n, max(v) AS m FROM s JOIN t USING (k) GROUP BY t.name;
         CREATE MATERIALIZED VIEW w AS SELECT count(*) AS n FROM v;
         INSERT INTO s VALUES (1, 10), (2, 20), (1, 5);",
    )
    .await;
    drop(client);
    let server = server.restart().await;
    let client = server.client().await;
    run(&client, "INSERT INTO s VALUES (1, 30); UPDATE t SET name = 'uno' WHERE k = 1").await;
    let mut found = rows(&client, "SELECT name, n, m FROM v").await;
    found.sort();
    let text = |s: &str| Some(s.to_string());
    assert_eq!(found, vec![vec![text("two"), text("1"), text("20")], vec![text("uno"), text("3"), text("30")]]);
    assert_eq!(rows(&client, "SELECT n FROM w").await, vec![vec![text("2")]]);
    assert_eq!(rows(&client, "SELECT events FROM attune_streams").await, vec![vec![text("4")]]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backfill_survives_kill_and_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE STREAM s (k bigint, v bigint); CREATE TABLE t (k bigint PRIMARY KEY, c bigint)").await;
    run(&client, "INSERT INTO t SELECT i, i % 10 FROM generate_series(0, 999) AS g(i)").await;
    for _ in 0..10 {
        run(&client, "INSERT INTO s SELECT i % 1000, i FROM generate_series(0, 19999) AS g(i)").await;
    }
    run(&client, "SET background_ddl = on; CREATE MATERIALIZED VIEW v AS SELECT t.c, count(*) AS n FROM s JOIN t USING (k) GROUP BY t.c").await;
    server.kill();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "INSERT INTO s VALUES (1, 1)").await;
    while rows(&client, "SELECT status FROM attune_views WHERE name = 'v'").await[0][0].as_deref() != Some("live") {
        tokio::task::yield_now().await;
    }
    let mut kept = rows(&client, "SELECT c, n FROM v").await;
    let mut batch = rows(&client, "SELECT t.c, count(*) AS n FROM s JOIN t USING (k) GROUP BY t.c").await;
    kept.sort();
    batch.sort();
    assert_eq!(kept.len(), 10);
    assert_eq!(kept, batch);
    server.kill();
}

#[test]
fn a_directory_in_use_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let _first = Process::start(dir.path(), None).unwrap();
    let Err(second) = Process::start(dir.path(), None) else { panic!("two servers on one data directory") };
    assert!(second.contains("in use by another process"), "{second}");
}

#[test]
fn a_second_signal_ends_the_server_without_an_abort() {
    let dir = tempfile::tempdir().unwrap();
    // What RocksDB's threads do at that moment is chance.
    for _ in 0..5 {
        let ended = Process::start(dir.path(), None).unwrap().stop_twice();
        assert!(matches!(ended.code(), Some(0 | 130)), "{ended}");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn huge_pages_are_kept_unless_memory_has_a_budget() {
    let keeps = |variables: &[(&str, &str)]| {
        let dir = tempfile::tempdir().unwrap();
        Process::start_with(dir.path(), variables).unwrap().has_variable("MIMALLOC_ALLOW_THP=2")
    };
    assert!(keeps(&[]));
    assert!(!keeps(&[("ATTUNE_HUGE_PAGES", "off")]));
    assert!(!keeps(&[("ATTUNE_MEMORY_BYTES", "512MB")]));
    assert!(!keeps(&[("MIMALLOC_ALLOW_THP", "1")]), "the user's choice");
}
