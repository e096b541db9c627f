//! The two systems side by side, and what they answer.

use super::postgres::Postgres;
use crate::process::Process;
use crate::server::{TestServer, connect};
use bytes::Bytes;
use futures::SinkExt;
use std::net::SocketAddr;
use std::time::Duration;
use tokio_postgres::{Client, SimpleQueryMessage};

/// Connections to each system.
pub const CONNECTIONS: usize = 3;

/// Statements are cancelled a good deal earlier: no answer by then, and the judge has found something that hangs.
const PATIENCE: Duration = Duration::from_secs(40);

pub type Row = Vec<Option<String>>;

/// What a statement gave.
#[derive(Clone, Debug, Default)]
pub struct Answer {
    pub names: Vec<String>,
    pub rows: Vec<Row>,
    /// Rows that were changed, by each statement.
    pub affected: Vec<u64>,
}

#[derive(Clone, Debug)]
pub enum Outcome {
    Answer(Answer),
    Error { code: String, message: String },
}

impl Outcome {
    pub fn from_error(error: &tokio_postgres::Error) -> Outcome {
        match error.as_db_error() {
            Some(db) => Outcome::Error { code: db.code().code().to_owned(), message: db.message().to_owned() },
            None => Outcome::Error { code: "08006".to_owned(), message: format!("no answer: {error}") },
        }
    }

    /// The SQLSTATE of an error.
    pub fn code(&self) -> Option<&str> {
        match self {
            Outcome::Answer(_) => None,
            Outcome::Error { code, .. } => Some(code),
        }
    }

    /// For people, shortened.
    pub fn show(&self) -> String {
        match self {
            Outcome::Error { code, message } => format!("ERROR {code}: {message}\n"),
            Outcome::Answer(answer) => {
                let line = |row: &Row| {
                    let cells: Vec<&str> = row.iter().map(|cell| cell.as_deref().unwrap_or("NULL")).collect();
                    format!("  {}\n", cells.join(" | "))
                };
                let mut rows: Vec<String> = answer.rows.iter().map(line).collect();
                rows.sort();
                let more = if rows.len() > 15 { "  ...\n" } else { "" };
                rows.truncate(15);
                let head = format!("{} rows, affected {:?}", answer.rows.len(), answer.affected);
                format!("{head}: {}\n{}{more}", answer.names.join(", "), rows.concat())
            }
        }
    }
}

/// Waits for an answer, but not for ever.
pub async fn patiently(outcome: impl Future<Output = Outcome>) -> Outcome {
    let message = || format!("no answer for {} seconds", PATIENCE.as_secs());
    let late = |_| Outcome::Error { code: "08006".to_owned(), message: message() };
    tokio::time::timeout(PATIENCE, outcome).await.unwrap_or_else(late)
}

/// Runs a text by the simple protocol.
pub async fn ask(client: &Client, sql: &str) -> Outcome {
    patiently(async {
        match client.simple_query(sql).await {
            Ok(messages) => answer(messages),
            Err(error) => Outcome::from_error(&error),
        }
    })
    .await
}

fn answer(messages: Vec<SimpleQueryMessage>) -> Outcome {
    let mut answer = Answer::default();
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                answer.names = columns.iter().map(|column| column.name().to_owned()).collect();
            }
            SimpleQueryMessage::Row(row) => {
                answer.rows.push((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect());
            }
            SimpleQueryMessage::CommandComplete(affected) => answer.affected.push(affected),
            _ => {}
        }
    }
    Outcome::Answer(answer)
}

/// COPY FROM STDIN.
pub async fn copy(client: &Client, statement: &str, data: &str) -> Outcome {
    let copied = async {
        let sink = client.copy_in::<_, Bytes>(statement).await?;
        let mut sink = std::pin::pin!(sink);
        sink.as_mut().send(Bytes::copy_from_slice(data.as_bytes())).await?;
        sink.finish().await
    };
    patiently(async {
        match copied.await {
            Ok(affected) => Outcome::Answer(Answer { affected: vec![affected], ..Answer::default() }),
            Err(error) => Outcome::from_error(&error),
        }
    })
    .await
}

/// Attune, inside the test or as a process that can be killed.
pub enum Attune {
    Inside(Box<TestServer>),
    Process(Process, tempfile::TempDir),
}

impl Attune {
    pub async fn start(process: bool) -> Attune {
        if process {
            let directory = tempfile::tempdir().unwrap();
            let server = Process::start(&directory.path().join("data"), None).unwrap();
            return Attune::Process(server, directory);
        }
        Attune::Inside(Box::new(TestServer::start_with(|config| config.synchronous_commit = false).await))
    }

    fn addr(&self) -> SocketAddr {
        match self {
            Attune::Inside(server) => server.addr,
            Attune::Process(server, _) => server.addr,
        }
    }

    /// Killed if it is a process, else stopped in order; and started again on the same data.
    pub async fn restart(self) -> Attune {
        match self {
            Attune::Inside(server) => Attune::Inside(Box::new(server.restart().await)),
            Attune::Process(server, directory) => {
                server.kill();
                let server = Process::start(&directory.path().join("data"), None);
                Attune::Process(server.unwrap_or_else(|e| panic!("it does not start again: {e}")), directory)
            }
        }
    }

    pub async fn stop(self) {
        if let Attune::Inside(server) = self {
            server.stop().await;
        }
    }

    pub async fn clients(&self) -> Vec<Client> {
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            let client = connect(self.addr()).await.unwrap();
            client.batch_execute("SET statement_timeout = '10s'").await.unwrap();
            clients.push(client);
        }
        clients
    }
}

/// A database in PostgreSQL for one round.
pub struct Database {
    name: String,
    pub clients: Vec<Client>,
}

impl Database {
    pub async fn create(postgres: &Postgres, name: String) -> Database {
        let admin = postgres.connect("postgres").await;
        // By files: otherwise it goes through the log.
        let sql = format!("CREATE DATABASE {name} TEMPLATE template0 STRATEGY file_copy");
        admin.batch_execute(&sql).await.unwrap();
        let mut clients = Vec::new();
        for _ in 0..CONNECTIONS {
            clients.push(postgres.connect(&name).await);
        }
        Database { name, clients }
    }

    pub async fn remove(self, postgres: &Postgres) {
        drop(self.clients);
        let admin = postgres.connect("postgres").await;
        admin.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name)).await.unwrap();
    }
}
