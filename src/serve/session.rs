//! A session: the state of one connection and its message loop.

use super::cancel::{Cancels, Limits, Registered, statement_timeout};
use super::engine::{Engine, Outcome, Settings, Transaction};
use super::implicit::Again;
use super::lookup::StatementCache;
use super::loops::Seat;
use super::rows::Rows;
use super::statement::{Plan, Portals, PreparedStatement};
use super::value::Parameters;
use super::wire::frontend::Frame;
use super::wire::{Connection, ConnectionError, Severity, backend, write_error, write_notice};
use attune_sql::statement::Statement;
use attune_sql::{SqlError, SqlState};
use attune_storage::yields;
use hashbrown::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use tokio::sync::watch;

/// What all sessions share.
pub(super) struct Shared {
    pub(super) engine: Arc<Engine>,
    pub(super) cancels: Arc<Cancels>,
    /// Lookups of simple queries.
    pub(super) cache: StatementCache,
}

/// The state of one connection after startup.
pub(super) struct Session {
    pub(super) shared: Arc<Shared>,
    pub(super) connection: Connection,
    /// The thread it lives on.
    pub(super) seat: Seat,
    pub(super) settings: Settings,
    pub(super) transaction: Transaction,
    pub(super) statements: HashMap<String, PreparedStatement>,
    pub(super) portals: Portals,
    pub(super) cancel: Registered,
    /// After an error in the extended protocol: everything is ignored until Sync.
    pub(super) skipping: bool,
    /// In a simple query: the number of statements after the one that runs.
    pub(super) following: Option<usize>,
    /// How the implicit transaction can be run again.
    pub(super) again: Option<Again>,
}

/// Why a message could not be answered.
pub(super) enum SessionError {
    /// The statement failed: the client is told and the session goes on.
    Sql(SqlError),
    /// The session is over.
    Connection(ConnectionError),
}

impl From<SqlError> for SessionError {
    fn from(error: SqlError) -> SessionError {
        SessionError::Sql(error)
    }
}

impl From<ConnectionError> for SessionError {
    fn from(error: ConnectionError) -> SessionError {
        SessionError::Connection(error)
    }
}

/// Why a session does not wait for messages any more.
enum End {
    /// The client has left.
    Left,
    /// It goes on elsewhere.
    Moved,
}

/// What a statement of the engine gives.
pub(super) enum Started {
    Rows(Rows),
    Command(String),
}

/// Settings that clients are told of when they change (`GUC_REPORT` of Postgres), by their lower-case names.
const REPORTED: [(&str, &str); 5] = [
    ("application_name", "application_name"),
    ("client_encoding", "client_encoding"),
    ("datestyle", "DateStyle"),
    ("intervalstyle", "IntervalStyle"),
    ("timezone", "TimeZone"),
];

impl Session {
    /// Answers messages until the client leaves, breaks the protocol, or the server shuts down; or until the session has a seat
    /// on another thread: then it is given back, to be run there.
    pub(super) async fn run(mut self, shutdown: &watch::Receiver<bool>) -> Option<Session> {
        let mut until = shutdown.clone();
        // One for all messages: it is registered once, not with each.
        let stopped = pin!(stopped(&mut until));
        match self.messages(shutdown, stopped).await {
            Ok(End::Moved) => return Some(self),
            Ok(End::Left) => {}
            Err(SessionError::Sql(error) | SessionError::Connection(ConnectionError::Protocol(error))) => {
                self.connection.end_with(&error).await;
            }
            Err(SessionError::Connection(ConnectionError::Io(error))) => {
                tracing::debug!(%error, "connection ended");
            }
        }
        None
    }

    async fn messages(
        &mut self,
        shutdown: &watch::Receiver<bool>,
        mut stopped: Pin<&mut impl Future<Output = ()>>,
    ) -> Result<End, SessionError> {
        loop {
            let Some(frame) = self.connection.buffered()? else {
                if let Some(seat) = self.seat.next()
                    && self.take_seat(seat)
                {
                    return Ok(End::Moved);
                }
                if !self.fill(stopped.as_mut()).await? {
                    return Ok(End::Left);
                }
                continue;
            };
            while self.depends_on_next(&frame) {
                if !self.fill(stopped.as_mut()).await? {
                    return Ok(End::Left);
                }
            }
            match frame.tag {
                b'X' => return Ok(End::Left),
                b'S' => self.sync().await?,
                b'Q' if !self.skipping => self.simple_query(&frame).await?,
                b'F' if !self.skipping => self.function_call().await?,
                // The end of a COPY that has failed here already.
                b'd' | b'c' | b'f' => {}
                b'p' => {
                    let message = "unexpected password message: no authentication is asked for";
                    return Err(SqlError::new(SqlState::ProtocolViolation, message).into());
                }
                _ if self.skipping => {}
                _ => self.extended(&frame).await?,
            }
            self.connection.flush_if_full().await?;
            if matches!(frame.tag, b'Q' | b'S') && *shutdown.borrow() {
                return Err(shutting_down().into());
            }
        }
    }

    /// Moves to another thread; false when that does not go: then it stays where it is.
    fn take_seat(&mut self, seat: Seat) -> bool {
        match self.connection.move_to(&seat) {
            Ok(()) => self.seat = seat,
            Err(error) => {
                tracing::debug!(%error, "a connection stays on its thread");
                return false;
            }
        }
        true
    }

    /// Waits for more of what the client sends; false at its end. `stopped` is over when the server stops.
    async fn fill(&mut self, stopped: Pin<&mut impl Future<Output = ()>>) -> Result<bool, SessionError> {
        self.connection.flush_due().await?;
        yields::answered();
        tokio::select! {
            biased;
            more = self.connection.fill() => Ok(more?),
            () = stopped => Err(shutting_down().into()),
        }
    }

