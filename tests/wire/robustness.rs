//! Garbage, huge messages, clients that stop reading or go away.

use super::raw::{Raw, message, query, startup};
use crate::server::{TestServer, rows, run};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// The server answers others as before.
async fn alive(server: &TestServer) {
    let client = server.client().await;
    assert_eq!(rows(&client, "SELECT 1").await, [[Some("1".to_owned())]]);
}

#[tokio::test]
async fn garbage_on_the_port() {
    let server = TestServer::start().await;
    for garbage in
        [&b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 64], &[0, 0, 0, 8, 1, 2, 3, 4], &[0, 0, 0, 4, 0, 0, 0, 0]]
    {
        let mut raw = Raw::connect(server.addr).await;
        raw.send(garbage).await;
        assert_eq!(raw.last_words().await.field(b'C').unwrap(), "08P01");
    }
    alive(&server).await;
}

#[tokio::test]
async fn garbage_after_startup() {
    let server = TestServer::start().await;
    for (garbage, code) in [
        (message(b'?', b"what"), "08P01"),
        (vec![b'Q', 0, 0, 0, 3], "08P01"),
        (vec![b'Q', 0xff, 0xff, 0xff, 0xff], "08P01"),
        (vec![b'Q', 0x7f, 0xff, 0xff, 0xff], "54000"),
    ] {
        let mut raw = Raw::start(server.addr).await;
        raw.send(&garbage).await;
        assert_eq!(raw.last_words().await.field(b'C').unwrap(), code);
    }
    // A message that is only wrong inside ends its statement, not the session.
    let mut raw = Raw::start(server.addr).await;
    raw.send(&message(b'Q', b"no terminator")).await;
    assert_eq!(raw.tags_until(b'Z').await, "EZ");
    raw.send(&message(b'Q', b"SELECT '\xff'\0")).await;
    assert_eq!(raw.until(b'Z').await[0].field(b'C').unwrap(), "22021");
    raw.send(&query("SELECT 1")).await;
    assert_eq!(raw.tags_until(b'Z').await, "TDCZ");
    alive(&server).await;
}

#[tokio::test]
async fn a_message_over_the_limit() {
    let server = TestServer::start_with(|config| config.max_message_bytes = 10_000).await;
    let mut raw = Raw::start(server.addr).await;
    raw.send(&query(&format!("SELECT {}", " ".repeat(9_000)))).await;
    raw.until(b'Z').await;
    raw.send(&query(&"x".repeat(20_000))).await;
    let error = raw.last_words().await;
    assert_eq!(error.field(b'C').unwrap(), "54000");
    assert!(error.field(b'M').unwrap().contains("max_message_bytes"));
    alive(&server).await;
}

#[tokio::test]
async fn startup_variants() {
    let server = TestServer::start().await;
    // Encryption is declined, and the session goes on in plain.
    let mut raw = Raw::connect(server.addr).await;
    for request in [80_877_103_u32, 80_877_104] {
        raw.send(&[&8_u32.to_be_bytes()[..], &request.to_be_bytes()].concat()).await;
        let mut answer = [0];
        raw.stream.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"N");
    }
    // A newer minor version is negotiated down.
    raw.send(&startup(196_610, &[("user", "u"), ("_pq_.new", "1")])).await;
    let greeting = raw.until(b'Z').await;
    assert_eq!(greeting[0].tag, b'v');
    assert_eq!(greeting[0].body, b"\0\0\0\0\0\0\0\x01_pq_.new\0");
    // Other major versions and missing users are refused.
    for packet in [startup(131_072, &[("user", "u")]), startup(196_608, &[("database", "d")])] {
        let mut raw = Raw::connect(server.addr).await;
        raw.send(&packet).await;
        assert_eq!(raw.last_words().await.field(b'C').unwrap(), "08P01");
    }
}

#[tokio::test]
async fn a_client_that_says_nothing() {
    let server = TestServer::start_with(|config| config.startup_timeout_ms = 50).await;
    let mut silent = Raw::connect(server.addr).await;
    let mut half = Raw::connect(server.addr).await;
    half.send(&[0, 0, 1]).await;
    for raw in [&mut silent, &mut half] {
        assert!(raw.last_words().await.field(b'M').unwrap().contains("startup_timeout_ms"));
    }
    alive(&server).await;
}

#[tokio::test]
async fn a_client_that_does_not_read() {
    let server = TestServer::start_with(|config| config.client_write_timeout_ms = 200).await;
    let client = server.client().await;
    run(&client, "CREATE TABLE wide (id bigint PRIMARY KEY, body text)").await;
    let body = "x".repeat(100_000);
    for id in 0..50 {
        run(&client, &format!("INSERT INTO wide VALUES ({id}, '{body}')")).await;
    }
    let mut raw = Raw::start(server.addr).await;
    // 50 times 5 MB: far more than sockets hold.
    for _ in 0..50 {
        raw.send(&query("SELECT * FROM wide")).await;
    }
    // Nothing is read until the server has given up: then sending fails.
    let gave_up = async {
        while raw.stream.write_all(&query("SELECT 1")).await.is_ok() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), gave_up).await.expect("the server closes the connection");
    assert_eq!(rows(&client, "SELECT count(*) FROM wide").await, [[Some("50".to_owned())]]);
}

#[tokio::test]
async fn clients_that_go_away() {
    let server = TestServer::start_with(|config| config.max_connections = 3).await;
    let client = server.client().await;
    run(&client, "CREATE TABLE t (id bigint PRIMARY KEY)").await;
    for id in 0..20 {
        let mut raw = Raw::start(server.addr).await;
        // In the middle of a block, of a COPY, of a message.
        raw.send(&query(&format!("BEGIN; INSERT INTO t VALUES ({id})"))).await;
        raw.until(b'Z').await;
        if id % 2 == 0 {
            raw.send(&query("COPY t FROM STDIN")).await;
            raw.send(&message(b'd', b"100\n")).await;
        } else {
            raw.send(b"Q\0\0").await;
        }
        drop(raw);
        // Its place is free again, or the third is still there.
        tokio::time::timeout(std::time::Duration::from_secs(10), async {
            while crate::server::connect(server.addr).await.is_err() {
                tokio::task::yield_now().await;
            }
        })
        .await
        .unwrap();
    }
    assert_eq!(rows(&client, "SELECT count(*) FROM t").await, [[Some("0".to_owned())]]);
}

#[tokio::test]
async fn the_end_of_input_still_gets_its_answer() {
    let server = TestServer::start().await;
    let mut raw = Raw::start(server.addr).await;
    raw.send(&query("SELECT 1")).await;
    raw.stream.shutdown().await.unwrap();
    assert_eq!(raw.tags_until(b'Z').await, "TDCZ");
    assert_eq!(raw.next().await, None);
}
