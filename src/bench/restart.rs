//! How long a restart takes, at two sizes of state a factor of ten apart.
//!
//! Each size gets a fresh data directory, a stream and three views (aggregate, join with a table, top 3 per group), is
//! filled by COPY, and then restarted several times. A restart ends when a lookup over the wire is answered. Stopping
//! does not flush RocksDB's memtables, so the write-ahead log is replayed as after a crash.

use super::BenchError;
use super::report::{ATTUNE, Report, Row, Table, plain};
use crate::config::Config;
use crate::server::Server;
use bytes::Bytes;
use futures::SinkExt;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};
use tokio_postgres::{Client, NoTls};

/// Restarts timed per size; the median counts.
const REPEATS: usize = 5;

/// Rows per COPY, each one epoch.
const COPY_ROWS: usize = 20_000;

/// How long a restart takes at two sizes of state, a factor of ten apart.
///
/// Fills a fresh data directory by COPY at each size, restarts it several times, and takes the median from start to the
/// first answered lookup. It should not grow with the state.
#[derive(clap::Args, Debug)]
pub struct Args {
    /// Events at the larger size
    #[arg(long, value_name = "N", default_value_t = 2_000_000, value_parser = clap::value_parser!(u64).range(100..))]
    pub events: u64,
}

/// Measures `events` / 10 and `events` events in directories below `dir`.
///
/// # Errors
/// When a server does not start or a statement fails.
pub async fn run(dir: &Path, args: &Args) -> Result<Report, BenchError> {
    let events = usize::try_from(args.events).map_err(|error| BenchError::Failed(error.to_string()))?;
    let mut report = Report::new("restart", "from start to the first answered lookup, at two sizes of state");
    let mut table = Table::new("restart", "Restart", "events");
    for events in [events / 10, events] {
        let data = dir.join(format!("restart-{events}"));
        let config = Config { data: data.clone(), listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..Config::default() };
        fill(&config, events).await?;
        let seconds = median_restart(&config).await?;
        let row = Row::new(plain(events as f64), ATTUNE).at(events as f64);
        let bytes = bytes_below(&data)? as f64;
        table.rows.push(row.with("size", "MB", bytes / 1e6).with("restart", "ms", seconds * 1e3));
    }
    if let [small, large] = &table.rows[..]
        && let (Some(before), Some(after)) = (small.value("restart"), large.value("restart"))
    {
        report.notes.push(format!("10 times the events: {} times the restart", plain(after / before)));
    }
    report.tables.push(table);
    Ok(report)
}

async fn connect(server: &Server) -> Result<Client, BenchError> {
    let text = format!("host={} port={} user=attune", server.addr.ip(), server.addr.port());
    let (client, connection) = tokio_postgres::connect(&text, NoTls).await?;
    tokio::spawn(connection);
    Ok(client)
}

async fn fill(config: &Config, events: usize) -> Result<(), BenchError> {
    let server = Server::start(config.clone()).await?;
    let client = connect(&server).await?;
    client
        .batch_execute(
            "CREATE STREAM events (user_id bigint, item_id bigint, price double precision);
             CREATE TABLE items (item_id bigint PRIMARY KEY, category text);
             INSERT INTO items SELECT i, 'category ' || (i % 50) FROM generate_series(0, 999) AS g(i);
             CREATE MATERIALIZED VIEW spend AS SELECT user_id, count(*) AS n, sum(price) AS total FROM events GROUP BY user_id;
             CREATE MATERIALIZED VIEW affinity AS SELECT user_id, category, count(*) AS n FROM events JOIN items USING (item_id) GROUP BY 1, 2;
             CREATE MATERIALIZED VIEW top AS SELECT * FROM (SELECT *, row_number() OVER (PARTITION BY user_id ORDER BY n DESC, category) AS rank FROM affinity) t WHERE rank <= 3;",
        )
        .await?;
    for first in (0..events).step_by(COPY_ROWS) {
        let sink = client.copy_in("COPY events FROM STDIN").await?;
        futures::pin_mut!(sink);
        let mut text = String::new();
        for i in first..events.min(first + COPY_ROWS) {
            // About ten events a user, spread over all users, so that state grows with the events.
            let _ = writeln!(
                text,
                "{}\t{}\t{}.25",
                i.wrapping_mul(7919) % (events / 10).max(1),
                i.wrapping_mul(104_729) % 1000,
                i % 90
            );
        }
        sink.send(Bytes::from(text)).await?;
        sink.finish().await?;
    }
    server.stop().await;
    Ok(())
}

async fn median_restart(config: &Config) -> Result<f64, BenchError> {
    let mut times = Vec::new();
    for _ in 0..REPEATS {
        let start = Instant::now();
        let server = Server::start(config.clone()).await?;
        let client = connect(&server).await?;
        client.query("SELECT category, n FROM top WHERE user_id = 1 ORDER BY rank", &[]).await?;
        times.push(start.elapsed());
        drop(client);
        server.stop().await;
    }
    times.sort_unstable();
    Ok(times.get(times.len() / 2).map_or(0.0, Duration::as_secs_f64))
}

fn bytes_below(dir: &Path) -> Result<u64, std::io::Error> {
    let mut bytes = 0;
    for entry in std::fs::read_dir(dir)? {
        let entry = entry?;
        let meta = entry.metadata()?;
        bytes += if meta.is_dir() { bytes_below(&entry.path())? } else { meta.len() };
    }
    Ok(bytes)
}
