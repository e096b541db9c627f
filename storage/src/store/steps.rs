//! The steps of commits, by which a reader knows that what it read is of one epoch.
//!
//! A counter goes up by one with each step; its remainder by 4 is the phase:
//!
//! | phase | what the committer does | row cache | RocksDB |
//! |---|---|---|---|
//! | [`IDLE`] | nothing | equal to RocksDB | epoch E |
//! | [`EVICTING`] | removes the keys this epoch writes from the row cache | E, some missing | E |
//! | [`WRITING`] | writes and syncs the batch | only keys that are equal in E and E+1 | E, then E+1 |
//! | [`PUBLISHING`] | puts the new values of hot keys back | E+1, some missing | E+1 |
//!
//! - A single key is read from the cache or else from RocksDB, in any phase: a cached value is never older than RocksDB.
//! - Several keys are read through the cache, and the misses after that from RocksDB at one point in time. They are of one epoch by
//!   what the table says of the steps in between ([`Step::is_one_epoch`]): what is cached changes with the step to publishing only, and
//!   what RocksDB holds while writing only. Otherwise, which is seldom, they are read again.
//! - A run (see [`super::runs`]) is one entry of a cache that is kept as the row cache is, so it is read as a single key is.
//! - What was read from RocksDB fills a cache only if all of it happened in one idle phase, checked under the lock of
//!   the cache's shard, which the committer takes to evict.

use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const IDLE: u64 = 0;
pub(super) const EVICTING: u64 = 1;
pub(super) const WRITING: u64 = 2;
pub(super) const PUBLISHING: u64 = 3;
const PHASES: u64 = 4;

/// Where the commits are. Only the committer changes it.
#[derive(Debug, Default)]
pub(super) struct Steps(AtomicU64);

/// A step of a commit.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Step(u64);

impl Steps {
    /// The step that is being taken.
    pub(super) fn now(&self) -> Step {
        Step(self.0.load(Ordering::SeqCst))
    }

    /// Enters the next phase.
    pub(super) fn enter(&self, phase: u64) {
        let before = self.0.fetch_add(1, Ordering::SeqCst);
        debug_assert_eq!((before + 1) % PHASES, phase, "phases follow one another");
    }

    /// Ends a commit without publishing: on to the next idle phase from any other.
    pub(super) fn abandon(&self) {
        self.0.store(self.now().0.next_multiple_of(PHASES), Ordering::SeqCst);
    }

    /// Whether no step was taken since `step`, and none is being taken.
    pub(super) fn still_idle(&self, step: Step) -> bool {
        step.phase() == IDLE && self.now() == step
    }
}

impl Step {
    fn phase(self) -> u64 {
        self.0 % PHASES
    }

    /// Whether RocksDB is being written to.
    pub(super) fn is_writing(self) -> bool {
        self.phase() == WRITING
    }

    /// Whether all that was read from the cache between this step and `later` is of one epoch; and, if something is `stored`, also what was
    /// then read from RocksDB at one point in time between them.
    pub(super) fn is_one_epoch(self, later: Step, stored: bool) -> bool {
        // The epoch in the cache: the next from publishing on.
        let cached = |step: Step| (step.0 + 1) / PHASES;
        // Before writing begins RocksDB holds what the cache does. Once it has begun it may hold the next epoch, in which what is still
        // in the cache is the same; what was read from the cache before may be another.
        cached(self) == cached(later) && (!stored || self.is_writing() || !later.is_writing())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_read_fills_a_cache_only_if_no_commit_took_a_step() {
        let steps = Steps::default();
        let idle = steps.now();
        assert!(steps.still_idle(idle));
        for phase in [EVICTING, WRITING, PUBLISHING] {
            steps.enter(phase);
            assert!(!steps.still_idle(idle) && !steps.still_idle(steps.now()), "phase {phase}");
        }
        steps.enter(IDLE);
        assert!(!steps.still_idle(idle), "a whole commit lies between");
        assert!(steps.still_idle(steps.now()));
        steps.enter(EVICTING);
        steps.abandon();
        assert!(steps.still_idle(steps.now()));
    }

    /// What the table of the phases says: key by key, a reader may have met any phase between its first and its last.
    #[test]
    fn reads_between_two_steps_are_of_one_epoch_or_said_not_to_be() {
        /// The epochs that the value of a key may be of, which the epoch after `E` writes, in a step. `None`: not cached.
        fn cached(step: u64) -> Vec<Option<u64>> {
            let epoch = step / PHASES;
            match step % PHASES {
                IDLE => vec![Some(epoch)],
                EVICTING => vec![Some(epoch), None],
                WRITING => vec![None],
                _ => vec![None, Some(epoch + 1)],
            }
        }
        fn stored(step: u64) -> Vec<u64> {
            let epoch = step / PHASES;
            match step % PHASES {
                IDLE | EVICTING => vec![epoch],
                WRITING => vec![epoch, epoch + 1],
                _ => vec![epoch + 1],
            }
        }
        for first in 0..2 * PHASES {
            for last in first..first + 2 * PHASES {
                let from_cache: Vec<u64> = (first..=last).flat_map(cached).flatten().collect();
                let one_cached = from_cache.iter().all(|epoch| *epoch == from_cache[0]);
                if Step(first).is_one_epoch(Step(last), false) {
                    assert!(one_cached, "{first} to {last}");
                }
                // The cache is read before RocksDB.
                let torn = (first..=last).any(|middle| {
                    let mut before = (first..=middle).flat_map(cached).flatten();
                    let mut after = (middle..=last).flat_map(stored);
                    before.any(|cached| after.any(|stored| stored != cached))
                });
                if Step(first).is_one_epoch(Step(last), true) {
                    assert!(one_cached && !torn, "{first} to {last}");
                }
            }
            // Not so strict that nothing would pass.
            let ends = (first..).find(|last| !Step(first).is_one_epoch(Step(*last), false));
            assert_eq!(ends.map(|last| last % PHASES), Some(PUBLISHING), "{first}");
            let stored = |last: &u64| Step(first).is_one_epoch(Step(*last), true);
            // What is begun while RocksDB is written has until it is published, anything else until it is written.
            let ends = if first % PHASES == WRITING { PUBLISHING } else { WRITING };
            assert_eq!((first..).find(|last| !stored(last)).map(|last| last % PHASES), Some(ends), "{first}");
        }
    }
}
