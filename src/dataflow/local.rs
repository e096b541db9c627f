//! The `local` driver: all views of a server on one thread, one epoch at a time.

use super::backfill::{Backfill, BackfillProgress};
use super::batch::consolidate;
use super::fault::panic_message;
use super::{Fault, RowErrors, StepScope, ViewChange, ViewGraph};
use attune_storage::{Delta, EpochBatch, EpochScope, StorageError, Store, TableWriter, yields};
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Beside writes a backfill reads so many rows for each that is written: it takes more than half of the epoch, and catches up with a
/// log that grows by all of them, however fast. ...
const ROWS_PER_WRITTEN: usize = 2;
/// ... But at least this part of a whole chunk, so that single rows do not hold it up.
const LEAST_CHUNK_PART: usize = 16;
/// So long after writes a backfill reads no more than beside them, also in epochs without any: a client that has been
/// answered writes again soon, and would wait for a whole chunk each time.
const WRITES_GO_ON_US: i64 = 100_000;

/// A materialized view that is kept current.
pub struct ViewDataflow {
    /// Relation id.
    pub id: u32,
    /// Its operators.
    pub graph: ViewGraph,
    /// Where its rows go.
    pub writer: TableWriter,
    /// How it reads what its inputs already hold; `None` when it is complete.
    pub backfill: Option<Backfill>,
}

/// What happened to the views in an epoch.
#[derive(Debug, Default)]
pub struct EpochOutcome {
    /// Views that failed, and why. They left nothing in the batch and are not run again.
    pub failed: Vec<(u32, String)>,
    /// Rows whose expressions failed, per view that has some.
    pub row_errors: Vec<(u32, RowErrors)>,
    /// Delta rows each view received, where there were any.
    pub rows_in: HashMap<u32, u64>,
    /// Delta rows each view gave, where there were any.
    pub rows_out: HashMap<u32, u64>,
    /// Backfills that went on in this epoch.
    pub progress: Vec<BackfillProgress>,
    /// Views whose backfill ended with this epoch: complete once it is committed.
    pub finished: Vec<u32>,
}

/// The views of a server in topological order. It keeps nothing of an epoch but which views failed and how far backfills
/// are, and that only when the epoch went through: after an error the epoch may be run again with less input.
pub struct LocalDriver {
    store: Store,
    idle_chunk_rows: usize,
    views: Vec<ViewDataflow>,
    /// Why views failed, by id. Each view asks for its inputs.
    failed: HashMap<u32, String>,
    /// Relations that views read.
    read: HashSet<u32>,
    /// Time of the last epoch with input, and its rows.
    last_input: Option<(i64, usize)>,
    /// See [`LocalDriver::chunk_rows`].
    chunk_rows: usize,
}

/// A view's part of an epoch.
struct Stepped {
    /// The change of the view; without rows when nobody reads it.
    delta: Delta,
    rows_out: u64,
    row_errors: RowErrors,
    rows_in: u64,
    /// The backfill after this epoch, if there is one.
    backfill: Option<Backfill>,
}

/// What an epoch gives every view.
struct EpochContext<'a> {
    store: &'a Store,
    timestamp_us: i64,
    deltas: &'a HashMap<u32, Delta>,
    /// Relations that views read.
    read: &'a HashSet<u32>,
}

impl LocalDriver {
    /// A driver without views. `idle_chunk_rows`: rows that a backfill reads per epoch and view while nothing is written
    /// (`backfill_chunk_rows`).
    #[must_use]
    pub fn new(store: Store, idle_chunk_rows: usize) -> LocalDriver {
        let idle_chunk_rows = idle_chunk_rows.max(1);
        LocalDriver {
            store,
            idle_chunk_rows,
            views: Vec::new(),
            failed: HashMap::new(),
            read: HashSet::new(),
            last_input: None,
            chunk_rows: idle_chunk_rows,
        }
    }

