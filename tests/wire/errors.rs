//! Errors carry SQLSTATE, position, hint; cancelling and timeouts.

use crate::server::{TestServer, run, try_rows};
use std::time::Duration;
use tokio_postgres::NoTls;
use tokio_postgres::error::ErrorPosition;

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
async fn cancelling_ends_the_statement_and_not_the_session() {
    let server = TestServer::start().await;
    let long = long_statement(&server).await;
    let client = server.client().await;
    let token = client.cancel_token();
    let mut statement = std::pin::pin!(try_rows(&client, long));
    // Until it runs a request is for nobody: ask until one is heard.
    let result = loop {
        tokio::select! {
            result = &mut statement => break result,
            asked = token.cancel_query(NoTls) => asked.unwrap(),
        }
    };
    assert_eq!(result.unwrap_err().code().unwrap().code(), "57014");
    run(&client, "SELECT 1").await;
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
