//! The end of an epoch: written, published, answered.
//!
//! When the input of the next epoch waits already, or will by then, that happens on a thread of its own ([`CommitThread`]), and
//! the next epoch is computed meanwhile. Otherwise the coordinator does it itself, which saves an idle server the hop.

use super::event::{Event, Write};
use super::gauges::ViewGauges;
use super::{Shared, from_storage};
use crate::dataflow::EpochOutcome;
use attune_sql::SqlError;
use attune_sql::catalog::Catalog;
use attune_storage::{PendingCommit, failpoint, yields};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, TryRecvError, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// An epoch that is ready to be committed, and who waits for it.
pub(super) struct Closing {
    /// What is written; `None`: the epoch changed nothing.
    pub(super) pending: Option<PendingCommit>,
    pub(super) writes: Vec<Write>,
    /// Per write: accepted, or why not.
    pub(super) answers: Vec<Result<(), SqlError>>,
    pub(super) outcome: EpochOutcome,
    /// The next catalog version, if a view's status changed.
    pub(super) catalog: Option<Arc<Catalog>>,
    /// Index builds: id, rows taken so far, whether that is all.
    pub(super) builds: Vec<(u32, u64, bool)>,
    /// Rows of input deltas.
    pub(super) input_rows: usize,
    /// Streams with new events, and how many they have had in all.
    pub(super) events: Vec<(u32, u64)>,
}

impl Closing {
    /// Commits and publishes the epoch, then answers its writes.
    ///
    /// # Errors
    /// When the store did not take the epoch: the coordinator must stop.
    fn run(mut self, shared: &Shared) -> Result<(), SqlError> {
        let epoch = match self.pending.as_mut().map(PendingCommit::commit).transpose() {
            Ok(epoch) => epoch.unwrap_or_else(|| shared.store.published()),
            Err(error) => {
                refuse(self.writes, &from_storage(&error));
                return Err(from_storage(&error));
            }
        };
        shared.gauges.set_events(&self.events);
        for (index, rows, finished) in self.builds {
            shared.gauges.backfill_progress(index, rows, rows, finished);
        }
        record_errors(shared, &self.outcome);
        let gauges = shared.gauges.views();
        if let Some(catalog) = self.catalog {
            // Last: a CREATE waits for the catalog in which its view is filled.
            shared.publish(catalog);
        }
        failpoint::hit("after_commit_before_acknowledge");
        let now = Instant::now();
        let delays: Vec<Duration> = self.writes.iter().map(|w| now - w.arrived).collect();
        for (write, answer) in self.writes.into_iter().zip(self.answers) {
            drop(write.place);
            let _ = write.reply.send(answer.map(|()| epoch));
        }
        record_changes(gauges, epoch.0, &self.outcome, &delays);
        tracing::debug!(epoch = epoch.0, writes = delays.len(), rows = self.input_rows, "epoch committed");
        // Last: nobody is answered later because memory is given back.
        drop(self.pending);
        Ok(())
    }
}

/// Answers writes of which nothing was written.
pub(super) fn refuse(writes: Vec<Write>, error: &SqlError) {
    for write in writes {
        let _ = write.reply.send(Err(error.clone()));
    }
}

/// What whoever is answered may ask for next.
fn record_errors(shared: &Shared, outcome: &EpochOutcome) {
    for (view, errors) in &outcome.row_errors {
        shared.gauges.row_errors(*view, errors);
    }
    for progress in &outcome.progress {
        let (done, total) = (progress.rows_done, progress.rows_total);
        shared.gauges.backfill_progress(progress.view, done, total, progress.finished);
    }
}

/// Counts and delays: many views have many, and nobody has to wait for them.
fn record_changes(mut gauges: ViewGauges<'_>, epoch: u64, outcome: &EpochOutcome, delays: &[Duration]) {
    for (view, rows_in) in &outcome.rows_in {
        let rows_out = outcome.rows_out.get(view).copied().unwrap_or(0);
        gauges.changed(*view, epoch, *rows_in, rows_out, delays);
    }
}

/// The thread that commits one epoch while the next is computed. Dropping it waits until the thread has ended.
pub(super) struct CommitThread {
    shared: Arc<Shared>,
    /// `None` only while it is dropped.
    epochs: Option<Sender<Closing>>,
    results: Receiver<Result<(), SqlError>>,
    /// The result of the epoch in flight, if it was there when it was looked for.
    result: Option<Result<(), SqlError>>,
    /// Streams with events in the epoch in flight, and how many they have had in all; `None`: no epoch is in flight.
    in_flight: Option<Vec<(u32, u64)>>,
    thread: Option<JoinHandle<()>>,
}

impl CommitThread {
    /// Starts the thread.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<CommitThread> {
        let (epochs, receiver) = channel::<Closing>();
        let (sender, results) = channel();
        let mine = shared.clone();
        let thread = std::thread::Builder::new().name("attune-commits".into()).spawn(move || {
            yields::work();
            let end = End(mine);
            while let Ok(closing) = yields::wait(|| receiver.recv()) {
                let result = closing.run(&end.0);
                let failed = result.is_err();
                if sender.send(result).is_err() || failed {
                    return;
                }
            }
        })?;
        let epochs = Some(epochs);
        let thread = Some(thread);
        Ok(CommitThread { shared, epochs, results, result: None, in_flight: None, thread })
    }

    /// Commits an epoch here and now.
    pub(super) fn run(&self, closing: Closing) -> Result<(), SqlError> {
        closing.run(&self.shared)
    }

    /// Hands an epoch to the thread, when none is in flight.
    pub(super) fn hand_over(&mut self, closing: Closing) -> Result<(), SqlError> {
        let events = closing.events.clone();
        self.epochs.as_ref().and_then(|epochs| epochs.send(closing).ok()).ok_or_else(ended)?;
        self.in_flight = Some(events);
        Ok(())
    }

    /// Whether an epoch is in flight, and not known to be committed.
    pub(super) fn is_busy(&mut self) -> bool {
        if self.in_flight.is_some() && self.result.is_none() {
            self.result = match self.results.try_recv() {
                Err(TryRecvError::Empty) => return true,
                result => Some(result.unwrap_or_else(|_| Err(ended()))),
            };
        }
        false
    }

    /// Waits until no epoch is in flight.
    ///
    /// # Errors
    /// When the store did not take the one that was: the coordinator must stop.
    pub(super) fn wait(&mut self) -> Result<(), SqlError> {
        if self.in_flight.take().is_none() {
            return Ok(());
        }
        self.result.take().unwrap_or_else(|| yields::wait(|| self.results.recv()).unwrap_or_else(|_| Err(ended())))
    }

    /// How many events a stream has had with the epoch in flight, if that has some of it.
    pub(super) fn events(&self, stream: u32) -> Option<u64> {
        self.in_flight.as_ref()?.iter().find(|(id, _)| *id == stream).map(|(_, events)| *events)
    }
}

/// Tells the coordinator, which may be waiting for events, when the thread ends, in whichever way.
struct End(Arc<Shared>);

impl Drop for End {
    fn drop(&mut self) {
        // A coordinator that takes no events any more has ended.
        let _ = self.0.queue.push(Event::CommitsEnded);
    }
}

impl Drop for CommitThread {
    fn drop(&mut self) {
        self.epochs = None;
        if let Some(thread) = self.thread.take() {
            // A panic was seen as the end of the results.
            let _ = thread.join();
        }
    }
}

fn ended() -> SqlError {
    SqlError::internal("the commit thread panicked")
}
