//! Who has how much memory, where all of it is one budget.
//!
//! With state that is much larger than memory and read evenly, a cache of single entries answers next to nothing, while the same
//! memory pays elsewhere: a block cache that holds all filters and indexes saves most of the cost of a read, and larger
//! memtables are merged into the levels below less often. With state that fits, or of which a part is hot, the caches of
//! entries are what makes it fast. So a cache that would not answer much, even if it had all of its share, gives most of that to block cache
//! and memtables, until it would. What it would answer its [ghost](crate::ghost) tells.
//!
//! Filters and indexes come before all of that: each read looks into those of several files, and where they are whole, one that is not cached is
//! megabytes to be read for one key. The block cache gets room for them from what was given away, then from the caches of entries.

use super::StoreOptions;
use super::keyspace::Family;
use super::metadata;
use super::options::{MIN_MEMTABLE_BYTES, Sizes, first_level, one_memtable};
use super::shared::Shared;
use crate::ghost::Ghost;
use parking_lot::Mutex;
use rocksdb::{Cache, WriteBufferManager};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// A cache that would answer less than this share of what it is asked becomes small, ...
const LEAST_HIT_RATE: f64 = 0.25;
/// ... and gets all of its share again when it would answer more than this.
const GOOD_HIT_RATE: f64 = 0.35;
/// The part of its share that a small cache has.
const SMALL_PART: usize = 8;
/// Looks in a row after which a cache becomes small that was hardly asked: so often half of `memtable_bytes` was written.
const QUIET_LOOKS: u32 = 8;
/// Hardly asked: so many of the reads that are sampled came between two looks, of the thousands that tell a hit rate.
const QUIET_READS: u32 = 32;
/// While the state cache is small: of so many reads of state, blocks of data are cached for one. That keeps those that are read again and
/// again, and saves the others the way in and out, which is a third of what reading a block costs.
const READS_PER_FILL: u32 = 8;
/// Read after read goes on by this part of 2^32, the golden ratio: wherever one begins, and of however many tables each epoch reads, one of
/// [`READS_PER_FILL`] of each comes to lie in the first part. (Were it every eighth read, an epoch that reads two tables would cache blocks of one only,
/// and read filters of the other from its files for each key.)
const READ_STEP: u32 = 0x9e37_79b9;
/// The block cache is made larger for filters and indexes by this part of its share at a time: a cache of entries that has to give something away
/// forgets what it has.
const BLOCK_STEPS: u64 = 8;
/// The part of its share that a cache of entries keeps, however many filters and indexes there are. More than [`SMALL_PART`] leaves it: what
/// fits while they are small must fit when they are not.
const KEPT_PART: usize = 4;
/// Bytes of an entry, before there are any to measure.
const ENTRY_BYTES: usize = 192;
/// Entries that are enough to tell what one has.
const MEASURED_ENTRIES: usize = 1_024;

/// Looks from time to time at what the caches are worth.
pub(super) struct Memory {
    /// Bytes that are written between two looks.
    interval: u64,
    written: AtomicU64,
    state_is_small: AtomicBool,
    /// Says how large they may be, to whoever looks.
    memtables: WriteBufferManager,
    state_reads: AtomicU32,
    /// `None`: every cache keeps what its own setting says.
    shares: Option<Mutex<Shares>>,
}

struct Shares {
    block_cache: Cache,
    state: Share,
    rows: Share,
    /// Bytes of all filters and indexes, at the last look.
    metadata: u64,
    /// What everybody has now.
    given: Division,
    /// For how many bytes of memtables the options of RocksDB were made.
    told_bytes: usize,
}

/// The share of a cache of entries.
#[derive(Debug, Default)]
struct Share {
    small: bool,
    /// Reads that were sampled up to the last look.
    reads: u32,
    /// Looks in a row at which it had hardly been asked.
    quiet: u32,
}

/// Who has how many bytes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Division {
    state_cache: usize,
    row_cache: usize,
    block_cache: usize,
    memtables: usize,
}

