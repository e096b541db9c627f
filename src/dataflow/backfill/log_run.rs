//! A run of rows of a log, which may end amid an entry.

use super::{Fault, InputRelation};
use arrow::array::RecordBatch;
use attune_storage::{LogPosition, ObjectId, Store};

/// Rows at the end of a log entry that were decoded with those before and are passed on in later epochs. Only in memory: after a
/// start the entry is decoded again.
#[derive(Clone, Debug)]
pub(super) struct Ahead {
    relation: u32,
    /// Stands before them.
    position: LogPosition,
    rows: RecordBatch,
}

/// Rows of a log that follow a position.
pub(super) struct LogRun {
    /// The rows: all columns, oldest first.
    pub(super) rows: Vec<RecordBatch>,
    /// Position after them.
    pub(super) position: LogPosition,
    /// Nothing that is committed follows.
    pub(super) at_end: bool,
}

/// `max_rows` rows (from 1) of the log of `input` after `after`, fewer at its end, as of the last committed epoch: the events of
/// this one come as its live change.
///
/// An entry has as many rows as its epoch, tens of thousands after a large COPY. Were it passed on as a whole, every write beside
/// the backfill would wait for as many rows; so the rest of the last entry is left in `ahead` for the next call.
///
/// # Errors
/// When storage fails or an entry is damaged.
pub(super) fn read_run(
    input: &InputRelation,
    after: LogPosition,
    max_rows: usize,
    store: &Store,
    ahead: &mut Option<Ahead>,
) -> Result<LogRun, Fault> {
    let mut run = LogRun { rows: Vec::new(), position: after, at_end: false };
    let mut room = max_rows;
    while room > 0 && !run.at_end {
        let (mut rows, end, at_end) = match ahead.take() {
            Some(held) if held.relation == input.id && held.position == run.position => {
                (vec![held.rows], LogPosition { left: 0, ..held.position }, false)
            }
            _ => {
                let chunk = store.read_log(&store.snapshot(), ObjectId(input.id), &input.schema, run.position, room)?;
                (chunk.rows, chunk.position, chunk.at_end)
            }
        };
        let read: usize = rows.iter().map(RecordBatch::num_rows).sum();
        let left = read.saturating_sub(room);
        run.position = LogPosition { left, ..end };
        run.at_end = at_end && left == 0;
        if left > 0
            && let Some(last) = rows.pop()
        {
            let passed = last.num_rows().checked_sub(left);
            let passed = passed.ok_or_else(|| Fault::internal("a run of log entries is longer than its last one"))?;
            rows.push(last.slice(0, passed));
            *ahead = Some(Ahead { relation: input.id, position: run.position, rows: last.slice(passed, left) });
        }
        room = room.saturating_sub(read);
        run.rows.extend(rows.into_iter().filter(|rows| rows.num_rows() > 0));
    }
    Ok(run)
}
