//! A server inside the test process, on a free port and a fresh data directory.

use attune::config::Config;
use attune::server::Server;
use std::net::SocketAddr;
use tokio_postgres::{Client, NoTls};

/// A running server. The directory goes when this does.
pub struct TestServer {
    pub addr: SocketAddr,
    pub dir: tempfile::TempDir,
    server: Server,
}

/// A configuration for tests: small caches, any free port.
pub fn config(dir: &tempfile::TempDir) -> Config {
    Config {
        data: dir.path().join("data"),
        listen: SocketAddr::from(([127, 0, 0, 1], 0)),
        block_cache_bytes: 32 << 20,
        row_cache_bytes: 8 << 20,
        state_cache_bytes: 8 << 20,
        memtable_bytes: 32 << 20,
        ..Config::default()
    }
}

impl TestServer {
    pub async fn start() -> TestServer {
        TestServer::start_with(|_| {}).await
    }

    pub async fn start_with(change: impl FnOnce(&mut Config)) -> TestServer {
        let dir = tempfile::tempdir().unwrap();
        let mut config = config(&dir);
        change(&mut config);
        let server = Server::start(config).await.unwrap();
        TestServer { addr: server.addr, dir, server }
    }

    pub async fn client(&self) -> Client {
        connect(self.addr).await.unwrap()
    }

    /// Stops it and starts another on the same directory.
    pub async fn restart(self) -> TestServer {
        let TestServer { dir, server, .. } = self;
        server.stop().await;
        let server = Server::start(config(&dir)).await.unwrap();
        TestServer { addr: server.addr, dir, server }
    }

    pub async fn stop(self) {
        self.server.stop().await;
    }
}

pub async fn connect(addr: SocketAddr) -> Result<Client, tokio_postgres::Error> {
    let text = format!("host={} port={} user=attune dbname=attune connect_timeout=10", addr.ip(), addr.port());
    let (client, connection) = tokio_postgres::connect(&text, NoTls).await?;
    tokio::spawn(async move {
        let _ = connection.await;
    });
    Ok(client)
}

/// All rows of a query as text; NULL is `None`.
pub async fn rows(client: &Client, sql: &str) -> Vec<Vec<Option<String>>> {
    try_rows(client, sql).await.unwrap_or_else(|e| panic!("{sql}: {}", describe(&e)))
}

pub async fn try_rows(client: &Client, sql: &str) -> Result<Vec<Vec<Option<String>>>, tokio_postgres::Error> {
    let messages = client.simple_query(sql).await?;
    Ok(messages
        .iter()
        .filter_map(|m| match m {
            tokio_postgres::SimpleQueryMessage::Row(row) => {
                Some((0..row.len()).map(|i| row.get(i).map(str::to_string)).collect())
            }
            _ => None,
        })
        .collect())
}

/// Runs statements, with the statement in the panic message when one fails.
pub async fn run(client: &Client, sql: &str) {
    if let Err(error) = client.batch_execute(sql).await {
        panic!("{sql}: {}", describe(&error));
    }
}

pub fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(db) => format!("{} {}: {} (hint: {:?})", db.severity(), db.code().code(), db.message(), db.hint()),
        None => error.to_string(),
    }
}
