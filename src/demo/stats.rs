//! What the demo measures, shared by its tasks.

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Delays beyond this count as this: a minute, in microseconds.
const LONGEST_US: u64 = 60_000_000;

/// Counts and delays since the start of the replay.
pub(super) struct Stats {
    events: AtomicU64,
    batches: AtomicU64,
    late: AtomicU64,
    lookups: AtomicU64,
    visible_us: Mutex<Histogram<u64>>,
    lookup_us: Mutex<Histogram<u64>>,
}

/// A moment's numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Numbers {
    /// Purchases acknowledged and seen.
    pub(super) events: u64,
    /// COPY statements they came in.
    pub(super) batches: u64,
    /// Batches not visible at the first look after their acknowledgement.
    pub(super) late: u64,
    /// Lookups answered.
    pub(super) lookups: u64,
    /// From event to visible: median and 99th percentile, microseconds.
    pub(super) visible_us: (u64, u64),
    /// A lookup: median and 99th percentile, microseconds.
    pub(super) lookup_us: (u64, u64),
}

impl Stats {
    /// Nothing measured yet.
    pub(super) fn new() -> Stats {
        let histogram = || {
            let histogram = Histogram::new_with_bounds(1, LONGEST_US, 3);
            Mutex::new(histogram.expect("the bounds are constants that the histogram accepts"))
        };
        Stats {
            events: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            late: AtomicU64::new(0),
            lookups: AtomicU64::new(0),
            visible_us: histogram(),
            lookup_us: histogram(),
        }
    }

    /// A batch of `events` was seen by another connection after `delay`.
    pub(super) fn visible(&self, delay: Duration, events: u64) {
        self.visible_us.lock().saturating_record_n(micros(delay), events);
        self.batches.fetch_add(1, Ordering::Relaxed);
        self.events.fetch_add(events, Ordering::Relaxed);
    }

    /// A batch was acknowledged before it was visible.
    pub(super) fn late(&self) {
        self.late.fetch_add(1, Ordering::Relaxed);
    }

    /// A lookup was answered after `delay`.
    pub(super) fn lookup(&self, delay: Duration) {
        self.lookup_us.lock().saturating_record(micros(delay));
        self.lookups.fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers now.
    pub(super) fn numbers(&self) -> Numbers {
        let quantiles = |histogram: &Mutex<Histogram<u64>>| {
            let histogram = histogram.lock();
            (histogram.value_at_quantile(0.5), histogram.value_at_quantile(0.99))
        };
        Numbers {
            events: self.events.load(Ordering::Relaxed),
            batches: self.batches.load(Ordering::Relaxed),
            late: self.late.load(Ordering::Relaxed),
            lookups: self.lookups.load(Ordering::Relaxed),
            visible_us: quantiles(&self.visible_us),
            lookup_us: quantiles(&self.lookup_us),
        }
    }
}

fn micros(delay: Duration) -> u64 {
    u64::try_from(delay.as_micros()).unwrap_or(u64::MAX)
}
