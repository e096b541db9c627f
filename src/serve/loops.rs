//! Threads that serve connections, and which connection lives on which.
//!
//! Each thread is an event loop: it waits for its sockets, serves those that are ready one after the other (a *turn*), and waits
//! again. One loop does the work for less than two would: it finds several sockets ready at each wake-up, hands nothing to
//! another thread, and leaves the other cores to epochs and to clients. But what is ready waits for all that is before it.
//! So connections begin on the first loop, move to others when turns become long, and come back when they are short again.
//!
//! Those that send much at a time, by COPY, live on loops of their own meanwhile: reading it takes as long as many lookups. These stand back
//! behind those that answer, as epochs and commits do.

use attune_storage::machine;
use attune_storage::yields::{self, Yields};
use parking_lot::Mutex;
use std::io;
use std::net::TcpStream;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Turns after which a loop looks at its load.
const WINDOW_TURNS: u64 = 64;
/// What was measured longer ago says nothing about now.
const MEMORY: Duration = Duration::from_secs(1);
/// Connections come back when the turns of both loops together are below this part of what is long, or below that itself where there is
/// no core for another loop.
const SHORT_PART: u64 = 4;
/// There is a core for another loop if a loop finds one idle at this part of its yields. It is almost always when one thread of clients asks for
/// what takes long, and less than half of the time when that thread asks for what is quick, and so has as much to do as the loop.
const IDLE_PART: (u32, u32) = (3, 4);
/// A window with fewer yields says nothing about that.
const FEW_YIELDS: u32 = 16;
/// Of the connections that a loop has more than another, so many move at a time, at least one.
const MOVED_PART: usize = 4;
/// A connection that has sent much counts as one that does so for so many of its turns.
const COPYING_TURNS: u32 = 16;
/// The threads offer the processor to others after this part of a long turn.
const YIELD_PART: u32 = 2;
/// Statements are parsed and planned recursively.
const STACK_BYTES: usize = 8 << 20;

/// The threads that serve connections.
pub(super) struct Loops {
    /// Those that answer, then as many for connections that copy.
    loops: Vec<EventLoop>,
    loads: Arc<Loads>,
}

/// One thread. It ends when this is dropped.
struct EventLoop {
    runtime: Handle,
    _running: oneshot::Sender<()>,
}

/// What the loops know of each other.
struct Loads {
    /// As the loops.
    loads: Vec<Load>,
    start: Instant,
    /// Another loop would have a core to run on, by the last window with enough yields.
    idle_core: AtomicBool,
    /// A turn is long from so many nanoseconds on.
    long_ns: u64,
}

/// The load of one loop.
#[derive(Default)]
struct Load {
    /// Connections that live on it.
    seats: AtomicUsize,
    /// The turns of this window; used by the loop itself.
    window: Mutex<Window>,
    /// Mean turn of the last window, nanoseconds of the processor, and when that ended, nanoseconds since the start.
    mean_ns: AtomicU64,
    measured_ns: AtomicU64,
    /// Connections that are to leave, and the loop they go to.
    leaving: AtomicUsize,
    to: AtomicUsize,
}

#[derive(Default)]
struct Window {
    turns: u64,
    /// Processor time of the thread when the window began.
    began: Duration,
    /// Of all turns.
    yields: Yields,
}

impl Loops {
    /// Starts `threads` loops that answer, and as many that copy (0: as many as cores). A turn of `long` and more is to be avoided.
    ///
    /// # Errors
    /// When a thread does not start.
    pub(super) fn start(threads: usize, long: Duration) -> io::Result<Arc<Loops>> {
        let threads = if threads == 0 { machine::cores() } else { threads };
        let loads = Arc::new(Loads {
            loads: (0..2 * threads).map(|_| Load::default()).collect(),
            start: Instant::now(),
            idle_core: AtomicBool::new(true),
            long_ns: nanoseconds(long),
        });
        let loops = (0..2 * threads).map(|at| EventLoop::start(at, &loads)).collect::<io::Result<_>>()?;
        Ok(Arc::new(Loops { loops, loads }))
    }