    /// Adds a view, after all views that it reads.
    ///
    /// A new view has a [`Backfill`]; its record is written with the next epoch, so the catalog record of the view must be
    /// in the same batch (or the first epoch earlier than an acknowledgement).
    pub fn add(&mut self, view: ViewDataflow) {
        self.views.push(view);
        self.note_read();
    }

    /// Removes a view. Its state and records are for the caller to drop.
    pub fn remove(&mut self, id: u32) {
        self.views.retain(|view| view.id != id);
        self.failed.remove(&id);
        self.note_read();
    }

    fn note_read(&mut self) {
        let inputs = self.views.iter().flat_map(|view| view.graph.inputs());
        self.read = inputs.map(|input| input.relation).collect();
    }

    /// Gives a view another writer: it has other indexes now.
    pub fn set_writer(&mut self, id: u32, writer: TableWriter) {
        if let Some(view) = self.views.iter_mut().find(|view| view.id == id) {
            view.writer = writer;
        }
    }

    /// Marks a view that failed before a restart, so that it is not run.
    pub fn mark_failed(&mut self, id: u32, reason: &str) {
        if self.views.iter().any(|view| view.id == id) {
            self.failed.insert(id, reason.to_owned());
        }
    }

    /// Whether a backfill is going on: epochs are to be run even without input.
    #[must_use]
    pub fn is_backfilling(&self) -> bool {
        self.views.iter().any(|view| view.backfill.is_some() && !self.failed.contains_key(&view.id))
    }

    /// Why a view failed; `None` when it did not, or is not known.
    #[must_use]
    pub fn failure(&self, id: u32) -> Option<&str> {
        self.failed.get(&id).map(String::as_str)
    }

    /// Runs the views through an epoch. `inputs` are the changes of streams and tables, all columns, consolidated or not;
    /// what was written to tables must be merged into `batch` already, and streams must not be committed yet.
    ///
    /// A fault or panic in a view fails that view and all that read it, and leaves no trace of it in the batch.
    ///
    /// # Errors
    /// [`StorageError::EpochTooLarge`]: the batch is to be thrown away; the driver is as before.
    pub fn run_epoch(
        &mut self,
        batch: &mut EpochBatch,
        timestamp_us: i64,
        inputs: HashMap<u32, Delta>,
    ) -> Result<EpochOutcome, StorageError> {
        let mut outcome = EpochOutcome::default();
        self.chunk_rows = self.chunk_beside(inputs.values().map(Delta::len).sum(), timestamp_us);
        let mut deltas = inputs;
        let mut backfills: Vec<(usize, Backfill)> = Vec::new();
        for place in 0..self.views.len() {
            yields::long_point();
            let id = self.views[place].id;
            if self.failed.contains_key(&id) {
                continue;
            }
            if let Some(reason) = self.failed_input(place, &outcome.failed) {
                outcome.failed.push((id, reason));
                continue;
            }
            let context = EpochContext { store: &self.store, timestamp_us, deltas: &deltas, read: &self.read };
            let stepped = match run_view(&mut self.views[place], self.chunk_rows, batch, &context) {
                Ok(Some(stepped)) => stepped,
                Ok(None) => continue,
                Err(Failure::Epoch(error)) => return Err(error),
                Err(Failure::View(reason)) => {
                    tracing::error!(view = id, %reason, "view failed");
                    outcome.failed.push((id, reason));
                    continue;
                }
            };
            if let Some(backfill) = stepped.backfill {
                outcome.progress.push(backfill.progress(id));
                backfills.push((place, backfill));
            }
            if stepped.row_errors.count > 0 {
                outcome.row_errors.push((id, stepped.row_errors));
            }
            outcome.rows_in.insert(id, stepped.rows_in);
            if stepped.rows_out > 0 {
                outcome.rows_out.insert(id, stepped.rows_out);
            }
            if !stepped.delta.is_empty() {
                deltas.insert(id, stepped.delta);
            }
        }
        self.finish(batch, backfills, &mut outcome);
        Ok(outcome)
    }

