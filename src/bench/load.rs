//! Load from several connections at once, and what it took: throughput, latency, processor time of the server.

use super::BenchError;
use super::random::Random;
use super::report::Row;
use hdrhistogram::Histogram;
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

    /// Sends the questions in `out`, and returns when all are answered.
    fn exchange(&mut self, out: &mut Vec<u8>, questions: usize) -> Result<(), BenchError>;
}

/// How long and how deep.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
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
    let (state, answered) = (AtomicU8::new(WARMING), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let (state, answered) = (&state, &answered);
        let threads: Vec<_> = askers
            .into_iter()
            .enumerate()
            .map(|(seed, mut asker)| scope.spawn(move || ask(&mut *asker, seed as u64, shape.depth, state, answered)))
            .collect();
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

/// Asks until told to stop; the latencies while measuring.
fn ask(
    asker: &mut dyn Asker,
    seed: u64,
    depth: usize,
    state: &AtomicU8,
    answered: &AtomicBool,
) -> Result<Histogram<u64>, BenchError> {
    let (mut random, mut out, mut latency) = (Random::new(seed), Vec::new(), histogram());
    loop {
        let now = state.load(Ordering::Relaxed);
        if now == STOPPING {
            return Ok(latency);
        }
        out.clear();
        for _ in 0..depth {
            asker.ask(&mut random, &mut out);
        }
        let start = Instant::now();
        asker.exchange(&mut out, depth)?;
        if now == MEASURING {
            latency.saturating_record_n(nanoseconds(start.elapsed()), depth as u64);
            if !answered.load(Ordering::Relaxed) {
                answered.store(true, Ordering::Relaxed);
            }
        }
    }
}
