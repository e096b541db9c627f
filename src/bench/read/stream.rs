//! Reads while events stream in: first how many events a second Attune can take, then half of that beside the queries.

use super::data::Data;
use super::measure::{Kind, askers};
use super::question::Question;
use super::{Args, Servers, open, say, times};
use crate::bench::BenchError;
use crate::bench::load::{self, Shape};
use crate::bench::process::Process;
use crate::bench::random::Random;
use crate::bench::report::{ATTUNE, Chart, Form, Row, Table, plain};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Events per COPY.
const BATCH: u64 = 1_000;
/// The share of the maximum that streams in beside the queries.
const SHARE: f64 = 0.5;

/// Each query with and without events streaming in, one after the other.
pub(super) fn measure(
    servers: &Servers,
    data: &Data,
    questions: &[Question],
    args: &Args,
    connections: usize,
) -> Result<Table, BenchError> {
    let server = &servers.attune;
    let (time, warmup) = times(args);
    say("how many events a second Attune can take");
    let highest = during(server, data, None, || {
        std::thread::sleep(time);
        Ok(())
    })?;
    let rate = highest.rate() * SHARE;
    let title = format!(
        "Attune, {connections} connections, while {} events/s stream in (half of the {} it takes alone)",
        plain(rate),
        plain(highest.rate())
    );
    let mut table = Table::new("streaming", &title, "query");
    for question in questions {
        say(&format!("{}, idle and with {} events/s", question.name(), plain(rate)));
        let shape = Shape { depth: 1, warmup, time };
        let asked = || load::run(askers(server, *question, data, connections, Kind::Sql)?, shape, || server.cpu());
        let idle = asked()?;
        let mut busy = None;
        let streamed = during(server, data, Some(rate), || {
            busy = Some(asked()?);
            Ok(())
        })?;
        let busy = busy.ok_or_else(|| BenchError::Failed("nothing was measured".to_owned()))?;
        let p99 = |measured: &load::Measured| measured.latency.value_at_quantile(0.99) as f64;
        table.rows.push(idle.row(Row::new(question.name(), "attune, idle")));
        let row = busy.row(Row::new(question.name(), ATTUNE));
        table.rows.push(row.with("events", "/s", streamed.rate()).with("p99 / idle", "", p99(&busy) / p99(&idle)));
    }
    table.charts.push(Chart {
        name: "streaming-p99".to_owned(),
        title: "99th percentile of queries while events stream in".to_owned(),
        about: format!("{connections} connections; {} events/s, half the maximum; shorter is better", plain(rate)),
        measure: "p99",
        form: Form::Bars,
    });
    Ok(table)
}

/// What streamed in.
struct Streamed {
    events: u64,
    time: Duration,
}

impl Streamed {
    fn rate(&self) -> f64 {
        self.events as f64 / self.time.as_secs_f64()
    }
}

/// Lets events stream in, `rate` a second or as fast as they are taken, while `work` is done.
fn during(
    server: &Process,
    data: &Data,
    rate: Option<f64>,
    work: impl FnOnce() -> Result<(), BenchError>,
) -> Result<Streamed, BenchError> {
    let (stop, events) = (AtomicBool::new(false), AtomicU64::new(0));
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| write(server, data, rate, &stop, &events));
        let (start, before) = (Instant::now(), events.load(Ordering::Relaxed));
        let worked = work();
        let streamed = Streamed { events: events.load(Ordering::Relaxed) - before, time: start.elapsed() };
        stop.store(true, Ordering::Relaxed);
        writer.join().map_err(|_| BenchError::Failed("the writer failed".to_owned()))??;
        worked.map(|()| streamed)
    })
}

fn write(
    server: &Process,
    data: &Data,
    rate: Option<f64>,
    stop: &AtomicBool,
    events: &AtomicU64,
) -> Result<(), BenchError> {
    let mut connection = open(server)?;
    let (mut random, mut text) = (Random::new(u64::MAX), String::new());
    let start = Instant::now();
    let mut sent = 0u64;
    while !stop.load(Ordering::Relaxed) {
        text.clear();
        data.later_events(BATCH, &mut random, &mut text);
        // A batch is sent when its last event would have come; one that is late is sent at once.
        if let Some(rate) = rate {
            let due = Duration::from_secs_f64((sent + BATCH) as f64 / rate);
            std::thread::sleep(due.saturating_sub(start.elapsed()));
        }
        connection.copy_in("COPY events FROM STDIN", text.as_bytes())?;
        sent += BATCH;
        events.store(sent, Ordering::Relaxed);
    }
    Ok(())
}
