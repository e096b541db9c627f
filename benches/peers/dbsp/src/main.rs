//! One Nexmark query with Feldera's engine, in memory, on one worker: `attune-peer-dbsp QUERY EVENTS BATCH [--rows]`.
//!
//! Prints one line of JSON: events, seconds from the first event handed over to the last result, seconds of CPU in that time,
//! and with `--rows` how many rows the result has (which takes time of its own). The events are made before. Every circuit is
//! given all three streams, as every engine of this benchmark is.

mod events;
mod queries;

use anyhow::{Context, Result, bail};
use dbsp::typed_batch::IndexedZSetReader;
use dbsp::{RootCircuit, Runtime, Stream, ZSetHandle, ZWeight};
use events::{Auction, Bid, Person, Step};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Instant;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The queries this peer has.
const QUERIES: [&str; 9] = ["q0", "q3", "q4", "q9", "q15", "q17", "q18", "q19", "q20"];

/// Where the events go.
struct Inputs {
    people: ZSetHandle<Person>,
    auctions: ZSetHandle<Auction>,
    bids: ZSetHandle<Bid>,
}

/// Counts the rows of a result.
#[derive(Clone)]
struct Rows {
    rows: Arc<AtomicI64>,
    wanted: bool,
}

#[derive(serde::Serialize)]
struct Measured {
    events: usize,
    seconds: f64,
    cpu_seconds: f64,
    written_bytes: u64,
    rows: Option<i64>,
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [query, events, batch, rest @ ..] = &arguments[..] else {
        bail!("usage: attune-peer-dbsp QUERY EVENTS BATCH [--rows]; queries: {}", QUERIES.join(" "));
    };
    let (events, batch): (usize, usize) = (events.parse()?, batch.parse::<usize>()?.max(1));
    let rows = Rows { rows: Arc::default(), wanted: rest.iter().any(|argument| argument == "--rows") };
    let steps = events::steps(events, batch);

    let (name, counted) = (query.clone(), rows.clone());
    let (mut circuit, inputs) = Runtime::init_circuit(1, move |circuit| build(circuit, &name, counted))?;
    let (started, before) = (Instant::now(), cpu_seconds()?);
    for step in steps {
        inputs.append(step);
        circuit.transaction()?;
    }
    let (seconds, cpu_seconds) = (started.elapsed().as_secs_f64(), cpu_seconds()? - before);
    circuit.kill().ok();
    let rows = rows.wanted.then(|| rows.rows.load(Ordering::Relaxed));
    println!("{}", serde_json::to_string(&Measured { events, seconds, cpu_seconds, written_bytes: 0, rows })?);
    Ok(())
}

fn build(circuit: &mut RootCircuit, query: &str, rows: Rows) -> Result<Inputs> {
    let (people, people_in) = circuit.add_input_zset::<Person>();
    let (auctions, auctions_in) = circuit.add_input_zset::<Auction>();
    let (bids, bids_in) = circuit.add_input_zset::<Bid>();
    match query {
        "q0" => rows.count(&queries::q0(&bids)),
        "q3" => rows.count(&queries::q3(&people, &auctions)),
        "q4" => rows.count(&queries::q4(&auctions, &bids)),
        "q9" => rows.count(&queries::q9(&auctions, &bids)),
        "q15" => rows.count(&queries::q15(&bids)),
        "q17" => rows.count(&queries::q17(&bids)),
        "q18" => rows.count(&queries::q18(&bids)),
        "q19" => rows.count(&queries::q19(&bids)),
        "q20" => rows.count(&queries::q20(&auctions, &bids)),
        _ => bail!("there is no {query}; there are {}", QUERIES.join(" ")),
    }
    Ok(Inputs { people: people_in, auctions: auctions_in, bids: bids_in })
}

impl Inputs {
    fn append(&self, mut step: Step) {
        self.people.append(&mut step.people);
        self.auctions.append(&mut step.auctions);
        self.bids.append(&mut step.bids);
    }
}

impl Rows {
    /// Takes the result out of the circuit, as Feldera's own benchmark does; counts it only when that is wanted.
    fn count<B>(self, result: &Stream<RootCircuit, B>)
    where
        B: dbsp::IndexedZSet<R = ZWeight>,
    {
        result.inspect(move |batch| {
            if self.wanted {
                let sum: ZWeight = batch.iter().map(|(_, _, weight)| weight).sum();
                self.rows.fetch_add(sum, Ordering::Relaxed);
            }
        });
    }
}

/// CPU of this process, all threads: fields 14 and 15 of /proc/self/stat, in hundredths of a second.
fn cpu_seconds() -> Result<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let fields: Vec<&str> = stat.rsplit_once(')').context("/proc/self/stat")?.1.split_whitespace().collect();
    let ticks = |field: usize| fields.get(field - 3).context("/proc/self/stat")?.parse::<f64>().context("ticks");
    Ok((ticks(14)? + ticks(15)?) / 100.0)
}