    /// A seat for a new connection.
    pub(super) fn seat(self: &Arc<Loops>) -> Seat {
        Seat::new(self, self.loads.emptiest(self.loads.answering()))
    }
}

impl EventLoop {
    fn start(at: usize, loads: &Arc<Loads>) -> io::Result<EventLoop> {
        let copies = loads.copying().contains(&at);
        let (unparked, parking) = (loads.clone(), loads.clone());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_unpark(move || unparked.turn_begins())
            .on_thread_park(move || parking.turn_ends(at))
            .build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("attune-serve".to_owned()).stack_size(STACK_BYTES);
        // An error says that the sender is gone.
        thread.spawn(move || {
            if copies {
                yields::stand_back();
            }
            drop(runtime.block_on(stopped));
        })?;
        Ok(EventLoop { runtime: handle, _running: running })
    }
}

impl Loads {
    /// The loops of connections that ask.
    fn answering(&self) -> Range<usize> {
        0..self.loads.len() / 2
    }

    /// The loops of connections that copy.
    fn copying(&self) -> Range<usize> {
        self.loads.len() / 2..self.loads.len()
    }

    /// Where a connection goes that is new among these loops: to the first whose turns are not long, else to the one with the shortest.
    fn emptiest(&self, among: Range<usize>) -> usize {
        let (now, first) = (self.now(), among.start);
        let usable = || among.clone().filter(|at| *at == first || self.is_usable(*at));
        let short = usable().find(|at| self.mean(*at, now) < self.long_ns);
        short.or_else(|| self.quickest(usable(), now)).unwrap_or(first)
    }

    /// Whether a connection may move to a loop: one that nobody lives on only helps if it has a core to run on.
    fn is_usable(&self, at: usize) -> bool {
        self.idle_core.load(Ordering::Relaxed) || self.seats(at) > 0
    }

    fn seats(&self, at: usize) -> usize {
        self.loads[at].seats.load(Ordering::Relaxed)
    }

    /// The mean turn of a loop, if it had any lately.
    fn mean(&self, at: usize, now: u64) -> u64 {
        let load = &self.loads[at];
        let age = now.saturating_sub(load.measured_ns.load(Ordering::Relaxed));
        if age < nanoseconds(MEMORY) { load.mean_ns.load(Ordering::Relaxed) } else { 0 }
    }

    /// Which of some loops has the shortest mean turn.
    fn quickest(&self, some: impl Iterator<Item = usize>, now: u64) -> Option<usize> {
        some.min_by_key(|at| self.mean(*at, now))
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }

    /// The loop has waited, and something is to be done.
    fn turn_begins(&self) {
        yields::serve(Instant::now(), Duration::from_nanos(self.long_ns) / YIELD_PART);
    }

    /// The loop has nothing more to do, and is about to wait.
    fn turn_ends(&self, at: usize) {
        let Yields { all, beside_idle_core } = yields::served();
        let mut window = self.loads[at].window.lock();
        window.turns += 1;
        window.yields.all += all;
        window.yields.beside_idle_core += beside_idle_core;
        if window.turns >= WINDOW_TURNS {
            let now = processor_time();
            let ended = std::mem::replace(&mut *window, Window { began: now, ..Window::default() });
            drop(window);
            self.note_idle_core(ended.yields);
            self.window_ends(at, nanoseconds(now.saturating_sub(ended.began)) / ended.turns);
        }
    }

    fn note_idle_core(&self, yields: Yields) {
        // Where every turn is long, connections are to be spread in any case.
        if self.long_ns > 0 && yields.all >= FEW_YIELDS {
            let (part, of) = IDLE_PART;
            self.idle_core.store(yields.beside_idle_core * of >= yields.all * part, Ordering::Relaxed);
        }
    }

