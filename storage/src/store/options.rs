//! Settings of the store, and what they mean to RocksDB.

use super::keyspace::{Family, PREFIX_BYTES};
use crate::{Result, machine, yields};
use rocksdb::{
    BlockBasedOptions, Cache, ColumnFamilyDescriptor, DBCompressionType, LogLevel, Options, SliceTransform,
    WriteBufferManager,
};

/// Settings of the store: every cache and limit by its configuration name.
#[derive(Clone, Debug)]
pub struct StoreOptions {
    /// Bytes of RocksDB's block cache.
    pub block_cache_bytes: usize,
    /// Bytes of the hot-row cache in front of view and table rows.
    pub row_cache_bytes: usize,
    /// Bytes of the cache of the first rows under key prefixes.
    pub run_cache_bytes: usize,
    /// Bytes of the cache in front of operator state.
    pub state_cache_bytes: usize,
    /// Bytes of memtables over all column families.
    pub memtable_bytes: usize,
    /// Whether these five are shares of one budget: of a cache that is of no use, block cache and memtables get the most then.
    pub shared_memory: bool,
    /// Largest epoch in bytes of keys and values.
    pub epoch_max_bytes: usize,
    /// Wait for the WAL to be on disk before an epoch is published and acknowledged.
    pub synchronous_commit: bool,
}

impl Default for StoreOptions {
    fn default() -> Self {
        StoreOptions {
            block_cache_bytes: 384 << 20,
            row_cache_bytes: 256 << 20,
            run_cache_bytes: 64 << 20,
            state_cache_bytes: 384 << 20,
            memtable_bytes: 256 << 20,
            shared_memory: false,
            epoch_max_bytes: 256 << 20,
            synchronous_commit: true,
        }
    }
}

/// Files RocksDB keeps open. All of them (the default) would make a start as long as there are files, and meet the
/// usual limit of 1,024 descriptors.
const MAX_OPEN_FILES: i32 = 512;
/// Bytes of data blocks: larger ones compress better, smaller ones read less for one key.
const BLOCK_BYTES: usize = 4 << 10;
/// Bits of the Bloom filters per key: one of a hundred files is read in vain.
const FILTER_BITS_PER_KEY: f64 = 10.0;
/// Entries of the log are read in order and are large.
const LOG_BLOCK_BYTES: usize = 32 << 10;
/// Memtables of a column family that become one table file.
pub(super) const MEMTABLES_PER_FLUSH: usize = 8;
/// Memtables of a column family at which RocksDB makes commits wait.
pub(super) const MAX_MEMTABLES: usize = 2 * MEMTABLES_PER_FLUSH;
/// Flushed files of a column family that are merged into the first level, with all of that: the more at a time, the less often; until
/// then each of them is asked for a key. RocksDB slows commits down at 20, and makes them wait at 36.
pub(super) const FILES_PER_COMPACTION: usize = 8;
/// The part of a memtable that is its filter. Two percent would do for one of the size it should have; but an epoch goes into one as a whole, and a
/// large one makes it three times as large.
const MEMTABLE_FILTER_PART: f64 = 0.05;
/// How much larger a level is than the one above it. What is written at random is merged with as many times its size on each level, so three
/// steps of five rewrite less than two of ten.
const LEVEL_MULTIPLIER: f64 = 5.0;
/// Settings that the crate has no functions for. An epoch is one batch in key order: an insert into a memtable's skip list begins where the one before it
/// ended (the place is kept for each prefix of 0 bytes, of which there is one), and so does a lookup of several keys. `WriteOptions` has a hint
/// per batch, too, but that is for writers that insert at the same time.
const IN_KEY_ORDER: &str =
    "memtable_insert_with_hint_prefix_extractor=rocksdb.FixedPrefix.0;memtable_batch_lookup_optimization=true";
/// Levels of table files, RocksDB's default.
const LEVELS: usize = 7;
/// The first of them: flushed memtables, and what these are merged into ([`first_level`], 1 GB unless `memtable_bytes` is set).
const YOUNG_LEVELS: usize = 2;
/// Smallest memtable of a column family.
pub(super) const MIN_MEMTABLE_BYTES: usize = 256 << 10;

/// What may take another size while the database is open.
pub(super) struct Sizes {
    /// Of all column families.
    pub(super) block_cache: Cache,
    /// Of all column families.
    pub(super) memtables: WriteBufferManager,
}

impl Sizes {
    pub(super) fn new(options: &StoreOptions) -> Sizes {
        Sizes {
            block_cache: Cache::new_hyper_clock_cache(options.block_cache_bytes, 0),
            memtables: WriteBufferManager::new_write_buffer_manager(
                options.memtable_bytes.max(MIN_MEMTABLE_BYTES),
                false,
            ),
        }
    }
}

/// Bytes of one memtable, when all of them have `memtable_bytes`.
///
/// Three families carry the load; RocksDB flushes the largest when all together reach `memtable_bytes`. Several small
/// memtables are flushed as one: an insert walks down a skip list, which is quick while the list fits the processor's cache.
pub(super) fn one_memtable(memtable_bytes: usize) -> usize {
    (memtable_bytes / 4 / MEMTABLES_PER_FLUSH).clamp(MIN_MEMTABLE_BYTES, 32 << 20)
}

