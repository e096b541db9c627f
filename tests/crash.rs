//! kill -9 at random moments and at named failure points, under load from several connections. After each restart:
//! every acknowledged row is there exactly once, no row is there twice, and every view equals its query.
//!
//! `ATTUNE_CRASH_KILLS` (default below) is the number of kills.

use crate::process::Process;
use crate::server::{connect, rows, run};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

const WRITERS: i64 = 3;

/// Failure points of a commit, in order; see `attune_storage::failpoint` and `src/coordinator/epoch.rs`.
const POINTS: [&str; 5] = [
    "before_dataflow",
    "before_commit",
    "after_commit_before_publish",
    "after_publish",
    "after_commit_before_acknowledge",
];

const SCHEMA: &str = "
    CREATE STREAM events (id bigint, k bigint, price double precision);
    CREATE TABLE accounts (k bigint PRIMARY KEY, total bigint, name text);
    CREATE TABLE marks (id bigint, k bigint);
    CREATE MATERIALIZED VIEW per_key AS SELECT k, count(*) AS n, max(id) AS last FROM events GROUP BY k;
    CREATE MATERIALIZED VIEW joined AS SELECT a.name, count(*) AS n FROM events e JOIN accounts a ON a.k = e.k GROUP BY a.name;
    CREATE MATERIALIZED VIEW top AS SELECT * FROM (SELECT k, n, row_number() OVER (ORDER BY n DESC, k) AS rank FROM per_key) t WHERE rank <= 3;
    CREATE MATERIALIZED VIEW plain AS SELECT k, price FROM events WHERE k < 3;
    CREATE INDEX plain_k ON plain (k);
    CREATE INDEX per_key_n ON per_key (n DESC) INCLUDE (k);
";

/// View and the query it must equal.
const VIEWS: [(&str, &str); 5] = [
    ("SELECT k, n, last FROM per_key", "SELECT k, count(*) AS n, max(id) AS last FROM events GROUP BY k"),
    (
        "SELECT name, n FROM joined",
        "SELECT a.name, count(*) AS n FROM events e JOIN accounts a ON a.k = e.k GROUP BY a.name",
    ),
    (
        "SELECT k, n, rank FROM top",
        "SELECT k, n, rank FROM (SELECT k, n, row_number() OVER (ORDER BY n DESC, k) AS rank FROM (SELECT k, count(*) AS n FROM events GROUP BY k) p) t WHERE rank <= 3",
    ),
    ("SELECT k, price FROM plain", "SELECT k, price FROM events WHERE k < 3"),
    // By its index.
    ("SELECT k, price FROM plain WHERE k = 1", "SELECT k, price FROM events WHERE k = 1"),
];

