//! Events that are watched.

use crate::bench::BenchError;
use crate::bench::client::Connection;
use crate::bench::client::message::{self, BIGINT};
use crate::bench::load::{histogram, nanoseconds};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

/// Between two probes of one prober.
const EVERY: Duration = Duration::from_millis(5);
/// Between two looks, at least; and at least this part of the time since the event was sent. So the delay that is found is too
/// long by 0.2 ms or a tenth at most, and looking does not become the load that is measured.
const LOOK: Duration = Duration::from_micros(200);
const LOOK_PART: u32 = 10;
/// An event that is not visible by then never will be.
const PATIENCE: Duration = Duration::from_secs(60);
/// Users of probes: no others are negative. A prober has so many of its own, in every run others.
const OWN: i64 = 1_000_000_000_000;

/// What probes found, nanoseconds.
pub(super) struct Probed {
    /// From sending to seen.
    pub(super) visible: Histogram<u64>,
    /// From sending to answered.
    pub(super) acknowledged: Histogram<u64>,
}

/// Probes view `v{view}` for this time.
pub(super) fn run(addr: SocketAddr, view: u64, probers: u64, time: Duration) -> Result<Probed, BenchError> {
    let mut all = Probed { visible: histogram(), acknowledged: histogram() };
    let first = i64::try_from(
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_millis()),
    )
    .unwrap_or(0);
    std::thread::scope(|scope| {
        let probers: Vec<_> = (1..=probers)
            .map(|number| {
                // A number no probe of an earlier run has had: milliseconds pass faster than probes are sent.
                let user = -(i64::try_from(number).unwrap_or(1) * OWN * 1_000 + first);
                scope.spawn(move || Prober::open(addr, view, user)?.run(time))
            })
            .collect();
        for prober in probers {
            let probed = prober.join().map_err(|_| BenchError::Failed("a probe failed".to_owned()))??;
            all.visible += probed.visible;
            all.acknowledged += probed.acknowledged;
        }
        Ok::<(), BenchError>(())
    })?;
    Ok(all)
}

/// Sends on one connection, looks on another.
struct Prober {
    sends: Connection,
    looks: Connection,
    user: i64,
}

impl Prober {
    fn open(addr: SocketAddr, view: u64, user: i64) -> Result<Prober, BenchError> {
        let (mut sends, mut looks) = (Connection::open(addr)?, Connection::open(addr)?);
        // Item -1 is in every view.
        sends.prepare("i", "INSERT INTO events VALUES ($1, -1, 1, 1.0, '2026-01-01')", &[BIGINT])?;
        looks.prepare("q", &format!("SELECT n FROM v{view} WHERE user_id = $1"), &[BIGINT])?;
        Ok(Prober { sends, looks, user })
    }

    fn run(mut self, time: Duration) -> Result<Probed, BenchError> {
        let mut probed = Probed { visible: histogram(), acknowledged: histogram() };
        let start = Instant::now();
        while start.elapsed() < time {
            let (visible, acknowledged) = self.probe()?;
            probed.visible.saturating_record(nanoseconds(visible));
            probed.acknowledged.saturating_record(nanoseconds(acknowledged));
            std::thread::sleep(EVERY);
        }
        Ok(probed)
    }

    /// Sends an event of a user of its own, and looks until it is there.
    fn probe(&mut self) -> Result<(Duration, Duration), BenchError> {
        self.user -= 1;
        let (mut insert, mut look) = (Vec::new(), Vec::new());
        for (out, statement) in [(&mut insert, "i"), (&mut look, "q")] {
            message::execute(out, statement, &[&self.user.to_be_bytes()]);
            message::sync(out);
        }
        let sent = Instant::now();
        self.sends.send(&insert, 1)?;
        while self.looks.exchange(&look, 1)? == 0 {
            if sent.elapsed() > PATIENCE {
                return Err(BenchError::Failed(format!("an event was not visible after {PATIENCE:?}")));
            }
            std::thread::sleep(LOOK.max(sent.elapsed() / LOOK_PART));
        }
        let visible = sent.elapsed();
        // Answered when visible; by now it is there, or about to come.
        self.sends.answers()?;
        Ok((visible, sent.elapsed()))
    }
}
