//! Threads that serve connections, and which connection lives on which.
//!
//! Each thread is an event loop: it waits for its sockets, serves those that are ready one after the other (a *turn*), and waits
//! again. One loop does the work for less than two would: it finds several sockets ready at each wake-up, hands nothing to
//! another thread, and leaves the other cores to epochs and to clients. But what is ready waits for all that is before it.
//! So connections begin on the first loop, move to others when turns become long, and come back when they are short again. Those that
//! send much at a time, by COPY, live on the others from then on: reading it takes as long as many lookups.

use attune_storage::yields;
use parking_lot::Mutex;
use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;

/// Turns after which a loop looks at its load.
const WINDOW_TURNS: u64 = 64;
/// What was measured longer ago says nothing about now.
const MEMORY: Duration = Duration::from_secs(1);
/// Connections come back when the turns of both loops together are below this part of what is long.
const SHORT_PART: u64 = 4;
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
    loads: Vec<Load>,
    start: Instant,
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
    /// Mean turn of the last window, nanoseconds, and when that ended, nanoseconds since the start.
    mean_ns: AtomicU64,
    measured_ns: AtomicU64,
    /// Connections that are to leave, and the loop they go to.
    leaving: AtomicUsize,
    to: AtomicUsize,
}

#[derive(Default)]
struct Window {
    /// When the turn began.
    begun: Option<Instant>,
    turns: u64,
    long: u64,
    sum_ns: u64,
}

impl Loops {
    /// Starts `threads` loops (0: as many as cores). A turn of `long` and more is to be avoided.
    ///
    /// # Errors
    /// When a thread does not start.
    pub(super) fn start(threads: usize, long: Duration) -> io::Result<Arc<Loops>> {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = if threads == 0 { cores() } else { threads };
        let loads = Arc::new(Loads {
            loads: (0..threads).map(|_| Load::default()).collect(),
            start: Instant::now(),
            long_ns: nanoseconds(long),
        });
        let loops = (0..threads).map(|at| EventLoop::start(at, &loads)).collect::<io::Result<_>>()?;
        Ok(Arc::new(Loops { loops, loads }))
    }

    /// A seat for a new connection.
    pub(super) fn seat(self: &Arc<Loops>) -> Seat {
        Seat::new(self, self.loads.emptiest())
    }
}

impl EventLoop {
    fn start(at: usize, loads: &Arc<Loads>) -> io::Result<EventLoop> {
        let (unparked, parking) = (loads.clone(), loads.clone());
        let runtime = Builder::new_current_thread()
            .enable_all()
            .on_thread_unpark(move || unparked.turn_begins(at))
            .on_thread_park(move || parking.turn_ends(at))
            .build()?;
        let handle = runtime.handle().clone();
        let (running, stopped) = oneshot::channel();
        let thread = std::thread::Builder::new().name("attune-serve".to_owned()).stack_size(STACK_BYTES);
        // An error says that the sender is gone.
        thread.spawn(move || drop(runtime.block_on(stopped)))?;
        Ok(EventLoop { runtime: handle, _running: running })
    }
}

impl Loads {
    /// Where a new connection goes: to the first loop whose turns are not long, else to the one with the shortest.
    fn emptiest(&self) -> usize {
        let now = self.now();
        let means = self.loads.iter().map(|load| self.mean(load, now));
        let short = means.clone().position(|mean| mean < self.long_ns);
        short.or_else(|| means.enumerate().min_by_key(|(_, mean)| *mean).map(|(at, _)| at)).unwrap_or(0)
    }

    /// The mean turn of a loop, if it had any lately.
    fn mean(&self, load: &Load, now: u64) -> u64 {
        let age = now.saturating_sub(load.measured_ns.load(Ordering::Relaxed));
        if age < nanoseconds(MEMORY) { load.mean_ns.load(Ordering::Relaxed) } else { 0 }
    }

    /// The shortest mean turn of some loops, and whose it is.
    fn quickest(&self, some: impl Iterator<Item = usize>, now: u64) -> Option<(u64, usize)> {
        some.map(|at| (self.mean(&self.loads[at], now), at)).min()
    }

    fn now(&self) -> u64 {
        nanoseconds(self.start.elapsed())
    }

    /// The loop has waited, and something is to be done.
    fn turn_begins(&self, at: usize) {
        let begun = Instant::now();
        self.loads[at].window.lock().begun = Some(begun);
        yields::serve(begun, Duration::from_nanos(self.long_ns) / YIELD_PART);
    }

    /// The loop has nothing more to do, and is about to wait.
    fn turn_ends(&self, at: usize) {
        yields::served();
        let load = &self.loads[at];
        let mut window = load.window.lock();
        let Some(begun) = window.begun.take() else { return };
        let took = nanoseconds(begun.elapsed());
        window.turns += 1;
        window.long += u64::from(took >= self.long_ns);
        window.sum_ns += took;
        if window.turns >= WINDOW_TURNS {
            let ended = std::mem::take(&mut *window);
            drop(window);
            self.window_ends(at, &ended);
        }
    }

