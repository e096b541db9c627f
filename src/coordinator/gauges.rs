//! Counters and delays per view, written by the coordinator thread and read by the system views.

use super::status::{BackfillStatus, RowErrorStatus, Status, ViewStatistics};
use crate::dataflow::RowErrors;
use hdrhistogram::Histogram;
use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Longest delay that is told apart, in microseconds (10 minutes); longer ones count as this.
const DELAY_MAX_US: u64 = 600_000_000;

/// Finished backfills that stay visible.
const FINISHED_BACKFILLS: usize = 100;

/// All gauges.
pub(super) struct Gauges {
    inner: Mutex<Inner>,
    row_error_samples: usize,
}

#[derive(Default)]
struct Inner {
    views: BTreeMap<u32, ViewGauge>,
    backfills: BTreeMap<u32, BackfillStatus>,
    row_errors: BTreeMap<u32, VecDeque<RowErrorStatus>>,
    events: BTreeMap<u32, u64>,
}

struct ViewGauge {
    last_epoch: u64,
    last_change_us: i64,
    rows_in: u64,
    rows_out: u64,
    row_errors: u64,
    delays: Histogram<u64>,
}

/// The gauges while what an epoch did to the views is put down: whoever asks for them waits.
pub(super) struct ViewGauges<'a> {
    inner: MutexGuard<'a, Inner>,
}

impl ViewGauges<'_> {
    /// A view received `rows_in` and wrote `rows_out` delta rows in `epoch`; `delays` are the ages of the epoch's writes.
    pub(super) fn changed(&mut self, view: u32, epoch: u64, rows_in: u64, rows_out: u64, delays: &[Duration]) {
        let gauge = self.inner.views.entry(view).or_insert_with(ViewGauge::new);
        gauge.rows_in += rows_in;
        gauge.rows_out += rows_out;
        if rows_out > 0 {
            gauge.last_epoch = epoch;
            gauge.last_change_us = now_us();
            for delay in delays {
                gauge.delays.saturating_record((delay.as_micros() as u64).clamp(1, DELAY_MAX_US));
            }
        }
    }
}

impl Gauges {
    pub(super) fn new(row_error_samples: usize) -> Gauges {
        Gauges { inner: Mutex::default(), row_error_samples }
    }

    /// How many events a stream has had; `None` for one that was made before they were counted.
    pub(super) fn events(&self, stream: u32) -> Option<u64> {
        self.inner.lock().events.get(&stream).copied()
    }

    pub(super) fn set_events(&self, counts: &[(u32, u64)]) {
        if !counts.is_empty() {
            self.inner.lock().events.extend(counts.iter().copied());
        }
    }

    /// To be called before the writes of an epoch are answered, and kept until what it did to the views is put down: so clients need
    /// not wait for that, but who is answered and asks for the gauges finds the epoch in them.
    pub(super) fn views(&self) -> ViewGauges<'_> {
        ViewGauges { inner: self.inner.lock() }
    }

    pub(super) fn row_errors(&self, view: u32, errors: &RowErrors) {
        let mut inner = self.inner.lock();
        inner.views.entry(view).or_insert_with(ViewGauge::new).row_errors += errors.count;
        let at_us = now_us();
        let samples = inner.row_errors.entry(view).or_default();
        for error in &errors.samples {
            samples.push_back(RowErrorStatus {
                view,
                at_us,
                expression: error.expression.clone(),
                message: error.message.clone(),
                row: error.row.clone(),
            });
        }
        while samples.len() > self.row_error_samples {
            samples.pop_front();
        }
    }

    pub(super) fn backfill_started(&self, id: u32, name: &str, rows_total: u64) {
        let started = BackfillStatus {
            view: id,
            name: name.to_string(),
            rows_done: 0,
            rows_total,
            finished: false,
            failed: None,
            started_us: now_us(),
            finished_us: None,
        };
        let mut inner = self.inner.lock();
        inner.backfills.insert(id, started);
        let finished: Vec<u32> = inner.backfills.values().filter(|b| b.finished).map(|b| b.view).collect();
        for old in finished.iter().take(finished.len().saturating_sub(FINISHED_BACKFILLS)) {
            inner.backfills.remove(old);
        }
    }

    pub(super) fn backfill_progress(&self, id: u32, rows_done: u64, rows_total: u64, finished: bool) {
        if let Some(backfill) = self.inner.lock().backfills.get_mut(&id) {
            backfill.rows_done = rows_done;
            backfill.rows_total = rows_total.max(rows_done);
            if finished && !backfill.finished {
                backfill.finished = true;
                backfill.rows_total = rows_done;
                backfill.finished_us = Some(now_us());
            }
        }
    }

    /// A backfill was given up.
    pub(super) fn backfill_failed(&self, id: u32, reason: &str) {
        if let Some(backfill) = self.inner.lock().backfills.get_mut(&id) {
            backfill.failed = Some(reason.to_owned());
        }
    }

    /// Why a backfill was given up, if it was.
    pub(super) fn backfill_failure(&self, id: u32) -> Option<String> {
        self.inner.lock().backfills.get(&id)?.failed.clone()
    }

    pub(super) fn forget(&self, id: u32) {
        let mut inner = self.inner.lock();
        inner.views.remove(&id);
        inner.backfills.remove(&id);
        inner.row_errors.remove(&id);
        inner.events.remove(&id);
    }

    pub(super) fn status(&self) -> Status {
        let inner = self.inner.lock();
        Status {
            backfills: inner.backfills.values().cloned().collect(),
            views: inner.views.iter().map(|(view, gauge)| gauge.statistics(*view)).collect(),
            row_errors: inner.row_errors.values().flatten().cloned().collect(),
            events: inner.events.clone(),
        }
    }
}

impl ViewGauge {
    fn new() -> ViewGauge {
        let delays = Histogram::new_with_bounds(1, DELAY_MAX_US, 2).expect("the bounds are constants that are valid");
        ViewGauge { last_epoch: 0, last_change_us: 0, rows_in: 0, rows_out: 0, row_errors: 0, delays }
    }

    fn statistics(&self, view: u32) -> ViewStatistics {
        ViewStatistics {
            view,
            last_epoch: self.last_epoch,
            last_change_us: self.last_change_us,
            rows_in: self.rows_in,
            rows_out: self.rows_out,
            delay_us: (!self.delays.is_empty())
                .then(|| (self.delays.value_at_quantile(0.5), self.delays.value_at_quantile(0.99))),
            row_errors: self.row_errors,
        }
    }
}

/// Microseconds since 1970-01-01 UTC by the system clock.
pub(super) fn now_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}
