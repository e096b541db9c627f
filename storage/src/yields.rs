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
//! Nobody waits for a flush or a compaction, and one lasts for half a second or more. So RocksDB's threads have a low priority, and
//! stop now and then while others have something to do on every core: threads of this process, which say so, or any (clients on the
//! same machine), which the operating system counts. Compactions stop for longer: memory holds what a flush has not written yet, but
//! files may wait to be merged until reading them costs more than that saves.
//!
//! RocksDB asks for the prefix of each record that it inserts into a memtable or writes to a file. That is the only point
//! inside a write, a flush and a compaction.

use crate::machine;
use crate::store::PREFIX_BYTES;
use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How long a thread works before it offers the processor.
const TURN: Duration = Duration::from_micros(50);
/// Who had to wait for so long for others, amid an answer, has not waited for lookups, but for threads that do not yield (queries,
/// or other programs): turn after turn it would wait for that long again.
const LONG_WAIT: Duration = Duration::from_millis(1);
/// How long RocksDB's flushes stop after each turn, while as many other threads are busy as there are cores: a quarter of a core is
/// left to them. They have until the next memtables are full, which a commit has not; when they fall behind, they
/// [stop](flushes_hurry) for less.
const FLUSH_PAUSE: Duration = Duration::from_micros(150);
/// The same of compactions, which have until many files wait, and [then](compactions_hurry) stop for less: a seventh of a core.
const COMPACTION_PAUSE: Duration = Duration::from_micros(300);
/// What RocksDB calls a thread that only compacts, where threads have names.
const COMPACTION_THREAD: &str = "rocksdb:low";
/// Their priority (`nice`), beside busy threads that are not ours.
#[cfg(target_os = "linux")]
const BACKGROUND_NICE: i32 = 10;
/// The priority of threads that work on what clients wait for: a little behind clients and those who serve them, who then need not
/// wait for the end of a turn when they wake up.
#[cfg(target_os = "linux")]
const WORKING_NICE: i32 = 3;
/// Points at which the clock is not read: as many records take some tens of microseconds.
const SKIPPED: u32 = 15;

/// Threads of this process that serve or work, and have something to do now.
static BUSY: AtomicUsize = AtomicUsize::new(0);
/// Microseconds that flushes stop for.
static FLUSH_PAUSE_US: AtomicU32 = AtomicU32::new(FLUSH_PAUSE.as_micros() as u32);
/// Microseconds that compactions stop for.
static COMPACTION_PAUSE_US: AtomicU32 = AtomicU32::new(COMPACTION_PAUSE.as_micros() as u32);

thread_local! {
    static SKIP: Cell<u32> = const { Cell::new(0) };
    static WORKER: RefCell<Option<Worker>> = const { RefCell::new(None) };
}

/// What is known of a thread that came to a point.
struct Worker {
    kind: Kind,
    turn: Turn,
    busy: Option<Busy>,
    yields: Yields,
}

/// How often a thread that serves has offered the processor, between two answers, since it began to.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct Yields {
    /// In all.
    pub all: u32,
    /// While another core of the machine had nothing to do, or nobody knows.
    pub beside_idle_core: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Kind {
    /// It serves clients.
    Serving,
    /// It works for long, on what clients wait for.
    Working,
    /// It writes what memtables hold to files, and nobody waits for it.
    Flushing,
    /// It merges files, and nobody waits for it.
    Compacting,
    /// It never yields.
    Other,
}

/// Counts a thread as busy.
struct Busy;

/// What a thread does before it offers the processor.
struct Turn {
    began: Instant,
    length: Duration,
    /// How long others had the processor before it. Looked at amid answers.
    waited: Duration,
}

/// This thread serves clients, and has begun to, after it has waited for them. Each `turn` it yields, at the next
/// [`answered`].
pub fn serve(began: Instant, turn: Duration) {
    let turn = Turn { began, length: turn, waited: Duration::ZERO };
    WORKER.replace(Some(Worker { kind: Kind::Serving, turn, busy: Some(Busy::begin()), yields: Yields::default() }));
}

/// A point between two answers. Without effect on threads that do not [`serve`].
pub fn answered() {
    serving_point(|turn, yields| {
        let over = turn.began.elapsed() >= turn.length;
        if over {
            yields.all += 1;
            yields.beside_idle_core += u32::from(machine::has_idle_core());
        }
        over
    });
}

/// A point amid an answer that takes as long as many lookups: others that were answered meanwhile want to go on. Where they go on for
/// long, so does this thread after them. Without effect on threads that do not [`serve`].
pub fn answering() {
    serving_point(|turn, _| turn.is_over_amid_answer(Instant::now()));
}

fn serving_point(is_over: impl FnOnce(&Turn, &mut Yields) -> bool) {
    WORKER.with_borrow_mut(|worker| {
        if let Some(Worker { kind: Kind::Serving, turn, yields, .. }) = worker
            && is_over(turn, yields)
        {
            let offered = Instant::now();
            std::thread::yield_now();
            turn.began = Instant::now();
            turn.waited = turn.began - offered;
        }
    });
}