/// What a writer knows: ids it was told are stored, and ids whose answer never came.
#[derive(Default)]
struct Told {
    acknowledged: Vec<i64>,
    unknown: Vec<i64>,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_counted_twice() {
    let kills: usize = std::env::var("ATTUNE_CRASH_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(200);
    let seed: u64 = std::env::var("ATTUNE_CRASH_SEED").ok().and_then(|n| n.parse().ok()).unwrap_or(7);
    let mut rng = StdRng::seed_from_u64(seed);
    let mut done = 0;
    // A fresh directory every 25 kills, so that checks stay quick while state still lives through many crashes.
    while done < kills {
        let dir = tempfile::tempdir().unwrap();
        let rounds = 25.min(kills - done);
        life(dir.path(), rounds, &mut rng).await;
        done += rounds;
    }
    println!("crash: {done} kills survived");
}

async fn life(data: &Path, kills: usize, rng: &mut StdRng) {
    let server = Process::start(data, None).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, SCHEMA).await;
    let accounts: Vec<String> = (0..10).map(|k| format!("({k}, 0, 'name {}')", k % 4)).collect();
    run(&client, &format!("INSERT INTO accounts VALUES {}", accounts.join(", "))).await;
    drop(client);
    server.kill();
    let next_id = Arc::new(AtomicI64::new(1));
    let mut told = Told::default();
    for kill in 0..kills {
        // Every other kill is at a failure point, after a random number of commits.
        let point = (kill % 2 == 1)
            .then(|| format!("{}:{}", POINTS[rng.random_range(0..POINTS.len())], rng.random_range(1..60)));
        let after = Duration::from_millis(rng.random_range(10..250));
        crash_under_load(data, point.as_deref(), after, &next_id, &mut told, rng).await;
        check(data, &told, kill).await;
    }
}

/// Starts the server, writes from several connections, and lets it die.
async fn crash_under_load(
    data: &Path,
    point: Option<&str>,
    after: Duration,
    next_id: &Arc<AtomicI64>,
    told: &mut Told,
    rng: &mut StdRng,
) {
    let mut server = Process::start(data, point).unwrap();
    let writers: Vec<_> = (0..WRITERS)
        .map(|w| tokio::spawn(write(server.addr, w, next_id.clone(), rng.random_range(0..u64::MAX))))
        .collect();
    if point.is_none() {
        // The one place where time passes by the clock: it decides when the kill falls, not whether the test passes.
        tokio::time::sleep(after).await;
        server.kill();
    } else {
        for writer in &writers {
            while !writer.is_finished() && !server.has_ended() {
                tokio::task::yield_now().await;
            }
        }
        drop(server);
    }
    for writer in writers {
        let more = writer.await.unwrap();
        told.acknowledged.extend(more.acknowledged);
        told.unknown.extend(more.unknown);
    }
}

/// Writes until the server is gone: single events, batches, and transactions over a stream and tables.
async fn write(addr: std::net::SocketAddr, writer: i64, next_id: Arc<AtomicI64>, seed: u64) -> Told {
    let mut rng = StdRng::seed_from_u64(seed);
    let mut told = Told::default();
    let Ok(client) = connect(addr).await else { return told };
    for i in 0.. {
        let n = if rng.random_bool(0.3) { rng.random_range(2..20) } else { 1 };
        let ids: Vec<i64> = (0..n).map(|_| next_id.fetch_add(1, Ordering::Relaxed)).collect();
        let events: Vec<String> = ids
            .iter()
            .map(|id| format!("({id}, {}, {}.5)", rng.random_range(0..10), rng.random_range(0..100)))
            .collect();
        let insert = format!("INSERT INTO events VALUES {}", events.join(", "));
        let statement = if i % 5 == 4 {
            // The account's total grows by the number of marks: both or neither.
            let marks: Vec<String> = ids.iter().map(|id| format!("({id}, {writer})")).collect();
            format!(
                "BEGIN; {insert}; INSERT INTO marks VALUES {}; UPDATE accounts SET total = total + {n} WHERE k = {writer}; COMMIT",
                marks.join(", ")
            )
        } else {
            insert
        };
        match client.batch_execute(&statement).await {
            Ok(()) => told.acknowledged.extend(ids),
            Err(_) => {
                told.unknown.extend(ids);
                break;
            }
        }
    }
    told
}

async fn check(data: &Path, told: &Told, kill: usize) {
    let server =
        Process::start(data, None).unwrap_or_else(|e| panic!("kill {kill}: the server does not start again: {e}"));
    let client = connect(server.addr).await.unwrap();
    let mut seen: HashMap<i64, u32> = HashMap::new();
    for row in rows(&client, "SELECT id FROM events").await {
        *seen.entry(row[0].as_ref().unwrap().parse().unwrap()).or_default() += 1;
    }
    for id in &told.acknowledged {
        assert_eq!(seen.get(id), Some(&1), "kill {kill}: acknowledged event {id}");
    }
    let known: std::collections::HashSet<i64> = told.acknowledged.iter().chain(&told.unknown).copied().collect();
    for (id, n) in &seen {
        assert!(*n == 1 && known.contains(id), "kill {kill}: event {id} is there {n} times");
    }
    for (view, query) in VIEWS {
        let (mut kept, mut batch) = (rows(&client, view).await, rows(&client, query).await);
        kept.sort();
        batch.sort();
        assert_eq!(kept, batch, "kill {kill}: {view}");
    }
    let totals = rows(
        &client,
        "SELECT a.k, a.total, count(m.k) FROM accounts a LEFT JOIN marks m ON m.k = a.k GROUP BY a.k, a.total",
    )
    .await;
    for row in totals {
        assert_eq!(row[1], row[2], "kill {kill}: a transaction was torn: {row:?}");
    }
    let best = rows(&client, "SELECT k, n FROM per_key ORDER BY n DESC LIMIT 1").await;
    let most = rows(&client, "SELECT max(n) FROM per_key").await;
    assert_eq!(
        best.first().map(|r| r[1].clone()),
        most.first().map(|r| r[0].clone()).filter(|n| n.is_some()),
        "kill {kill}: index"
    );
    server.kill();
}
