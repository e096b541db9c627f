//! The second judge: random schemas, rows, changes, queries, views, lookups and rankings, whose results must be those of
//! PostgreSQL 15. The oracle compares Attune with itself; what both of its engines get wrong is found here.
//!
//! - `ATTUNE_JUDGE_SEED`: the first seed; alone, this round and no other.
//! - `ATTUNE_JUDGE_ROUNDS`: the long run: so many rounds, with Attune as a process that gets killed.
//! - `ATTUNE_JUDGE_KEEP_GOING=1`: differences go to a file, one of each shape, and do not end the test.
//!
//! `postgres` starts the server; `grammar`, `expressions`, `aggregates`, `from` and `selects` make queries that PostgreSQL
//! accepts and whose result is determined; `changes` and `lookups` the rest; `round` and `writes` do it all to both, `report`
//! judges; `differences` is the list of what is documented to differ.

mod aggregates;
mod changes;
mod compare;
mod differences;
mod expressions;
mod extended;
mod from;
mod grammar;
mod lookups;
mod postgres;
mod queries;
mod report;
mod round;
mod schema;
mod scope;
mod selects;
mod shrink;
mod system;
mod types;
mod writes;

use postgres::Postgres;
use report::Report;
use round::{Round, Setup};
use std::sync::Arc;

/// Rounds and batches of changes of the run in `make test`.
const ROUNDS: u64 = 20;
const BATCHES: usize = 6;
/// Batches of a round of the long run.
const LONG_BATCHES: usize = 20;

fn variable(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|value| value.parse().ok())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_are_those_of_postgres() {
    let (rounds, seed) = (variable("ATTUNE_JUDGE_ROUNDS"), variable("ATTUNE_JUDGE_SEED"));
    let keep_going = variable("ATTUNE_JUDGE_KEEP_GOING") == Some(1);
    let long = rounds.is_some();
    let rerun = if long { "ATTUNE_JUDGE_ROUNDS=1 " } else { "" };
    let setup = Arc::new(Setup {
        postgres: Postgres::start(),
        report: Report::new(keep_going, rerun.to_owned()),
        kills: long,
        batches: if long { LONG_BATCHES } else { BATCHES },
    });
    let first = seed.unwrap_or(1);
    let last = first + rounds.unwrap_or(if seed.is_some() { 1 } else { ROUNDS });
    // Two at a time: one waits for its servers while the other compares.
    let lanes = (0..2).map(|lane| {
        let setup = Arc::clone(&setup);
        tokio::spawn(async move {
            for seed in (first + lane..last).step_by(2) {
                Round::start(Arc::clone(&setup), seed).await.run().await;
            }
        })
    });
    for lane in lanes.collect::<Vec<_>>() {
        if let Err(error) = lane.await {
            std::panic::resume_unwind(error.into_panic());
        }
    }
    println!("{}", setup.report.summary());
    let (invalid, queries) = (setup.report.counted("invalid"), setup.report.counted("queries"));
    assert!(invalid * 20 <= queries.max(20), "{invalid} of {queries} queries are none: mend the generator");
    let slow = setup.report.counted("slow in Attune");
    assert!(slow * 200 <= queries.max(200), "{slow} of {queries} queries took longer than 10 seconds");
    assert!(setup.report.counted("lookups by key") > 0, "no lookup was one by key");
}
