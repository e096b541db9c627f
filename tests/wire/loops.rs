//! Sessions that move from thread to thread.

use super::raw::{Raw, message, query};
use crate::process::Process;
use crate::server::{connect, rows, run};
use std::time::Duration;

const CLIENTS: i64 = 8;
const LOOKUPS: i64 = 1_500;
/// Processor time that a thread without connections does not take.
const WORK: Duration = Duration::from_millis(5);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sessions_move_and_nothing_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    // Every turn is a long one.
    let variables = [("ATTUNE_SERVE_TURN_US", "0"), ("ATTUNE_SERVE_THREADS", "3")];
    let server = Process::start_with(dir.path(), &variables).unwrap();
    let client = connect(server.addr).await.unwrap();
    run(&client, "CREATE TABLE pairs (id bigint PRIMARY KEY, twice bigint)").await;
    run(&client, "INSERT INTO pairs SELECT i, 2 * i FROM generate_series(1, 1000) AS g(i)").await;
    let addr = server.addr;
    let clients = (0..CLIENTS).map(|number| {
        tokio::spawn(async move {
            let mut client = connect(addr).await.unwrap();
            let twice = client.prepare("SELECT twice FROM pairs WHERE id = $1").await.unwrap();
            for lookup in 0..LOOKUPS {
                let id = 1 + (number * 131 + lookup) % 1000;
                assert_eq!(client.query_one(&twice, &[&id]).await.unwrap().get::<_, i64>(0), 2 * id);
                // A block goes along with its session.
                if lookup % 100 == 0 {
                    let block = client.transaction().await.unwrap();
                    let written = 10_000 + number * LOOKUPS + lookup;
                    block.execute("INSERT INTO pairs VALUES ($1, 0)", &[&written]).await.unwrap();
                    assert_eq!(block.query_one(&twice, &[&written]).await.unwrap().get::<_, i64>(0), 0);
                    block.commit().await.unwrap();
                }
            }
        })
    });
    for client in clients.collect::<Vec<_>>() {
        client.await.unwrap();
    }
    let counted = rows(&client, "SELECT count(*) FROM pairs WHERE id >= 10000").await;
    assert_eq!(counted, [[Some((CLIENTS * LOOKUPS / 100).to_string())]]);
    assert!(busy_threads(&server) >= 2);
}

#[tokio::test]
async fn a_session_that_moves_takes_half_a_message_along() {
    let dir = tempfile::tempdir().unwrap();
    let server = Process::start_with(dir.path(), &[("ATTUNE_SERVE_THREADS", "1")]).unwrap();
    let mut raw = Raw::start(server.addr).await;
    raw.send(&query("CREATE STREAM copied (n bigint)")).await;
    assert_eq!(raw.tags_until(b'Z').await, "CZ");
    let records = [message(b'd', "1\n".repeat(100).as_bytes()), message(b'c', b"")].concat();
    let select = query("SELECT 1");
    // A session that copies moves to the thread for that, and some messages later back to the other.
    for _ in 0..40 {
        raw.send(&query("COPY copied FROM STDIN")).await;
        raw.until(b'G').await;
        raw.send(&records).await;
        assert_eq!(raw.tags_until(b'Z').await, "CZ");
        for _ in 0..40 {
            let (first, last) = select.split_at(7);
            raw.send(first).await;
            raw.send(last).await;
            assert_eq!(raw.tags_until(b'Z').await, "TDCZ");
        }
    }
    assert_eq!(busy_threads(&server), 2);
}

/// Threads of the server that have served somebody.
fn busy_threads(server: &Process) -> usize {
    server.thread_times("attune-serve").into_iter().filter(|time| Duration::from_nanos(*time) > WORK).count()
}