    /// One message of the extended protocol; an error makes the session skip to the next Sync.
    async fn extended(&mut self, frame: &Frame) -> Result<(), SessionError> {
        match self.extended_message(frame).await {
            Err(SessionError::Sql(error)) => {
                self.failed(&error);
                self.skipping = true;
                // At once: a client in the middle of COPY sends on until it hears of it.
                Ok(self.connection.flush().await?)
            }
            other => other,
        }
    }

    async fn sync(&mut self) -> Result<(), SessionError> {
        self.skipping = false;
        self.end_implicit().await?;
        self.ready().await
    }

    async fn function_call(&mut self) -> Result<(), SessionError> {
        let error = SqlError::unsupported("function calls by message are not supported", "Use SELECT function(...).");
        self.failed(&error);
        self.ready().await
    }

    /// ReadyForQuery, and everything is sent (see [`super::wire::Connection::flush_soon`]).
    pub(super) async fn ready(&mut self) -> Result<(), SessionError> {
        let status = match self.transaction {
            // An implicit one ends before this.
            Transaction::None | Transaction::Implicit { .. } => {
                // Portals live as long as their transaction.
                self.portals.clear();
                b'I'
            }
            Transaction::Open { .. } => b'T',
            Transaction::Failed => b'E',
        };
        backend::ready_for_query(&mut self.connection.output, status);
        Ok(self.connection.flush_soon().await?)
    }

    /// Tells the client of an error; the transaction has failed with it.
    pub(super) fn failed(&mut self, error: &SqlError) {
        write_error(&mut self.connection.output, Severity::Error, error);
        match self.transaction {
            Transaction::Open { .. } => {
                self.transaction = Transaction::Failed;
                self.portals.clear();
            }
            Transaction::Implicit { .. } => self.transaction = Transaction::None,
            Transaction::None | Transaction::Failed => {}
        }
    }

    /// What may end the next statement early.
    pub(super) fn limits(&self) -> Limits {
        self.cancel.start(statement_timeout(&self.settings, self.shared.engine.config.statement_timeout_ms))
    }

    /// In a failed transaction block only its end is taken.
    pub(super) fn check_not_failed(&self, statement: &Statement) -> Result<(), SqlError> {
        match (&self.transaction, statement) {
            (Transaction::Failed, Statement::Commit | Statement::Rollback | Statement::Empty) => Ok(()),
            (Transaction::Failed, _) => Err(SqlError::new(
                SqlState::InFailedTransaction,
                "current transaction is aborted, commands ignored until end of transaction block",
            )),
            _ => Ok(()),
        }
    }

    /// Runs a statement of the engine, or a lookup. Notices are written; rows and tag are the caller's.
    pub(super) async fn start(
        &mut self,
        plan: &Arc<Plan>,
        parameters: &Parameters,
        limits: &Limits,
    ) -> Result<Started, SessionError> {
        let statement = &plan.prepared.parsed.statement;
        self.check_not_failed(statement)?;
        if plan.lookup.is_none() {
            // It may take its time. Before the implicit transaction begins: what that answers can be taken back until it is sent.
            self.connection.flush_due().await?;
        }
        self.begin_implicit(statement);
        // What the block has written is not in storage yet: the engine decides how such reads are answered.
        let unwritten = self.transaction.has_writes();
        if let Some(lookup) = plan.lookup.as_ref().filter(|_| !unwritten) {
            let rows = lookup.run(parameters)?;
            self.shared.engine.check_read(&plan.prepared)?;
            return Ok(Started::Rows(Rows::of_lookup(plan.clone(), rows)));
        }
        if let Some(ranking) = plan.ranking.as_ref().filter(|_| !unwritten) {
            let ranked = ranking.run(parameters);
            // After a schema change the general path says whether what was read still exists.
            if self.shared.engine.coordinator.catalog_version() == plan.prepared.catalog_version
                && let Some(batch) = ranked?
            {
                return Ok(Started::Rows(Rows::of_batch(plan.columns().to_vec(), batch)));
            }
        }
        let scalars = parameters.scalars(&plan.prepared.parameters)?;
        let engine = self.shared.engine.clone();
        let work = engine.execute(&plan.prepared, scalars, &mut self.transaction, &mut self.settings);
        let outcome = match statement {
            // Once it has begun nobody could say whether it took place.
            Statement::Commit => work.await?,
            _ => limits.run(work).await?,
        };
        Ok(match outcome {
            Outcome::Rows { columns, stream, tag } => Started::Rows(Rows::of_batches(columns, stream, tag)),
            Outcome::Command { tag, notices } => {
                notices.iter().for_each(|notice| write_notice(&mut self.connection.output, notice));
                self.after_command(statement, &tag);
                Started::Command(tag)
            }
        })
    }

    fn after_command(&mut self, statement: &Statement, tag: &str) {
        let set = match statement {
            Statement::Set { name, .. } => Some(name.as_str()),
            Statement::Discard { .. } => None,
            _ => return,
        };
        if tag == "DISCARD ALL" {
            self.statements.clear();
            self.portals.clear();
        }
        for (name, shown) in REPORTED {
            if set.is_none_or(|set| set == name)
                && let Some(value) = self.settings.get(name)
            {
                backend::parameter_status(&mut self.connection.output, shown, &value);
            }
        }
    }
}

/// Returns when the server stops.
pub(super) async fn stopped(shutdown: &mut watch::Receiver<bool>) {
    // The sender is gone only when the server is.
    let _ = shutdown.wait_for(|down| *down).await;
}

/// What idle sessions are told when the server stops.
pub(super) fn shutting_down() -> SqlError {
    SqlError::new(SqlState::AdminShutdown, "terminating connection due to administrator command")
}
