//! How often a cache of another size would have what is asked for.

use parking_lot::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

/// Sampled keys that are remembered.
const SLOTS: usize = WAYS * SETS;
/// Keys of a set, the one asked for last in front.
const WAYS: usize = 8;
const SETS: usize = 512;
/// Sampled reads that tell how often: twice as many as are remembered, since as many must be new at first.
const ENOUGH: u32 = 2 * SLOTS as u32;

/// What a cache of a given number of entries would hold: a sample of its keys, without their values.
///
/// A cache that was made small cannot tell whether it would be of use if it were large. Its ghost (a term of ARC: Megiddo and
/// Modha, FAST 2003) can, for some kilobytes: of all keys it looks at as many as it has room for, chosen by their hash, so each of them is
/// seen every time it is asked for (SHARDS: Waldspurger et al., FAST 2015). They are kept in sets, the least recently used goes.
#[derive(Debug, Default)]
pub(crate) struct Ghost {
    /// Keys with a hash below it are sampled; 0 at first: none.
    threshold: AtomicU32,
    /// Sampled reads since the last hit rate.
    reads: AtomicU32,
    sample: Mutex<Sample>,
}

#[derive(Debug, Default)]
struct Sample {
    /// Made when the first key is sampled; 0 is none.
    sets: Vec<[u32; WAYS]>,
    hits: u32,
}

impl Ghost {
    /// From now on the cache is one of so many entries.
    pub(crate) fn stand_for(&self, entries: usize) {
        let threshold = ((SLOTS as u64) << 32) / entries.max(1) as u64;
        self.threshold.store(u32::try_from(threshold).unwrap_or(u32::MAX), Ordering::Relaxed);
    }

    /// An entry was asked for.
    #[inline]
    pub(crate) fn read(&self, hash: u64) {
        // Other bits than those that tell sampled keys apart.
        if ((hash >> 8) as u32) < self.threshold.load(Ordering::Relaxed) {
            self.reads.fetch_add(1, Ordering::Relaxed);
            self.sample.lock().read(hash);
        }
    }

    /// How many reads were sampled since the last hit rate.
    pub(crate) fn reads(&self) -> u32 {
        self.reads.load(Ordering::Relaxed)
    }

    /// Whether there were enough of them for another.
    pub(crate) fn can_tell(&self) -> bool {
        self.reads() >= ENOUGH
    }

    /// The share of reads that such a cache would answer, if it [can tell](Ghost::can_tell); counts anew then.
    pub(crate) fn hit_rate(&self) -> Option<f64> {
        if !self.can_tell() {
            return None;
        }
        let hits = std::mem::take(&mut self.sample.lock().hits);
        Some(f64::from(hits) / f64::from(self.reads.swap(0, Ordering::Relaxed)))
    }
}

impl Sample {
    fn read(&mut self, hash: u64) {
        if self.sets.is_empty() {
            self.sets.resize(SETS, [0; WAYS]);
        }
        let tag = ((hash >> 32) as u32 & 0xffff_ff00 | hash as u32 & 0xff).max(1);
        // The lowest bits of a tag choose the set.
        let set = &mut self.sets[tag as usize % SETS];
        let place = set.iter().position(|known| *known == tag);
        self.hits += u32::from(place.is_some());
        set[..=place.unwrap_or(WAYS - 1)].rotate_right(1);
        set[0] = tag;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ObjectId;
    use crate::key_hasher::KeyHasher;

    /// Reads keys of `keys` in an order that repeats, until there is a hit rate.
    fn hit_rate(ghost: &Ghost, keys: u64) -> f64 {
        let hasher = KeyHasher::default();
        // The second rate is that of a cache that is full.
        let rates = (0..).filter_map(|read: u64| {
            // An odd multiplier: each key once in `keys` reads if that is a power of two, in no order that matters.
            let key = read.wrapping_mul(0x9e37_79b9_7f4a_7c15) % keys;
            ghost.read(hasher.hash(ObjectId(1), &key.to_be_bytes()));
            ghost.hit_rate()
        });
        rates.take(2).last().unwrap()
    }

    #[test]
    fn it_tells_what_a_cache_would_hold() {
        let ghost = Ghost::default();
        ghost.stand_for(100_000);
        assert!(
            hit_rate(&ghost, 1 << 16) > 0.7,
            "all of them fit, but for sets that overflow: a sixth of the keys are in these"
        );
        assert!(hit_rate(&ghost, 1 << 20) < 0.1, "a tenth of them would, and each comes when all others have come");
        ghost.stand_for(2 << 20);
        assert!(hit_rate(&ghost, 1 << 20) > 0.8, "a larger one");
    }

    #[test]
    fn it_says_nothing_before_it_has_seen_enough() {
        let ghost = Ghost::default();
        ghost.read(1);
        assert_eq!(ghost.reads(), 0, "it stands for none");
        ghost.stand_for(1);
        (1..u64::from(ENOUGH)).for_each(|_| ghost.read(1));
        assert_eq!(ghost.hit_rate(), None);
        ghost.read(1);
        assert!(ghost.hit_rate().unwrap() > 0.99);
        assert_eq!(ghost.hit_rate(), None);
    }
}
