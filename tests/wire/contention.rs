//! Several connections that change the same rows: no update is lost, nobody waits for a lock, and only those who hold a block open are
//! told that somebody was quicker.

use super::raw::{Raw, bind, execute, parse, query, sync};
use crate::server::{TestServer, describe, rows, run, try_rows};
use futures::future::join_all;
use std::net::SocketAddr;

const CONNECTIONS: usize = 6;
const ROUNDS: usize = 25;

/// Two accounts, changes to apply to them, and jobs to take.
async fn start() -> TestServer {
    // Whoever has lost eight times is alone, and wins.
    let server = TestServer::start_with(|config| config.dml_retries = 10).await;
    let client = server.client().await;
    run(
        &client,
        "CREATE TABLE accounts (k int PRIMARY KEY, n bigint); CREATE TABLE changes (k int PRIMARY KEY, by bigint)",
    )
    .await;
    run(&client, "CREATE MATERIALIZED VIEW total AS SELECT sum(n) AS n FROM accounts").await;
    run(&client, "INSERT INTO accounts VALUES (1, 0), (2, 0); INSERT INTO changes VALUES (1, 1), (2, 10)").await;
    server
}

/// Runs these statements on each of the connections at once, each round anew.
async fn at_once(server: &TestServer, sql: &str) {
    let clients = join_all((0..CONNECTIONS).map(|_| server.client())).await;
    join_all(clients.iter().map(|client| async move {
        for _ in 0..ROUNDS {
            run(client, sql).await;
        }
    }))
    .await;
}

async fn accounts(server: &TestServer) -> Vec<i64> {
    let client = server.client().await;
    let found = rows(&client, "SELECT n FROM accounts ORDER BY k").await;
    let found: Vec<i64> = found.into_iter().map(|row| row[0].clone().unwrap().parse().unwrap()).collect();
    let total = rows(&client, "SELECT n FROM total").await;
    assert_eq!(total, [[Some(found.iter().sum::<i64>().to_string())]], "the view is its query");
    found
}

