//! Implicit transactions: the statements of a simple query, or of a pipeline up to Sync, are one transaction.
//!
//! It begins with the first statement that writes, and ends with the text or at Sync, where its writes become one epoch. A statement
//! after which nothing can come (the last of its text, or one with Sync behind it) needs none: it is an epoch by itself, evaluated
//! again as long as others are quicker. So lookups, and an INSERT sent on its own, do not pay for this.
//!
//! Nobody locks anything, so the commit may find that rows have changed (40001) where Postgres would have waited. As long as nothing of the
//! answers was sent, the statements are then run again, and the client sees the answers of the run that was committed.

use super::cancel::Limits;
use super::engine::Transaction;
use super::session::{Session, SessionError, Started};
use super::statement::{Body, Plan, PortalState, writes};
use super::value::{Formats, Parameters};
use super::wire::backend;
use super::wire::frontend::{self, Frame};
use attune_sql::SqlError;
use attune_sql::statement::Statement;
use std::ops::Range;
use std::sync::Arc;

/// The statements of an implicit transaction that were run so far.
pub(super) struct Again {
    runs: Vec<Run>,
    /// Bytes of their parameters.
    bytes: usize,
    /// [`super::wire::Connection::flushes`] at the beginning.
    flushes: u64,
}

/// A statement that was run.
struct Run {
    plan: Arc<Plan>,
    parameters: Parameters,
    /// Of the extended protocol; `None` is an answer of the simple protocol.
    formats: Option<Formats>,
    /// Where its answer stands in the output.
    answer: Range<usize>,
}

impl Session {
    /// Begins an implicit transaction before a statement that writes, unless it is the last.
    pub(super) fn begin_implicit(&mut self, statement: &Statement) {
        if matches!(self.transaction, Transaction::None) && writes(statement) && !self.is_last() {
            self.transaction = Transaction::implicit();
            self.again = Some(Again { runs: Vec::new(), bytes: 0, flushes: self.connection.flushes });
        }
    }

    fn is_last(&self) -> bool {
        match self.following {
            Some(statements) => statements == 0,
            None => self.connection.sync_follows() == Some(true),
        }
    }

    /// Whether a message cannot be handled before it is known which comes next. Waiting for that does no harm: until Sync or Flush
    /// the client expects no answer.
    pub(super) fn depends_on_next(&self, frame: &Frame) -> bool {
        frame.tag == b'E'
            && !self.skipping
            && matches!(self.transaction, Transaction::None)
            && self.connection.sync_follows().is_none()
            && self.begins_write(frame)
    }

    /// Whether an Execute starts a statement that writes. COPY is none here: its client waits to be asked for the data.
    fn begins_write(&self, frame: &Frame) -> bool {
        let portal = frontend::execute(&frame.body).ok().and_then(|(name, _)| self.portals.get(name));
        let Some(portal) = portal.filter(|portal| matches!(portal.state, PortalState::Ready)) else { return false };
        match &portal.statement.body {
            Body::Planned(plan) => writes(&plan.prepared.parsed.statement),
            Body::Session(parsed) => match &parsed.statement {
                Statement::Execute { name, .. } => match self.statements.get(name.as_str()).map(|s| &s.body) {
                    Some(Body::Planned(plan)) => writes(&plan.prepared.parsed.statement),
                    _ => false,
                },
                _ => false,
            },
        }
    }

    /// Runs a statement and sends all of its answer; without `formats` as the simple protocol does.
    pub(super) async fn answer(
        &mut self,
        plan: &Arc<Plan>,
        parameters: Parameters,
        formats: Option<Formats>,
        limits: &Limits,
    ) -> Result<(), SessionError> {
        let begun = self.connection.output.len();
        let started = self.start(plan, &parameters, limits).await?;
        match (started, &formats) {
            (started, None) => self.send_simple(started, limits).await?,
            (Started::Command(tag), Some(_)) => backend::command_complete(&mut self.connection.output, &tag),
            (Started::Rows(mut rows), Some(formats)) => {
                let (sent, _) = rows.send(&mut self.connection, formats, None, limits).await?;
                backend::command_complete(&mut self.connection.output, &rows.tag(sent));
            }
        }
        self.note(begun, plan, &parameters, formats);
        Ok(())
    }

    /// Remembers a statement with its answer, which began at `begun` in the output.
    pub(super) fn note(&mut self, begun: usize, plan: &Arc<Plan>, parameters: &Parameters, formats: Option<Formats>) {
        let Some(again) = &mut self.again else { return };
        let repeats = match &plan.prepared.parsed.statement {
            Statement::Query(_) => true,
            statement => writes(statement),
        };
        again.bytes += parameters.bytes();
        if again.flushes != self.connection.flushes
            || again.bytes > self.shared.engine.config.transaction_max_bytes
            || !matches!(self.transaction, Transaction::Implicit { whole: true, .. })
        {
            self.again = None;
        } else if repeats {
            let answer = begun..self.connection.output.len();
            again.runs.push(Run { plan: plan.clone(), parameters: parameters.clone(), formats, answer });
        }
    }

    /// Commits the implicit transaction, if there is one, and tells the client when that fails.
    pub(super) async fn end_implicit(&mut self) -> Result<(), SessionError> {
        let engine = self.shared.engine.clone();
        let mut lost = 0;
        let mut alone = None;
        loop {
            let whole = matches!(self.transaction, Transaction::Implicit { whole: true, .. });
            let again = self.again.take().filter(|again| whole && again.flushes == self.connection.flushes);
            // Without limits: once it has begun, nobody could say whether it took place.
            let tables = self.transaction.tables();
            let ended = engine.end_implicit(&mut self.transaction, alone.as_ref()).await;
            let Err(error) = ended else { return Ok(()) };
            let repeated = match again {
                Some(again) if error.is_retryable() && lost < engine.config.dml_retries && self.is_current(&again) => {
                    lost += 1;
                    // Not two turns at once.
                    drop(alone.take());
                    alone = engine.turn(lost, tables).await;
                    self.run_again(again).await
                }
                _ => Err(error.into()),
            };
            match repeated {
                Ok(()) => {}
                Err(SessionError::Sql(error)) => {
                    self.failed(&error);
                    return Ok(());
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Whether the plans are still those of the catalog.
    fn is_current(&self, again: &Again) -> bool {
        let version = self.shared.engine.coordinator.catalog_version();
        again.runs.iter().all(|run| run.plan.prepared.catalog_version == version)
    }

    /// Runs the statements once more and puts their answers in place of the old ones.
    async fn run_again(&mut self, again: Again) -> Result<(), SessionError> {
        let old = std::mem::take(&mut self.connection.output);
        self.transaction = Transaction::implicit();
        self.again = Some(Again { runs: Vec::new(), bytes: 0, flushes: self.connection.flushes });
        let mut copied = 0;
        for Run { plan, parameters, formats, answer } in again.runs {
            let between = old.get(copied..answer.start);
            let between = between.ok_or_else(|| SqlError::internal("answers are not where they were written"))?;
            self.connection.output.extend_from_slice(between);
            copied = answer.end;
            let limits = self.limits();
            self.answer(&plan, parameters, formats, &limits).await?;
        }
        self.connection.output.extend_from_slice(old.get(copied..).unwrap_or_default());
        Ok(())
    }
}
