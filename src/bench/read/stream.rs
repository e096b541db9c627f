//! Reads while events stream in: first how many events a second Attune can take, then half of that beside the queries.

use super::data::Data;
use super::measure::{Kind, askers};
use super::question::Question;
use super::{Args, Servers, say, times};
use crate::bench::BenchError;
use crate::bench::feed::Feed;
use crate::bench::load::{self, Shape};
use crate::bench::random::Random;
use crate::bench::report::{ATTUNE, Chart, Form, Row, Table, plain};

/// Events per COPY, at most.
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
    let lines = |count: u64, random: &mut Random, out: &mut String| data.later_events(count, random, out);
    let feed = Feed {
        addr: server.addr,
        copy: "COPY events FROM STDIN",
        connections: 1,
        batch: BATCH,
        rate: None,
        lines: &lines,
    };
    let highest = feed.lasting(server, time)?;
    let rate = highest * SHARE;
    let title = format!(
        "Attune, {connections} connections, while {} events/s stream in (half of the {} it takes alone)",
        plain(rate),
        plain(highest)
    );
    let mut table = Table::new("streaming", &title, "query");
    for question in questions {
        // What was fed before has left something to be compacted, which is not of this rate.
        server.caught_up()?;
        say(&format!("{}, idle and with {} events/s", question.name(), plain(rate)));
        let shape = Shape { threads: args.threads, depth: 1, warmup, time };
        let asked = || load::run(askers(server, *question, data, connections, Kind::Sql)?, shape, || server.cpu());
        let idle = asked()?;
        let (busy, streamed) = Feed { rate: Some(rate), ..feed }.during(asked)?;
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