/// This thread, which serves clients, has nothing to do. Returns how often it has yielded.
pub fn served() -> Yields {
    WORKER.with_borrow_mut(|worker| {
        worker.as_mut().map_or_else(Yields::default, |worker| {
            worker.busy = None;
            std::mem::take(&mut worker.yields)
        })
    })
}

/// From now on this thread has the priority of those that work for long.
pub fn stand_back() {
    #[cfg(target_os = "linux")]
    set_nice(WORKING_NICE);
}

/// From now on this thread is one that works for long.
pub fn work() {
    stand_back();
    let turn = Turn::begin(Duration::ZERO);
    let busy = Some(Busy::begin());
    WORKER.replace(Some(Worker { kind: Kind::Working, turn, busy, yields: Yields::default() }));
}

/// Waits for something to do, on a thread that [`work`]s.
pub fn wait<T>(wait: impl FnOnce() -> T) -> T {
    let set = |busy: fn() -> Option<Busy>| {
        WORKER.with_borrow_mut(|worker| {
            if let Some(worker @ Worker { kind: Kind::Working, .. }) = worker {
                worker.busy = busy();
            }
        });
    };
    set(|| None);
    let came = wait();
    set(|| Some(Busy::begin()));
    came
}

/// A point between two records. Without effect on threads that neither [`work`] nor are RocksDB's.
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
    // A thread that ends has none any more.
    let _ = WORKER.try_with(|worker| {
        let mut worker = worker.borrow_mut();
        let Worker { kind, turn, .. } = worker.get_or_insert_with(Worker::of_this_thread);
        let now = Instant::now();
        match kind {
            Kind::Working if turn.is_over(now) => {
                std::thread::yield_now();
                *turn = Turn::begin(now.elapsed());
            }
            Kind::Flushing | Kind::Compacting if turn.is_over(now) => {
                let pause = if *kind == Kind::Flushing { &FLUSH_PAUSE_US } else { &COMPACTION_PAUSE_US };
                // A core that is idle takes over what waits for another; one with a thread of low priority does not.
                match pause.load(Ordering::Relaxed) {
                    pause @ 1.. if every_core_is_wanted() => {
                        std::thread::sleep(Duration::from_micros(pause.into()));
                    }
                    _ => std::thread::yield_now(),
                }
                *turn = Turn::begin(Duration::ZERO);
            }
            _ => {}
        }
    });
}

/// How far flushes have fallen behind: from 0, they stop for others as long as they may, to 1, they do not.
pub(crate) fn flushes_hurry(how_much: f32) {
    hurry(&FLUSH_PAUSE_US, FLUSH_PAUSE, how_much);
}

/// How far compactions have fallen behind, in the same way.
pub(crate) fn compactions_hurry(how_much: f32) {
    hurry(&COMPACTION_PAUSE_US, COMPACTION_PAUSE, how_much);
}

fn hurry(pause_us: &AtomicU32, longest: Duration, how_much: f32) {
    pause_us.store((longest.as_micros() as f32 * (1.0 - how_much.clamp(0.0, 1.0))) as u32, Ordering::Relaxed);
}

/// Whether others than this thread have something to do on every core.
fn every_core_is_wanted() -> bool {
    let busy = BUSY.load(Ordering::Relaxed);
    // While nobody is served and nothing is committed, only strangers would gain, and the priority is enough for them.
    busy >= machine::cores() || busy > 0 && machine::has_waiting_threads()
}

impl Worker {
    /// Threads of RocksDB are those that Rust has no name for.
    fn of_this_thread() -> Worker {
        let kind = match std::thread::current().name() {
            Some(_) => Kind::Other,
            None if is_named(COMPACTION_THREAD) => Kind::Compacting,
            None => Kind::Flushing,
        };
        #[cfg(target_os = "linux")]
        if kind != Kind::Other {
            set_nice(BACKGROUND_NICE);
        }
        Worker { kind, turn: Turn::begin(Duration::ZERO), busy: None, yields: Yields::default() }
    }
}

