//! Errors carry SQLSTATE, position, hint; cancelling and timeouts.

use crate::server::{TestServer, run, try_rows};
use std::net::SocketAddr;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tokio_postgres::error::ErrorPosition;
use tokio_postgres::{CancelToken, NoTls};

/// A statement that runs for minutes unless it is stopped.
async fn long_statement(server: &TestServer) -> &'static str {
    let client = server.client().await;
    run(&client, "CREATE TABLE big (id bigint PRIMARY KEY)").await;
    let values: Vec<_> = (0..3_000).map(|id| format!("({id})")).collect();
    run(&client, &format!("INSERT INTO big VALUES {}", values.join(", "))).await;
    "SELECT count(*) FROM big a, big b, big c WHERE a.id + b.id + c.id < 0"
}

#[tokio::test]
async fn codes_positions_and_hints() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, "CREATE TABLE items (id bigint PRIMARY KEY, name text)").await;
    for (text, code) in [
        ("SELECT * FROM itms", "42P01"),
        ("SELECT nam FROM items", "42703"),
        ("SELEC 1", "42601"),
        ("SELECT no_such_function(id) FROM items", "42883"),
        ("INSERT INTO items VALUES (NULL, 'x')", "23502"),
    ] {
        let error = try_rows(&client, text).await.unwrap_err();
        assert_eq!(error.code().unwrap().code(), code, "{text}");
    }
    let error = try_rows(&client, "SELECT * FROM itms").await.unwrap_err();
    assert!(error.as_db_error().unwrap().hint().unwrap().contains("items"));
    let error = try_rows(&client, "SELEC 1").await.unwrap_err();
    assert_eq!(error.as_db_error().unwrap().position(), Some(&ErrorPosition::Original(1)));
}

#[tokio::test]
async fn errors_say_where() {
    let server = TestServer::start().await;
    let client = server.client().await;
    run(&client, "CREATE TABLE t (id int PRIMARY KEY, n int, v varchar(3), d date)").await;
    // The position is where the mark stands.
    for (marked, code) in [
        ("INSERT INTO ^nope VALUES (1)", "42P01"),
        ("INSERT INTO t (id, ^nn) VALUES (1, 2)", "42703"),
        ("INSERT INTO t (id, ^id) VALUES (1, 2)", "42701"),
        ("INSERT INTO t VALUES (1, ^'x')", "22P02"),
        ("INSERT INTO t VALUES (1, 2, 'ä', ^'2024-13-01')", "22008"),
        ("INSERT INTO t VALUES (1, 2, 'a', ^'notadate'::date)", "22007"),
        ("INSERT INTO t VALUES (1, ^true)", "42804"),
        ("INSERT INTO t VALUES (1, ^now())", "42804"),
        ("INSERT INTO t VALUES (1, 1 + ^nosuch(2))", "42883"),
        ("INSERT INTO t VALUES (1, 2 + ^zz)", "42703"),
        ("INSERT INTO t (id) VALUES (1, ^2)", "42601"),
        ("INSERT INTO t (id, ^n) VALUES (1)", "42601"),
        ("INSERT INTO t VALUES (1, 2), (^3)", "42601"),
        ("INSERT INTO t SELECT id, ^nosuch FROM t", "42703"),
        ("INSERT INTO t SELECT id, ^d FROM t", "42804"),
        ("INSERT INTO t SELECT 1, ^'x'", "22P02"),
        ("INSERT INTO t VALUES (1, 1) ON CONFLICT (^idd) DO NOTHING", "42703"),
        ("INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET ^nn = 1", "42703"),
        ("INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = ^'x'", "22P02"),
        ("INSERT INTO t VALUES (1, 1) ON CONFLICT (id) DO UPDATE SET n = ^t.d", "42804"),
        ("INSERT INTO t VALUES (1, 1) RETURNING ^zz", "42703"),
        ("UPDATE ^nope SET n = 1", "42P01"),
        ("UPDATE t SET ^nn = 1", "42703"),
        ("UPDATE t SET n = ^'x'", "22P02"),
        ("UPDATE t SET n = ^d", "42804"),
        ("UPDATE t SET n = 1, ^n = 2", "42601"),
        ("UPDATE t SET n = 1 WHERE ^zz = 1", "42703"),
        ("SELECT 1; DELETE FROM ^nope", "42P01"),
        ("DELETE FROM t USING ^nope", "42P01"),
        ("COPY ^nope FROM STDIN", "42P01"),
        ("COPY t (id, ^zz) FROM STDIN", "42703"),
        ("COPY t (id, ^id) FROM STDIN", "42701"),
        ("COPY ^nope TO STDOUT", "42P01"),
        ("COPY t (id, ^zz) TO STDOUT", "42703"),
        ("CREATE INDEX ON ^nope (id)", "42P01"),
        ("CREATE INDEX zz ON t (n, ^zz)", "42703"),
        ("CREATE INDEX ON t (n) INCLUDE (^zz)", "42703"),
    ] {
        let position = u32::try_from(marked.chars().position(|c| c == '^').unwrap() + 1).unwrap();
        let error = client.batch_execute(&marked.replace('^', "")).await.unwrap_err();
        let error = error.as_db_error().unwrap_or_else(|| panic!("{marked}: no error of the server"));
        let found = (error.code().code(), error.position());
        assert_eq!(found, (code, Some(&ErrorPosition::Original(position))), "{marked}: {}", error.message());
    }
    // A value that is too large or too long is found when it is stored, as in Postgres: no position.
    for text in ["INSERT INTO t VALUES (1, 99999999999)", "INSERT INTO t VALUES (1, 2, 'abcd')"] {
        let error = try_rows(&client, text).await.unwrap_err();
        assert_eq!(error.as_db_error().unwrap().position(), None, "{text}");
    }
}