    /// Says how many connections are to leave the loop, and where they go.
    ///
    /// `mean`: nanoseconds of the processor that a turn took. A loop that is kept from running by other threads, or has yielded to them, has no
    /// more to do than before.
    fn window_ends(&self, at: usize, mean: u64) {
        let (load, now) = (&self.loads[at], self.now());
        load.mean_ns.store(mean, Ordering::Relaxed);
        load.measured_ns.store(now, Ordering::Relaxed);
        let among = if self.copying().contains(&at) { self.copying() } else { self.answering() };
        let first = among.start;
        // Two loops that share a core make nobody wait less.
        let short = if self.idle_core.load(Ordering::Relaxed) { self.long_ns / SHORT_PART } else { self.long_ns };
        let (to, leaving) = if mean >= self.long_ns {
            let seats = |at: usize| self.seats(at);
            match self.quickest(among.filter(|other| *other != at && self.is_usable(*other)), now) {
                Some(other) if self.mean(other, now) < mean / 2 && seats(other) + 1 < seats(at) => {
                    (other, ((seats(at) - seats(other)) / MOVED_PART).max(1))
                }
                _ => (at, 0),
            }
        } else if at > first && mean + self.mean(first, now) < short {
            (first, (self.seats(at) / MOVED_PART).max(1))
        } else {
            (at, 0)
        };
        load.to.store(to, Ordering::Relaxed);
        load.leaving.store(leaving, Ordering::Release);
    }
}

/// A connection's place on a loop, given back when it is dropped.
pub(super) struct Seat {
    loops: Arc<Loops>,
    at: usize,
    /// Turns in which the connection still counts as one that sends much.
    copying: u32,
}

impl Seat {
    fn new(loops: &Arc<Loops>, at: usize) -> Seat {
        loops.loads.loads[at].seats.fetch_add(1, Ordering::Relaxed);
        Seat { loops: loops.clone(), at, copying: 0 }
    }

    /// What runs the connection's task.
    pub(super) fn runtime(&self) -> &Handle {
        &self.loops.loops[self.at].runtime
    }

    /// The seat to go to, when the connection is to leave this one. To be asked between two messages.
    #[inline]
    pub(super) fn next(&mut self) -> Option<Seat> {
        self.copying = self.copying.saturating_sub(1);
        let loads = &self.loops.loads;
        let among = if self.copying > 0 { loads.copying() } else { loads.answering() };
        if among.contains(&self.at) {
            return self.balanced();
        }
        let mut next = Seat::new(&self.loops, loads.emptiest(among));
        next.copying = self.copying;
        Some(next)
    }

    /// The connection has sent much at a time.
    pub(super) fn copied(&mut self) {
        self.copying = COPYING_TURNS;
    }

