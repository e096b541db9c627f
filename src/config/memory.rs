//! How the memory of a server is shared out.

use super::Config;

/// What a server holds beside caches and memtables: its program (60 MB), its threads, and working memory of epochs,
/// sessions and compactions. Queries and epochs at their own limits ([`Config::query_memory_bytes`],
/// [`Config::epoch_max_bytes`]) take more, while they last.
const OWN_BYTES: usize = 144 << 20;
/// Least memory that leaves caches worth the name.
pub(super) const LEAST_BYTES: usize = 256 << 20;
/// Bytes that caches and memtables are given of each [`WHOLE`] that is left: an allocator keeps some between what is in use.
const GIVEN: usize = 7;
/// See [`GIVEN`].
const WHOLE: usize = 8;

/// Bytes of each cache and of memtables: what is bounded in bytes, and stays.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct MemoryShares {
    /// RocksDB's block cache.
    pub block_cache: usize,
    /// Hot rows.
    pub row_cache: usize,
    /// The first rows under key prefixes.
    pub run_cache: usize,
    /// Operator state.
    pub state_cache: usize,
    /// Memtables.
    pub memtables: usize,
}

impl Config {
    /// The settings of caches and memtables; with `memory_bytes` its shares, which are to each other as the defaults are.
    #[must_use]
    pub fn memory_shares(&self) -> MemoryShares {
        if self.memory_bytes == 0 {
            return MemoryShares::of(self);
        }
        let defaults = MemoryShares::of(&Config::default());
        let all = defaults.sum() as u128;
        let given = self.memory_bytes.saturating_sub(OWN_BYTES) / WHOLE * GIVEN;
        let share = |default: usize| (given as u128 * default as u128 / all) as usize;
        MemoryShares {
            block_cache: share(defaults.block_cache),
            row_cache: share(defaults.row_cache),
            run_cache: share(defaults.run_cache),
            state_cache: share(defaults.state_cache),
            memtables: share(defaults.memtables),
        }
    }
}

impl MemoryShares {
    fn of(config: &Config) -> MemoryShares {
        MemoryShares {
            block_cache: config.block_cache_bytes,
            row_cache: config.row_cache_bytes,
            run_cache: config.run_cache_bytes,
            state_cache: config.state_cache_bytes,
            memtables: config.memtable_bytes,
        }
    }

    fn sum(&self) -> usize {
        self.block_cache + self.row_cache + self.run_cache + self.state_cache + self.memtables
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_stands_for_five() {
        let set = |memory_bytes| Config { memory_bytes, row_cache_bytes: 1, ..Config::default() };
        assert_eq!(set(0).memory_shares().row_cache, 1);
        let shares = set(1 << 30).memory_shares();
        let given = ((1 << 30) - OWN_BYTES) / WHOLE * GIVEN;
        assert!((given - 5..=given).contains(&shares.sum()), "{shares:?}");
        assert_eq!(shares.block_cache, shares.state_cache);
        // But for what is lost by whole bytes.
        assert!((shares.row_cache * 3).abs_diff(shares.state_cache * 2) <= 3, "{shares:?}");
    }
}
