//! The rows in the first places of a partition, as one entry.
//!
//! `[partition columns]` -> `[version]`, then per row, in order: its weight, and the rest of its key with its length.

use super::{Row, Stored};
use crate::dataflow::operator::Fault;
use crate::dataflow::operator::state_bytes::{STATE_VERSION, get_bytes, get_unsigned, open, put_bytes, put_unsigned};
use attune_storage::codec::ByteRows;
use attune_storage::{EpochScope, Table};

/// Reads the entries of `partitions`. There may be more rows than those if they fill the places before `end`.
pub(super) fn read(table: Table, partitions: &[&[u8]], end: u64, state: &mut EpochScope) -> Result<Stored, Fault> {
    let (mut keys, mut weights) = (ByteRows::default(), Vec::new());
    let mut read = Vec::with_capacity(partitions.len());
    for (partition, entry) in partitions.iter().zip(state.get_many(table, partitions)?.iter()) {
        let (first, mut places) = (keys.len(), 0u64);
        let mut rest = entry.map_or(Ok(&[][..]), open)?;
        while !rest.is_empty() {
            let weight = get_unsigned(&mut rest)?;
            let row = get_bytes(&mut rest)?;
            keys.push_with(|key| {
                key.extend_from_slice(partition);
                key.extend_from_slice(row);
            });
            weights.push(weight);
            places = places.saturating_add(weight);
        }
        read.push((first..keys.len(), places >= end));
    }
    Ok(Stored { keys, weights, partitions: read })
}

/// Writes the rows of a partition that are in the places before `end`, if they are not those that are stored.
pub(super) fn write(
    table: Table,
    partition: &[u8],
    end: u64,
    (stored, rows): (&[Row<'_>], &[Row<'_>]),
    state: &mut EpochScope,
) {
    let mut next = 0u64;
    let inside = rows.iter().take_while(|(_, weight)| {
        let inside = next < end;
        next = next.saturating_add(*weight);
        inside
    });
    let rows = &rows[..inside.count()];
    if rows == stored {
        return;
    }
    if rows.is_empty() {
        state.delete(table, partition);
        return;
    }
    let mut entry = vec![STATE_VERSION];
    for (key, weight) in rows {
        put_unsigned(*weight, &mut entry);
        put_bytes(&key[partition.len()..], &mut entry);
    }
    state.put(table, partition, &entry);
}