    /// The seat to go to when there is too much or too little to do on this one.
    fn balanced(&self) -> Option<Seat> {
        let load = &self.loops.loads.loads[self.at];
        if load.leaving.load(Ordering::Acquire) == 0 {
            return None;
        }
        let one_less = |leaving: usize| leaving.checked_sub(1);
        load.leaving.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less).ok()?;
        let to = load.to.load(Ordering::Relaxed);
        let mut next = (to != self.at).then(|| Seat::new(&self.loops, to))?;
        next.copying = self.copying;
        Some(next)
    }

    /// The socket, for the task on this loop.
    ///
    /// # Errors
    /// When the loop cannot take it.
    pub(super) fn take(&self, socket: TcpStream) -> io::Result<tokio::net::TcpStream> {
        let _entered = self.runtime().enter();
        tokio::net::TcpStream::from_std(socket)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.loops.loads.loads[self.at].seats.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Processor time of this thread.
fn processor_time() -> Duration {
    // It is never negative.
    rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime).try_into().unwrap_or_default()
}

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_micros(100);

    /// Each goes where it is to go, if anywhere.
    fn move_on(seats: &mut [Seat]) {
        for seat in seats {
            if let Some(next) = seat.next() {
                *seat = next;
            }
        }
    }

    /// How many live on each of two loops that answer, and of two that copy.
    fn seats_of(loops: &Loops) -> [usize; 4] {
        [0, 1, 2, 3].map(|at| loops.loads.seats(at))
    }

    #[test]
    fn connections_spread_when_turns_are_long_and_come_back() {
        let loops = Loops::start(2, LONG).unwrap();
        let loads = &loops.loads;
        let mut seats: Vec<Seat> = (0..8).map(|_| loops.seat()).collect();
        assert!(seats.iter_mut().all(|seat| seat.at == 0 && seat.next().is_none()));
        let mut settle = |first: Duration, second: Duration, idle_core: bool| {
            for _ in 0..20 {
                loads.note_idle_core(Yields { all: 100, beside_idle_core: if idle_core { 90 } else { 60 } });
                loads.window_ends(0, nanoseconds(first));
                loads.window_ends(1, nanoseconds(second));
                move_on(&mut seats);
            }
            let [first, second, ..] = seats_of(&loops);
            [first, second]
        };
        assert_eq!(settle(LONG * 8, LONG / 50, false), [8, 0], "no core for the second");
        assert_eq!(settle(LONG * 8, LONG / 50, true), [4, 4]);
        assert_eq!(settle(LONG * 4, LONG * 4, true), [4, 4], "both have enough to do");
        assert_eq!(settle(LONG, LONG, false), [4, 4]);
        assert_eq!(settle(LONG / 3, LONG / 3, true), [4, 4], "together they would be long");
        assert_eq!(settle(LONG / 50, LONG / 50, true), [8, 0]);
        assert_eq!(settle(LONG * 8, LONG / 50, true), [4, 4]);
        assert_eq!(settle(LONG / 3, LONG / 3, false), [8, 0], "one takes no longer where both share a core");
    }

    #[test]
    fn who_copies_lives_on_loops_of_their_own_for_a_while() {
        let loops = Loops::start(2, LONG).unwrap();
        let (mut seat, other) = (loops.seat(), loops.seat());
        seat.copied();
        seat = seat.next().unwrap();
        assert_eq!(seat.at, 2);
        loops.loads.window_ends(2, nanoseconds(LONG / 50));
        loops.loads.window_ends(0, nanoseconds(LONG * 2));
        assert!((2..COPYING_TURNS).all(|_| seat.next().is_none()));
        seat = seat.next().unwrap();
        assert_eq!(seat.at, 1, "it asks now, and others have much to do on the first");
        assert_eq!(other.at, 0);
    }

    #[test]
    fn those_who_copy_spread_among_themselves() {
        let loops = Loops::start(2, LONG).unwrap();
        let mut seats: Vec<Seat> = (0..4).map(|_| loops.seat()).collect();
        seats.iter_mut().for_each(Seat::copied);
        move_on(&mut seats);
        assert_eq!(seats_of(&loops), [0, 0, 4, 0]);
        for _ in 0..2 {
            loops.loads.window_ends(2, nanoseconds(LONG * 4));
            move_on(&mut seats);
        }
        assert_eq!(seats_of(&loops), [0, 0, 2, 2]);
    }

    #[test]
    fn a_new_connection_avoids_a_busy_loop() {
        let loops = Loops::start(2, LONG).unwrap();
        loops.loads.window_ends(0, nanoseconds(LONG * 2));
        assert_eq!(loops.seat().at, 1);
        loops.loads.window_ends(1, nanoseconds(LONG * 3));
        assert_eq!(loops.seat().at, 0, "the less busy one");
        loops.loads.note_idle_core(Yields { all: 100, beside_idle_core: 50 });
        loops.loads.window_ends(1, 0);
        assert_eq!(loops.seat().at, 0, "there is no core for the other");
        loops.loads.note_idle_core(Yields { all: 1, beside_idle_core: 1 });
        assert_eq!(loops.seat().at, 0, "once says little");
    }

    #[test]
    fn a_loop_runs_tasks_and_measures_its_turns() {
        let loops = Loops::start(1, LONG).unwrap();
        let seat = loops.seat();
        let measured = || loops.loads.loads[0].measured_ns.load(Ordering::Relaxed) > 0;
        // A task that comes before the loop waits is one more of the same turn.
        for _ in 0..1000 * WINDOW_TURNS {
            if measured() {
                break;
            }
            let (done, waits) = std::sync::mpsc::channel();
            seat.runtime().spawn(async move { done.send(std::thread::current().name().map(str::to_owned)) });
            assert_eq!(waits.recv().unwrap().as_deref(), Some("attune-serve"));
        }
        assert!(measured());
        drop(seat);
        assert_eq!(loops.loads.seats(0), 0);
    }
}
