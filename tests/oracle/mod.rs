//! The oracle: random relations, random views, random changes in random epochs. After every epoch every view must equal
//! what its own query gives as a batch query.
//!
//! `ATTUNE_ORACLE_EPOCHS` (default below) is the number of epochs over all rounds; `ATTUNE_ORACLE_SEED` runs one round
//! with that seed. The seed of a failing round is in the panic message together with the views and the last statements.

mod changes;
mod compare;
mod queries;

use crate::server::{TestServer, describe, rows, run, try_rows};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// Epochs of one round: then a new schema content and new views.
const EPOCHS_PER_ROUND: usize = 40;

/// Views kept at once in a round.
const VIEWS: usize = 6;

fn epochs() -> usize {
    std::env::var("ATTUNE_ORACLE_EPOCHS").ok().and_then(|n| n.parse().ok()).unwrap_or(10_000)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_view_equals_its_query_after_every_epoch() {
    if let Some(seed) = std::env::var("ATTUNE_ORACLE_SEED").ok().and_then(|n| n.parse().ok()) {
        round(seed, EPOCHS_PER_ROUND).await;
        return;
    }
    let rounds = epochs().div_ceil(EPOCHS_PER_ROUND) as u64;
    // Two at a time: one waits for its server while the other compares.
    let lanes = (0..2u64).map(|lane| {
        tokio::spawn(async move {
            let (mut checked, mut refused) = (0, 0);
            for seed in (lane..rounds).step_by(2) {
                let (c, r) = round(seed, EPOCHS_PER_ROUND).await;
                checked += c;
                refused += r;
            }
            (checked, refused)
        })
    });
    let (mut checked, mut refused) = (0, 0);
    for lane in lanes.collect::<Vec<_>>() {
        let (c, r) = lane.await.unwrap();
        checked += c;
        refused += r;
    }
    println!(
        "oracle: {} epochs, {checked} view comparisons, {refused} random queries refused at CREATE",
        rounds as usize * EPOCHS_PER_ROUND
    );
    assert!(refused * 10 < rounds as usize * VIEWS * 3, "too many of the random queries are refused: {refused}");
}

struct View {
    name: String,
    query: String,
    float_columns: Vec<bool>,
}

/// One server, some views, `epochs` epochs. Returns the number of comparisons and of refused queries.
async fn round(seed: u64, epochs: usize) -> (usize, usize) {
    let mut rng = StdRng::seed_from_u64(seed);
    let server = TestServer::start_with(|c| c.synchronous_commit = false).await;
    let client = server.client().await;
    run(&client, queries::SCHEMA).await;
    let mut state = changes::Changes::default();
    // Some history, so that views are backfilled; sometimes none.
    for _ in 0..rng.random_range(0..4) {
        run(&client, &state.epoch(&mut rng)).await;
    }
    let (mut views, mut refused) = (Vec::<View>::new(), 0);
    while views.len() < VIEWS && refused < 3 * VIEWS {
        let name = format!("v{}", views.len());
        let below: Vec<&str> = views.iter().map(|v| v.name.as_str()).collect();
        let query = queries::random(&mut rng, &below);
        match client.batch_execute(&format!("CREATE MATERIALIZED VIEW {name} AS {query}")).await {
            Ok(()) => {
                let float_columns = float_columns(&client, &name).await;
                views.push(View { name, query, float_columns });
            }
            Err(error) => {
                let code = error.code().map(|c| c.code().to_string()).unwrap_or_default();
                assert_eq!(code, "0A000", "seed {seed}: {query}: {}", describe(&error));
                refused += 1;
            }
        }
    }
    let mut comparisons = 0;
    let mut done: Vec<String> = Vec::new();
    for epoch in 0..=epochs {
        for view in &views {
            check(&client, view, seed, epoch, &done).await;
            comparisons += 1;
        }
        if epoch < epochs {
            let statements = state.epoch(&mut rng);
            run(&client, &statements).await;
            done.push(statements);
        }
    }
    drop(client);
    server.stop().await;
    (comparisons, refused)
}

async fn check(client: &tokio_postgres::Client, view: &View, seed: u64, epoch: usize, done: &[String]) {
    let kept = rows(client, &format!("SELECT * FROM {}", view.name)).await;
    let batch = match try_rows(client, &view.query).await {
        Ok(rows) => rows,
        Err(error) => panic!("seed {seed}, epoch {epoch}: batch query failed: {}\n{}", view.query, describe(&error)),
    };
    if let Err(difference) = compare::same(&kept, &batch, &view.float_columns) {
        let last: Vec<&str> = done.iter().rev().take(3).rev().map(String::as_str).collect();
        panic!(
            "seed {seed}, epoch {epoch}: view {} differs from its query\n{}\n{difference}\nlast epochs:\n{}\nrun it alone: ATTUNE_ORACLE_SEED={seed} cargo test --release oracle",
            view.name,
            view.query,
            last.join("\n"),
        );
    }
}

/// Which columns of a relation are floats, and so are compared to a relative 1e-9.
async fn float_columns(client: &tokio_postgres::Client, name: &str) -> Vec<bool> {
    let statement = client.prepare(&format!("SELECT * FROM {name}")).await.unwrap();
    let float = |c: &tokio_postgres::Column| {
        matches!(*c.type_(), tokio_postgres::types::Type::FLOAT8 | tokio_postgres::types::Type::FLOAT4)
    };
    statement.columns().iter().map(float).collect()
}
