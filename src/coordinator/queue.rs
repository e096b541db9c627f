//! The input queue: bounded in bytes and in number of writes; a full queue makes clients wait, then refuses.

use super::event::{Event, Place};
use super::stopped;
use crate::config::Config;
use attune_sql::{SqlError, SqlState};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;
use tokio::sync::Semaphore;

/// Bytes per semaphore permit: a semaphore counts to 2^29 on the smallest platform, the queue may be larger.
const UNIT: usize = 256;

/// Where clients put events. The channel itself is unbounded; the semaphores are the bound, so that waiting is async.
pub(super) struct Queue {
    sender: Mutex<Option<Sender<Event>>>,
    writes: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    units: usize,
    wait: Duration,
}

impl Queue {
    /// A queue, and the end that the coordinator thread takes events from.
    pub(super) fn new(config: &Config) -> (Queue, Receiver<Event>) {
        let (sender, receiver) = channel();
        let units = (config.input_queue_bytes / UNIT).clamp(1, Semaphore::MAX_PERMITS.min(u32::MAX as usize));
        let queue = Queue {
            sender: Mutex::new(Some(sender)),
            writes: Arc::new(Semaphore::new(config.input_queue_writes.clamp(1, Semaphore::MAX_PERMITS))),
            bytes: Arc::new(Semaphore::new(units)),
            units,
            wait: Duration::from_millis(config.input_wait_ms),
        };
        (queue, receiver)
    }

    /// Waits for room. A write larger than the whole queue takes all of it.
    pub(super) async fn reserve(&self, bytes: usize) -> Result<Place, SqlError> {
        let units = bytes.div_ceil(UNIT).clamp(1, self.units) as u32;
        let both = async {
            let write = self.writes.clone().acquire_owned().await;
            let bytes = self.bytes.clone().acquire_many_owned(units).await;
            (write, bytes)
        };
        match tokio::time::timeout(self.wait, both).await {
            Ok((Ok(write), Ok(bytes))) => Ok(Place { _write: write, _bytes: bytes }),
            Ok(_) => Err(stopped()),
            Err(_) => Err(SqlError::new(
                SqlState::OutOfMemory,
                format!("the server is overloaded: no room in the input queue for {} ms", self.wait.as_millis()),
            )
            .with_hint("Nothing was written. Send it again later, or raise input_queue_bytes, input_queue_writes or input_wait_ms.")),
        }
    }

    /// Hands an event to the coordinator thread.
    pub(super) fn push(&self, event: Event) -> Result<(), SqlError> {
        match &*self.sender.lock() {
            Some(sender) => sender.send(event).map_err(|_| stopped()),
            None => Err(stopped()),
        }
    }

    /// Refuses everything from now on, and wakes those who wait for room.
    pub(super) fn close(&self) {
        *self.sender.lock() = None;
        self.writes.close();
        self.bytes.close();
    }
}
