//! The operator trait, and one file per operator.
//!
//! What operators share: `keys` (distinct keys of a delta), `weights` (counted entries in a state table) and
//! `state_bytes` (compact state rows). Operators keep nothing between steps but their state tables, so an epoch that is
//! given up can be run again.

mod aggregate;
mod distinct;
mod filter;
mod join;
mod keys;
mod project;
mod state_bytes;
mod top_k;
mod union_all;
mod values;
mod weights;

pub use super::fault::{Fault, RowError, RowErrors};
pub(super) use aggregate::{AggregateOperator, RowAggregates, Rules};
pub(super) use distinct::Distinct;
pub(super) use filter::Filter;
pub(super) use join::{Join, JoinPlan, pair_schema};
pub(super) use project::Project;
pub(super) use top_k::{TopK, TopKPlan};
pub(super) use union_all::UnionAll;
pub(super) use values::Values;

use attune_storage::{Delta, Epoch, EpochScope};

/// An operator of a view's dataflow.
///
/// Operators are synchronous, total and deterministic: the same deltas in the same epochs give the same output and the
/// same state. They do no I/O but their state tables, and know no clock but the epoch's. For every operator, the sum of
/// all outputs equals the batch operator applied to the sums of all inputs; each operator's own test checks that law.
pub trait Operator: Send {
    /// Consumes one delta per input and returns the change of the output. Inputs need not be consolidated, and neither
    /// is the output.
    ///
    /// # Errors
    /// Only for faults that stop the view (storage, damaged state). A row whose expression fails is data, not an error:
    /// see [`StepScope::row_errors`].
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault>;

    /// Called once before the first step of a new view: output that exists without any input (the single row of an
    /// aggregate without groups, constant rows). `None`: nothing.
    ///
    /// # Errors
    /// As [`Operator::step`].
    fn start(&mut self, _scope: &mut StepScope<'_>) -> Result<Option<Delta>, Fault> {
        Ok(None)
    }
}

/// What an operator may use during a step.
pub struct StepScope<'a> {
    /// State reads and writes of this view in this epoch.
    pub state: &'a mut EpochScope,
    /// Rows whose expressions failed.
    pub row_errors: &'a mut RowErrors,
    /// The epoch being built.
    pub epoch: Epoch,
    /// The epoch's timestamp, microseconds since 1970-01-01 UTC.
    pub timestamp_us: i64,
    /// Somebody reads the view's change: another view, or an index.
    pub delta_wanted: bool,
}

/// The only input of an operator that has one.
fn only<'a>(inputs: &[&'a Delta]) -> Result<&'a Delta, Fault> {
    match inputs {
        [input] => Ok(input),
        _ => Err(Fault::internal(format!("an operator with one input was given {}", inputs.len()))),
    }
}
