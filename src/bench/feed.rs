//! Events that stream in by COPY while something else is measured.

use super::BenchError;
use super::client::Connection;
use super::load::{histogram, nanoseconds};
use super::process::Process;
use super::random::Random;
use super::report::{cores, plain, progress};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A feed with a rate sends what is due this often.
const TICK: Duration = Duration::from_millis(5);

/// Lines that are made before others have the processor: some tens of microseconds.
const LINES_AT_ONCE: u64 = 64;

/// Appends the lines of so many events.
pub(super) type Lines<'a> = &'a (dyn Fn(u64, &mut Random, &mut String) + Sync);

/// Where events come from, and how fast.
#[derive(Clone, Copy)]
pub(super) struct Feed<'a> {
    /// The server.
    pub(super) addr: SocketAddr,
    /// `COPY events FROM STDIN`.
    pub(super) copy: &'a str,
    /// Connections that feed.
    pub(super) connections: usize,
    /// Events per COPY, at most.
    pub(super) batch: u64,
    /// Events a second; as many as are taken if absent.
    pub(super) rate: Option<f64>,
    /// The events.
    pub(super) lines: Lines<'a>,
}

/// What was fed.
pub(super) struct Fed {
    /// Events acknowledged during the work.
    pub(super) events: u64,
    /// Time the work took.
    pub(super) time: Duration,
    /// From sending a COPY to its acknowledgement, nanoseconds.
    pub(super) latency: Histogram<u64>,
}

impl Fed {
    /// Events per second.
    pub(super) fn rate(&self) -> f64 {
        self.events as f64 / self.time.as_secs_f64()
    }
}

impl Feed<'_> {
    /// Feeds while `work` is done.
    pub(super) fn during<T>(&self, work: impl FnOnce() -> Result<T, BenchError>) -> Result<(T, Fed), BenchError> {
        let (stop, events) = (AtomicBool::new(false), AtomicU64::new(0));
        std::thread::scope(|scope| {
            let (stop, events) = (&stop, &events);
            let writers: Vec<_> = (0..self.connections)
                .map(|number| scope.spawn(move || self.write(number as u64, stop, events)))
                .collect();
            let (start, before) = (Instant::now(), events.load(Ordering::Relaxed));
            let worked = work();
            let (after, time) = (events.load(Ordering::Relaxed), start.elapsed());
            stop.store(true, Ordering::Relaxed);
            let mut fed = Fed { events: after - before, time, latency: histogram() };
            for writer in writers {
                fed.latency += writer.join().map_err(|_| BenchError::Failed("a writer failed".to_owned()))??;
            }
            worked.map(|worked| (worked, fed))
        })
    }

    /// The most events a second that `server`, which is fed, takes for good: work that it puts off meanwhile (flushes and
    /// compactions) counts as time of all cores. Without that the rate would be one that it takes for some seconds only, and the
    /// higher the more it puts off. Named sustainable throughput in Karimov et al., "Benchmarking Distributed Stream Data
    /// Processing Systems" (ICDE 2018). The server has caught up afterwards.
    pub(super) fn lasting(&self, server: &Process, time: Duration) -> Result<f64, BenchError> {
        let fed = self.highest(time)?;
        let before = server.cpu()?;
        server.caught_up()?;
        let put_off = server.cpu()?.saturating_sub(before).as_secs_f64();
        let lasting = fed.events as f64 / (fed.time.as_secs_f64() + put_off / cores() as f64);
        let (taken, seconds) = (plain(fed.rate()), fed.time.as_secs_f64());
        progress(&format!(
            "{taken} events/s were taken for {seconds:.1} s and left {put_off:.1} s of CPU to be done: {} events/s last",
            plain(lasting)
        ));
        Ok(lasting)
    }

    /// The most events a second, over this time.
    pub(super) fn highest(&self, time: Duration) -> Result<Fed, BenchError> {
        let unpaced = Feed { rate: None, ..*self };
        Ok(unpaced.during(|| pause(time))?.1)
    }

    fn write(&self, number: u64, stop: &AtomicBool, events: &AtomicU64) -> Result<Histogram<u64>, BenchError> {
        let mut connection = Connection::open(self.addr)?;
        let (mut random, mut text, mut latency) = (Random::new(u64::MAX - number), String::new(), histogram());
        let rate = self.rate.map(|rate| rate / self.connections as f64);
        let start = Instant::now();
        let mut sent = 0u64;
        while !stop.load(Ordering::Relaxed) {
            // What is late is sent at once, in larger batches.
            let due = match rate {
                Some(rate) => ((start.elapsed().as_secs_f64() * rate) as u64).saturating_sub(sent).min(self.batch),
                None => self.batch,
            };
            if due > 0 {
                text.clear();
                for from in (0..due).step_by(LINES_AT_ONCE as usize) {
                    (self.lines)(LINES_AT_ONCE.min(due - from), &mut random, &mut text);
                    // Events come from elsewhere: nobody who asks should wait for them to be made.
                    std::thread::yield_now();
                }
                let sending = Instant::now();
                connection.copy_in(self.copy, text.as_bytes())?;
                latency.saturating_record(nanoseconds(sending.elapsed()));
                sent += due;
                events.fetch_add(due, Ordering::Relaxed);
            }
            if let Some(rate) = rate {
                // At a rate of 0 the next event is never due.
                let next = Duration::try_from_secs_f64((sent + 1) as f64 / rate).unwrap_or(Duration::MAX);
                let next = next.saturating_sub(start.elapsed());
                std::thread::sleep(next.max(if due < self.batch { TICK } else { Duration::ZERO }).min(TICK));
            }
        }
        Ok(latency)
    }
}

/// Lets time pass in which others work.
pub(super) fn pause(time: Duration) -> Result<(), BenchError> {
    std::thread::sleep(time);
    Ok(())
}