    /// Rows that a backfill, or the build of an index, is to read in the epoch that was run last.
    #[must_use]
    pub fn chunk_rows(&self) -> usize {
        self.chunk_rows
    }

    /// Rows of a chunk in an epoch with so many rows of input.
    fn chunk_beside(&mut self, rows: usize, timestamp_us: i64) -> usize {
        if rows > 0 {
            self.last_input = Some((timestamp_us, rows));
        }
        let of = |rows: usize| rows.saturating_mul(ROWS_PER_WRITTEN).max(self.idle_chunk_rows / LEAST_CHUNK_PART);
        match self.last_input {
            _ if rows > 0 => of(rows),
            Some((time, rows)) if timestamp_us.saturating_sub(time) < WRITES_GO_ON_US => {
                of(rows).min(self.idle_chunk_rows)
            }
            _ => self.idle_chunk_rows,
        }
    }

    /// Writes the records of backfills and takes over what the epoch changed.
    fn finish(&mut self, batch: &mut EpochBatch, backfills: Vec<(usize, Backfill)>, outcome: &mut EpochOutcome) {
        for (place, backfill) in backfills {
            let dataflow = &mut self.views[place];
            let name = Backfill::record_name(dataflow.id);
            if backfill.is_finished() {
                batch.put_meta(&name, None);
                outcome.finished.push(dataflow.id);
                dataflow.backfill = None;
            } else {
                batch.put_meta(&name, Some(backfill.encode()));
                dataflow.backfill = Some(backfill);
            }
        }
        for (id, reason) in &outcome.failed {
            self.mark_failed(*id, reason);
        }
    }

    /// Why the view at `place` cannot go on: a view that it reads has failed.
    fn failed_input(&self, place: usize, failed: &[(u32, String)]) -> Option<String> {
        self.views[place].graph.inputs().iter().find_map(|input| {
            let now = failed.iter().find(|(id, _)| *id == input.relation).map(|(_, reason)| reason.as_str());
            let reason = now.or_else(|| self.failure(input.relation))?;
            Some(format!("relation {}, which it reads, has failed: {reason}", input.relation))
        })
    }
}

/// Why a view's part of an epoch did not come about.
enum Failure {
    /// The view is at fault.
    View(String),
    /// The epoch cannot be committed.
    Epoch(StorageError),
}

/// Runs a view and merges its writes. `None`: it had nothing to do. The chunk of a backfill is made smaller until the
/// epoch has room for what follows from it.
fn run_view(
    view: &mut ViewDataflow,
    chunk_rows: usize,
    batch: &mut EpochBatch,
    context: &EpochContext<'_>,
) -> Result<Option<Stepped>, Failure> {
    let mut chunk_rows = chunk_rows.max(1);
    loop {
        let merged = match catch_unwind(AssertUnwindSafe(|| step(view, chunk_rows, batch, context))) {
            Ok(Ok(Some((scope, stepped)))) => batch.merge(scope).map(|()| stepped),
            Ok(Ok(None)) => return Ok(None),
            Ok(Err(Fault::Storage(error @ StorageError::EpochTooLarge { .. }))) => Err(error),
            // The disk is in trouble, not the view.
            Ok(Err(Fault::Storage(error @ (StorageError::RocksDb(_) | StorageError::Io(_))))) => {
                return Err(Failure::Epoch(error));
            }
            Ok(Err(fault)) => return Err(Failure::View(fault.to_string())),
            Err(panic) => return Err(Failure::View(panic_message(&*panic))),
        };
        match merged {
            Ok(stepped) => return Ok(Some(stepped)),
            Err(StorageError::EpochTooLarge { .. }) if view.backfill.is_some() && chunk_rows > 1 => {
                chunk_rows /= 2;
            }
            Err(error @ StorageError::EpochTooLarge { .. }) if view.backfill.is_some() && chunk_rows == 1 => {
                if batch.is_empty() {
                    // Nothing else is in the epoch: it will never be smaller.
                    return Err(Failure::View(format!("what follows from a single row is too large: {error}")));
                }
                // Others have taken the room of this epoch.
                chunk_rows = 0;
            }
            Err(error) => return Err(Failure::Epoch(error)),
        }
    }
}

