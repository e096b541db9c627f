//! The servers one after the other, query by query, so that what drifts on a shared machine drifts for all.

use super::data::Data;
use super::question::{Commands, Question, Sql};
use super::{Args, Servers, say, times};
use crate::bench::BenchError;
use crate::bench::load::{self, Asker, Shape};
use crate::bench::process::Process;
use crate::bench::report::{ATTUNE, Chart, Form, Row, Table};

/// The measure that does not depend on what the clients cost.
pub(super) const CPU: &str = "CPU";
/// Peers whose figures stand beside Attune's as ratios.
const COMPARED: [&str; 2] = ["postgres", "redis"];

/// All queries on idle servers, `depth` deep.
pub(super) fn idle(
    servers: &Servers,
    data: &Data,
    questions: &[Question],
    args: &Args,
    connections: usize,
    depth: usize,
) -> Result<Table, BenchError> {
    let (name, title) = if depth == 1 {
        (format!("connections-{connections}"), format!("Idle, {connections} connections"))
    } else {
        (format!("pipeline-{depth}"), format!("Idle, {connections} connections, {depth} deep"))
    };
    let mut table = Table::new(&name, &title, "query");
    for question in questions {
        for (subject, server, kind) in subjects(servers, *question, depth) {
            say(&format!("{title}: {}, {subject}", question.name()));
            let askers = askers(server, *question, data, connections, kind)?;
            let (time, warmup) = times(args);
            let measured = load::run(askers, Shape { threads: args.threads, depth, warmup, time }, || server.cpu())?;
            let row = measured.row(Row::new(question.name(), subject));
            table.rows.push(row.with(CPU, "µs", measured.cpu_per_operation()));
        }
    }
    table.compare_with(CPU, &COMPARED);
    if depth > 1 {
        table.compare_with("rate", &COMPARED);
    }
    table.charts = charts(&table, connections, depth);
    Ok(table)
}

/// How a server is asked.
#[derive(Clone, Copy)]
pub(super) enum Kind {
    /// Attune or PostgreSQL, with a Sync after each query.
    Sql,
    /// The same, with one Sync for all queries of a pipeline.
    OneSync,
    /// Redis: strings and sorted sets.
    Strings,
    /// Redis: hashes.
    Hashes,
}

fn subjects(servers: &Servers, question: Question, depth: usize) -> Vec<(&'static str, &Process, Kind)> {
    let mut subjects = vec![(ATTUNE, &servers.attune, Kind::Sql)];
    subjects.extend(servers.postgres.iter().map(|server| ("postgres", server, Kind::Sql)));
    if depth > 1 && question == Question::Point {
        subjects.push(("attune, one Sync", &servers.attune, Kind::OneSync));
        subjects.extend(servers.postgres.iter().map(|server| ("postgres, one Sync", server, Kind::OneSync)));
    }
    if let Some(server) = &servers.redis {
        subjects.push(("redis", server, Kind::Strings));
        if question == Question::Point {
            subjects.push(("redis HMGET", server, Kind::Hashes));
        }
    }
    subjects
}

/// A connection for each of the clients.
pub(super) fn askers<'a>(
    server: &Process,
    question: Question,
    data: &'a Data,
    connections: usize,
    kind: Kind,
) -> Result<Vec<Box<dyn Asker + 'a>>, BenchError> {
    let addr = server.addr;
    let open = || -> Result<Box<dyn Asker + 'a>, BenchError> {
        Ok(match kind {
            Kind::Sql => Box::new(Sql::open(addr, question, data, true)?),
            Kind::OneSync => Box::new(Sql::open(addr, question, data, false)?),
            Kind::Strings => Box::new(Commands::open(addr, question, data, false)?),
            Kind::Hashes => Box::new(Commands::open(addr, question, data, true)?),
        })
    };
    (0..connections).map(|_| open()).collect()
}

fn charts(table: &Table, connections: usize, depth: usize) -> Vec<Chart> {
    let chart = |what: &str, title: &str, about: String, measure| Chart {
        name: format!("{what}-{}", table.name),
        title: title.to_owned(),
        about,
        measure,
        form: Form::Bars,
    };
    let how = if depth == 1 {
        format!("{connections} connections, prepared statements")
    } else {
        format!("{connections} connections, prepared statements, {depth} deep in a pipeline")
    };
    vec![
        chart("cpu", "Server CPU per query", format!("{how}; shorter is better"), CPU),
        chart("rate", "Queries per second, clients on the same machine", format!("{how}; longer is better"), "rate"),
    ]
}
