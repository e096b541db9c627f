//! What may be written on the command line, and the text of `--help`.

use crate::bench;
use crate::config::{Config, ConfigError, load, name_and_value};
use clap::{Parser, Subcommand};
use std::path::PathBuf;

/// A streaming personalization database: events in, SQL views always current, rankings out over the Postgres wire.
#[derive(Parser)]
#[command(name = "attune", version, arg_required_else_help = true, max_term_width = 110)]
#[command(long_about = LONG_ABOUT, after_long_help = AFTER_HELP, after_help = "`attune --help` shows examples.")]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Command,
}

// Lines of at most 78 characters, so that they are not wrapped again.
const LONG_ABOUT: &str = "\
Attune is a streaming personalization database. Events go in; SQL views over
them stay current with every commit; any Postgres client asks for a feature
row or a ranking and gets it fresh.

When an INSERT or COPY is acknowledged, every view that depends on it already
contains it, on every connection, and it survives a crash.";

const AFTER_HELP: &str = "\
Examples:
  attune demo                  see it work: a year of purchases, replayed
  attune serve                 a server on 127.0.0.1:7432, data in ./attune-data
  attune serve --data /var/lib/attune --listen 0.0.0.0:7432
  psql -h 127.0.0.1 -p 7432    connect to it

Then, in psql:
  CREATE STREAM clicks (user_id bigint, item_id bigint, ts timestamp);
  CREATE MATERIALIZED VIEW popular AS
    SELECT item_id, count(*) AS n FROM clicks GROUP BY item_id;
  INSERT INTO clicks VALUES (1, 42, '2026-01-01 12:00:00');
  SELECT * FROM popular WHERE item_id = 42;

Settings:
  Each can be given in a TOML file (--config), as a variable
  (ATTUNE_ROW_CACHE_BYTES=64MB) or as a flag (--set row_cache_bytes=64MB).
  Flags win over variables, variables over the file. README.md lists them.

Exit codes:
  0  stopped as asked
  1  failed while running
  2  wrong flag or setting
  3  the address cannot be listened on
  4  data directory in use, unreadable, or written by a newer version
  130  ended by a second signal

Where next: README.md; docs/sql.md (the SQL that is supported);
docs/architecture.md (how it works).";

#[derive(Subcommand)]
pub(super) enum Command {
    /// Run the server until Ctrl-C or SIGTERM.
    ///
    /// One line on stdout says where to connect once it is ready; logs go to stderr.
    Serve(ServeArgs),
    /// See it work on real purchases, in a data directory of its own.
    ///
    /// Starts a server, creates the views of src/demo/demo.sql, and replays a year of 220 households' purchases through its
    /// port while another connection looks things up. At the end it shows what it would recommend to one household, and
    /// stays up for you to look around with psql until Ctrl-C.
    Demo(DemoArgs),
    /// Measure this build on this machine.
    ///
    /// Absolute figures say little on a shared machine; what stays is the ratio of two figures of the same run,
    /// to a peer or to the same thing idle or smaller. docs/benchmarks.md has what came out.
    Bench(BenchArgs),
}

#[derive(clap::Args)]
pub(super) struct BenchArgs {
    #[command(subcommand)]
    pub(super) bench: Bench,
    #[command(flatten)]
    pub(super) output: bench::report::Output,
}

#[derive(Subcommand)]
pub(super) enum Bench {
    Read(bench::read::Args),
    Ingest(bench::ingest::Args),
    Freshness(bench::freshness::Args),
    State(bench::state::Args),
    Mixed(bench::mixed::Args),
    Plan(bench::plan::Args),
    Restart(bench::restart::Args),
    Nexmark(bench::nexmark::Args),
}

#[derive(clap::Args)]
pub(super) struct ServeArgs {
    #[command(flatten)]
    pub(super) settings: SettingArgs,
}

#[derive(clap::Args)]
pub(super) struct DemoArgs {
    /// Replay N times faster than it happened (86400 is a day each second); as fast as it goes if absent
    #[arg(long, value_name = "N", value_parser = speed)]
    pub(super) speed: Option<f64>,
    /// Replay only the first N purchases
    #[arg(long, value_name = "N")]
    pub(super) events: Option<usize>,
    /// Stop when the replay is done instead of staying up
    #[arg(long)]
    pub(super) exit: bool,
    #[command(flatten)]
    pub(super) settings: SettingArgs,
}

/// The settings that have a flag of their own, and `--set` for all others.
#[derive(clap::Args)]
pub(super) struct SettingArgs {
    /// Data directory [default: ./attune-data; for the demo a temporary one]
    #[arg(long, value_name = "DIR")]
    data: Option<String>,
    /// Address to listen on [default: 127.0.0.1:7432]
    #[arg(long, value_name = "ADDR")]
    listen: Option<String>,
    /// TOML file with settings
    #[arg(long, value_name = "FILE", env = "ATTUNE_CONFIG")]
    config: Option<PathBuf>,
    /// What to log: error, warn, info, debug, or a filter such as warn,attune=debug
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How to write the log: text or json
    #[arg(long, value_name = "FORMAT")]
    log_format: Option<String>,
    /// Acknowledge a write only when it is on disk: true or false [default: true]
    #[arg(long, value_name = "BOOL")]
    synchronous_commit: Option<String>,
    /// Any other setting; may be repeated
    #[arg(long = "set", value_name = "NAME=VALUE", value_parser = name_and_value)]
    set: Vec<(String, String)>,
}

impl SettingArgs {
    /// The configuration of this process.
    pub(super) fn load(self, defaults: Config) -> Result<Config, ConfigError> {
        let own = [
            ("data", self.data),
            ("listen", self.listen),
            ("log", self.log),
            ("log_format", self.log_format),
            ("synchronous_commit", self.synchronous_commit),
        ];
        let mut flags = self.set;
        flags.extend(own.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
        // Variables that are not UTF-8 are none of ours.
        let variables =
            std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        load(defaults, self.config.as_deref(), variables, &flags)
    }
}

fn speed(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(speed) if speed > 0.0 && speed.is_finite() => Ok(speed),
        _ => Err("expected a number above 0, such as 86400 for a day each second".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Args::command().debug_assert();
    }

    #[test]
    fn a_flag_of_its_own_wins_over_set() {
        let args =
            Args::parse_from(["attune", "serve", "--data", "/a", "--set", "data=/b", "--set", "dml_retries = 7"]);
        let Command::Serve(args) = args.command else { panic!("serve") };
        let config = args.settings.load(Config::default()).unwrap();
        assert_eq!((config.data, config.dml_retries), (PathBuf::from("/a"), 7));
    }

    #[test]
    fn impossible_values_are_refused() {
        for line in [
            &["attune", "serve", "--set", "data"][..],
            &["attune", "demo", "--speed", "0"],
            &["attune", "demo", "--speed", "inf"],
            &["attune", "demo", "--events", "-1"],
            &["attune", "fly"],
        ] {
            assert!(Args::try_parse_from(line).is_err(), "{line:?}");
        }
    }
}