impl Memory {
    /// For a store that was opened with `sizes`.
    pub(super) fn new(options: &StoreOptions, sizes: Sizes) -> Memory {
        let (state, rows) = (Share::default(), Share::default());
        let Sizes { block_cache, memtables } = sizes;
        let given = Division {
            state_cache: options.state_cache_bytes,
            row_cache: options.row_cache_bytes,
            block_cache: options.block_cache_bytes,
            memtables: options.memtable_bytes,
        };
        let shares = Shares { block_cache, state, rows, metadata: 0, given, told_bytes: options.memtable_bytes };
        Memory {
            interval: options.memtable_bytes.max(MIN_MEMTABLE_BYTES) as u64 / 2,
            written: AtomicU64::new(0),
            state_is_small: AtomicBool::new(false),
            memtables,
            state_reads: AtomicU32::new(0),
            shares: options.shared_memory.then(|| Mutex::new(shares)),
        }
    }

    /// The store was opened: what it holds has to be read.
    pub(super) fn opened(&self, shared: &Shared) {
        self.look_at_metadata(shared);
    }

    /// An epoch of so many bytes was committed.
    pub(super) fn wrote(&self, shared: &Shared, bytes: usize) {
        if self.written.fetch_add(bytes as u64, Ordering::Relaxed) + bytes as u64 >= self.interval {
            self.written.store(0, Ordering::Relaxed);
            if let Some(shares) = &self.shares {
                let mut shares = shares.lock();
                shares.look_at_state(shared);
                shares.look_at_rows(shared);
            }
            self.look_at_metadata(shared);
        }
    }

    /// Looks at how many filters and indexes there are, and shares out what follows.
    fn look_at_metadata(&self, shared: &Shared) {
        let metadata = metadata::bytes(shared);
        let most = match &self.shares {
            None => shared.options.block_cache_bytes,
            Some(shares) => {
                let mut shares = shares.lock();
                shares.metadata = metadata;
                self.share_out(shared, &mut shares);
                shares.tell(shared);
                most_for_metadata(&shared.options)
            }
        };
        shared.metadata.choose(shared, metadata, most);
    }

    /// A row was asked for that is not in the row cache.
    pub(super) fn missed_row(&self, shared: &Shared) {
        if let Some(shares) = &self.shares
            && shared.rows.ghost().can_tell()
            && let Some(mut shares) = shares.try_lock()
        {
            shares.look_at_rows(shared);
            self.share_out(shared, &mut shares);
        }
    }

    /// Bytes that all memtables may have now.
    pub(super) fn memtable_bytes(&self) -> u64 {
        self.memtables.get_buffer_size() as u64
    }

    /// Whether the next read of state is to fill the block cache.
    pub(super) fn fills_blocks(&self) -> bool {
        !self.state_is_small.load(Ordering::Relaxed) || is_filling(self.state_reads.fetch_add(1, Ordering::Relaxed))
    }

    /// Gives everybody what is their due, where that changed.
    fn share_out(&self, shared: &Shared, shares: &mut Shares) {
        let division = shares.divide(&shared.options);
        let before = std::mem::replace(&mut shares.given, division);
        if before == division {
            return;
        }
        let Division { state_cache, row_cache, block_cache, memtables } = division;
        tracing::debug!(state_cache, row_cache, block_cache, memtables, "caches were given other sizes");
        let state = shared.state.set_budget(state_cache, shares.state.one_of());
        let rows = shared.rows.set_budget(row_cache);
        if state.is_some() || rows.is_some() {
            // Millions of entries, and somebody waits for this thread.
            let forget = std::thread::Builder::new().name("attune-forget".to_owned());
            if let Err(error) = forget.spawn(move || drop((state, rows))) {
                tracing::warn!(%error, "a cache was emptied without a thread of its own");
            }
        }
        self.state_is_small.store(shares.state.small, Ordering::Relaxed);
        shares.block_cache.set_capacity(block_cache);
        self.memtables.set_buffer_size(memtables.max(MIN_MEMTABLE_BYTES));
    }
}

