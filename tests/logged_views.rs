//! Views that only grow and have no key: their rows lie in a log, and everything that works on a view works on them.

use crate::process::Process;
use crate::server::{TestServer, connect, rows, run, try_rows};
use attune_storage::{ObjectId, Store, StoreOptions};
use bytes::Bytes;
use futures::TryStreamExt;
use std::path::Path;
use tokio_postgres::Client;

type Rows = Vec<Vec<Option<String>>>;

async fn sorted(client: &Client, sql: &str) -> Rows {
    let mut found = rows(client, sql).await;
    found.sort();
    found
}

/// The view is what its query gives.
async fn same(client: &Client, view: &str, query: &str) {
    assert_eq!(sorted(client, &format!("SELECT * FROM {view}")).await, sorted(client, query).await, "{view}");
}

async fn explain(client: &Client, sql: &str) -> String {
    let lines = rows(client, &format!("EXPLAIN {sql}")).await;
    lines.into_iter().map(|mut line| line.remove(0).unwrap() + "\n").collect()
}

async fn value(client: &Client, sql: &str) -> String {
    rows(client, sql).await[0][0].clone().unwrap_or_else(|| "NULL".to_owned())
}

const COPY: &str = "SELECT k, upper(g) AS g, v, f FROM s WHERE v >= 0 OR v IS NULL";
const JOINED: &str = "SELECT c.k, c.v, d.w FROM copy AS c JOIN d ON d.k = c.k";
const GROUPED: &str = "SELECT g, count(*) AS n, sum(v) AS total, max(f) AS f FROM copy GROUP BY g";

/// Streams with history, a view of one, a view that joins it with a stream (in its log as well), and one that groups it.
async fn create(client: &Client) {
    run(client, "CREATE STREAM s (k bigint, g text, v int, f double precision); CREATE STREAM d (k bigint, w text)")
        .await;
    events(client, 0).await;
    for (name, query) in [("copy", COPY), ("joined", JOINED), ("grouped", GROUPED)] {
        run(client, &format!("CREATE MATERIALIZED VIEW {name} AS {query}")).await;
    }
}

/// Small epochs and large ones, rows that repeat, NULLs, long texts, rows that the views leave out.
async fn events(client: &Client, from: i64) {
    let (to, few) = (from + 2999, from + 80);
    run(
        client,
        "INSERT INTO s VALUES (1, 'a', 1, 0.5), (1, 'a', 1, 0.5), (NULL, NULL, NULL, 'NaN'), (2, '', -1, -0.0)",
    )
    .await;
    run(client, &format!("INSERT INTO s VALUES ({from}, repeat('x', 30000), 7, NULL)")).await;
    run(
        client,
        &format!("INSERT INTO s SELECT i % 50, 'g' || i % 7, i % 11, i FROM generate_series({from}, {to}) AS g(i)"),
    )
    .await;
    run(client, &format!("INSERT INTO d SELECT i % 60, 'w' || i FROM generate_series({from}, {few}) AS g(i)")).await;
    run(client, "INSERT INTO s VALUES (3, 'only left out', -5, 1)").await;
}

