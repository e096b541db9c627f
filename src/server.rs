//! A whole server in one value: coordinator, engine and listener, started and stopped together.
//!
//! The binary, the demo and the tests start the server through this, so that all of them run the same one.

use crate::config::Config;
use crate::coordinator::Coordinator;
use crate::serve::engine::Engine;
use crate::serve::{ServeError, serve};
use attune_sql::SqlError;
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// A running server. Dropping it ends its sessions, but leaves the coordinator running: use [`Server::stop`].
pub struct Server {
    /// The address it listens on; with port 0 in the configuration, the port that was given.
    pub addr: SocketAddr,
    engine: Arc<Engine>,
    shutdown: oneshot::Sender<()>,
    sessions: JoinHandle<Result<(), ServeError>>,
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The address cannot be listened on.
    #[error("cannot listen on {addr}: {reason}")]
    Listen {
        /// The address asked for.
        addr: SocketAddr,
        /// What is wrong, and what to do about it.
        reason: String,
    },
    /// The data directory cannot be opened, or its contents cannot be brought to life.
    #[error("{}{}", .0.message, .0.hint.as_ref().map(|hint| format!("; {hint}")).unwrap_or_default())]
    Open(SqlError),
}

impl Server {
    /// Opens the data directory, recovers, and listens. When it returns, clients can connect and find all their data.
    ///
    /// # Errors
    /// When the address is taken or not ours, or the data directory is in use, unreadable, or from a newer version.
    pub async fn start(config: Config) -> Result<Server, StartError> {
        let wanted = config.listen;
        // First, since it is cheap; whoever connects meanwhile waits in the backlog until recovery is done.
        let listener = TcpListener::bind(wanted).await.map_err(|error| listen_error(wanted, &error))?;
        let addr = listener.local_addr().map_err(|error| listen_error(wanted, &error))?;
        let config = Arc::new(config);
        let for_coordinator = Arc::clone(&config);
        // Opening RocksDB reads files and may replay a log.
        let coordinator = tokio::task::spawn_blocking(move || Coordinator::start(for_coordinator))
            .await
            .map_err(|error| StartError::Open(SqlError::internal(format!("recovery panicked: {error}"))))?
            .map_err(StartError::Open)?;
        let engine = Arc::new(Engine::new(coordinator, config).map_err(StartError::Open)?);
        let (shutdown, asked) = oneshot::channel();
        let asked = async {
            // A dropped sender asks too.
            let _ = asked.await;
        };
        let sessions = tokio::spawn(serve(listener, Arc::clone(&engine), asked));
        Ok(Server { addr, engine, shutdown, sessions })
    }

    /// What sessions prepare and execute with.
    #[must_use]
    pub fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// Stops cleanly: no new connections, open ones are told (57P01) and closed, the running epoch is finished, the store closed.
    pub async fn stop(self) {
        // Fails only if the sessions' task has ended already.
        let _ = self.shutdown.send(());
        match self.sessions.await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "serving ended early"),
            Err(error) => tracing::error!(%error, "the sessions' task ended badly"),
        }
        self.engine.coordinator.shutdown().await;
    }
}

fn listen_error(addr: SocketAddr, error: &std::io::Error) -> StartError {
    let reason = match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process (perhaps another attune) uses this port; stop it or choose another with --listen 127.0.0.1:PORT"
                .to_owned()
        }
        std::io::ErrorKind::AddrNotAvailable => "this machine has no such address; choose one with --listen".to_owned(),
        std::io::ErrorKind::PermissionDenied => {
            "not permitted (ports below 1024 need privileges); choose another with --listen".to_owned()
        }
        _ => error.to_string(),
    };
    StartError::Listen { addr, reason }
}