impl Shares {
    /// Looks at what the state cache is worth.
    fn look_at_state(&mut self, shared: &Shared) {
        let cache = shared.state.lock();
        self.state.look(cache.ghost(), shared.options.state_cache_bytes, cache.held());
    }

    /// As [`Shares::look_at_state`], at the row cache.
    fn look_at_rows(&mut self, shared: &Shared) {
        let cache = &shared.rows;
        self.rows.look(cache.ghost(), shared.options.row_cache_bytes, (cache.bytes(), cache.len()));
    }

    /// What follows from which caches are small, and from how many filters and indexes there are.
    fn divide(&self, options: &StoreOptions) -> Division {
        let [all_state, all_rows] = [options.state_cache_bytes, options.row_cache_bytes];
        let (mut state_cache, mut row_cache) = (self.state.bytes(all_state), self.rows.bytes(all_rows));
        let free = all_state - state_cache + all_rows - row_cache;
        // As their shares are to each other.
        let by_share = part(free, options.block_cache_bytes, options.block_cache_bytes + options.memtable_bytes);
        let mut block_cache = options.block_cache_bytes + by_share;
        let mut to_memtables = free - by_share;

        let missing = self.room(options).saturating_sub(block_cache);
        let from_memtables = missing.min(to_memtables);
        to_memtables -= from_memtables;
        block_cache += from_memtables;
        // A cache that is small gave more than its part of what caches need give at most, so what is missing still can be had of the others.
        let [state_more, rows_more] = [state_cache - all_state / SMALL_PART, row_cache - all_rows / SMALL_PART];
        let from_caches = missing - from_memtables;
        let from_state = part(from_caches, state_more, state_more + rows_more);
        state_cache -= from_state;
        row_cache -= from_caches - from_state;
        Division {
            state_cache,
            row_cache,
            block_cache: block_cache + from_caches,
            memtables: options.memtable_bytes + to_memtables,
        }
    }

    /// Bytes of block cache for the filters and indexes there are, as far as they can be had; in steps.
    fn room(&self, options: &StoreOptions) -> usize {
        let step = (options.block_cache_bytes as u64 / BLOCK_STEPS).max(1);
        let room = metadata::room(self.metadata).div_ceil(step).saturating_mul(step);
        usize::try_from(room).unwrap_or(usize::MAX).min(most_for_metadata(options))
    }

    /// Tells RocksDB what follows from the size of memtables, which writes a file.
    fn tell(&mut self, shared: &Shared) {
        let memtables = self.given.memtables;
        if self.told_bytes == memtables {
            return;
        }
        self.told_bytes = memtables;
        let (one, level) = (one_memtable(memtables).to_string(), first_level(memtables).to_string());
        let settings = [("write_buffer_size", one.as_str()), ("max_bytes_for_level_base", level.as_str())];
        for family in Family::ALL {
            if let Err(error) = shared.db.set_options_cf(shared.family(family), &settings) {
                // It works as well, only slower.
                tracing::warn!(%error, "RocksDB did not take another size of memtables");
            }
        }
    }
}

impl Share {
    /// What it comes to of `all`.
    fn bytes(&self, all: usize) -> usize {
        if self.small { all / SMALL_PART } else { all }
    }

    /// Of how many keys it is to cache one.
    fn one_of(&self) -> usize {
        if self.small { SMALL_PART } else { 1 }
    }

    /// Looks at what the cache would answer with `all`, its share; now it holds `entries` of `bytes`.
    fn look(&mut self, ghost: &Ghost, all: usize, (bytes, entries): (usize, usize)) {
        let entry_bytes = if entries < MEASURED_ENTRIES { ENTRY_BYTES } else { bytes / entries };
        ghost.stand_for(all / entry_bytes.max(1));
        let is_quiet = ghost.reads().saturating_sub(self.reads) < QUIET_READS;
        self.quiet = if is_quiet { (self.quiet + 1).min(QUIET_LOOKS) } else { 0 };
        self.small = match ghost.hit_rate() {
            Some(rate) => rate < if self.small { GOOD_HIT_RATE } else { LEAST_HIT_RATE },
            None => self.small || self.quiet == QUIET_LOOKS,
        };
        self.reads = ghost.reads();
    }
}

