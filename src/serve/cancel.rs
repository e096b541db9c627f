//! Cancelling statements: on request of a client, or when they run too long.

use super::engine::Settings;
use attune_sql::{SqlError, SqlState};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::collections::hash_map::{Entry, RandomState};
use std::future::Future;
use std::hash::{BuildHasher, Hasher};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::Instant;

/// A session as CancelRequest names it.
type Key = (i32, i32);

/// All sessions that can be cancelled.
#[derive(Default)]
pub(super) struct Cancels {
    sessions: Mutex<HashMap<Key, Arc<Cancel>>>,
    /// Its keys are random, from the operating system.
    random: RandomState,
}

/// The switch of one session.
#[derive(Default)]
pub(super) struct Cancel {
    requested: AtomicBool,
    notify: Notify,
}

impl Cancels {
    /// Registers a session under a fresh key.
    pub(super) fn register(self: &Arc<Self>) -> Registered {
        let mut sessions = self.sessions.lock();
        let mut attempt = 0_u64;
        loop {
            // Hashing with a random key gives numbers that nobody outside can guess.
            let mut hasher = self.random.build_hasher();
            hasher.write_u64(attempt);
            hasher.write_usize(sessions.len());
            hasher.write_u128(std::time::UNIX_EPOCH.elapsed().map_or(0, |elapsed| elapsed.as_nanos()));
            let bits = hasher.finish();
            let key = ((bits >> 33) as i32, bits as i32);
            attempt += 1;
            if let Entry::Vacant(entry) = sessions.entry(key) {
                let cancel = Arc::new(Cancel::default());
                entry.insert(cancel.clone());
                return Registered { cancels: self.clone(), key, cancel, socket: None };
            }
        }
    }

    /// Cancels what the session runs now, if there is such a session and it runs something.
    pub(super) fn cancel(&self, id: i32, secret: i32) {
        let cancel = self.sessions.lock().get(&(id, secret)).cloned();
        if let Some(cancel) = cancel {
            cancel.requested.store(true, Ordering::Release);
            cancel.notify.notify_waiters();
        }
    }
}

/// A registered session; dropped with it.
pub(super) struct Registered {
    cancels: Arc<Cancels>,
    /// What BackendKeyData tells the client.
    pub(super) key: Key,
    cancel: Arc<Cancel>,
    /// The client's socket, to see it go away.
    socket: Option<Arc<Watched>>,
}

impl Registered {
    /// From now on statements end when the connection behind `socket` breaks.
    pub(super) fn watch(&mut self, socket: std::net::TcpStream) {
        let unregistered = Mutex::new(Some(socket));
        self.socket = Some(Arc::new(Watched { unregistered, registered: OnceLock::new() }));
    }

    /// Starts a statement: requests from before it do not count.
    pub(super) fn start(&self, timeout: Option<Duration>) -> Limits {
        self.cancel.requested.store(false, Ordering::Release);
        let deadline = timeout.map(|timeout| Instant::now() + timeout);
        Limits { cancel: self.cancel.clone(), deadline, socket: self.socket.clone() }
    }
}

impl Drop for Registered {
    fn drop(&mut self) {
        self.cancels.sessions.lock().remove(&self.key);
    }
}

/// A second handle of a client's socket. The runtime is told of it by the first statement that has to be waited for: else
/// it would be told of two sockets with each message that comes in.
struct Watched {
    unregistered: Mutex<Option<std::net::TcpStream>>,
    registered: OnceLock<TcpStream>,
}

impl Watched {
    /// `None` when the runtime cannot take it.
    fn socket(&self) -> Option<&TcpStream> {
        if let Some(socket) = self.unregistered.lock().take() {
            let socket = TcpStream::from_std(socket).inspect_err(|error| {
                // Statements of a client that goes away then run to their end.
                tracing::warn!(%error, "a connection cannot be watched");
            });
            return socket.ok().map(|socket| self.registered.get_or_init(|| socket));
        }
        self.registered.get()
    }
}

