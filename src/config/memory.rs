//! The settings of the store, and how the memory of a server is shared out.

use super::Config;
use attune_storage::StoreOptions;

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

impl Config {
    /// Whether the allocator is to keep huge pages: a budget for memory comes before that.
    pub(crate) fn keeps_huge_pages(&self) -> bool {
        self.huge_pages && self.memory_bytes == 0
    }

    /// The settings of the store; with `memory_bytes` its caches and memtables have shares of that, which are to each other as the
    /// defaults are.
    #[must_use]
    pub fn store_options(&self) -> StoreOptions {
        let mut options = StoreOptions {
            block_cache_bytes: self.block_cache_bytes,
            row_cache_bytes: self.row_cache_bytes,
            run_cache_bytes: self.run_cache_bytes,
            state_cache_bytes: self.state_cache_bytes,
            memtable_bytes: self.memtable_bytes,
            shared_memory: self.memory_bytes > 0,
            epoch_max_bytes: self.epoch_max_bytes,
            synchronous_commit: self.synchronous_commit,
        };
        if options.shared_memory {
            let mut defaults = Config::default().store_options();
            let all: usize = shared(&mut defaults).into_iter().map(|bytes| *bytes).sum();
            let given = self.memory_bytes.saturating_sub(OWN_BYTES) / WHOLE * GIVEN;
            for (bytes, default) in shared(&mut options).into_iter().zip(shared(&mut defaults)) {
                *bytes = (given as u128 * *default as u128 / all as u128) as usize;
            }
        }
        options
    }
}

/// What is bounded in bytes, and stays.
fn shared(options: &mut StoreOptions) -> [&mut usize; 5] {
    [
        &mut options.block_cache_bytes,
        &mut options.row_cache_bytes,
        &mut options.run_cache_bytes,
        &mut options.state_cache_bytes,
        &mut options.memtable_bytes,
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_setting_stands_for_five() {
        let set = |memory_bytes| Config { memory_bytes, row_cache_bytes: 1, ..Config::default() };
        assert_eq!(set(0).store_options().row_cache_bytes, 1);
        let mut options = set(1 << 30).store_options();
        let given = ((1 << 30) - OWN_BYTES) / WHOLE * GIVEN;
        let sum: usize = shared(&mut options).into_iter().map(|bytes| *bytes).sum();
        assert!((given - 5..=given).contains(&sum), "{options:?}");
        assert_eq!(options.block_cache_bytes, options.state_cache_bytes);
        // But for what is lost by whole bytes.
        assert!((options.row_cache_bytes * 3).abs_diff(options.state_cache_bytes * 2) <= 3, "{options:?}");
    }
}
