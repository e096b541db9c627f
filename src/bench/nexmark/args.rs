//! The command line of `attune bench nexmark`.

use std::path::PathBuf;

/// The queries of Nexmark, through the real epoch loop with their views committed to disk.
///
/// Events are generated before the clock starts. Each query is a materialized view in a fresh data directory; a run ends when
/// the last event is acknowledged, so visible in the view and synced to disk. Peers run the same queries on the same events.
#[derive(clap::Args, Clone, Debug)]
pub struct Args {
    /// Events of a run: 1 person, 3 auctions and 46 bids in 50
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = at_least_one)]
    pub events: usize,
    /// Events of an epoch
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = at_least_one)]
    pub batch: usize,
    /// Queries, such as q0,q3 [default: all that are there]
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub queries: Vec<String>,
    /// Other engines to run the same queries beside ours: dbsp, flink
    #[arg(long, value_name = "LIST", value_delimiter = ',')]
    pub peers: Vec<String>,
    /// Runs of each query; the median counts
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = at_least_one)]
    pub rounds: usize,
    /// The core to run on, by taskset, so that events/s are those of a core; `all` is wherever the system likes
    #[arg(long, value_name = "N|all", default_value = "0")]
    pub core: String,
    /// After each run, compare the view with the same SELECT as a batch query (for some 100,000 events)
    #[arg(long)]
    pub check: bool,
    /// Where the data directories are made (and removed) [default: the system's temporary directory]
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
    /// A setting of the server; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = crate::config::name_and_value)]
    pub set: Vec<(String, String)>,
}

impl Args {
    /// The core to run on, if it is to be one.
    pub(super) fn pinned(&self) -> Option<&str> {
        (self.core != "all").then_some(self.core.as_str())
    }
}

fn at_least_one(text: &str) -> Result<usize, String> {
    match text.replace('_', "").parse() {
        Ok(0) | Err(_) => Err("expected a number from 1".to_owned()),
        Ok(number) => Ok(number),
    }
}
