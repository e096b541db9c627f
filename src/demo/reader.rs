//! The reader: an application that asks for one household after the other while purchases come in.

use super::client::{describe, prepare};
use super::sample::Sample;
use super::stats::Stats;
use std::sync::Arc;
use std::time::Instant;
use tokio_postgres::Client;

/// Looks up the top categories of random households until it is aborted.
pub(super) async fn run(client: Client, sample: Arc<Sample>, stats: Arc<Stats>) -> Result<(), String> {
    let sql = "SELECT rank, category, n FROM top_categories WHERE household_id = $1 ORDER BY rank";
    let lookup = prepare(&client, sql).await?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    loop {
        let household = random.one_of(sample.households());
        let started = Instant::now();
        client.query(&lookup, &[&household]).await.map_err(|error| describe("top_categories", &error))?;
        stats.lookup(started.elapsed());
    }
}

/// Marsaglia's xorshift64: good enough to spread lookups, and the same in every run.
struct Random(u64);

impl Random {
    fn one_of(&mut self, values: &[i64]) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        values[(self.0 % values.len() as u64) as usize]
    }
}
