//! What an aggregate function keeps for the touched groups of a step.

use super::Fault;
use arrow::array::ArrayRef;

/// A row that counts for an aggregate: its argument is not NULL and its FILTER is true.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change {
    /// Row of the delta.
    pub(super) row: u32,
    /// Number of its group among the touched ones.
    pub(super) group: u32,
    /// How often it is added (or, negative, taken away).
    pub(super) weight: i64,
}

/// One aggregate function over the touched groups of a step, as columns: element `g` belongs to group number `g`.
///
/// Law: after any changes the result is that of the batch function over the rows that are left.
pub(super) trait Accumulator: Send {
    /// Forgets the groups of the last step.
    fn clear(&mut self);

    /// Adds a group without rows.
    fn push_empty(&mut self);

    /// Adds a group from what [`Accumulator::write_state`] wrote, and moves `state` behind it.
    fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault>;

    /// Applies changes; `argument` has the delta's rows.
    fn update(&mut self, argument: Option<&ArrayRef>, changes: &[Change]) -> Result<(), Fault>;

    /// Appends the state of a group.
    fn write_state(&self, group: usize, out: &mut Vec<u8>);

    /// The result for each group. A result that does not fit its type is NULL and reported to `failed`.
    fn results(&self, failed: &mut dyn FnMut(usize, &str)) -> Result<ArrayRef, Fault>;
}
