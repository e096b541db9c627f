//! The ways events come in.

use super::Args;
use super::purchases::Purchases;
use crate::bench::BenchError;
use crate::bench::client::{Connection, message};
use crate::bench::load::{histogram, nanoseconds};
use hdrhistogram::Histogram;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Rows of an INSERT of many.
const ROWS: u64 = 1_000;

/// A way to feed.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Way {
    /// COPY
    Copy,
    /// INSERT of 1,000 rows
    Rows,
    /// INSERT of one row, prepared
    Single,
}

impl Way {
    pub(super) fn name(self, args: &Args) -> String {
        match self {
            Way::Copy => format!("COPY of {}, {} connections", args.copy_rows, args.writers),
            Way::Rows => format!("INSERT of {ROWS}, {} connections", args.writers),
            Way::Single => format!("INSERT of 1, {} connections", args.connections),
        }
    }

    fn connections(self, args: &Args) -> u64 {
        if self == Way::Single { args.connections } else { args.writers }
    }

    fn rows(self, args: &Args) -> u64 {
        match self {
            Way::Copy => args.copy_rows,
            Way::Rows => ROWS,
            Way::Single => 1,
        }
    }
}

/// What was fed.
pub(super) struct Fed {
    pub(super) events: u64,
    pub(super) time: Duration,
    /// From sending a statement to its acknowledgement.
    pub(super) latency: Histogram<u64>,
}

/// Feeds until the data or the time is over.
pub(super) fn run(addr: SocketAddr, purchases: &Purchases, way: Way, args: &Args) -> Result<Fed, BenchError> {
    let next = AtomicU64::new(0);
    let start = Instant::now();
    let end = start + Duration::from_secs_f64(args.seconds.clamp(0.01, 1e9));
    let mut fed = Fed { events: 0, time: Duration::ZERO, latency: histogram() };
    std::thread::scope(|scope| {
        let writers: Vec<_> = (0..way.connections(args))
            .map(|_| scope.spawn(|| Writer::open(addr, way)?.run(purchases, &next, way.rows(args), end)))
            .collect();
        for writer in writers {
            let (events, latency) = writer.join().map_err(|_| BenchError::Failed("a writer failed".to_owned()))??;
            fed.events += events;
            fed.latency += latency;
        }
        Ok::<(), BenchError>(())
    })?;
    fed.time = start.elapsed();
    Ok(fed)
}

/// A connection that feeds.
struct Writer {
    connection: Connection,
    way: Way,
    text: String,
    messages: Vec<u8>,
}

impl Writer {
    fn open(addr: SocketAddr, way: Way) -> Result<Writer, BenchError> {
        let mut connection = Connection::open(addr)?;
        if way == Way::Single {
            connection.prepare("i", "INSERT INTO purchases VALUES ($1, $2, $3, $4, $5, $6)", &purchase_types())?;
        }
        Ok(Writer { connection, way, text: String::new(), messages: Vec::new() })
    }

    fn run(
        mut self,
        purchases: &Purchases,
        next: &AtomicU64,
        rows: u64,
        end: Instant,
    ) -> Result<(u64, Histogram<u64>), BenchError> {
        let (mut events, mut latency) = (0, histogram());
        while Instant::now() < end {
            let from = next.fetch_add(rows, Ordering::Relaxed);
            let to = purchases.len().min(from + rows);
            if from >= to {
                break;
            }
            self.text.clear();
            self.messages.clear();
            let start = self.send(purchases, from, to)?;
            latency.saturating_record(nanoseconds(start.elapsed()));
            events += to - from;
        }
        Ok((events, latency))
    }

    /// Sends these purchases and waits for the acknowledgement; returns when they were sent.
    fn send(&mut self, purchases: &Purchases, from: u64, to: u64) -> Result<Instant, BenchError> {
        let start;
        match self.way {
            Way::Copy => {
                (from..to).for_each(|at| purchases.get(at).line(&mut self.text));
                start = Instant::now();
                self.connection.copy_in("COPY purchases FROM STDIN WITH (FORMAT csv)", self.text.as_bytes())?;
            }
            Way::Rows => {
                self.text.push_str("INSERT INTO purchases VALUES ");
                for at in from..to {
                    self.text.push_str(if at == from { "(" } else { ", (" });
                    purchases.get(at).literals(&mut self.text);
                    self.text.push(')');
                }
                start = Instant::now();
                self.connection.query(&self.text)?;
            }
            Way::Single => {
                let values = purchases.get(from).binary();
                let values: Vec<&[u8]> = values.iter().map(Vec::as_slice).collect();
                message::execute(&mut self.messages, "i", &values);
                message::sync(&mut self.messages);
                start = Instant::now();
                self.connection.exchange(&self.messages, 1)?;
            }
        }
        Ok(start)
    }
}

/// Types of a purchase's columns.
fn purchase_types() -> [u32; 6] {
    use message::{BIGINT, DOUBLE, INTEGER, TIMESTAMP};
    [BIGINT, BIGINT, BIGINT, INTEGER, DOUBLE, TIMESTAMP]
}
