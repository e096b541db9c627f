//! What a server does all day.

use crate::bench::client::Connection;
use crate::bench::client::message::{self, BIGINT};
use crate::bench::load::{histogram, nanoseconds};
use crate::bench::random::{Keys, Random};
use crate::bench::{BenchError, events};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// The view that is kept, looked into, and queried.
pub(super) const VIEW: &str = "CREATE MATERIALIZED VIEW profile AS SELECT user_id, count(*) AS n, sum(price) AS total, \
                               max(ts) AS last FROM events GROUP BY user_id";
/// The view that is filled from history.
const BACKFILL: &str = "CREATE MATERIALIZED VIEW filled AS SELECT item_id, count(*) AS n, sum(price) AS total FROM history \
                        GROUP BY item_id";
const QUERY: &str = "SELECT n % 10 AS bucket, count(*) AS users, avg(total) AS average, max(last) AS last FROM profile \
                     GROUP BY 1 ORDER BY 1";
/// Events per COPY.
const BATCH: u64 = 1_000;

/// One of the things a server does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Activity {
    Ingest,
    Lookups,
    Backfill,
    Query,
}

/// Where it is done.
#[derive(Clone, Copy)]
pub(super) struct Ground<'a> {
    pub(super) addr: SocketAddr,
    pub(super) users: &'a Keys,
    pub(super) history: u64,
}

/// Tells an activity to end.
pub(super) struct Stop(AtomicBool);

impl Stop {
    pub(super) fn new() -> Stop {
        Stop(AtomicBool::new(false))
    }

    pub(super) fn stop(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// What was done.
pub(super) struct Done {
    amount: u64,
    time: Duration,
    latency: Histogram<u64>,
}

impl Done {
    /// Events, lookups, rows of history or queries per second.
    pub(super) fn rate(&self) -> f64 {
        self.amount as f64 / self.time.as_secs_f64()
    }

    /// A quantile of the time of a statement.
    pub(super) fn millis(&self, quantile: f64) -> f64 {
        self.latency.value_at_quantile(quantile) as f64 / 1e6
    }
}

impl Activity {
    pub(super) const ALL: [Activity; 4] = [Activity::Ingest, Activity::Lookups, Activity::Backfill, Activity::Query];

    pub(super) fn name(self) -> &'static str {
        match self {
            Activity::Ingest => "ingest",
            Activity::Lookups => "lookups",
            Activity::Backfill => "backfill",
            Activity::Query => "query",
        }
    }

    pub(super) fn unit(self) -> &'static str {
        "/s"
    }

    fn connections(self) -> u64 {
        if self == Activity::Lookups { 4 } else { 1 }
    }

    /// Does it again and again until told to stop; what has begun is finished.
    pub(super) fn run(self, ground: Ground<'_>, stop: &Stop) -> Result<Done, BenchError> {
        let start = Instant::now();
        let mut done = Done { amount: 0, time: Duration::ZERO, latency: histogram() };
        std::thread::scope(|scope| {
            let threads: Vec<_> =
                (0..self.connections()).map(|number| scope.spawn(move || self.repeat(ground, number, stop))).collect();
            for thread in threads {
                let (amount, latency) =
                    thread.join().map_err(|_| BenchError::Failed("an activity failed".to_owned()))??;
                done.amount += amount;
                done.latency += latency;
            }
            Ok::<(), BenchError>(())
        })?;
        done.time = start.elapsed();
        Ok(done)
    }

    fn repeat(self, ground: Ground<'_>, number: u64, stop: &Stop) -> Result<(u64, Histogram<u64>), BenchError> {
        let mut connection = Connection::open(ground.addr)?;
        if self == Activity::Lookups {
            connection.prepare("q", "SELECT user_id, n, total, last FROM profile WHERE user_id = $1", &[BIGINT])?;
        }
        let (mut random, mut amount, mut latency) = (Random::new(number), 0, histogram());
        // At least once, however busy the machine is: nothing done is no rate to compare with.
        loop {
            let (done, time) = self.once(ground, &mut connection, &mut random)?;
            latency.saturating_record(nanoseconds(time));
            amount += done;
            if stop.0.load(Ordering::Relaxed) {
                return Ok((amount, latency));
            }
        }
    }

    /// How much was done, and the time the statement took.
    fn once(
        self,
        ground: Ground<'_>,
        connection: &mut Connection,
        random: &mut Random,
    ) -> Result<(u64, Duration), BenchError> {
        match self {
            Activity::Ingest => {
                let mut text = String::new();
                events::random(ground.users, BATCH, random, &mut text);
                let start = Instant::now();
                connection.copy_in(events::COPY, text.as_bytes())?;
                Ok((BATCH, start.elapsed()))
            }
            Activity::Lookups => {
                let mut out = Vec::new();
                message::execute(&mut out, "q", &[&ground.users.draw(random).to_be_bytes()]);
                message::sync(&mut out);
                let start = Instant::now();
                let rows = connection.exchange(&out, 1)?;
                Ok((rows, start.elapsed()))
            }
            Activity::Backfill => {
                let start = Instant::now();
                connection.query(BACKFILL)?;
                let time = start.elapsed();
                connection.query("DROP MATERIALIZED VIEW filled")?;
                Ok((ground.history, time))
            }
            Activity::Query => {
                let start = Instant::now();
                connection.query(QUERY)?;
                Ok((1, start.elapsed()))
            }
        }
    }
}