/// One view's step in a scope of its own, which is not merged yet.
fn step(
    view: &mut ViewDataflow,
    chunk_rows: usize,
    batch: &EpochBatch,
    context: &EpochContext<'_>,
) -> Result<Option<(EpochScope, Stepped)>, Fault> {
    let mut scope = batch.scope();
    let mut row_errors = RowErrors::default();
    // An index is kept by the view's change, as another view is.
    let delta_wanted = context.read.contains(&view.id) || !view.writer.layout().indexes.is_empty();
    let (mut changes, mut next) = (Vec::new(), None);
    let filled;
    let deltas = match &view.backfill {
        None => context.deltas,
        Some(backfill) => {
            let started = backfill.is_started();
            let read = backfill.step(context.deltas, chunk_rows, context.store, &mut scope)?;
            if !started {
                let mut scope = step_scope(&mut scope, &mut row_errors, batch, context, delta_wanted);
                changes.push(view.graph.start(&mut scope)?);
            }
            next = Some(read.next);
            filled = read.inputs;
            &filled
        }
    };
    let relations = view.graph.inputs().iter().map(|input| input.relation);
    let inputs: HashMap<u32, &Delta> =
        relations.filter_map(|id| deltas.get(&id).filter(|delta| !delta.is_empty()).map(|delta| (id, delta))).collect();
    if inputs.is_empty() && next.is_none() {
        return Ok(None);
    }
    let rows_in = inputs.values().map(|delta| delta.len() as u64).sum();
    if !inputs.is_empty() {
        let mut scope = step_scope(&mut scope, &mut row_errors, batch, context, delta_wanted);
        changes.push(view.graph.step(&inputs, &mut scope)?);
    }
    let (delta, rows_out) = write(view, changes, &mut scope, context.timestamp_us)?;
    Ok(Some((scope, Stepped { delta, rows_out: rows_out as u64, row_errors, rows_in, backfill: next })))
}

/// Writes what the graph has not written of the changes of one epoch. Returns the view's change, and how many rows changed.
fn write(
    view: &ViewDataflow,
    mut changes: Vec<ViewChange>,
    scope: &mut EpochScope,
    timestamp_us: i64,
) -> Result<(Delta, usize), Fault> {
    let written = changes.iter().map(|change| change.written).sum::<Option<usize>>();
    let delta = match changes.pop() {
        Some(only) if changes.is_empty() => only.delta,
        last => {
            let deltas: Vec<Delta> = changes.into_iter().chain(last).map(|change| change.delta).collect();
            Delta::concat(&view.graph.schema(), &deltas)?
        }
    };
    if let Some(written) = written {
        view.writer.write_indexes(scope, &delta)?;
        return Ok((delta, written));
    }
    // Where rows only come, and once each, nothing can cancel out.
    let delta = if view.writer.layout().in_log && delta.is_inserts() { delta } else { consolidate(&delta)? };
    if !delta.is_empty() {
        view.writer.write(scope, &delta, timestamp_us)?;
    }
    let rows = delta.len();
    Ok((delta, rows))
}

fn step_scope<'a>(
    scope: &'a mut EpochScope,
    row_errors: &'a mut RowErrors,
    batch: &EpochBatch,
    context: &EpochContext<'_>,
    delta_wanted: bool,
) -> StepScope<'a> {
    StepScope { state: scope, row_errors, epoch: batch.epoch(), timestamp_us: context.timestamp_us, delta_wanted }
}