fn times(n: i64) -> i64 {
    n * i64::try_from(CONNECTIONS * ROUNDS).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn updates_from_another_table() {
    let server = start().await;
    at_once(&server, "UPDATE accounts SET n = n + changes.by FROM changes WHERE changes.k = accounts.k").await;
    assert_eq!(accounts(&server).await, [times(1), times(10)]);
    let upsert =
        "INSERT INTO accounts SELECT k, by FROM changes ON CONFLICT (k) DO UPDATE SET n = accounts.n + excluded.n";
    at_once(&server, upsert).await;
    assert_eq!(accounts(&server).await, [times(2), times(20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_insert_that_reads_what_others_write() {
    let server = start().await;
    // All want the same next key. One gets it; the others are told that it is taken, as in Postgres.
    let clients = join_all((0..CONNECTIONS).map(|_| server.client())).await;
    let inserted = join_all(clients.iter().map(|client| async move {
        let mut inserted = 0;
        for _ in 0..ROUNDS {
            match try_rows(client, "INSERT INTO accounts SELECT max(k) + 1, 1 FROM accounts").await {
                Ok(_) => inserted += 1,
                Err(error) => assert_eq!(error.code().unwrap().code(), "23505", "{}", describe(&error)),
            }
        }
        inserted
    }))
    .await;
    let found = accounts(&server).await;
    assert_eq!(found.len() - 2, inserted.into_iter().sum::<usize>());
    assert_eq!(found.iter().sum::<i64>(), i64::try_from(found.len() - 2).unwrap());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_job_is_taken_once() {
    let server = start().await;
    let client = server.client().await;
    let count = CONNECTIONS * ROUNDS;
    let jobs: Vec<String> = (0..count).map(|job| format!("({job})")).collect();
    run(&client, &format!("CREATE TABLE jobs (id int PRIMARY KEY); INSERT INTO jobs VALUES {}", jobs.join(", "))).await;
    let clients = join_all((0..CONNECTIONS).map(|_| server.client())).await;
    let taken = join_all(clients.iter().map(|client| async move {
        let take =
            "DELETE FROM jobs USING (SELECT min(id) AS id FROM jobs) AS next WHERE jobs.id = next.id RETURNING jobs.id";
        let mut taken = Vec::new();
        loop {
            let found = rows(client, take).await;
            let Some(job) = found.into_iter().next() else { return taken };
            taken.push(job[0].clone().unwrap().parse::<usize>().unwrap());
        }
    }))
    .await;
    let mut taken = taken.concat();
    taken.sort_unstable();
    assert_eq!(taken, (0..count).collect::<Vec<_>>());
}

/// Both orders: with locks that is a deadlock.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn several_statements_at_once() {
    let server = start().await;
    let there = "UPDATE accounts SET n = n + 1 WHERE k = 1; UPDATE accounts SET n = n + 10 WHERE k = 2";
    let back = "UPDATE accounts SET n = n + 10 WHERE k = 2; UPDATE accounts SET n = n + 1 WHERE k = 1";
    tokio::join!(at_once(&server, there), at_once(&server, back));
    assert_eq!(accounts(&server).await, [times(2), times(20)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pipelines_at_once() {
    let server = start().await;
    join_all((0..CONNECTIONS).map(|connection| pipelines(server.addr, connection % 2 == 0))).await;
    assert_eq!(accounts(&server).await, [times(1), times(10)]);
}

/// Pipelines of two changes and a lookup, whose answer is that of the run that was committed.
async fn pipelines(addr: SocketAddr, there: bool) {
    let mut raw = Raw::start(addr).await;
    raw.send(&[parse("add", "UPDATE accounts SET n = n + $2 WHERE k = $1 RETURNING n"), sync()].concat()).await;
    raw.until(b'Z').await;
    let mut order = [["1", "1"], ["2", "10"]];
    if !there {
        order.reverse();
    }
    let mut last = [0, 0];
    for _ in 0..ROUNDS {
        let adds = order.map(|parameters| [bind("add", &parameters), execute(0)].concat());
        let get = [parse("", "SELECT n FROM accounts WHERE k = 1"), bind("", &[]), execute(0)].concat();
        raw.send(&[adds.concat(), get, sync()].concat()).await;
        let answers = raw.until(b'Z').await;
        let tags: String = answers.iter().map(|message| char::from(message.tag)).collect();
        assert_eq!(tags, "2DC2DC12DCZ", "{answers:?}");
        let numbers: Vec<i64> = answers
            .iter()
            .filter(|message| message.tag == b'D')
            .map(|message| String::from_utf8_lossy(&message.body[6..]).parse().unwrap())
            .collect();
        let (first, second) = if there { (numbers[0], numbers[1]) } else { (numbers[1], numbers[0]) };
        // Seen with its own change, by nobody else, and consistent.
        assert_eq!((first * 10, numbers[2]), (second, first));
        assert!(first > last[0] && second > last[1]);
        last = [first, second];
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn blocks_are_told() {
    let server = start().await;
    // Two blocks that have read the same row: the second to commit hears of it.
    let (mut one, mut two) = (Raw::start(server.addr).await, Raw::start(server.addr).await);
    for raw in [&mut one, &mut two] {
        raw.send(&query("BEGIN; UPDATE accounts SET n = n + 1 WHERE k = 1")).await;
        assert_eq!(raw.until(b'Z').await.pop().unwrap().body, b"T");
    }
    one.send(&query("COMMIT")).await;
    assert_eq!(one.tags_until(b'Z').await, "CZ");
    two.send(&query("COMMIT")).await;
    let answers = two.until(b'Z').await;
    assert_eq!(answers[0].field(b'C').unwrap(), "40001");
    assert_eq!(answers.last().unwrap().body, b"I");
    assert_eq!(accounts(&server).await, [1, 0]);
    // Run again until it takes, as the hint says.
    let clients = join_all((0..CONNECTIONS).map(|_| server.client())).await;
    join_all(clients.iter().map(|client| async move {
        for _ in 0..ROUNDS {
            while let Err(error) = try_rows(client, "BEGIN; UPDATE accounts SET n = n + 1; COMMIT").await {
                assert_eq!(error.code().unwrap().code(), "40001", "{}", describe(&error));
            }
        }
    }))
    .await;
    assert_eq!(accounts(&server).await, [times(1) + 1, times(1)]);
}
