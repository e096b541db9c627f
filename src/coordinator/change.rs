//! What clients ask the coordinator to change.

use arrow::array::RecordBatch;
use attune_planner::DataflowPlan;
use attune_sql::SqlError;
use attune_sql::catalog::{Index, Relation, RelationId};
use bytes::Bytes;
use std::fmt;
use std::sync::Arc;

/// A change to one relation.
#[derive(Clone, Debug)]
pub enum RelationChange {
    /// Events appended to a stream: all its columns, in order, with their exact Arrow types.
    Append {
        /// Stream id.
        stream: u32,
        /// Events.
        rows: RecordBatch,
    },
    /// Rows of a table put, replaced or deleted by key.
    Mutate {
        /// Table id.
        table: u32,
        /// Changes; at most one per key.
        changes: Vec<RowChange>,
    },
}

/// A change of one table row.
#[derive(Clone, Debug)]
pub struct RowChange {
    /// Encoded key (vnode byte first), by the table's key codec.
    pub key: Vec<u8>,
    /// What the statement saw under this key.
    pub expected: Expected,
    /// Row bytes of all columns (hidden included) to store; `None` deletes.
    pub new: Option<Bytes>,
}

/// What must be stored under a key for a change to apply.
#[derive(Clone, Debug)]
pub enum Expected {
    /// No row: a plain INSERT. Otherwise 23505.
    AbsentOr(Duplicate),
    /// No row: the statement saw none (an upsert). Otherwise 40001: evaluate again.
    Absent,
    /// Exactly these row bytes. Otherwise 40001: evaluate again.
    Row(Bytes),
}

/// The error of a key that is taken, made when it is needed: whoever makes the change knows what the constraint is called and how
/// keys are shown, the coordinator which row it refuses.
#[derive(Clone)]
pub struct Duplicate(Arc<MakeError>);

type MakeError = dyn Fn(&[u8]) -> SqlError + Send + Sync;

impl Duplicate {
    /// From a function that makes the error of the bytes of the refused row.
    pub fn new(error: impl Fn(&[u8]) -> SqlError + Send + Sync + 'static) -> Duplicate {
        Duplicate(Arc::new(error))
    }

    /// The error for this row.
    #[must_use]
    pub fn error(&self, row: &[u8]) -> SqlError {
        (self.0)(row)
    }
}

impl fmt::Debug for Duplicate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Duplicate")
    }
}

/// A schema change, complete except that the coordinator writes and publishes it.
#[derive(Clone, Debug)]
pub enum Ddl {
    /// A stream, table, plain view, or materialized view (with its plan). `relation.id` is the base catalog's
    /// `next_id()`, its state objects follow it.
    CreateRelation {
        /// The record.
        relation: Relation,
        /// The dataflow of a materialized view.
        plan: Option<DataflowPlan>,
    },
    /// An index; `index.id` is the base catalog's `next_id()`.
    CreateIndex {
        /// The record.
        index: Index,
    },
    /// Relations and indexes to drop, dependents first (from `Catalog::drop_order`).
    Drop {
        /// Ids.
        ids: Vec<RelationId>,
    },
}

impl RelationChange {
    /// Approximate size in memory, in bytes: what the input queue counts.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            RelationChange::Append { rows, .. } => rows.get_array_memory_size(),
            RelationChange::Mutate { changes, .. } => changes.iter().map(RowChange::bytes).sum(),
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        match self {
            RelationChange::Append { rows, .. } => rows.num_rows(),
            RelationChange::Mutate { changes, .. } => changes.len(),
        }
    }
}

impl RowChange {
    /// Approximate size in memory, in bytes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        let expected = match &self.expected {
            Expected::AbsentOr(_) | Expected::Absent => 0,
            Expected::Row(row) => row.len(),
        };
        std::mem::size_of::<RowChange>() + self.key.len() + expected + self.new.as_ref().map_or(0, bytes::Bytes::len)
    }
}
