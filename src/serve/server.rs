//! The listener: one task per connection. Sessions are bounded by `max_connections`, connections that are no sessions yet by
//! `max_starting_connections`.

use super::cancel::Cancels;
use super::engine::Engine;
use super::lookup::StatementCache;
use super::loops::{Loops, Seat};
use super::session::{Session, Shared, shutting_down, stopped};
use super::starting::{Place, Starting};
use super::startup::{Startup, begin, negotiate};
use super::wire::{Connection, ConnectionError};
use attune_sql::{SqlError, SqlState};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// How long running statements may take to finish after shutdown is asked for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Pause after a failure to accept (out of file descriptors), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listening socket cannot be used any more.
    #[error("cannot accept connections: {0}")]
    Listener(#[from] io::Error),
    /// A thread for connections does not start.
    #[error("cannot start threads: {0}")]
    Threads(io::Error),
}

/// Serves Postgres clients on `listener` until `shutdown` completes: then no connection is taken any more, idle sessions
/// are told 57P01, and running statements have a few seconds to finish.
///
/// # Errors
/// When the listening socket has no address any more.
pub async fn serve(
    listener: TcpListener,
    engine: Arc<Engine>,
    shutdown: impl Future<Output = ()>,
) -> Result<(), ServeError> {
    listener.local_addr()?;
    let config = engine.config.clone();
    let cache = StatementCache::new(config.statement_cache_entries);
    let shared = Arc::new(Shared { engine, cancels: Arc::default(), cache });
    let long = Duration::from_micros(config.serve_turn_us);
    let loops = Loops::start(config.serve_threads, long).map_err(ServeError::Threads)?;
    let room = Arc::new(Semaphore::new(config.max_connections));
    let starting = Starting::new(config.max_starting_connections);
    let (stop, stopping) = watch::channel(false);
    let mut sessions = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = sessions.join_next() => {
                if let Some(moving) = still_there(ended) {
                    moving.go_on(&mut sessions);
                }
                continue;
            }
            accepted = accept(&listener) => match accepted {
                Ok(stream) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let (place, seat) = (starting.enter(), loops.seat());
        let runtime = seat.runtime().clone();
        sessions.spawn_on(connection(stream, seat, shared.clone(), room.clone(), place, stopping.clone()), &runtime);
    }
    drop(listener);
    // Sessions hold receivers; without any there is nobody to tell.
    let _ = stop.send(true);
    let ended = async {
        while let Some(ended) = sessions.join_next().await {
            // It will see that the server stops.
            if let Some(moving) = still_there(ended) {
                moving.go_on(&mut sessions);
            }
        }
    };
    if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
        tracing::warn!("statements still running at shutdown are dropped");
        sessions.shutdown().await;
    }
    Ok(())
}

async fn accept(listener: &TcpListener) -> io::Result<std::net::TcpStream> {
    listener.accept().await?.0.into_std()
}

/// A session on its way from one thread to another.
struct Moving {
    session: Session,
    stopping: watch::Receiver<bool>,
    /// Keeps the place among `max_connections`.
    _permit: OwnedSemaphorePermit,
}

impl Moving {
    /// Lets it run, on the thread that it has its seat on.
    fn go_on(self, sessions: &mut JoinSet<Option<Moving>>) {
        let runtime = self.session.seat.runtime().clone();
        sessions.spawn_on(self.run(), &runtime);
    }

    async fn run(mut self) -> Option<Moving> {
        self.session = self.session.run(&self.stopping).await?;
        Some(self)
    }
}

/// The session that goes on elsewhere, if the task has not ended for good.
fn still_there(ended: Result<Option<Moving>, tokio::task::JoinError>) -> Option<Moving> {
    match ended {
        Ok(moving) => moving,
        Err(error) => {
            if error.is_panic() {
                tracing::error!(%error, "a session panicked; its connection is closed, the others go on");
            }
            None
        }
    }
}

/// One connection from its first byte to its last, or until it moves to another thread.
async fn connection(
    stream: std::net::TcpStream,
    seat: Seat,
    shared: Arc<Shared>,
    room: Arc<Semaphore>,
    place: Place,
    mut stopping: watch::Receiver<bool>,
) -> Option<Moving> {
    let config = shared.engine.config.clone();
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let stream = seat.take(stream).inspect_err(|error| tracing::warn!(%error, "a connection cannot be served")).ok()?;
    let mut connection = Connection::new(stream, &config);
    let startup_timeout = Duration::from_millis(config.startup_timeout_ms);
    let started = tokio::select! {
        biased;
        started = start(&mut connection, &shared, &room, startup_timeout) => started,
        () = place.lost() => {
            let error = SqlError::new(SqlState::TooManyConnections, "sorry, too many connections are starting")
                .with_hint("Send the startup message at once, or raise max_starting_connections.");
            connection.say_goodbye(&error).await;
            return None;
        }
        () = stopped(&mut stopping) => {
            connection.end_with(&shutting_down()).await;
            return None;
        }
    };
    drop(place);
    let (parameters, minor, permit) = started?;
    let mut cancel = Cancels::register(&shared.cancels);
    match connection.second_handle() {
        Ok(socket) => cancel.watch(socket),
        // Out of file descriptors: statements of a client that goes away then run to their end.
        Err(error) => tracing::warn!(%error, "a connection cannot be watched"),
    }
    match begin(shared, connection, seat, cancel, parameters, minor).await {
        Ok(session) => Moving { session, stopping, _permit: permit }.run().await,
        Err((mut connection, error)) => {
            refuse(&mut connection, error).await;
            None
        }
    }
}

/// Up to the startup message: what a session begins with, and its place among `max_connections`. `None` when there will be no
/// session; the client has been told why. Cancel requests need no place.
async fn start(
    connection: &mut Connection,
    shared: &Shared,
    room: &Arc<Semaphore>,
    timeout: Duration,
) -> Option<(Vec<(String, String)>, u32, OwnedSemaphorePermit)> {
    let (parameters, minor) = match tokio::time::timeout(timeout, negotiate(connection)).await {
        Ok(Ok(Startup::Session(parameters, minor))) => (parameters, minor),
        Ok(Ok(Startup::Cancel(id, secret))) => {
            shared.cancels.cancel(id, secret);
            return None;
        }
        Ok(Ok(Startup::Gone)) => return None,
        Ok(Err(error)) => {
            refuse(connection, error).await;
            return None;
        }
        Err(_) => {
            let error = SqlError::new(SqlState::ProtocolViolation, "no startup message within startup_timeout_ms");
            connection.end_with(&error).await;
            return None;
        }
    };
    match room.clone().try_acquire_owned() {
        Ok(permit) => Some((parameters, minor, permit)),
        Err(_) => {
            let error = SqlError::new(SqlState::TooManyConnections, "sorry, too many clients already")
                .with_hint("Use a connection pool, or raise max_connections.");
            connection.end_with(&error).await;
            None
        }
    }
}

async fn refuse(connection: &mut Connection, error: ConnectionError) {
    match error {
        ConnectionError::Protocol(error) => connection.end_with(&error).await,
        ConnectionError::Io(error) => tracing::debug!(%error, "connection ended during startup"),
    }
}
