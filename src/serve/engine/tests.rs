//! Tests of the engine with a real coordinator, without the wire. `check` scripts show statements and what they gave.

mod catalogs;
mod joins;
mod rankings;
mod statements;

use super::{Engine, Outcome, OutputColumn, Settings, Transaction, errors};
use crate::config::Config;
use crate::coordinator::Coordinator;
use crate::serve::value;
use attune_sql::SqlError;
use attune_sql::statement::parse;
use attune_storage::codec::Value;
use bytes::BytesMut;
use datafusion::arrow::array::RecordBatch;
use datafusion::scalar::ScalarValue;
use futures::StreamExt;
use std::sync::Arc;

/// A server without a wire, and one session.
struct Session {
    engine: Arc<Engine>,
    transaction: Transaction,
    settings: Settings,
    /// Removed last.
    _dir: Arc<tempfile::TempDir>,
}

impl Session {
    fn start() -> Session {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let config = Arc::new(Config { data: dir.path().join("data"), ..Config::default() });
        let coordinator = Coordinator::start(config.clone()).expect("a fresh directory opens");
        let engine = Arc::new(Engine::new(coordinator, config).expect("threads start"));
        Session { engine, transaction: Transaction::None, settings: Settings::default(), _dir: Arc::new(dir) }
    }

    fn other(&self) -> Session {
        let (engine, dir) = (self.engine.clone(), self._dir.clone());
        Session { engine, transaction: Transaction::None, settings: Settings::default(), _dir: dir }
    }

    /// Runs statements; gives rows, tags, notices and errors as lines.
    async fn run(&mut self, sql: &str) -> String {
        self.run_with(sql, &[]).await
    }

    async fn run_with(&mut self, sql: &str, parameters: &[ScalarValue]) -> String {
        let mut lines = Vec::new();
        if let Err(error) = self.try_run(sql, parameters, &mut lines).await {
            if self.transaction.is_open() {
                self.transaction = Transaction::Failed;
            }
            lines.push(format!("ERROR {}: {}", error.state.code(), error.message));
            lines.extend(error.detail.map(|d| format!("DETAIL: {d}")));
        }
        lines.join("\n")
    }

    async fn try_run(
        &mut self,
        sql: &str,
        parameters: &[ScalarValue],
        lines: &mut Vec<String>,
    ) -> Result<(), SqlError> {
        for parsed in parse(sql)? {
            let prepared = self.engine.prepare(parsed, &[], &self.settings)?;
            let outcome =
                self.engine.execute(&prepared, parameters.to_vec(), &mut self.transaction, &mut self.settings).await?;
            match outcome {
                Outcome::Command { tag, notices } => {
                    lines.extend(notices.into_iter().map(|n| format!("NOTICE: {n}")));
                    lines.push(tag);
                }
                Outcome::Rows { columns, mut stream, .. } => {
                    assert_eq!(Some(&columns), prepared.columns.as_ref(), "as announced: {sql}");
                    while let Some(batch) = stream.next().await {
                        let batch = batch.map_err(errors::datafusion)?;
                        lines.extend(shown(&batch, &columns));
                    }
                }
            }
        }
        Ok(())
    }

    /// Runs `sql` and compares, whatever the order of the rows.
    async fn check_set(&mut self, sql: &str, expected: &str) {
        let found = self.run(sql).await;
        let sorted = |text: &str| {
            let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&found), sorted(expected), "\n{sql}\n");
    }

    /// Runs `sql` and compares.
    async fn check(&mut self, sql: &str, expected: &str) {
        let found = self.run(sql).await;
        assert_eq!(found, expected, "\n{sql}\n");
    }
}

/// The rows of a batch as lines.
fn shown(batch: &RecordBatch, columns: &[OutputColumn]) -> Vec<String> {
    let row = |row: usize| {
        let cells = columns.iter().zip(batch.columns()).map(|(c, array)| {
            assert_eq!(*array.data_type(), c.sql_type.to_arrow(), "type of {}", c.name);
            match Value::from_array(array.as_ref(), row).expect("a type that can be stored") {
                None => "NULL".to_owned(),
                Some(v) => {
                    let mut text = BytesMut::new();
                    value::write_text(&mut text, v, c.sql_type);
                    String::from_utf8_lossy(&text).into_owned()
                }
            }
        });
        cells.collect::<Vec<_>>().join("|")
    };
    (0..batch.num_rows()).map(row).collect()
}