async fn all_same(client: &Client) {
    for (view, query) in [("copy", COPY), ("joined", JOINED), ("grouped", GROUPED)] {
        same(client, view, query).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_read_as_any_view() {
    let server = TestServer::start().await;
    let client = server.client().await;
    create(&client).await;
    all_same(&client).await;
    events(&client, 3000).await;
    all_same(&client).await;
    for query in ["SELECT * FROM copy WHERE k = 3", "SELECT v FROM copy ORDER BY v LIMIT 5", "SELECT * FROM copy"] {
        assert!(
            explain(&client, query).await.contains("copy, all rows, from its log"),
            "{}",
            explain(&client, query).await
        );
    }
    assert_eq!(rows(&client, "SELECT v FROM copy LIMIT 3").await.len(), 3);
    assert_eq!(rows(&client, "SELECT * FROM copy LIMIT 0").await.len(), 0);
    assert_eq!(rows(&client, "SELECT v FROM copy WHERE k = 1 AND f = 0.5").await.len(), 4);
    assert_eq!(rows(&client, "SELECT length(g) FROM copy WHERE length(g) > 100").await.len(), 2);
    assert_eq!(value(&client, "SELECT count(*) FROM copy WHERE k IS NULL AND f = 'NaN'").await, "2");
    let prepared = client.query("SELECT v FROM copy WHERE k = $1 AND g = 'A'", &[&1_i64]).await.unwrap();
    assert_eq!(prepared.len(), 4);
    let copied = client.copy_out("COPY copy TO STDOUT").await.unwrap().try_collect::<Vec<Bytes>>().await.unwrap();
    let lines = copied.iter().flat_map(|part| part.iter()).filter(|byte| **byte == b'\n').count();
    assert_eq!(lines.to_string(), value(&client, "SELECT count(*) FROM copy").await);
    // The system views know it.
    let found = rows(&client, "SELECT status, key, bytes > 1000 FROM attune_views WHERE name = 'copy'").await;
    assert_eq!(found, [["live", "", "t"].map(|cell| Some(cell.to_owned())).to_vec()]);
    assert_eq!(value(&client, "SELECT pg_relation_size('copy'::regclass) > 1000").await, "t");
    assert_eq!(value(&client, "SELECT count(*) FROM attune_state WHERE view = 'copy'").await, "0");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn their_indexes_answer_alone() {
    let server = TestServer::start_with(|c| c.backfill_chunk_rows = 700).await;
    let client = server.client().await;
    create(&client).await;
    run(&client, "CREATE INDEX ON copy (k, v DESC)").await;
    run(&client, "CREATE TABLE weights (v int PRIMARY KEY, w double precision)").await;
    run(&client, "INSERT INTO weights SELECT i, i * 0.5 FROM generate_series(0, 9) AS g(i)").await;
    events(&client, 3000).await;
    run(&client, "CREATE INDEX copy_g ON copy (g) INCLUDE (v)").await;
    events(&client, 6000).await;
    for server_is_new in [false, true] {
        all_same(&client).await;
        let base = format!("({COPY}) AS q");
        for k in ["1", "3", "42", "77"] {
            for what in ["*", "v, f"] {
                let lookup = format!("SELECT {what} FROM copy WHERE k = {k}");
                assert!(explain(&client, &lookup).await.contains("lookup on copy using"), "{lookup}");
                assert_eq!(
                    sorted(&client, &lookup).await,
                    sorted(&client, &lookup.replace("copy", &base)).await,
                    "{lookup}"
                );
            }
            for rest in ["ORDER BY v DESC LIMIT 7", "ORDER BY v LIMIT 3 OFFSET 2", "AND v > 3 ORDER BY v"] {
                let query = format!("SELECT v FROM copy WHERE k = {k} {rest}");
                assert_eq!(rows(&client, &query).await, rows(&client, &query.replace("copy", &base)).await, "{query}");
            }
        }
        for g in ["A", "G3", "", "no such"] {
            let query = format!("SELECT k, v FROM copy WHERE g = '{g}'");
            assert!(explain(&client, &query).await.contains("copy_g"), "{query}");
            assert_eq!(sorted(&client, &query).await, sorted(&client, &query.replace("copy", &base)).await, "{query}");
        }
        // Candidates of a ranking.
        let ranking = "SELECT c.v, f.w * c.f AS score FROM copy AS c JOIN weights AS f ON f.v = c.v WHERE c.k = 3 \
            ORDER BY score DESC NULLS LAST, v LIMIT 4";
        assert!(explain(&client, ranking).await.starts_with("Ranking of copy"), "{}", explain(&client, ranking).await);
        let found = rows(&client, ranking).await;
        let read = ranking.replace("copy AS c", &format!("({COPY}) AS c"));
        assert_eq!((found.len(), &found), (4, &rows(&client, &read).await));
        // Also where it is not a lookup: several values, a join.
        for query in [
            "SELECT * FROM copy WHERE k IN (1, 2, 30) AND v < 5",
            "SELECT t.n, q.v FROM (VALUES (1::bigint, 'x'), (30, 'y')) AS t (k, n) JOIN copy AS q ON q.k = t.k",
        ] {
            let read = query.replace("copy AS q", "copy").replace("copy", &base);
            assert_eq!(sorted(&client, query).await, sorted(&client, &read).await, "{query}");
            assert!(explain(&client, query).await.contains("index"), "{query}: {}", explain(&client, query).await);
        }
        // Equal rows are all found.
        let times = if server_is_new { "8" } else { "6" };
        assert_eq!(value(&client, "SELECT count(*) FROM copy WHERE k = 1 AND g = 'A'").await, times);
        let equal = client.query("SELECT v FROM copy WHERE g = $1", &[&"A"]).await.unwrap();
        assert_eq!(equal.len().to_string(), times);
        if !server_is_new {
            events(&client, 9000).await;
        }
    }
    drop(client);
    let server = server.restart().await;
    let client = server.client().await;
    all_same(&client).await;
    events(&client, 12_000).await;
    all_same(&client).await;
    assert_eq!(value(&client, "SELECT count(*) FROM copy WHERE g = 'A'").await, "10");
    run(&client, "DROP INDEX copy_g").await;
    assert_eq!(value(&client, "SELECT count(*) FROM copy WHERE g = 'A'").await, "10");
    assert_eq!(rows(&client, "SELECT bytes > 0 FROM attune_indexes").await, [[Some("t".to_owned())]]);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn they_are_filled_and_read_in_chunks_while_events_come() {
    let server = TestServer::start_with(|c| c.backfill_chunk_rows = 50).await;
    let client = server.client().await;
    let writer = server.client().await;
    run(&client, "CREATE STREAM s (k bigint, g text, v int, f double precision); CREATE STREAM d (k bigint, w text)")
        .await;
    events(&client, 0).await;
    for _ in 0..30 {
        run(&client, "INSERT INTO s SELECT i, 'early', i, i FROM generate_series(0, 20) AS g(i)").await;
    }
    let write = async {
        for i in 0..60 {
            run(&writer, &format!("INSERT INTO s VALUES ({i}, 'live', {i}, {i}); INSERT INTO d VALUES ({i}, 'live')"))
                .await;
        }
    };
    let views = async {
        for (name, query) in [("copy", COPY), ("joined", JOINED), ("grouped", GROUPED)] {
            run(&client, &format!("CREATE MATERIALIZED VIEW {name} AS {query}")).await;
            run(&client, &format!("CREATE INDEX ON {name} ({})", if name == "grouped" { "n" } else { "k" })).await;
        }
    };
    tokio::join!(write, views);
    all_same(&client).await;
    let lookup = "SELECT v, w FROM joined WHERE k = 7";
    assert!(explain(&client, lookup).await.contains("using"), "{}", explain(&client, lookup).await);
    assert_eq!(
        sorted(&client, lookup).await,
        sorted(&client, &lookup.replace("joined", &format!("({JOINED}) AS q"))).await
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_repeats_nothing_and_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE STREAM s (k bigint, g text, v int, f double precision)").await;
    for _ in 0..6 {
        run(&client, "INSERT INTO s SELECT i % 1000, 'g', i, i FROM generate_series(0, 19999) AS g(i)").await;
    }
    run(&client, &format!("SET background_ddl = on; CREATE MATERIALIZED VIEW copy AS {COPY}")).await;
    run(&client, "SET background_ddl = on; CREATE INDEX copy_k ON copy (k)").await;
    server.kill();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "INSERT INTO s VALUES (1, 'g', 1, 1)").await;
    while value(&client, "SELECT status FROM attune_views").await != "live"
        || value(&client, "SELECT status FROM attune_indexes").await != "live"
    {
        tokio::task::yield_now().await;
    }
    assert_eq!(value(&client, "SELECT count(*) FROM copy").await, "120001");
    same(&client, "copy", COPY).await;
    let lookup = "SELECT k, g, v, f FROM copy WHERE k = 1";
    assert!(explain(&client, lookup).await.contains("copy_k"));
    assert_eq!(
        sorted(&client, lookup).await,
        sorted(&client, &format!("SELECT * FROM ({COPY}) AS q WHERE k = 1")).await
    );
    server.kill();
}

/// Whether nothing is in the log of an object.
fn log_is_empty(data: &Path, object: ObjectId) -> bool {
    let options = StoreOptions { block_cache_bytes: 8 << 20, memtable_bytes: 8 << 20, ..StoreOptions::default() };
    let (store, _committer) = Store::open(data, &options).unwrap();
    store.snapshot().log_is_empty(object).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_drop_deletes_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    create(&client).await;
    run(&client, "CREATE INDEX ON copy (k)").await;
    let size = value(&client, "SELECT bytes FROM attune_views WHERE name = 'copy'").await;
    assert!(size.parse::<i64>().unwrap() > 1000, "{size}");
    server.kill();
    // Ids begin at 1024: s, d, copy.
    let copy = ObjectId(1026);
    assert!(!log_is_empty(dir.path(), copy));
    let server = Process::start(dir.path(), None).unwrap();
    let client = connect(server.addr).await.unwrap();
    let error = try_rows(&client, "DROP MATERIALIZED VIEW copy").await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "2BP01");
    run(&client, "DROP MATERIALIZED VIEW copy CASCADE").await;
    assert!(rows(&client, "SELECT name FROM attune_views").await.is_empty());
    run(&client, &format!("CREATE MATERIALIZED VIEW copy AS {COPY}")).await;
    same(&client, "copy", COPY).await;
    server.kill();
    assert!(log_is_empty(dir.path(), copy));
}
