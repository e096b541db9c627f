//! `attune demo`: a year of a grocer's purchases replayed through the server's own wire port.
//!
//! The demo is a client like any other: it starts a [`Server`] in this process, and from then on speaks only to its port.
//! The SQL stands in `demo.sql`, the data and where it comes from in `data/`.

mod client;
mod format;
mod progress;
mod reader;
mod replay;
mod report;
mod sample;
mod stats;
mod temporary;

/// The data and the SQL, for benchmarks as well.
pub(crate) use client::schema;
pub(crate) use sample::{PRODUCTS, PURCHASES, seconds};

use crate::cli::{Failure, signals};
use crate::config::Config;
use crate::server::Server;
use format::{say, thousands};
use sample::Sample;
use stats::Stats;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};
use temporary::TemporaryDirectory;

/// How often the progress is drawn.
const REDRAW: Duration = Duration::from_millis(200);

/// How the demo runs.
pub struct Options {
    speed: Option<f64>,
    events: Option<usize>,
    exit: bool,
    temporary: PathBuf,
}

impl Options {
    /// Options, and the settings the demo starts from: a data directory of its own, and a log that leaves the screen to
    /// the demo. `speed` is how many times faster than it happened (`None`: as fast as it goes), `events` how many purchases
    /// (`None`: all), `exit` whether to stop when it is done.
    #[must_use]
    pub fn new(speed: Option<f64>, events: Option<usize>, exit: bool) -> (Options, Config) {
        let temporary = std::env::temp_dir().join(format!("attune-demo-{}", std::process::id()));
        let defaults = Config { data: temporary.clone(), log: "warn".into(), ..Config::default() };
        (Options { speed, events, exit, temporary }, defaults)
    }
}

/// Runs the demo until it is done (with `exit`) or until SIGINT or SIGTERM.
///
/// # Errors
/// When the server does not start, or when it does not do what the demo expects of it.
pub async fn run(config: Config, options: Options) -> Result<(), Failure> {
    let mut signals =
        signals::Stop::listen().map_err(|error| Failure::Other(format!("cannot watch for signals: {error}")))?;
    let sample = Arc::new(Sample::load(options.events).map_err(Failure::Other)?);
    let data = config.data.display().to_string();
    // Declared before the server, so that it goes after it.
    let temporary = (config.data == options.temporary).then(|| TemporaryDirectory::new(config.data.clone()));
    let server = Server::start(config).await?;
    let kept = if temporary.is_some() { ", removed at the end" } else { "" };
    let psql = crate::cli::psql(server.addr);
    say(&format!("attune {} demo: {psql}   (data in {data}{kept})\n", env!("CARGO_PKG_VERSION")));

    let finished = tokio::select! {
        result = play(server.addr, &sample, &options) => result.map(|()| true),
        _ = signals.asked() => Ok(false),
    };
    if matches!(finished, Ok(true)) && !options.exit {
        signals.asked().await;
    }
    say("\nStopping.");
    signals.second_ends_process();
    server.stop().await;
    finished.map(|_| ()).map_err(Failure::Other)
}

/// Schema, products, replay, report.
async fn play(addr: SocketAddr, sample: &Arc<Sample>, options: &Options) -> Result<(), String> {
    let writer = client::connect(addr).await?;
    let views = client::create_schema(&writer).await?;
    let products = client::load_products(&writer, sample).await?;
    say(&format!(
        "{views} views are kept current. {} products loaded; now replaying {} purchases of {} households:\n",
        thousands(products),
        thousands(sample.len() as u64),
        thousands(sample.households().len() as u64)
    ));

    let stats = Arc::new(Stats::new());
    let started = Instant::now();
    let probe = client::connect(addr).await?;
    let reader = client::connect(addr).await?;
    // Tasks of their own, so that drawing and the replay do not delay what is measured.
    let mut replay = tokio::spawn(replay::run(writer, probe, Arc::clone(sample), options.speed, Arc::clone(&stats)));
    let mut lookups = tokio::spawn(reader::run(reader, Arc::clone(sample), Arc::clone(&stats)));
    let mut progress = progress::Progress::new(sample.len() as u64);
    let mut redraw = tokio::time::interval(REDRAW);
    let result = loop {
        tokio::select! {
            result = &mut replay => break result,
            result = &mut lookups => break result,
            _ = redraw.tick() => progress.draw(&stats, sample),
        }
    };
    // Whichever still runs is no longer needed.
    replay.abort();
    lookups.abort();
    progress.finish();
    result.map_err(|error| format!("the demo's client failed: {error}"))??;
    report::print(addr, sample, &stats, started.elapsed(), !options.exit).await
}