#[tokio::test]
async fn cancelling_ends_the_statement_and_not_the_session() {
    let server = TestServer::start().await;
    let long = long_statement(&server).await;
    let client = server.client().await;
    let token = client.cancel_token();
    let mut statement = std::pin::pin!(try_rows(&client, long));
    // Until it runs a request is for nobody: ask until one is heard.
    let result = loop {
        let mut asking = std::pin::pin!(ask_to_cancel(&token, server.addr));
        tokio::select! {
            result = &mut statement => {
                // A request that is under way would end the next statement, as in Postgres.
                asking.await;
                break result;
            }
            () = &mut asking => {}
        }
    };
    assert_eq!(result.unwrap_err().code().unwrap().code(), "57014");
    run(&client, "SELECT 1").await;
}

/// Returns when the server has closed the connection of the request, that is when the request is done: libpq waits for it as
/// well, `CancelToken::cancel_query` does not.
async fn ask_to_cancel(token: &CancelToken, addr: SocketAddr) {
    let mut stream = TcpStream::connect(addr).await.unwrap();
    token.cancel_query_raw(&mut stream, NoTls).await.unwrap();
    assert_eq!(stream.read(&mut [0]).await.unwrap(), 0);
}

#[tokio::test]
async fn statement_timeout() {
    let server = TestServer::start().await;
    let long = long_statement(&server).await;
    let client = server.client().await;
    run(&client, "SET statement_timeout = '50ms'").await;
    let error = try_rows(&client, long).await.unwrap_err();
    assert_eq!(error.code().unwrap().code(), "57014");
    assert!(error.as_db_error().unwrap().message().contains("statement timeout"));
    run(&client, "SET statement_timeout = 0").await;
    run(&client, "SELECT 1").await;
}

#[tokio::test]
async fn too_many_connections() {
    let server = TestServer::start_with(|config| config.max_connections = 2).await;
    let (first, _second) = (server.client().await, server.client().await);
    let Err(error) = crate::server::connect(server.addr).await else {
        panic!("a connection more than there is room for")
    };
    assert_eq!(error.code().unwrap().code(), "53300");
    drop(first);
    // Its place is free once the server has seen it go.
    let third = async {
        loop {
            match crate::server::connect(server.addr).await {
                Ok(client) => return client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    };
    let third = tokio::time::timeout(Duration::from_secs(20), third).await.unwrap();
    run(&third, "SELECT 1").await;
}

#[tokio::test]
async fn shutdown_tells_idle_sessions() {
    let server = TestServer::start().await;
    let mut raw = super::raw::Raw::start(server.addr).await;
    server.stop().await;
    assert_eq!(raw.last_words().await.field(b'C').unwrap(), "57P01");
}