/// Most bytes of block cache that filters and indexes get, whichever caches are small.
fn most_for_metadata(options: &StoreOptions) -> usize {
    let caches = options.state_cache_bytes + options.row_cache_bytes;
    options.block_cache_bytes + caches - caches / KEPT_PART
}

/// The part of `bytes` that `share` is of `all`.
fn part(bytes: usize, share: usize, all: usize) -> usize {
    (bytes as u128 * share as u128 / all.max(1) as u128) as usize
}

/// Whether the read of state with this number fills the block cache, while few do.
fn is_filling(read: u32) -> bool {
    read.wrapping_mul(READ_STEP) < u32::MAX / READS_PER_FILL
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{StoreFixture, small};
    use crate::{ObjectId, Table};

    const STATE: Table = Table::State(ObjectId(7));
    const ROWS: ObjectId = ObjectId(8);
    const KEYS: u64 = 60_000;

    /// A store in which all [`KEYS`] were written, whose caches hold far fewer.
    fn filled(shared_memory: bool) -> (StoreOptions, StoreFixture) {
        let options = StoreOptions { memtable_bytes: 1 << 20, shared_memory, ..small() };
        let mut fixture = StoreFixture::with(&options);
        update(&mut fixture, KEYS, false);
        (options, fixture)
    }

    fn value(key: u64) -> [u8; 60] {
        [key as u8; 60]
    }

    /// Epochs that read and write all of `keys`, which are there or are not.
    fn update(fixture: &mut StoreFixture, keys: u64, are_there: bool) {
        for first in (0..keys).step_by(1_000) {
            fixture.epoch(|scope| {
                let bytes: Vec<_> = (first..first + 1_000).map(u64::to_be_bytes).collect();
                let keys: Vec<&[u8]> = bytes.iter().map(<[u8; 8]>::as_slice).collect();
                let found = scope.get_many(STATE, &keys).unwrap();
                for (place, (key, number)) in keys.iter().zip(first..).enumerate() {
                    assert_eq!(found.get(place), are_there.then_some(&value(number)[..]));
                    scope.put(STATE, key, &value(number));
                    scope.put(Table::Rows(ROWS), key, &value(number));
                }
            });
        }
    }

    /// Bytes of state cache, row cache, block cache and memtables; of the last two what their division says.
    fn sizes(fixture: &StoreFixture) -> [usize; 4] {
        let shared = &fixture.store.shared;
        let shares = shared.memory.shares.as_ref().unwrap().lock();
        let given = shares.given;
        assert_eq!(given.memtables as u64, shared.memory.memtable_bytes());
        assert_eq!(given.memtables, shares.told_bytes, "the last to look was the writer");
        [shared.state.budget(), shared.rows.budget_bytes(), given.block_cache, given.memtables]
    }

    #[test]
    fn a_cache_that_answers_nothing_gives_its_memory_away_until_it_would() {
        let (options, mut fixture) = filled(true);
        update(&mut fixture, KEYS, true);
        let [state, rows, blocks, memtables] = sizes(&fixture);
        assert_eq!(state, options.state_cache_bytes / SMALL_PART);
        assert_eq!(rows, options.row_cache_bytes / SMALL_PART, "nobody asked it");
        let all =
            options.state_cache_bytes + options.row_cache_bytes + options.block_cache_bytes + options.memtable_bytes;
        assert_eq!(state + rows + blocks + memtables, all);
        assert!(blocks > options.block_cache_bytes && memtables > options.memtable_bytes);
        assert!(fixture.store.state_cache().bytes() <= state);

        // A part that fits.
        (0..40).for_each(|_| update(&mut fixture, 1_000, true));
        let [state, rows, blocks, memtables] = sizes(&fixture);
        assert_eq!(state, options.state_cache_bytes);
        assert_eq!(state + rows + blocks + memtables, all);
        assert!(fixture.store.state_cache().len() >= 1_000);
    }

    #[test]
    fn filters_and_indexes_come_first() {
        let options =
            StoreOptions { block_cache_bytes: 64 << 10, memtable_bytes: 1 << 20, shared_memory: true, ..small() };
        let mut fixture = StoreFixture::with(&options);
        update(&mut fixture, KEYS, false);
        // All of it in files that stay.
        let shared = &fixture.store.shared;
        shared.db.wait_for_compact(&rocksdb::WaitForCompactOptions::default()).unwrap();
        shared.memory.opened(shared);
        let room = metadata::room(metadata::bytes(shared)) as usize;
        let [state, rows, blocks, memtables] = sizes(&fixture);
        assert!(blocks >= room, "{blocks}, {room}");
        let without = {
            let mut shares = shared.memory.shares.as_ref().unwrap().lock();
            shares.metadata = 0;
            shares.divide(&options).block_cache
        };
        assert!(without < room, "{without}, {room}: it has to be more than its share comes to");
        let all =
            options.state_cache_bytes + options.row_cache_bytes + options.block_cache_bytes + options.memtable_bytes;
        assert_eq!(state + rows + blocks + memtables, all);
    }

    #[test]
    fn whatever_there_is_is_shared_out_and_no_more() {
        let options = small();
        let [all_state, all_rows] = [options.state_cache_bytes, options.row_cache_bytes];
        let all = all_state + all_rows + options.block_cache_bytes + options.memtable_bytes;
        for (state_small, rows_small) in [(false, false), (false, true), (true, false), (true, true)] {
            let before = Memory::new(&StoreOptions { shared_memory: true, ..options.clone() }, Sizes::new(&options));
            let mut shares = before.shares.unwrap().into_inner();
            (shares.state.small, shares.rows.small) = (state_small, rows_small);
            for metadata in (0..12_u64 << 20).step_by(300_000) {
                shares.metadata = metadata;
                let given = shares.divide(&options);
                let Division { state_cache, row_cache, block_cache, memtables } = given;
                assert_eq!(state_cache + row_cache + block_cache + memtables, all, "{given:?}");
                assert!(state_cache >= all_state / SMALL_PART && row_cache >= all_rows / SMALL_PART, "{given:?}");
                assert!(memtables >= options.memtable_bytes, "{given:?}");
                let most = most_for_metadata(&options) as u64;
                assert!(block_cache as u64 >= metadata::room(metadata).min(most), "{metadata}: {given:?}");
            }
        }
    }

    #[test]
    fn reads_of_each_table_fill_the_block_cache() {
        for tables in 1..=64_u32 {
            for table in 0..tables {
                let filling = (0..1_000).filter(|epoch| is_filling(epoch * tables + table)).count();
                let due = 1_000 / READS_PER_FILL as usize;
                assert!((due / 2..due * 2).contains(&filling), "{filling} of 1,000 reads of table {table} of {tables}");
            }
        }
    }

    #[test]
    fn lookups_alone_give_the_row_cache_its_share_back() {
        let (options, fixture) = filled(true);
        assert_eq!(sizes(&fixture)[1], options.row_cache_bytes / SMALL_PART);
        let row = |key: u64| fixture.store.shared.read_row(ROWS, &key.to_be_bytes()).unwrap();
        for round in 0..40 {
            (0..1_000).for_each(|key| assert_eq!(row(key).as_deref(), Some(&value(key)[..]), "{round}"));
        }
        assert_eq!(fixture.store.shared.rows.budget_bytes(), options.row_cache_bytes);
    }

    #[test]
    fn caches_with_settings_of_their_own_keep_them() {
        let (options, mut fixture) = filled(false);
        update(&mut fixture, KEYS, true);
        let shared = &fixture.store.shared;
        let sizes = [shared.state.budget(), shared.rows.budget_bytes()];
        assert_eq!(sizes, [options.state_cache_bytes, options.row_cache_bytes]);
    }
}
