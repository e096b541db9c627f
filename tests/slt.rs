//! Runs the sqllogictest files in `tests/slt`, each on a server of its own.

use crate::server::{TestServer, describe};
use sqllogictest::{DBOutput, DefaultColumnType, Runner};
use std::path::PathBuf;
use tokio_postgres::{Client, SimpleQueryMessage};

struct Database {
    client: Client,
}

/// A server error as sqllogictest matches it: `ERROR code: message`.
#[derive(Debug)]
struct Refused {
    text: String,
    state: Option<String>,
}

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl std::error::Error for Refused {}

#[async_trait::async_trait]
impl sqllogictest::AsyncDB for Database {
    type Error = Refused;
    type ColumnType = DefaultColumnType;

    async fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Refused> {
        let messages = self
            .client
            .simple_query(sql)
            .await
            .map_err(|e| Refused { text: describe(&e), state: e.code().map(|c| c.code().to_string()) })?;
        let (mut rows, mut columns, mut count) = (Vec::new(), None, 0);
        for message in messages {
            match message {
                SimpleQueryMessage::RowDescription(description) => columns = Some(description.len()),
                SimpleQueryMessage::Row(row) => rows.push((0..row.len()).map(|i| cell(row.get(i))).collect()),
                SimpleQueryMessage::CommandComplete(n) => count = n,
                _ => {}
            }
        }
        Ok(match columns {
            Some(n) => DBOutput::Rows { types: vec![DefaultColumnType::Any; n], rows },
            None => DBOutput::StatementComplete(count),
        })
    }

    async fn shutdown(&mut self) {}

    fn engine_name(&self) -> &str {
        "attune"
    }

    fn error_sql_state(error: &Refused) -> Option<String> {
        error.state.clone()
    }
}

fn cell(value: Option<&str>) -> String {
    match value {
        None => "NULL".into(),
        Some("") => "(empty)".into(),
        Some(text) => text.into(),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn sqllogictest_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/slt");
    let mut files: Vec<PathBuf> = std::fs::read_dir(&folder).unwrap().map(|e| e.unwrap().path()).collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "slt"));
    files.sort();
    assert!(!files.is_empty(), "no .slt files in {}", folder.display());
    let mut failures = Vec::new();
    for file in files {
        let server = TestServer::start().await;
        let addr = server.addr;
        let mut runner = Runner::new(move || async move {
            crate::server::connect(addr)
                .await
                .map(|client| Database { client })
                .map_err(|e| Refused { text: e.to_string(), state: None })
        });
        if let Err(error) = runner.run_file_async(&file).await {
            failures.push(format!("{}", error.display(false)));
        }
        drop(runner);
        server.stop().await;
    }
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}
