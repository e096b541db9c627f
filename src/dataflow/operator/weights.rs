//! Counted entries: state tables whose values are multiplicities.

use super::Fault;
use attune_storage::{EpochScope, Table};

/// A multiplicity before and after a step.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Weight {
    /// Before; 0 when there was no entry.
    pub(super) old: i64,
    /// After; 0 when there is none any more.
    pub(super) new: i64,
}

/// A stored multiplicity: i64, little endian.
pub(super) fn decode(value: &[u8]) -> Result<i64, Fault> {
    match value.try_into().map(i64::from_le_bytes) {
        Ok(weight) if weight > 0 => Ok(weight),
        _ => Err(Fault::internal(format!("a stored multiplicity is damaged: {value:?}"))),
    }
}

/// `old + change`; never negative, since inputs are changes of relations.
pub(super) fn add(old: i64, change: i64) -> Result<i64, Fault> {
    match old.checked_add(change) {
        Some(new) if new >= 0 => Ok(new),
        _ => Err(Fault::internal(format!("a multiplicity of {old} cannot change by {change}"))),
    }
}

/// Adds `changes` to the multiplicities under `keys` (distinct) with one batched read. Entries that reach 0 are deleted.
pub(super) fn change(
    state: &mut EpochScope,
    table: Table,
    keys: &[&[u8]],
    changes: &[i64],
) -> Result<Vec<Weight>, Fault> {
    let stored = state.get_many(table, keys)?;
    let mut weights = Vec::with_capacity(keys.len());
    for ((key, change), stored) in keys.iter().zip(changes).zip(stored.iter()) {
        let old = stored.map_or(Ok(0), decode)?;
        let new = add(old, *change)?;
        match new {
            _ if new == old => {}
            0 => state.delete(table, key),
            _ => state.put(table, key, &new.to_le_bytes()),
        }
        weights.push(Weight { old, new });
    }
    Ok(weights)
}

/// Adds `changes` to the multiplicities under `keys` (distinct) where those are 0 or 1 and stay so: nothing needs to be read.
pub(super) fn set(state: &mut EpochScope, table: Table, keys: &[&[u8]], changes: &[i64]) -> Result<(), Fault> {
    for (key, change) in keys.iter().zip(changes) {
        match change {
            1 => state.put(table, key, &1i64.to_le_bytes()),
            -1 => state.delete(table, key),
            _ => return Err(Fault::internal("a row is there more than once, though the plan takes it as unique")),
        }
    }
    Ok(())
}

/// Sums of `weights` per number in `of_row`; `len` numbers.
pub(super) fn sum_by(of_row: &[u32], weights: &[i64], len: usize) -> Result<Vec<i64>, Fault> {
    let mut sums = vec![0i64; len];
    for (number, weight) in of_row.iter().zip(weights) {
        let sum = &mut sums[*number as usize];
        *sum = sum.checked_add(*weight).ok_or_else(|| Fault::internal("weights add up to more than 64 bits"))?;
    }
    Ok(sums)
}
