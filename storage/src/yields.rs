//! Busy threads offer the processor to others.
//!
//! An operating system lets a thread run for some milliseconds before another gets its turn, and a lookup that meets an epoch, a
//! commit or a compaction on its core waits that long, now and then beside a core that is idle. So threads that do such
//! work call `sched_yield` now and then: at the points of this module, which are where records are read and written. Where
//! nobody waits that costs less than a microsecond.
//!
//! Threads that serve clients do so as well, between two answers: under load they never wait for anything, and an epoch that had to
//! wait for them for milliseconds would next have as many for itself.
//!
//! RocksDB asks for the prefix of each record that it inserts into a memtable or writes to a file. That is the only point
//! inside a write, a flush and a compaction.

use crate::store::PREFIX_BYTES;
use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant};

/// How long a thread works before it offers the processor.
const TURN: Duration = Duration::from_micros(50);
/// Points at which the clock is not read: as many records take some tens of microseconds.
const SKIPPED: u32 = 15;

thread_local! {
    static SKIP: Cell<u32> = const { Cell::new(0) };
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// What is known of a thread that came to a point.
enum Worker {
    /// It serves somebody.
    Serving(Turn),
    Working(Turn),
}

/// What a thread does before it offers the processor.
struct Turn {
    began: Instant,
    length: Duration,
}

impl Turn {
    /// `waited`: how long others have had the processor. Where they have enough to do, the thread works for as long before it yields
    /// again: else the kernel, which counts a yield as time used, would leave it next to nothing.
    fn begin(waited: Duration) -> Turn {
        Turn { began: Instant::now(), length: waited.max(TURN) }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= self.length
    }
}

/// This thread serves clients, and begins to, after it has waited for them. Each `turn` it yields, at the next
/// [`answered`].
pub fn serve(turn: Duration) {
    WORKER.replace(Some(Worker::Serving(Turn { began: Instant::now(), length: turn })));
}

/// A point between two answers. Without effect on threads that do not [`serve`].
pub fn answered() {
    WORKER.with_borrow_mut(|worker| {
        if let Some(Worker::Serving(turn)) = worker
            && turn.is_over(Instant::now())
        {
            std::thread::yield_now();
            turn.began = Instant::now();
        }
    });
}

/// From now on this thread is one that works for long.
pub fn enable() {
    WORKER.replace(Some(Worker::Working(Turn::begin(Duration::ZERO))));
}

/// A point between two records. Without effect on threads that are neither [`enable`]d nor RocksDB's.
#[inline]
pub fn point() {
    match SKIP.get().checked_sub(1) {
        Some(left) => SKIP.set(left),
        None => {
            SKIP.set(SKIPPED);
            long_point();
        }
    }
}

/// A point between two pieces of work that take some tens of microseconds each.
pub fn long_point() {
    WORKER.with_borrow_mut(|worker| {
        let Worker::Working(turn) = worker.get_or_insert_with(Worker::of_this_thread) else { return };
        let now = Instant::now();
        if turn.is_over(now) {
            std::thread::yield_now();
            *turn = Turn::begin(now.elapsed());
        }
    });
}

impl Worker {
    /// Threads of RocksDB are those that Rust has no name for.
    fn of_this_thread() -> Worker {
        match std::thread::current().name() {
            // No turn ends before the thread says that it serves.
            Some(_) => Worker::Serving(Turn::begin(Duration::MAX)),
            None => Worker::Working(Turn::begin(Duration::ZERO)),
        }
    }
}

/// The prefix of a key: what RocksDB's own extractor of fixed prefixes gives, and a point. A key that is too short, which
/// RocksDB does not ask for, is its own: a panic could not leave RocksDB.
pub(crate) fn prefix(key: &[u8]) -> &[u8] {
    #[cfg(test)]
    PREFIXES.set(PREFIXES.get() + 1);
    point();
    key.get(..PREFIX_BYTES).unwrap_or(key)
}

#[cfg(test)]
thread_local! {
    static PREFIXES: Cell<usize> = const { Cell::new(0) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::StoreFixture;
    use crate::{ObjectId, Table};

    fn turn_began() -> Option<Instant> {
        WORKER.with_borrow(|worker| match worker {
            Some(Worker::Working(turn)) => Some(turn.began),
            _ => None,
        })
    }

    #[test]
    fn a_turn_is_over_after_its_time() {
        let turn = Turn::begin(TURN / 2);
        assert!(!turn.is_over(turn.began));
        assert!(!turn.is_over(turn.began + TURN / 2));
        assert!(turn.is_over(turn.began + TURN));
        let after_others = Turn::begin(TURN * 8);
        assert!(!after_others.is_over(after_others.began + TURN * 7));
        assert!(after_others.is_over(after_others.began + TURN * 8));
    }

    #[test]
    fn a_thread_that_is_enabled_begins_new_turns() {
        long_point();
        assert_eq!(turn_began(), None, "tests have names");
        enable();
        let first = turn_began().unwrap();
        while first.elapsed() < TURN {
            std::hint::spin_loop();
        }
        let same_turn = || turn_began() == Some(first);
        let points = (0..=SKIPPED).take_while(|_| {
            point();
            same_turn()
        });
        assert!(points.count() <= SKIPPED as usize && !same_turn());
    }

    #[test]
    fn a_thread_that_serves_begins_new_turns_with_an_answer() {
        let began = || {
            WORKER.with_borrow(|worker| match worker {
                Some(Worker::Serving(turn)) => turn.began,
                _ => panic!("it serves"),
            })
        };
        serve(Duration::from_secs(3_600));
        let first = began();
        answered();
        long_point();
        assert_eq!(began(), first, "the turn is not over");
        serve(Duration::ZERO);
        let second = began();
        point();
        assert_eq!(began(), second, "in the middle of a lookup");
        answered();
        assert!(began() > second);
    }

    #[test]
    fn rocksdb_comes_to_a_point_with_each_record_it_inserts() {
        const ROWS: Table = Table::Rows(ObjectId(7));
        let keys: Vec<_> = (0..1000_u64).map(|key| [[0; 8], key.to_be_bytes()].concat()).collect();
        let mut fixture = StoreFixture::new();
        PREFIXES.set(0);
        fixture.epoch(|scope| keys.iter().for_each(|key| scope.put(ROWS, key, b"row")));
        assert!(PREFIXES.get() >= keys.len(), "{}", PREFIXES.get());
        fixture.epoch(|scope| {
            assert!(keys.iter().all(|key| scope.get(ROWS, key).unwrap().as_deref() == Some(b"row")));
        });
    }

    #[test]
    fn a_thread_without_a_name_is_one_that_works() {
        let began = std::thread::spawn(|| {
            long_point();
            turn_began()
        });
        assert!(began.join().unwrap().is_some());
    }
}
