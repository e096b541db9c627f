//! The listener: one task per connection, as many as `max_connections`.

use super::cancel::Cancels;
use super::engine::Engine;
use super::lookup::StatementCache;
use super::session::{Shared, shutting_down, stopped};
use super::startup::{Startup, begin, negotiate};
use super::wire::{Connection, ConnectionError};
use attune_sql::{SqlError, SqlState};
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

/// How long running statements may take to finish after shutdown is asked for.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(5);
/// Connections beyond `max_connections` that are being refused (or are cancel requests) at one time.
const EXTRA_CONNECTIONS: usize = 32;
/// Pause after a failure to accept (out of file descriptors), so that it does not spin.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why serving ended.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The listening socket cannot be used any more.
    #[error("cannot accept connections: {0}")]
    Listener(#[from] io::Error),
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
    let room = Arc::new(Semaphore::new(config.max_connections));
    let extra = Arc::new(Semaphore::new(EXTRA_CONNECTIONS));
    let (stop, stopping) = watch::channel(false);
    let mut sessions = JoinSet::new();
    let mut shutdown = std::pin::pin!(shutdown);
    loop {
        let stream = tokio::select! {
            biased;
            () = &mut shutdown => break,
            Some(ended) = sessions.join_next() => {
                report(ended);
                continue;
            }
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "cannot accept a connection");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            },
        };
        let permit = room.clone().try_acquire_owned().ok();
        // Far too many: not even told so.
        let spare = match permit {
            Some(_) => None,
            None => match extra.clone().try_acquire_owned() {
                Ok(spare) => Some(spare),
                Err(_) => continue,
            },
        };
        sessions.spawn(connection(stream, shared.clone(), permit, spare, stopping.clone()));
    }
    drop(listener);
    // Sessions hold receivers; without any there is nobody to tell.
    let _ = stop.send(true);
    let ended = async {
        while let Some(ended) = sessions.join_next().await {
            report(ended)
        }
    };
    if tokio::time::timeout(SHUTDOWN_GRACE, ended).await.is_err() {
        tracing::warn!("statements still running at shutdown are dropped");
        sessions.shutdown().await;
    }
    Ok(())
}

fn report(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a session panicked; its connection is closed, the others go on");
    }
}

/// One connection from its first byte to its last. Without a permit it may cancel others, and is refused else.
async fn connection(
    stream: TcpStream,
    shared: Arc<Shared>,
    permit: Option<OwnedSemaphorePermit>,
    _spare: Option<OwnedSemaphorePermit>,
    mut stopping: watch::Receiver<bool>,
) {
    let config = shared.engine.config.clone();
    // Answers are written whole: waiting for more to send would only delay them.
    let _ = stream.set_nodelay(true);
    let mut connection = Connection::new(stream, &config);
    let startup_timeout = Duration::from_millis(config.startup_timeout_ms);
    let negotiated = tokio::select! {
        negotiated = tokio::time::timeout(startup_timeout, negotiate(&mut connection)) => negotiated,
        () = stopped(&mut stopping) => return connection.end_with(&shutting_down()).await,
    };
    let (parameters, minor) = match negotiated {
        Ok(Ok(Startup::Session(parameters, minor))) => (parameters, minor),
        Ok(Ok(Startup::Cancel(id, secret))) => return shared.cancels.cancel(id, secret),
        Ok(Ok(Startup::Gone)) => return,
        Ok(Err(error)) => return refuse(&mut connection, error).await,
        Err(_) => {
            let error = SqlError::new(SqlState::ProtocolViolation, "no startup message within startup_timeout_ms");
            return connection.end_with(&error).await;
        }
    };
    let Some(_permit) = permit else {
        let error = SqlError::new(SqlState::TooManyConnections, "sorry, too many clients already")
            .with_hint("Use a connection pool, or raise max_connections.");
        return connection.end_with(&error).await;
    };
    let mut cancel = Cancels::register(&shared.cancels);
    match connection.second_handle() {
        Ok(socket) => cancel.watch(socket),
        // Out of file descriptors: statements of a client that goes away then run to their end.
        Err(error) => tracing::warn!(%error, "a connection cannot be watched"),
    }
    match begin(shared, connection, cancel, parameters, minor).await {
        Ok(session) => session.run(stopping).await,
        Err((mut connection, error)) => refuse(&mut connection, error).await,
    }
}

async fn refuse(connection: &mut Connection, error: ConnectionError) {
    match error {
        ConnectionError::Protocol(error) => connection.end_with(&error).await,
        ConnectionError::Io(error) => tracing::debug!(%error, "connection ended during startup"),
    }
}
