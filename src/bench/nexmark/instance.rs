//! A server without sockets: the coordinator and the engine as `crate::server` starts them, in a directory that is given.

use super::events::EpochEvents;
use crate::bench::BenchError;
use crate::config::Config;
use crate::coordinator::{Coordinator, RelationChange};
use crate::serve::engine::{Engine, Outcome, Settings, Transaction};
use arrow::array::RecordBatch;
use attune_sql::statement::parse;
use attune_sql::{SqlError, SqlState};
use futures::{StreamExt, TryStreamExt};
use std::sync::Arc;

/// Epochs handed over before the first one is acknowledged: the next one is always there when one is done.
const IN_FLIGHT: usize = 4;

/// A running server.
pub(super) struct Instance {
    engine: Engine,
    transaction: Transaction,
    settings: Settings,
}

impl Instance {
    /// Starts one in `config.data`, which must not exist.
    pub(super) fn start(config: Config) -> Result<Instance, BenchError> {
        let config = Arc::new(config);
        let start = || Engine::new(Coordinator::start(Arc::clone(&config))?, Arc::clone(&config));
        let engine = start().map_err(|error| statement_failed("starting", &error))?;
        Ok(Instance { engine, transaction: Transaction::None, settings: Settings::default() })
    }

    /// Runs statements one after another, and gives the rows of all.
    pub(super) async fn run(&mut self, sql: &str) -> Result<Vec<RecordBatch>, BenchError> {
        self.statements(sql).await.map_err(|error| statement_failed(sql, &error))
    }

    async fn statements(&mut self, sql: &str) -> Result<Vec<RecordBatch>, SqlError> {
        let mut batches = Vec::new();
        for parsed in parse(sql)? {
            let prepared = self.engine.prepare(parsed, &[], &self.settings)?;
            let outcome = self.engine.execute(&prepared, Vec::new(), &mut self.transaction, &mut self.settings).await?;
            if let Outcome::Rows { stream, .. } = outcome {
                let rows: Vec<RecordBatch> = stream.try_collect().await.map_err(|error| failed(&error))?;
                batches.extend(rows);
            }
        }
        Ok(batches)
    }

    /// Writes the events, an epoch each, and returns when the last one is acknowledged.
    pub(super) async fn feed(&self, epochs: &[EpochEvents]) -> Result<(), BenchError> {
        let catalog = self.engine.coordinator.catalog();
        let writes = epochs.iter().map(|epoch| async {
            let changes = epoch.streams.iter().map(|(stream, rows)| {
                let stream = catalog.relation(stream)?.id.0;
                Ok(RelationChange::Append { stream, rows: rows.clone() })
            });
            self.engine.coordinator.write(changes.collect::<Result<_, SqlError>>()?).await
        });
        let mut answers = futures::stream::iter(writes).buffered(IN_FLIGHT);
        while let Some(answer) = answers.next().await {
            answer.map_err(|error| statement_failed("writing events", &error))?;
        }
        Ok(())
    }

    /// Stops it.
    pub(super) async fn stop(self) {
        self.engine.coordinator.shutdown().await;
    }
}

fn statement_failed(what: &str, error: &SqlError) -> BenchError {
    let hint = error.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
    BenchError::Failed(format!("{what}: {}{hint}", error.message))
}

fn failed(error: &dyn std::error::Error) -> SqlError {
    SqlError::new(SqlState::InternalError, error.to_string())
}
