//! The state of a backfill, as it stands in its meta record.

use super::chunk::read_rows;
use super::log_run::{Ahead, read_run};
use super::{Fault, InputKind, InputRelation};
use arrow::array::RecordBatch;
use attune_storage::{EpochScope, LogPosition, Store};
use serde::{Deserialize, Serialize};

/// Version of the record. Before 2, a log was read to the end of an entry each time.
const VERSION: u32 = 2;
/// The first version, which this build reads as well.
const FIRST_VERSION: u32 = 1;

/// The state of a backfill.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct Record {
    version: u32,
    /// The operators have given their first output.
    pub(super) started: bool,
    pub(super) inputs: Vec<InputProgress>,
}

/// How far one input is.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub(super) struct InputProgress {
    pub(super) relation: u32,
    pub(super) rows_done: u64,
    /// Estimated; exact when done.
    pub(super) rows_total: u64,
    pub(super) state: InputState,
}

/// Up to where an input has been read.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum InputState {
    /// Nothing has been read.
    Pending,
    /// All rows with keys up to this one (without the ordinal of keyless relations).
    Rows { position: Vec<u8> },
    /// All of the log up to here.
    Log { position: LogPosition },
    /// Everything; live changes are passed on.
    Done,
}

impl Record {
    /// Nothing read of any input.
    pub(super) fn new(relations: impl Iterator<Item = u32>) -> Record {
        let input = |relation| InputProgress { relation, rows_done: 0, rows_total: 0, state: InputState::Pending };
        Record { version: VERSION, started: false, inputs: relations.map(input).collect() }
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("a record of numbers and bytes is JSON")
    }

    /// A stored record, which must be one of the inputs of `new`.
    pub(super) fn decode(bytes: &[u8], new: &Record) -> Result<Record, Fault> {
        let record: Record =
            serde_json::from_slice(bytes).map_err(|e| Fault::internal(format!("backfill record: {e}")))?;
        let relations = |record: &Record| record.inputs.iter().map(|input| input.relation).collect::<Vec<_>>();
        if !(FIRST_VERSION..=VERSION).contains(&record.version) || relations(&record) != relations(new) {
            return Err(Fault::internal("a backfill record that does not fit its view"));
        }
        Ok(Record { version: VERSION, ..record })
    }
}

impl InputProgress {
    /// Reads on from the position, up to about `room` rows, and moves it. `ahead`: see [`read_run`].
    pub(super) fn read(
        &mut self,
        input: &InputRelation,
        room: usize,
        store: &Store,
        scope: &mut EpochScope,
        ahead: &mut Option<Ahead>,
    ) -> Result<Vec<RecordBatch>, Fault> {
        let (rows, state, done_part) = match &input.kind {
            InputKind::Stored(layout) => {
                let after = match &self.state {
                    InputState::Rows { position } => Some(position.as_slice()),
                    _ => None,
                };
                let chunk = read_rows(layout, &input.schema, after, room, scope)?;
                let vnode = chunk.position.as_ref().and_then(|position| position.first()).copied().unwrap_or(0);
                // Keys lie evenly over the vnodes, unless all are in vnode 0.
                let part = if layout.distribution == 0 { 0.5 } else { (f64::from(vnode) + 0.5) / 256.0 };
                let state = match chunk.position {
                    Some(position) if !chunk.at_end => InputState::Rows { position },
                    _ => InputState::Done,
                };
                (vec![chunk.rows], state, part)
            }
            InputKind::Log | InputKind::Logged(_) => {
                let after = match &self.state {
                    InputState::Log { position } => *position,
                    _ => LogPosition::default(),
                };
                let run = read_run(input, after, room, store, ahead)?;
                let part = run.position.epoch as f64 / store.published().0.max(1) as f64;
                let state = if run.at_end { InputState::Done } else { InputState::Log { position: run.position } };
                (run.rows, state, part)
            }
        };
        self.rows_done += rows.iter().map(|batch| batch.num_rows() as u64).sum::<u64>();
        self.rows_total = match state {
            InputState::Done => self.rows_done,
            _ => (self.rows_done as f64 / done_part.clamp(1e-6, 1.0)) as u64,
        };
        self.state = state;
        Ok(rows)
    }
}
