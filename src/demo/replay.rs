//! The writer: sends purchases in the order they happened, and checks that what is acknowledged is visible.

use super::client::{copy, describe, prepare};
use super::sample::{Event, Sample};
use super::stats::Stats;
use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;
use tokio_postgres::{Client, Statement};

/// Most purchases in one COPY, which is one epoch.
const BATCH: usize = 50;
/// An acknowledged purchase that is not visible after this long will not become so.
const PATIENCE: Duration = Duration::from_secs(10);

/// Replays the sample, `speed` times faster than it happened, or as fast as it goes.
pub(super) async fn run(
    writer: Client,
    probe: Client,
    sample: Arc<Sample>,
    speed: Option<f64>,
    stats: Arc<Stats>,
) -> Result<(), String> {
    let statement = prepare(&writer, "COPY purchases FROM STDIN WITH (FORMAT csv)").await?;
    let mut probe = Probe::new(probe).await?;
    let clock = speed.map(|speed| Clock { started: Instant::now(), first: sample.events()[0].at, speed });
    let mut next = 0;
    while next < sample.len() {
        let (end, born) = match &clock {
            Some(clock) => clock.due(sample.events(), next).await,
            None => ((next + BATCH).min(sample.len()), Instant::now()),
        };
        copy(&writer, &statement, sample.lines(next, end)).await?;
        probe.until_visible(&sample.events()[next..end], &stats).await?;
        stats.visible(born.elapsed(), (end - next) as u64);
        next = end;
    }
    Ok(())
}

/// The pace of the replay.
struct Clock {
    started: Instant,
    first: i64,
    speed: f64,
}

impl Clock {
    /// Waits for the next purchase; returns the end of those that are due by then, and when the first of them was.
    ///
    /// The delay of a purchase counts from when it was due, not from when it was sent: a server that falls behind does
    /// not look fast for being asked late.
    async fn due(&self, events: &[Event], next: usize) -> (usize, Instant) {
        let first = self.at(&events[next]);
        tokio::time::sleep_until(first).await;
        let now = Instant::now();
        let due = events[next..].iter().take(BATCH).take_while(|event| self.at(event) <= now).count();
        // The timer may be early by less than its resolution.
        (next + due.max(1), first)
    }

    fn at(&self, event: &Event) -> Instant {
        self.started + Duration::from_secs_f64((event.at - self.first) as f64 / self.speed)
    }
}

/// Another connection, which looks whether a view has what was just acknowledged.
struct Probe {
    client: Client,
    lookup: Statement,
    /// Purchases sent so far, by household.
    sent: HashMap<i64, i64>,
}

impl Probe {
    async fn new(client: Client) -> Result<Probe, String> {
        let lookup = prepare(&client, "SELECT n FROM spend WHERE household_id = $1").await?;
        Ok(Probe { client, lookup, sent: HashMap::new() })
    }

    /// Returns when the last of these acknowledged purchases is counted in `spend`. It always should be at the first
    /// look; if it is not, that is counted as late.
    async fn until_visible(&mut self, events: &[Event], stats: &Stats) -> Result<(), String> {
        for event in events {
            *self.sent.entry(event.household).or_default() += 1;
        }
        let Some(household) = events.last().map(|event| event.household) else { return Ok(()) };
        let expected = self.sent[&household];
        let started = Instant::now();
        let mut late = false;
        loop {
            let row =
                self.client.query_opt(&self.lookup, &[&household]).await.map_err(|error| describe("spend", &error))?;
            let seen: i64 = match row {
                Some(row) => row.try_get(0).map_err(|error| describe("spend", &error))?,
                None => 0,
            };
            if seen > expected {
                return Err(format!(
                    "household {household} has {seen} purchases in the view spend, but only {expected} were sent"
                ));
            }
            if seen == expected {
                return Ok(());
            }
            if !late {
                late = true;
                stats.late();
            }
            if started.elapsed() > PATIENCE {
                return Err(format!("an acknowledged purchase of household {household} is not in the view spend"));
            }
            tokio::task::yield_now().await;
        }
    }
}