/// Bytes of the first level below the flushed memtables, when all memtables have `memtable_bytes`: twice as much as is merged into it at
/// a time. A smaller one is rewritten less by that, but rewrites the level below more often, and leaves more levels to be asked for a key.
pub(super) fn first_level(memtable_bytes: usize) -> usize {
    2 * FILES_PER_COMPACTION * MEMTABLES_PER_FLUSH * one_memtable(memtable_bytes)
}

/// Options of the database as a whole.
pub(super) fn database(options: &StoreOptions, sizes: &Sizes) -> Options {
    let mut db = Options::default();
    db.create_if_missing(true);
    db.create_missing_column_families(true);
    db.set_max_background_jobs(machine::cores().clamp(2, 8) as i32);
    db.set_max_open_files(MAX_OPEN_FILES);
    db.set_skip_stats_update_on_db_open(true);
    db.set_write_buffer_manager(&sizes.memtables);
    // What a restart has to replay at most.
    db.set_max_total_wal_size((options.memtable_bytes as u64).max(64 << 20));
    // Spread the writing of table files, so that a flush does not delay the sync of a commit.
    db.set_bytes_per_sync(1 << 20);
    db.set_log_level(LogLevel::Warn);
    db.set_max_log_file_size(16 << 20);
    db.set_keep_log_file_num(4);
    db.set_stats_dump_period_sec(0);
    db.set_stats_persist_period_sec(0);
    db
}

/// The column families with their options, sharing one block cache.
///
/// # Errors
/// When RocksDB does not know a setting: that of another release.
pub(super) fn families(options: &StoreOptions, sizes: &Sizes) -> Result<Vec<ColumnFamilyDescriptor>> {
    let descriptor = |f: &Family| Ok(ColumnFamilyDescriptor::new(f.name(), family(*f, options, &sizes.block_cache)?));
    Family::ALL.iter().map(descriptor).collect()
}

fn family(family: Family, options: &StoreOptions, cache: &Cache) -> Result<Options> {
    let mut blocks = BlockBasedOptions::default();
    blocks.set_block_cache(cache);
    blocks.set_block_size(if family == Family::Log { LOG_BLOCK_BYTES } else { BLOCK_BYTES });
    blocks.set_bloom_filter(FILTER_BITS_PER_KEY, false);
    blocks.set_whole_key_filtering(true);
    blocks.set_cache_index_and_filter_blocks(true);
    // Whole, unless they are too many (`metadata`); then in parts of a block.
    blocks.set_metadata_block_size(BLOCK_BYTES);
    blocks.set_pin_top_level_index_and_filter(true);
    blocks.set_pin_l0_filter_and_index_blocks_in_cache(true);

    let mut cf = Options::default().get_options_from_string(IN_KEY_ORDER)?;
    cf.set_block_based_table_factory(&blocks);
    // What is read by key is decompressed for each read that misses the cache: a block of zstd takes several times as long as
    // one of LZ4, and with state far larger than memory that is most of a read. Logs are read in order, once per new view;
    // their large entries are compressed already, so only on the last level is it worth to look for more.
    cf.set_compression_type(DBCompressionType::Lz4);
    if family == Family::Log {
        cf.set_bottommost_compression_type(DBCompressionType::Zstd);
    } else {
        // What the first levels hold is soon rewritten, and is little.
        let mut levels = [DBCompressionType::Lz4; LEVELS];
        levels[..YOUNG_LEVELS].fill(DBCompressionType::None);
        cf.set_compression_per_level(&levels);
    }
    cf.set_write_buffer_size(one_memtable(options.memtable_bytes));
    cf.set_max_bytes_for_level_base(first_level(options.memtable_bytes) as u64);
    cf.set_min_write_buffer_number_to_merge(MEMTABLES_PER_FLUSH as i32);
    cf.set_max_write_buffer_number(MAX_MEMTABLES as i32);
    cf.set_level_zero_file_num_compaction_trigger(FILES_PER_COMPACTION as i32);
    if matches!(family, Family::State | Family::Rows) {
        cf.set_max_bytes_for_level_multiplier(LEVEL_MULTIPLIER);
        // A read of the rows of one user looks only into the files that have some.
        // Under the name of RocksDB's own, which gives the same prefixes: files that were written with that go on.
        let name = format!("rocksdb.FixedPrefix.{PREFIX_BYTES}");
        let long_enough = |key: &[u8]| key.len() >= PREFIX_BYTES;
        cf.set_prefix_extractor(SliceTransform::create(&name, yields::prefix, Some(long_enough)));
        // Most keys an epoch asks for are new or old, not in the memtable: skip it without a search.
        cf.set_memtable_whole_key_filtering(true);
        cf.set_memtable_prefix_bloom_ratio(MEMTABLE_FILTER_PART);
    }
    Ok(cf)
}