    /// Says how many connections are to leave the loop, and where they go.
    ///
    /// By the number of long turns, not by their length: a loop that now and then is kept from running by other threads has no
    /// more to do than before.
    fn window_ends(&self, at: usize, window: &Window) {
        let (load, now) = (&self.loads[at], self.now());
        let mean = window.sum_ns / window.turns.max(1);
        load.mean_ns.store(mean, Ordering::Relaxed);
        load.measured_ns.store(now, Ordering::Relaxed);
        let seats = |at: usize| self.loads[at].seats.load(Ordering::Relaxed);
        let (to, leaving) = if window.long * 2 > window.turns {
            match self.quickest((0..self.loads.len()).filter(|other| *other != at), now) {
                Some((other_mean, other)) if other_mean < mean / 2 && seats(other) + 1 < seats(at) => {
                    (other, ((seats(at) - seats(other)) / MOVED_PART).max(1))
                }
                _ => (at, 0),
            }
        } else if at > 0 && mean + self.mean(&self.loads[0], now) < self.long_ns / SHORT_PART {
            (0, (seats(at) / MOVED_PART).max(1))
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
        if self.copying == 0 {
            return self.balanced(0);
        }
        self.copying -= 1;
        let mut next = match self.at {
            0 => {
                let loads = &self.loops.loads;
                let (_, other) = loads.quickest(1..loads.loads.len(), loads.now())?;
                Seat::new(&self.loops, other)
            }
            _ => self.balanced(1)?,
        };
        next.copying = self.copying;
        Some(next)
    }

    /// The connection has sent much at a time.
    pub(super) fn copied(&mut self) {
        self.copying = COPYING_TURNS;
    }

    /// The seat to go to, on loop `first` or behind, when there is too much or too little to do on this one.
    fn balanced(&self, first: usize) -> Option<Seat> {
        let load = &self.loops.loads.loads[self.at];
        if load.leaving.load(Ordering::Acquire) == 0 || load.to.load(Ordering::Relaxed) < first {
            return None;
        }
        let one_less = |leaving: usize| leaving.checked_sub(1);
        load.leaving.fetch_update(Ordering::AcqRel, Ordering::Relaxed, one_less).ok()?;
        let to = load.to.load(Ordering::Relaxed);
        (to != self.at).then(|| Seat::new(&self.loops, to))
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

fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_micros(100);

    fn window(turn: Duration) -> Window {
        Window {
            turns: WINDOW_TURNS,
            long: if turn < LONG { 0 } else { WINDOW_TURNS },
            sum_ns: nanoseconds(turn) * WINDOW_TURNS,
            begun: None,
        }
    }

    #[test]
    fn connections_spread_when_turns_are_long_and_come_back() {
        let loops = Loops::start(2, LONG).unwrap();
        let loads = &loops.loads;
        let mut seats: Vec<Seat> = (0..8).map(|_| loops.seat()).collect();
        assert!(seats.iter_mut().all(|seat| seat.at == 0 && seat.next().is_none()));
        let mut settle = |first: Duration, second: Duration| {
            for _ in 0..20 {
                loads.window_ends(0, &window(first));
                loads.window_ends(1, &window(second));
                for seat in &mut seats {
                    if let Some(next) = seat.next() {
                        *seat = next;
                    }
                }
            }
            [0, 1].map(|at| seats.iter().filter(|seat| seat.at == at).count())
        };
        assert_eq!(settle(LONG * 8, LONG / 50), [4, 4]);
        assert_eq!(settle(LONG * 4, LONG * 4), [4, 4], "both have enough to do");
        assert_eq!(settle(LONG / 3, LONG / 3), [4, 4], "together they would be long");
        assert_eq!(settle(LONG / 50, LONG / 50), [8, 0]);
        assert_eq!(loads.loads[0].seats.load(Ordering::Relaxed), 8);
    }

    #[test]
    fn who_copies_leaves_the_first_loop_for_a_while() {
        let loops = Loops::start(3, LONG).unwrap();
        let mut seat = loops.seat();
        // The second loop has something to do.
        loops.loads.window_ends(1, &window(LONG / 50));
        seat.copied();
        seat = seat.next().unwrap();
        assert_eq!(seat.at, 2);
        loops.loads.window_ends(2, &window(LONG / 50));
        assert!(
            (1..COPYING_TURNS).all(|_| seat.next().is_none()),
            "there is little to do, but not for those that copy"
        );
        seat = seat.next().unwrap();
        assert_eq!(seat.at, 0, "it asks for little now, as others do");
        let mut alone = Loops::start(1, LONG).unwrap().seat();
        alone.copied();
        assert!(alone.next().is_none());
    }

    #[test]
    fn a_new_connection_avoids_a_busy_loop() {
        let loops = Loops::start(2, LONG).unwrap();
        loops.loads.window_ends(0, &window(LONG * 2));
        assert_eq!(loops.seat().at, 1);
        loops.loads.window_ends(1, &window(LONG * 3));
        assert_eq!(loops.seat().at, 0, "the less busy one");
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
        assert_eq!(loops.loads.loads[0].seats.load(Ordering::Relaxed), 0);
    }
}
