//! How many bytes an object takes.
//!
//! RocksDB estimates the bytes of a key range in table files. What is still in memtables it reports for a column family
//! as a whole only, so that part is shared out by how much each object wrote. Opening a store flushes the replayed log,
//! so everything in a memtable was written by this process.

use super::keyspace::{Family, Table, object_range};
use super::shared::Shared;
use super::{EpochBatch, Store};
use crate::{ObjectId, Result};
use parking_lot::Mutex;
use rocksdb::{Range, properties};
use std::collections::HashMap;

/// Bytes written per object in this process; halved when a family wrote much more than memtables hold, so that the
/// shares are those of the recent writes.
#[derive(Default)]
pub(super) struct WrittenBytes {
    objects: Mutex<HashMap<(Family, ObjectId), u64>>,
}

impl WrittenBytes {
    /// Counts the puts of a committed epoch.
    pub(super) fn add(&self, batch: &EpochBatch) {
        let mut objects = self.objects.lock();
        for table in batch.dropped_tables() {
            objects.remove(&(table.family(), table.object()));
        }
        for (table, bytes) in batch.written_tables() {
            *objects.entry((table.family(), table.object())).or_default() += bytes as u64;
        }
        for (stream, bytes) in batch.written_logs() {
            *objects.entry((Family::Log, stream)).or_default() += bytes as u64;
        }
    }

    /// The part of `memtables` bytes that belongs to `object`.
    fn share(&self, family: Family, object: ObjectId, memtables: u64) -> u64 {
        let mut objects = self.objects.lock();
        let written = objects.get(&(family, object)).copied().unwrap_or(0);
        let all: u64 = objects.iter().filter(|((f, _), _)| *f == family).map(|(_, bytes)| *bytes).sum();
        if all > memtables.saturating_mul(4).max(1 << 30) {
            objects.iter_mut().filter(|((f, _), _)| *f == family).for_each(|(_, bytes)| *bytes /= 2);
        }
        if all == 0 {
            return 0;
        }
        let part = u128::from(memtables) * u128::from(written) / u128::from(all);
        written.min(u64::try_from(part).unwrap_or(u64::MAX))
    }
}

impl Store {
    /// Approximate bytes of an object on disk and in memtables.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn approximate_bytes(&self, table: Table) -> Result<u64> {
        approximate(&self.shared, table.family(), table.object())
    }

    /// Approximate bytes of a stream's log on disk and in memtables.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn approximate_log_bytes(&self, stream: ObjectId) -> Result<u64> {
        approximate(&self.shared, Family::Log, stream)
    }
}

fn approximate(shared: &Shared, family: Family, object: ObjectId) -> Result<u64> {
    let (from, to) = object_range(object);
    let cf = shared.family(family);
    let files: u64 = shared.db.get_approximate_sizes_cf(cf, &[Range::new(&from, &to)]).iter().sum();
    let memtables = shared.db.property_int_value_cf(cf, properties::CUR_SIZE_ALL_MEM_TABLES)?.unwrap_or(0);
    Ok(files + shared.written.share(family, object, memtables))
}
