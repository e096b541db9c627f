//! Keeps flushes and compactions up with commits.
//!
//! RocksDB counts memtables: it flushes [`MEMTABLES_PER_FLUSH`] of a family together, and makes commits wait when there are twice as
//! many. That is not enough for two reasons. An epoch goes into one memtable as a whole, so some are many times as large as they should
//! be. And our flushes [stand back](yields) behind commits: one of such memtables then takes so long that the next ones fill up, and
//! commits wait for a second. So commits look from time to time at what waits to be flushed, and at the files that wait to be merged.

use super::EpochBatch;
use super::keyspace::Family;
use super::options::{FILES_PER_COMPACTION, MAX_MEMTABLES, MEMTABLES_PER_FLUSH};
use super::shared::Shared;
use crate::yields;
use rocksdb::properties::{self, PropName};
use rocksdb::{ColumnFamily, FlushOptions};
use std::sync::atomic::{AtomicU64, Ordering};

/// Bytes that are written between two looks.
const LOOK_BYTES: u64 = 1 << 20;
/// A family that holds so much of all `memtable_bytes` is flushed, however few memtables that is: RocksDB would begin with a quarter, if all
/// of them were as large as they should be.
const FLUSHED_PART: u64 = 2;
/// Memtables of a family from which on flushes stand back less and less, since more come in meanwhile: those that one flush takes, and two.
const FLUSHES_HURRY_FROM: u64 = MEMTABLES_PER_FLUSH as u64 + 2;
/// Memtables from which on they do not stand back: one more, and RocksDB slows commits down.
const FLUSHES_HURRY_ALL: u64 = MAX_MEMTABLES as u64 - 2;
/// Flushed files of a family that wait to be merged from which on none is added before its time, and compactions stand back less and less: those that
/// one compaction takes, and two.
const MANY_FILES: u64 = FILES_PER_COMPACTION as u64 + 2;
/// Flushed files from which on compactions do not stand back: with four more RocksDB slows commits down.
const TOO_MANY_FILES: u64 = 2 * FILES_PER_COMPACTION as u64;

/// Looks at what waits to be flushed and merged.
#[derive(Default)]
pub(super) struct Backlog {
    /// Bytes written since the last look.
    unseen: AtomicU64,
}

impl Backlog {
    /// An epoch was committed.
    pub(super) fn wrote(&self, shared: &Shared, batch: &EpochBatch) {
        let bytes = batch.bytes() as u64;
        if self.unseen.fetch_add(bytes, Ordering::Relaxed) + bytes < LOOK_BYTES {
            return;
        }
        self.unseen.store(0, Ordering::Relaxed);
        let (mut memtables, mut files) = (0, 0);
        for (family, bytes) in Family::ALL.into_iter().zip(batch.bytes_of_families()) {
            match look_at(shared, family, bytes) {
                Ok(waiting) => {
                    memtables = memtables.max(waiting.memtables);
                    files = files.max(waiting.files);
                }
                // What it is worth is speed; the next commit will tell if RocksDB is in trouble.
                Err(error) => tracing::warn!(%error, "RocksDB does not tell what waits to be flushed and merged"),
            }
        }
        yields::flushes_hurry(hurry(memtables, FLUSHES_HURRY_FROM, FLUSHES_HURRY_ALL));
        yields::compactions_hurry(hurry(files, MANY_FILES, TOO_MANY_FILES));
    }
}

/// What of one family waits.
struct Waiting {
    /// Memtables that are full.
    memtables: u64,
    /// Flushed files.
    files: u64,
}

/// Begins a flush of the family, into which `bytes` were just written, if it is time.
fn look_at(shared: &Shared, family: Family, bytes: usize) -> Result<Waiting, rocksdb::Error> {
    let cf = shared.family(family);
    let files = shared.db.property_value_cf(cf, properties::num_files_at_level(0))?;
    let files = files.and_then(|files| files.parse().ok()).unwrap_or(0);
    // Of the memtable that is written to RocksDB only knows that it is full: of how much of this epoch it does not say.
    let held = number(shared, cf, properties::CUR_SIZE_ALL_MEM_TABLES)? + bytes as u64;
    let is_large = held >= shared.memory.memtable_bytes() / FLUSHED_PART;
    if is_large && files < MANY_FILES && may_flush(shared, cf)? {
        let mut options = FlushOptions::default();
        options.set_wait(false);
        shared.db.flush_cf_opt(cf, &options)?;
    }
    let memtables = number(shared, cf, properties::NUM_IMMUTABLE_MEM_TABLE)?;
    Ok(Waiting { memtables, files })
}

/// Whether RocksDB takes a flush at once, if few files wait: where one more would slow commits down, whoever asks for a flush is made to wait until it
/// would not. Not while one is running, of which all counts until it is done.
fn may_flush(shared: &Shared, cf: &ColumnFamily) -> Result<bool, rocksdb::Error> {
    Ok(number(shared, cf, properties::NUM_RUNNING_FLUSHES)? == 0
        && number(shared, cf, properties::MEM_TABLE_FLUSH_PENDING)? == 0
        && number(shared, cf, properties::ACTUAL_DELAYED_WRITE_RATE)? == 0)
}

fn number(shared: &Shared, cf: &ColumnFamily, property: &PropName) -> Result<u64, rocksdb::Error> {
    shared.db.property_int_value_cf(cf, property).map(Option::unwrap_or_default)
}

/// How much to hurry, from 0 to 1, when so many wait: from `from` on, all there is at `all`.
fn hurry(waiting: u64, from: u64, all: u64) -> f32 {
    waiting.saturating_sub(from) as f32 / (all - from) as f32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreFixture, small};
    use crate::{ObjectId, Table};
    use rocksdb::WaitForCompactOptions;

    #[test]
    fn an_epoch_that_fills_half_of_the_memory_is_flushed_though_it_is_one_memtable() {
        let options = small();
        let mut fixture = StoreFixture::with(&options);
        let mut write = |bytes: usize| {
            fixture.epoch(|scope| {
                for key in 0..bytes / 1_024 {
                    scope.put(Table::Rows(ObjectId(7)), &key.to_be_bytes(), &[7; 1_024]);
                }
            });
            let db = &fixture.store.shared.db;
            db.wait_for_compact(&WaitForCompactOptions::default()).unwrap();
            let files = properties::TOTAL_SST_FILES_SIZE;
            db.property_int_value_cf(fixture.store.shared.family(Family::Rows), files).unwrap().unwrap()
        };
        assert_eq!(write(options.memtable_bytes / 3), 0);
        assert!(write(options.memtable_bytes / 3) > 0);
    }

    #[test]
    fn flushes_and_compactions_hurry_before_commits_have_to_wait() {
        let flushes = |waiting| hurry(waiting, FLUSHES_HURRY_FROM, FLUSHES_HURRY_ALL);
        assert_eq!(flushes(MEMTABLES_PER_FLUSH as u64), 0.0);
        assert_eq!(flushes((FLUSHES_HURRY_FROM + FLUSHES_HURRY_ALL) / 2), 0.5);
        assert_eq!(flushes(MAX_MEMTABLES as u64 - 2), 1.0);
        assert!(flushes(MAX_MEMTABLES as u64) > 1.0);
        let compactions = |waiting| hurry(waiting, MANY_FILES, TOO_MANY_FILES);
        assert_eq!(compactions(FILES_PER_COMPACTION as u64), 0.0);
        assert_eq!(compactions(TOO_MANY_FILES), 1.0);
    }
}
