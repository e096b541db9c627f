//! Load from several connections at once, and what it took: throughput, latency, processor time of the server.

use super::BenchError;
use super::random::Random;
use super::report::Row;
use hdrhistogram::Histogram;
use rustix::buffer::spare_capacity;
use rustix::event::epoll;
use rustix::io::Errno;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::time::{Duration, Instant};

/// Latencies in nanoseconds, to three digits; longer ones count as this.
const LONGEST_NS: u64 = 60_000_000_000;

/// Between two looks whether there is an answer.
const LOOK: Duration = Duration::from_millis(1);

/// States of a run.
const WARMING: u8 = 0;
const MEASURING: u8 = 1;
const STOPPING: u8 = 2;

/// A connection that puts questions of one kind.
pub(super) trait Asker: Send {
    /// Appends a question.
    fn ask(&mut self, random: &mut Random, out: &mut Vec<u8>);

    /// Sends the questions in `out`.
    fn send(&mut self, out: &mut Vec<u8>, questions: usize) -> Result<(), BenchError>;

    /// Reads once, waiting for something to read. Says whether all questions are answered.
    fn receive(&mut self) -> Result<bool, BenchError>;

    /// Can be read when there is something to receive.
    fn socket(&self) -> BorrowedFd<'_>;
}

/// How long and how deep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    /// Threads of the client. Each serves its part of the connections as a proxy or an asynchronous program does, whichever is
    /// answered first; as many threads as connections are what a blocking driver makes.
    pub(super) threads: usize,
    /// Questions sent together on a connection before their answers are awaited.
    pub(super) depth: usize,
    /// Time before figures are taken.
    pub(super) warmup: Duration,
    /// Time figures are taken.
    pub(super) time: Duration,
}

/// What a run found.
pub(super) struct Measured {
    /// Answers.
    pub(super) operations: u64,
    /// Time they took.
    pub(super) time: Duration,
    /// Processor time of the server.
    pub(super) cpu: Duration,
    /// From sending to the answer, nanoseconds.
    pub(super) latency: Histogram<u64>,
}

impl Measured {
    /// Answers per second.
    pub(super) fn rate(&self) -> f64 {
        self.operations as f64 / self.time.as_secs_f64()
    }

    /// A row with rate and latencies.
    pub(super) fn row(&self, row: Row) -> Row {
        latencies(row.with("rate", "/s", self.rate()), &self.latency)
    }

    /// Microseconds of the server's processor time per answer.
    pub(super) fn cpu_per_operation(&self) -> f64 {
        self.cpu.as_secs_f64() * 1e6 / self.operations.max(1) as f64
    }
}

/// Adds the usual quantiles of nanoseconds, in microseconds.
pub(super) fn latencies(row: Row, histogram: &Histogram<u64>) -> Row {
    let quantile = |q: f64| histogram.value_at_quantile(q) as f64 / 1e3;
    row.with("p50", "µs", quantile(0.5)).with("p99", "µs", quantile(0.99)).with("p99.9", "µs", quantile(0.999))
}

/// An empty histogram of nanoseconds.
pub(super) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_NS, 3).expect("the bounds are constants that the histogram accepts")
}

