//! Whether the indexes and filters of table files are whole or in parts.
//!
//! A read asks the filter of each file that may hold its key. Whole, that is one look into the block cache; in parts, one for the
//! list of parts and one for the part. But a whole one that is not in the cache is megabytes to be read for one key. So new files
//! have whole ones as long as those of all files fit the cache, which gets room for them (`memory`). What is there stays as it is
//! until a compaction rewrites it: RocksDB reads both.

use super::keyspace::Family;
use super::shared::Shared;
use rocksdb::properties;
use std::sync::atomic::{AtomicBool, Ordering};

/// The families with many keys. Those of the others are little in any case.
const FAMILIES: [Family; 2] = [Family::State, Family::Rows];
/// Indexes and filters need this part of their size besides: what else is cached must not drive them out.
const SPARE_PART: u64 = 4;
/// What RocksDB is told for new files.
const WHOLE: &str = "{index_type=kBinarySearch;partition_filters=false;}";
/// See [`WHOLE`].
const IN_PARTS: &str = "{index_type=kTwoLevelIndexSearch;partition_filters=true;}";

/// Sees to it that indexes and filters of new files are whole while all of them fit the block cache.
pub(super) struct Metadata {
    whole: AtomicBool,
}

impl Default for Metadata {
    /// For a store that was opened with whole ones.
    fn default() -> Metadata {
        Metadata { whole: AtomicBool::new(true) }
    }
}

impl Metadata {
    /// Tells RocksDB what new files are to have if that is not what they had so far, for `bytes` of indexes and filters when `most` of the
    /// block cache can be theirs. In parts, they become whole again when three quarters of that would do.
    pub(super) fn choose(&self, shared: &Shared, bytes: u64, most: usize) {
        let whole = self.whole.load(Ordering::Relaxed);
        let most = most as u64;
        let fits = room(bytes) <= if whole { most } else { most / 4 * 3 };
        if fits != whole {
            let settings = [("block_based_table_factory", if fits { WHOLE } else { IN_PARTS })];
            for family in FAMILIES {
                if let Err(error) = shared.db.set_options_cf(shared.family(family), &settings) {
                    // It works as well, only slower.
                    tracing::warn!(%error, "RocksDB did not take new settings of its table files");
                }
            }
            self.whole.store(fits, Ordering::Relaxed);
            tracing::debug!(bytes, most, whole = fits, "indexes and filters of new files");
        }
    }
}

/// Bytes that a block cache must have to hold `bytes` of indexes and filters all the time.
pub(super) fn room(bytes: u64) -> u64 {
    bytes + bytes / SPARE_PART
}

/// Bytes of the indexes and filters of all table files. RocksDB adds them up under its mutex, and reads the properties of files that are not open, so
/// this is for now and then.
pub(super) fn bytes(shared: &Shared) -> u64 {
    FAMILIES.iter().map(|family| bytes_of(shared, *family).unwrap_or(0)).sum()
}

/// Those of one family; `None` when RocksDB does not say, as then new files may have whole ones.
fn bytes_of(shared: &Shared, family: Family) -> Option<u64> {
    // Written out for people: "...; index block size (user-key? 1, delta-value? 1)=47788370; filter block size=194441254; ..."
    let properties =
        shared.db.property_value_cf(shared.family(family), properties::AGGREGATED_TABLE_PROPERTIES).ok().flatten()?;
    let size = |name: &str| {
        let property = properties.split(';').find(|property| property.trim_start().starts_with(name))?;
        property.rsplit_once('=')?.1.trim().parse::<u64>().ok()
    };
    Some(size("index block size")? + size("filter block size")?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreFixture, small};
    use crate::{ObjectId, Store, StoreOptions, Table};

    const ROWS: Table = Table::Rows(ObjectId(7));
    const BLOCK_CACHE_BYTES: usize = 16 << 10;

    fn write(fixture: &mut StoreFixture, keys: u64) {
        for first in (0..keys).step_by(1_000) {
            fixture
                .epoch(|scope| (first..first + 1_000).for_each(|key| scope.put(ROWS, &key.to_be_bytes(), &[7; 100])));
        }
    }

    /// How many parts the indexes of the files have that a compaction of everything writes, which are `keys` rows.
    fn parts(store: &Store, keys: u64) -> u64 {
        let (db, rows) = (&store.shared.db, store.shared.family(Family::Rows));
        // A flush that is asked for while another one runs may wait forever (facebook/rocksdb#12094).
        db.wait_for_compact(&rocksdb::WaitForCompactOptions::default()).unwrap();
        let mut all = rocksdb::CompactOptions::default();
        all.set_bottommost_level_compaction(rocksdb::BottommostLevelCompaction::Force);
        db.compact_range_cf_opt(rows, None::<&[u8]>, None::<&[u8]>, &all);
        let properties = db.property_value_cf(rows, "rocksdb.aggregated-table-properties").unwrap().unwrap();
        assert!(properties.contains(&format!("# entries={keys};")), "{properties}");
        let parts = properties.split_once("# index partitions=").map(|(_, rest)| rest.split(';').next().unwrap());
        parts.map_or(0, |parts| parts.parse().unwrap())
    }

    /// A store with more keys than its block cache has room for their index.
    fn with_parts() -> StoreFixture {
        let options = StoreOptions { memtable_bytes: 1 << 20, block_cache_bytes: BLOCK_CACHE_BYTES, ..small() };
        let mut fixture = StoreFixture::with(&options);
        write(&mut fixture, 20_000);
        parts(&fixture.store, 20_000);
        // All of it is in files now.
        fixture.store.shared.memory.opened(&fixture.store.shared);
        assert!(parts(&fixture.store, 20_000) > 0);
        fixture
    }

    #[test]
    fn bytes_are_those_of_the_filters_and_indexes() {
        let mut fixture = StoreFixture::with(&StoreOptions { memtable_bytes: 1 << 20, ..small() });
        assert_eq!(bytes(&fixture.store.shared), 0);
        write(&mut fixture, 20_000);
        assert_eq!(parts(&fixture.store, 20_000), 0);
        // Ten bits for each key, and some twenty bytes for each block of 4 KB.
        let bytes = bytes(&fixture.store.shared);
        assert!((30_000..60_000).contains(&bytes), "{bytes}");
    }

    #[test]
    fn files_have_parts_while_whole_ones_would_not_fit_the_cache() {
        let mut fixture = with_parts();
        let mut batch = fixture.committer.begin();
        batch.drop_objects([ROWS]);
        fixture.committer.commit(batch).unwrap();
        assert_eq!(parts(&fixture.store, 0), 0);
        let shared = &fixture.store.shared;
        shared.metadata.choose(shared, bytes(shared), BLOCK_CACHE_BYTES);
        write(&mut fixture, 1_000);
        assert_eq!(parts(&fixture.store, 1_000), 0, "there is room again");
    }

    #[test]
    fn files_with_parts_are_read_and_rewritten_with_a_larger_cache() {
        let fixture = with_parts().reopen();
        let value = || fixture.committer.begin().scope().get(ROWS, &4_711_u64.to_be_bytes()).unwrap();
        assert_eq!(value().as_deref(), Some(&[7; 100][..]));
        assert_eq!(parts(&fixture.store, 20_000), 0);
        assert_eq!(value().as_deref(), Some(&[7; 100][..]));
    }
}