impl Busy {
    fn begin() -> Busy {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Busy
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Turn {
    /// `waited`: how long others have had the processor. Where they have enough to do, the thread works for as long before it yields
    /// again: else the kernel, which counts a yield as time used, would leave it next to nothing.
    fn begin(waited: Duration) -> Turn {
        Turn { began: Instant::now(), length: waited.max(TURN), waited }
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.began) >= self.length
    }

    /// Whether it is over already for a thread that is amid a long answer.
    fn is_over_amid_answer(&self, now: Instant) -> bool {
        let long = if self.waited < LONG_WAIT { Duration::ZERO } else { self.waited };
        now.saturating_duration_since(self.began) >= self.length.min(TURN).max(long)
    }
}

/// Whether this is the name of this thread, which has got it from elsewhere than Rust. Not where such names are not known.
fn is_named(name: &str) -> bool {
    std::fs::read_to_string("/proc/thread-self/comm").is_ok_and(|comm| comm.trim_end() == name)
}

/// Lowers the priority of this thread: on Linux that is possible for a thread alone. Without it, it works just the same.
#[cfg(target_os = "linux")]
fn set_nice(nice: i32) {
    if let Err(error) = rustix::process::setpriority_process(None, nice) {
        tracing::debug!(%error, "a thread keeps its priority");
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

    /// When the turn of this thread began, if it is of this kind, and whether it is busy.
    fn turn_of(kind: Kind) -> Option<(Instant, bool)> {
        let is = |worker: &&Worker| worker.kind == kind;
        WORKER.with_borrow(|worker| worker.as_ref().filter(is).map(|worker| (worker.turn.began, worker.busy.is_some())))
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
    fn a_long_answer_goes_on_for_as_long_as_it_waited_for_long() {
        let after = |waited| Turn { began: Instant::now(), length: Duration::from_secs(3_600), waited };
        let is_over = |turn: &Turn, worked| turn.is_over_amid_answer(turn.began + worked);
        for short in [Duration::ZERO, LONG_WAIT - TURN] {
            let turn = after(short);
            assert!(!is_over(&turn, TURN / 2) && is_over(&turn, TURN), "after {short:?}");
        }
        let turn = after(LONG_WAIT * 3);
        assert!(!is_over(&turn, LONG_WAIT * 2) && is_over(&turn, LONG_WAIT * 3));
    }

    #[test]
    fn a_thread_that_works_begins_new_turns() {
        long_point();
        assert_eq!(turn_of(Kind::Working), None, "tests have names");
        work();
        let (first, _) = turn_of(Kind::Working).unwrap();
        while first.elapsed() < TURN {
            std::hint::spin_loop();
        }
        let same_turn = || turn_of(Kind::Working).unwrap().0 == first;
        let points = (0..=SKIPPED).take_while(|_| {
            point();
            same_turn()
        });
        assert!(points.count() <= SKIPPED as usize && !same_turn());
    }

    #[test]
    fn a_thread_that_serves_begins_new_turns_with_an_answer() {
        let began = || turn_of(Kind::Serving).unwrap().0;
        serve(Instant::now(), Duration::from_secs(3_600));
        let first = began();
        answered();
        long_point();
        assert_eq!(began(), first, "the turn is not over");
        assert_eq!(served(), Yields::default());
        serve(Instant::now(), Duration::ZERO);
        let second = began();
        point();
        assert_eq!(began(), second, "in the middle of a lookup");
        answered();
        assert!(began() > second);
        let yields = served();
        assert!(yields.all == 1 && yields.beside_idle_core <= 1);
    }

    #[test]
    fn a_thread_is_busy_while_it_does_not_wait() {
        let is_busy = |kind| turn_of(kind).unwrap().1;
        work();
        assert!(is_busy(Kind::Working) && BUSY.load(Ordering::Relaxed) >= 1);
        assert!(!wait(|| is_busy(Kind::Working)));
        assert!(is_busy(Kind::Working));
        serve(Instant::now(), TURN);
        assert!(is_busy(Kind::Serving));
        served();
        assert!(!is_busy(Kind::Serving));
        assert!(wait(|| true) && !is_busy(Kind::Serving), "it does not work");
    }

    #[test]
    fn background_work_goes_on_beside_threads_that_are_all_busy() {
        let busy: Vec<Busy> = (0..machine::cores()).map(|_| Busy::begin()).collect();
        let turns = std::thread::spawn(|| {
            long_point();
            let (first, _) = turn_of(Kind::Flushing).unwrap();
            while turn_of(Kind::Flushing).unwrap().0 == first {
                long_point();
            }
            first.elapsed()
        });
        assert!(turns.join().unwrap() >= TURN + FLUSH_PAUSE);
        drop(busy);
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
    #[cfg(target_os = "linux")]
    fn a_thread_that_rocksdb_calls_so_compacts() {
        let kind = std::thread::spawn(|| {
            std::fs::write("/proc/thread-self/comm", COMPACTION_THREAD).unwrap();
            long_point();
            turn_of(Kind::Compacting)
        });
        assert!(matches!(kind.join().unwrap(), Some((_, false))));
    }

    #[test]
    fn a_thread_without_a_name_is_one_of_the_background() {
        let kind = std::thread::spawn(|| {
            long_point();
            #[cfg(target_os = "linux")]
            assert_eq!(rustix::process::getpriority_process(None).unwrap(), BACKGROUND_NICE);
            turn_of(Kind::Flushing)
        });
        assert!(matches!(kind.join().unwrap(), Some((_, false))));
    }
}