/// A duration for a histogram.
pub(super) fn nanoseconds(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Lets all connections ask at once, each as soon as it has its answers. What takes longer than the time is waited for, so
/// that there is something to tell.
pub(super) fn run(
    askers: Vec<Box<dyn Asker + '_>>,
    shape: Shape,
    cpu: impl Fn() -> Result<Duration, BenchError>,
) -> Result<Measured, BenchError> {
    let progress = Progress { state: AtomicU8::new(WARMING), answered: AtomicBool::new(false) };
    let mut parts: Vec<Vec<Turn<'_>>> = Vec::new();
    parts.resize_with(shape.threads.clamp(1, askers.len().max(1)), Vec::new);
    for (at, asker) in askers.into_iter().enumerate() {
        let part = at % parts.len();
        parts[part].push(Turn::new(asker, at as u64, shape.depth));
    }
    std::thread::scope(|scope| {
        let Progress { state, answered } = &progress;
        let threads: Vec<_> = parts.into_iter().map(|part| scope.spawn(|| ask(part, &progress))).collect();
        std::thread::sleep(shape.warmup);
        let (before, start) = (cpu(), Instant::now());
        state.store(MEASURING, Ordering::Relaxed);
        std::thread::sleep(shape.time);
        while !answered.load(Ordering::Relaxed) && !threads.iter().all(|thread| thread.is_finished()) {
            std::thread::sleep(LOOK);
        }
        let (after, time) = (cpu(), start.elapsed());
        state.store(STOPPING, Ordering::Relaxed);
        let mut measured = Measured { operations: 0, time, cpu: Duration::ZERO, latency: histogram() };
        for thread in threads {
            let latency = thread.join().map_err(|_| BenchError::Failed("a client thread failed".to_owned()))??;
            measured.operations += latency.len();
            measured.latency += latency;
        }
        measured.cpu = after?.saturating_sub(before?);
        Ok(measured)
    })
}

/// What the threads of a run tell each other.
struct Progress {
    state: AtomicU8,
    /// There was an answer while measuring.
    answered: AtomicBool,
}

/// A connection, and the questions it waits for.
struct Turn<'a> {
    asker: Box<dyn Asker + 'a>,
    random: Random,
    out: Vec<u8>,
    depth: usize,
    sent: Instant,
    /// Sent while measuring.
    counts: bool,
}

impl<'a> Turn<'a> {
    fn new(asker: Box<dyn Asker + 'a>, seed: u64, depth: usize) -> Turn<'a> {
        Turn { asker, random: Random::new(seed), out: Vec::new(), depth, sent: Instant::now(), counts: false }
    }

    /// Sends the next questions.
    fn send(&mut self, state: u8) -> Result<(), BenchError> {
        self.out.clear();
        for _ in 0..self.depth {
            self.asker.ask(&mut self.random, &mut self.out);
        }
        (self.sent, self.counts) = (Instant::now(), state == MEASURING);
        self.asker.send(&mut self.out, self.depth)
    }
}

/// Asks on all of these connections until told to stop; the latencies while measuring.
fn ask(mut turns: Vec<Turn<'_>>, progress: &Progress) -> Result<Histogram<u64>, BenchError> {
    let mut latency = histogram();
    let sockets = epoll::create(epoll::CreateFlags::CLOEXEC).map_err(io::Error::from)?;
    for (at, turn) in turns.iter_mut().enumerate() {
        let key = epoll::EventData::new_u64(at as u64);
        epoll::add(&sockets, turn.asker.socket(), key, epoll::EventFlags::IN).map_err(io::Error::from)?;
        turn.send(progress.state.load(Ordering::Relaxed))?;
    }
    let (mut waiting, mut ready) = (turns.len(), Vec::with_capacity(turns.len()));
    while waiting > 0 {
        // With one connection the read itself waits.
        if turns.len() > 1 {
            ready.clear();
            match epoll::wait(&sockets, spare_capacity(&mut ready), None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(io::Error::from(error).into()),
            }
        } else if ready.is_empty() {
            ready.push(epoll::Event { flags: epoll::EventFlags::IN, data: epoll::EventData::new_u64(0) });
        }
        for event in &ready {
            let turn = &mut turns[event.data.u64() as usize];
            if !turn.asker.receive()? {
                continue;
            }
            if turn.counts {
                latency.saturating_record_n(nanoseconds(turn.sent.elapsed()), turn.depth as u64);
                if !progress.answered.load(Ordering::Relaxed) {
                    progress.answered.store(true, Ordering::Relaxed);
                }
            }
            match progress.state.load(Ordering::Relaxed) {
                STOPPING => waiting -= 1,
                state => turn.send(state)?,
            }
        }
    }
    Ok(latency)
}
