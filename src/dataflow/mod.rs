//! The dataflow: operators that turn deltas into deltas, and the driver that runs them.
//!
//! Knows storage and planner. Knows neither the coordinator, nor connections, nor the serving side.
//!
//! - [`operator`]: the operator trait and one file per operator
//! - [`Expression`]: scalar expressions over a batch, whose failures are data
//! - [`ViewGraph`]: the operators of one view
//! - [`LocalDriver`]: all views of a server, one thread, one epoch at a time
//! - [`Backfill`]: how a new view reads what its inputs already hold

mod backfill;
mod batch;
mod expression;
mod fault;
mod graph;
mod local;
pub mod operator;
#[cfg(test)]
mod tests;
mod tolerant;

pub use backfill::{Backfill, BackfillProgress, InputKind, InputRelation, RowChunk, read_rows};
pub use expression::{Expression, Failing};
pub use fault::{Fault, RowError, RowErrors};
pub use graph::{ScanInput, ViewChange, ViewGraph};
pub use local::{EpochOutcome, LocalDriver, ViewDataflow};
pub use operator::{Operator, StepScope};
