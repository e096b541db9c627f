//! Connecting, the schema, and the products: what any application would do with its own driver.

use super::sample::Sample;
use bytes::Bytes;
use futures::SinkExt;
use std::net::SocketAddr;
use std::pin::pin;
use tokio_postgres::{Client, NoTls, Statement};

static SCHEMA: &str = include_str!("demo.sql");

/// An open connection.
pub(super) async fn connect(addr: SocketAddr) -> Result<Client, String> {
    let mut config = tokio_postgres::Config::new();
    // A server on all interfaces is reached through this machine's own.
    let ip = match addr.ip() {
        ip if !ip.is_unspecified() => ip,
        std::net::IpAddr::V4(_) => std::net::Ipv4Addr::LOCALHOST.into(),
        std::net::IpAddr::V6(_) => std::net::Ipv6Addr::LOCALHOST.into(),
    };
    config.host(ip.to_string()).port(addr.port()).user("attune").dbname("attune").application_name("attune demo");
    let (client, connection) = config.connect(NoTls).await.map_err(|error| describe("connecting", &error))?;
    tokio::spawn(async move {
        // What went wrong is reported by the call that needed the connection.
        if let Err(error) = connection.await {
            tracing::debug!(%error, "a connection of the demo ended");
        }
    });
    Ok(client)
}

/// Creates everything in `demo.sql`; returns the number of views.
pub(super) async fn create_schema(client: &Client) -> Result<usize, String> {
    let statements = schema();
    for statement in &statements {
        client.batch_execute(statement).await.map_err(|error| {
            let taken = error.code().is_some_and(|code| code.code() == "42P07");
            if taken {
                "the data directory holds a demo already; the demo starts from an empty one: remove it, or name another with --data"
                    .to_owned()
            } else {
                describe(statement.lines().next().unwrap_or(statement), &error)
            }
        })?;
    }
    Ok(statements.iter().filter(|statement| statement.starts_with("CREATE MATERIALIZED VIEW")).count())
}

/// Loads the products; returns their number.
pub(super) async fn load_products(client: &Client, sample: &Sample) -> Result<u64, String> {
    let statement = prepare(client, "COPY products FROM STDIN WITH (FORMAT csv, HEADER true)").await?;
    copy(client, &statement, sample.products()).await
}

/// Prepares a statement.
pub(super) async fn prepare(client: &Client, sql: &str) -> Result<Statement, String> {
    client.prepare(sql).await.map_err(|error| describe(sql, &error))
}

/// Sends `text` to a prepared COPY FROM STDIN; when it returns, all rows are acknowledged. Returns their number.
pub(super) async fn copy(client: &Client, statement: &Statement, text: Bytes) -> Result<u64, String> {
    let failed = |error: &tokio_postgres::Error| describe("COPY", error);
    let sink = client.copy_in::<_, Bytes>(statement).await.map_err(|error| failed(&error))?;
    let mut sink = pin!(sink);
    sink.send(text).await.map_err(|error| failed(&error))?;
    sink.finish().await.map_err(|error| failed(&error))
}

/// What the server answered, on one line.
pub(super) fn describe(what: &str, error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(answer) => {
            let hint = answer.hint().map(|hint| format!("; {hint}")).unwrap_or_default();
            format!("{what}: {} ({}){hint}", answer.message(), answer.code().code())
        }
        None => format!("{what}: {error}"),
    }
}

/// The statements of `demo.sql`.
pub(crate) fn schema() -> Vec<String> {
    statements(SCHEMA)
}

/// The statements of a script. The script has comments to the end of the line, and no semicolon or `--` inside quotes.
fn statements(script: &str) -> Vec<String> {
    let code: Vec<&str> = script.lines().map(|line| line.split_once("--").map_or(line, |(code, _)| code)).collect();
    code.join("\n")
        .split(';')
        .map(|statement| statement.trim().to_owned())
        .filter(|statement| !statement.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_script_is_split_into_its_statements() {
        let statements = statements(SCHEMA);
        assert_eq!(statements.len(), 12);
        assert!(statements.iter().all(|statement| statement.starts_with("CREATE ")));
        assert!(statements.iter().all(|statement| !statement.contains("--")));
    }
}
