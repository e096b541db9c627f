//! Acknowledged means visible: a writer's event is looked for by other connections the moment it is acknowledged.

use crate::server::{TestServer, run};
use std::sync::Arc;
use tokio::sync::Barrier;

/// Acknowledged writes that are looked for, over all writers.
const WRITES: i64 = 10_000;
const WRITERS: i64 = 4;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_acknowledged_insert_is_in_every_view_on_every_connection() {
    let server = TestServer::start_with(|c| c.synchronous_commit = false).await;
    let client = server.client().await;
    run(
        &client,
        "CREATE STREAM clicks (user_id bigint, item bigint, at bigint);
         CREATE TABLE items (item bigint PRIMARY KEY, category text);
         INSERT INTO items SELECT 0, 'zero'; INSERT INTO items VALUES (1, 'one'), (2, 'two');
         CREATE MATERIALIZED VIEW counts AS SELECT user_id, count(*) AS n, max(at) AS last FROM clicks GROUP BY user_id;
         CREATE MATERIALIZED VIEW affinity AS SELECT user_id, category, count(*) AS n FROM clicks JOIN items USING (item) GROUP BY 1, 2;
         CREATE MATERIALIZED VIEW top AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY n DESC, category) AS rank FROM affinity) t WHERE rank <= 2;",
    )
    .await;
    let barrier = Arc::new(Barrier::new(WRITERS as usize));
    let mut tasks = Vec::new();
    for user in 0..WRITERS {
        let (writer, reader, barrier) = (server.client().await, server.client().await, barrier.clone());
        tasks.push(tokio::spawn(async move {
            let insert = writer.prepare("INSERT INTO clicks VALUES ($1, $2, $3)").await.unwrap();
            let count = reader.prepare("SELECT n, last FROM counts WHERE user_id = $1").await.unwrap();
            let top = reader.prepare("SELECT category, n FROM top WHERE user_id = $1 ORDER BY rank").await.unwrap();
            let all = reader.prepare("SELECT sum(n)::bigint FROM affinity WHERE user_id = $1").await.unwrap();
            barrier.wait().await;
            let mut missing = 0;
            for i in 1..=WRITES / WRITERS {
                assert_eq!(writer.execute(&insert, &[&user, &(i % 3), &i]).await.unwrap(), 1);
                let row = reader.query_one(&count, &[&user]).await.unwrap();
                if (row.get::<_, i64>(0), row.get::<_, i64>(1)) != (i, i) {
                    missing += 1;
                }
                // The ranking is two views further on and must be of the same epoch.
                let best = reader.query(&top, &[&user]).await.unwrap();
                let expected = (i + 2) / 3;
                if best.first().map(|r| r.get::<_, i64>(1)) != Some(expected) {
                    missing += 1;
                }
                if i % 50 == 0 && reader.query_one(&all, &[&user]).await.unwrap().get::<_, i64>(0) != i {
                    missing += 1;
                }
            }
            missing
        }));
    }
    let mut missing = 0;
    for task in tasks {
        missing += task.await.unwrap();
    }
    assert_eq!(missing, 0, "acknowledged events that a reader did not see");
    server.stop().await;
}

/// All views of one commit change together: a reader never sees one view ahead of another in one statement.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn views_of_one_epoch_change_together() {
    let server = TestServer::start_with(|c| c.synchronous_commit = false).await;
    let client = server.client().await;
    run(
        &client,
        "CREATE STREAM s (k bigint, v bigint);
         CREATE MATERIALIZED VIEW a AS SELECT k, count(*) AS n FROM s GROUP BY k;
         CREATE MATERIALIZED VIEW b AS SELECT count(*) AS n FROM s;",
    )
    .await;
    let writer = server.client().await;
    let writing = tokio::spawn(async move {
        let insert = writer.prepare("INSERT INTO s VALUES ($1, 1)").await.unwrap();
        for i in 0..1500i64 {
            writer.execute(&insert, &[&(i % 7)]).await.unwrap();
        }
    });
    let mut last = 0;
    while !writing.is_finished() {
        let row = client
            .query_one("SELECT (SELECT coalesce(sum(n), 0)::bigint FROM a), (SELECT n FROM b)", &[])
            .await
            .unwrap();
        let (a, b): (i64, i64) = (row.get(0), row.get(1));
        assert_eq!(a, b);
        assert!(b >= last, "a later statement saw an earlier epoch");
        last = b;
    }
    writing.await.unwrap();
    server.stop().await;
}
