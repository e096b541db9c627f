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
        let first = keys.len();
        let places = take_rows(entry.map_or(Ok(&[][..]), open)?, partition, &mut keys, &mut weights)?;
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
    let (rows, _) = inside(rows, end);
    if rows == stored {
        return;
    }
    if rows.is_empty() {
        state.delete(table, partition);
        return;
    }
    let mut entry = vec![STATE_VERSION];
    put_rows(rows, partition, &mut entry);
    state.put(table, partition, &entry);
}

/// The rows that begin before place `end`, and how many places they have.
pub(super) fn inside<'a, 'r>(rows: &'a [Row<'r>], end: u64) -> (&'a [Row<'r>], u64) {
    let mut places = 0u64;
    let count = rows.iter().take_while(|(_, weight)| {
        let inside = places < end;
        if inside {
            places = places.saturating_add(*weight);
        }
        inside
    });
    let count = count.count();
    (&rows[..count], places)
}

/// Appends rows of `partition`: of each its weight, and the rest of its key with its length.
pub(super) fn put_rows(rows: &[Row<'_>], partition: &[u8], out: &mut Vec<u8>) {
    for (key, weight) in rows {
        put_unsigned(*weight, out);
        put_bytes(&key[partition.len()..], out);
    }
}

/// Adds the rows that [`put_rows`] wrote; returns how many places they have.
pub(super) fn take_rows(
    mut rest: &[u8],
    partition: &[u8],
    keys: &mut ByteRows,
    weights: &mut Vec<u64>,
) -> Result<u64, Fault> {
    let mut places = 0u64;
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
    Ok(places)
}
