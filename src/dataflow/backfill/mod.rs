//! How a new view reads what its inputs already hold, in chunks, while live epochs go on.
//!
//! Each input has a position, and the invariant of every epoch is: *the view has seen exactly the rows of the input up to
//! the position, in their newest form*. In an epoch, live changes of rows up to the position are passed on; later ones
//! are not, since the scan will meet those rows as they are then. After that one chunk is read beyond the position, from
//! the state that includes this epoch's writes, and passed on as inserts. Operators are incremental, so nothing else is
//! needed, and the position is written with the epoch, so that a crash loses or repeats nothing.
//!
//! Streams, and views whose rows lie in a log, have no rows to change: live events are left out until the log has been read to the end of the last epoch.
//! The events of the epoch that gets there follow at once.

mod chunk;
mod log_run;
mod record;

use super::Fault;
use arrow::array::{BooleanArray, RecordBatch};
use arrow::datatypes::SchemaRef;
use attune_storage::{Delta, EpochScope, Store, TableLayout};
pub use chunk::{RowChunk, read_rows};
use log_run::Ahead;
use record::{InputState, Record};
use std::collections::HashMap;

/// A relation as an input of a backfill.
#[derive(Clone, Debug)]
pub struct InputRelation {
    /// Relation id.
    pub id: u32,
    /// All its columns, hidden ones included.
    pub schema: SchemaRef,
    /// Where its rows are.
    pub kind: InputKind,
}

/// Where the rows of an input are.
#[derive(Clone, Debug)]
pub enum InputKind {
    /// A table, or a materialized view whose rows lie by key.
    Stored(TableLayout),
    /// A stream: its log.
    Log,
    /// A materialized view whose rows lie in its log.
    Logged(TableLayout),
}

impl InputRelation {
    /// The layout of its rows and indexes; `None` for a stream.
    #[must_use]
    pub fn layout(&self) -> Option<&TableLayout> {
        match &self.kind {
            InputKind::Stored(layout) | InputKind::Logged(layout) => Some(layout),
            InputKind::Log => None,
        }
    }

    /// Whether its rows lie in a log.
    fn is_log(&self) -> bool {
        matches!(self.kind, InputKind::Log | InputKind::Logged(_))
    }
}

/// How far the backfill of a view is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct BackfillProgress {
    /// View id.
    pub view: u32,
    /// The input being read; `None` when all are done.
    pub input: Option<u32>,
    /// Rows read so far, over all inputs.
    pub rows_done: u64,
    /// Rows to read over the inputs that were begun, estimated from the position; exact when finished.
    pub rows_total: u64,
    /// All inputs are done.
    pub finished: bool,
}

/// The backfill of one view.
#[derive(Clone, Debug)]
pub struct Backfill {
    inputs: Vec<InputRelation>,
    record: Record,
    ahead: Option<Ahead>,
}

/// What a backfill passes to its view in one epoch.
pub(super) struct BackfillStep {
    /// Changes per relation.
    pub(super) inputs: HashMap<u32, Delta>,
    /// The backfill after this epoch.
    pub(super) next: Backfill,
}

impl Backfill {
    /// The backfill of a new view that reads `inputs`. It starts with the next epoch.
    #[must_use]
    pub fn new(inputs: Vec<InputRelation>) -> Backfill {
        let mut once: Vec<InputRelation> = Vec::with_capacity(inputs.len());
        for input in inputs {
            if once.iter().all(|known| known.id != input.id) {
                once.push(input);
            }
        }
        let record = Record::new(once.iter().map(|input| input.id));
        Backfill { inputs: once, record, ahead: None }
    }

    /// Goes on from the record a crash or shutdown left under [`Backfill::record_name`].
    ///
    /// # Errors
    /// When the record is damaged or is one of other inputs.
    pub fn restore(record: &[u8], inputs: Vec<InputRelation>) -> Result<Backfill, Fault> {
        let mut backfill = Backfill::new(inputs);
        backfill.record = Record::decode(record, &backfill.record)?;
        Ok(backfill)
    }

    /// Name of the meta record with the state of a view's backfill. No record: the view is complete.
    #[must_use]
    pub fn record_name(view: u32) -> String {
        format!("backfill/{view}")
    }

    /// What stands in the meta record.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        self.record.encode()
    }

    /// Whether the view's operators have given their first output.
    pub(super) fn is_started(&self) -> bool {
        self.record.started
    }

    /// Whether all inputs are done.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.record.inputs.iter().all(|input| input.state == InputState::Done)
    }

    /// How far it is.
    #[must_use]
    pub fn progress(&self, view: u32) -> BackfillProgress {
        let reading = self.record.inputs.iter().find(|input| input.state != InputState::Done);
        BackfillProgress {
            view,
            input: reading.map(|input| input.relation),
            rows_done: self.record.inputs.iter().map(|input| input.rows_done).sum(),
            rows_total: self.record.inputs.iter().map(|input| input.rows_total.max(input.rows_done)).sum(),
            finished: reading.is_none(),
        }
    }

    /// What the view sees in this epoch: live changes behind the positions, and up to about `chunk_rows` rows beyond (none: the
    /// backfill waits for an epoch with more room).
    ///
    /// # Errors
    /// When stored rows cannot be read.
    pub(super) fn step(
        &self,
        live: &HashMap<u32, Delta>,
        chunk_rows: usize,
        store: &Store,
        scope: &mut EpochScope,
    ) -> Result<BackfillStep, Fault> {
        let mut next = self.clone();
        next.record.started = true;
        let mut passed: HashMap<u32, Vec<Delta>> = HashMap::new();
        for (input, progress) in self.inputs.iter().zip(&self.record.inputs) {
            if let Some(delta) = live.get(&input.id)
                && let Some(delta) = behind(delta, input, &progress.state)?
            {
                passed.entry(input.id).or_default().push(delta);
            }
        }
        let mut room = chunk_rows;
        for (input, progress) in self.inputs.iter().zip(&mut next.record.inputs) {
            if room == 0 {
                break;
            }
            if progress.state == InputState::Done {
                continue;
            }
            let read = progress.read(input, room, store, scope, &mut next.ahead)?;
            let rows: usize = read.iter().map(RecordBatch::num_rows).sum();
            let deltas = passed.entry(input.id).or_default();
            deltas.extend(read.into_iter().map(Delta::inserts));
            if progress.state != InputState::Done {
                break;
            }
            if let (true, Some(delta)) = (input.is_log(), live.get(&input.id)) {
                deltas.push(delta.clone());
            }
            room = room.saturating_sub(rows);
            if room == 0 {
                break;
            }
        }
        let mut inputs = HashMap::with_capacity(passed.len());
        for input in &self.inputs {
            if let Some(deltas) = passed.remove(&input.id) {
                inputs.insert(input.id, Delta::concat(&input.schema, &deltas)?);
            }
        }
        Ok(BackfillStep { inputs, next })
    }
}

/// The part of a live change that concerns rows the view has seen.
fn behind(delta: &Delta, input: &InputRelation, state: &InputState) -> Result<Option<Delta>, Fault> {
    let position = match state {
        InputState::Done => return Ok(Some(delta.clone())),
        InputState::Pending | InputState::Log { .. } => return Ok(None),
        InputState::Rows { position } => position.as_slice(),
    };
    let InputKind::Stored(layout) = &input.kind else {
        return Err(Fault::internal("the backfill of a stream stands on a row"));
    };
    let keys = layout.key_codec().encode_batch(delta.rows())?;
    let seen: BooleanArray = keys.iter().map(|key| Some(key <= position)).collect();
    Ok(Some(delta.filter(&seen)?))
}