/// What ends a running statement early.
pub(super) struct Limits {
    cancel: Arc<Cancel>,
    deadline: Option<Instant>,
    socket: Option<Arc<Watched>>,
}

impl Limits {
    /// Runs a part of the statement; dropped when it is cancelled or takes too long.
    pub(super) async fn run<T, E: From<SqlError>>(&self, work: impl Future<Output = Result<T, E>>) -> Result<T, E> {
        let cancelled = std::pin::pin!(self.cancel.notify.notified());
        let mut cancelled = cancelled;
        // Registered before the flag is read, so that no request falls between the two.
        cancelled.as_mut().enable();
        self.check()?;
        let Some(deadline) = self.deadline else {
            return tokio::select! {
                biased;
                done = work => done,
                () = cancelled => Err(canceled("canceling statement due to user request").into()),
                () = gone(self.socket.as_deref()) => Err(canceled("the client has gone").into()),
            };
        };
        tokio::select! {
            biased;
            done = work => done,
            () = cancelled => Err(canceled("canceling statement due to user request").into()),
            () = gone(self.socket.as_deref()) => Err(canceled("the client has gone").into()),
            () = tokio::time::sleep_until(deadline) => Err(timed_out().into()),
        }
    }

    /// Fails when the statement was cancelled or has run too long.
    pub(super) fn check(&self) -> Result<(), SqlError> {
        if self.cancel.requested.load(Ordering::Acquire) {
            return Err(canceled("canceling statement due to user request"));
        }
        match self.deadline {
            Some(deadline) if Instant::now() >= deadline => Err(timed_out()),
            _ => Ok(()),
        }
    }
}

/// Returns when the connection is broken. The end of the client's input is no break: it may wait for its answers, and cannot be
/// told from one that has closed; as in Postgres, its statement then runs on.
async fn gone(socket: Option<&Watched>) {
    if let Some(socket) = socket.and_then(Watched::socket)
        && socket.peek(&mut [0]).await.is_err()
    {
        return;
    }
    std::future::pending().await
}

fn canceled(message: &str) -> SqlError {
    SqlError::new(SqlState::QueryCanceled, message)
}

fn timed_out() -> SqlError {
    canceled("canceling statement due to statement timeout")
        .with_hint("Raise it with SET statement_timeout, 0 turns it off.")
}

/// The statement timeout in force: the session's, else the server's; `None` is never.
pub(super) fn statement_timeout(settings: &Settings, server_ms: u64) -> Option<Duration> {
    let milliseconds = settings.statement_timeout_ms().unwrap_or(server_ms);
    Some(Duration::from_millis(milliseconds)).filter(|timeout| !timeout.is_zero())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_request_ends_what_runs_and_only_that() {
        let cancels = Arc::new(Cancels::default());
        let session = cancels.register();
        let other = cancels.register();
        assert_ne!(session.key, other.key);
        // Nothing runs: the request is for nobody.
        cancels.cancel(session.key.0, session.key.1);
        let limits = session.start(None);
        let work = async { Ok::<_, SqlError>(1) };
        assert_eq!(limits.run(work).await, Ok(1));
        let forever = limits.run(std::future::pending::<Result<(), SqlError>>());
        let (id, secret) = session.key;
        let request = async {
            cancels.cancel(id, secret.wrapping_add(1));
            cancels.cancel(id, secret);
        };
        let (ended, ()) = tokio::join!(forever, request);
        assert_eq!(ended.unwrap_err().state, SqlState::QueryCanceled);
        assert!(limits.check().is_err());
        assert!(other.start(None).check().is_ok());
    }

    #[tokio::test]
    async fn a_deadline_ends_what_runs() {
        let session = Arc::new(Cancels::default()).register();
        let limits = session.start(Some(Duration::from_millis(1)));
        let ended = limits.run(std::future::pending::<Result<(), SqlError>>()).await;
        assert!(ended.unwrap_err().message.contains("statement timeout"));
    }
}
