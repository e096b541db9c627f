//! The configuration: every limit of the server by name.
//!
//! A setting has one name everywhere: `row_cache_bytes` is the key in the file, `ATTUNE_ROW_CACHE_BYTES` the variable and
//! `--set row_cache_bytes=64MB` the flag. A flag wins over a variable, a variable over the file, the file over the default.

mod check;
mod load;
mod memory;
mod value;

pub use load::{ConfigError, VARIABLE_PREFIX, load, name_and_value, unknown_variables};
use std::net::SocketAddr;
use std::path::PathBuf;

/// One setting, as text: what the file, the variables, the flags and the documentation share.
pub struct Setting {
    /// Name.
    pub name: &'static str,
    /// What it means, in one line.
    pub about: &'static str,
    set: fn(&mut Config, &str) -> Result<(), String>,
    show: fn(&Config) -> String,
}

impl Setting {
    /// The setting of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<&'static Setting> {
        SETTINGS.iter().find(|setting| setting.name == name)
    }

    /// The value in `config`, written as it may be set.
    #[must_use]
    pub fn show(&self, config: &Config) -> String {
        (self.show)(config)
    }

    /// Sets the value from text.
    ///
    /// # Errors
    /// What was expected instead, without the setting's name.
    pub fn set(&self, config: &mut Config, text: &str) -> Result<(), String> {
        (self.set)(config, text)
    }
}

/// Declares the settings once: the struct, its defaults and the list of [`Setting`]s.
macro_rules! settings {
    ($(#[doc = $about:literal] $name:ident: $type:ty = $default:expr,)*) => {
        /// All settings of a server. Sizes (`_bytes`) are set as `64MB`, times (`_ms`) as `10s`, or as plain numbers.
        #[derive(Clone, PartialEq, Debug)]
        pub struct Config {
            $(#[doc = $about] pub $name: $type,)*
        }

        impl Default for Config {
            fn default() -> Config {
                Config { $($name: $default,)* }
            }
        }

        /// Every setting, in the order of the documentation.
        pub const SETTINGS: &[Setting] = &[$(Setting {
            name: stringify!($name),
            about: $about,
            set: |config, text| {
                config.$name = value::Value::parse(value::Unit::of(stringify!($name)), text)?;
                Ok(())
            },
            show: |config| value::Value::show(&config.$name, value::Unit::of(stringify!($name))),
        },)*];
    };
}

settings! {
    /// Data directory.
    data: PathBuf = PathBuf::from("./attune-data"),
    /// Address to listen on.
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 7432)),
    /// Acknowledge a write only when it is on disk.
    synchronous_commit: bool = true,
    /// Bytes of memory of the whole server, at least 256MB: it keeps what it needs itself, and caches and memtables share the rest. 0: the next five settings say what each has.
    memory_bytes: usize = 0,
    /// Bytes of RocksDB's block cache.
    block_cache_bytes: usize = 384 << 20,
    /// Bytes of the hot-row cache.
    row_cache_bytes: usize = 256 << 20,
    /// Bytes of the cache of the first rows under key prefixes (the ten best of a user).
    run_cache_bytes: usize = 64 << 20,
    /// Bytes of the operator state cache.
    state_cache_bytes: usize = 384 << 20,
    /// Bytes of memtables.
    memtable_bytes: usize = 256 << 20,
    /// Keep memory in whole huge pages (on Linux): lookups and epochs wait less for it. Not with memory_bytes, since up to an eighth more is held.
    huge_pages: bool = true,
    /// Largest epoch: bytes it may write.
    epoch_max_bytes: usize = 256 << 20,
    /// An epoch takes no further writes after this many input rows.
    epoch_max_rows: usize = 65_536,
    /// Bytes of writes that may wait for the next epoch.
    input_queue_bytes: usize = 64 << 20,
    /// Number of writes that may wait for the next epoch.
    input_queue_writes: usize = 16_384,
    /// How long a write waits for room in the queue before it is refused (53200).
    input_wait_ms: u64 = 10_000,
    /// Rows per backfill chunk; beside writes twice as many as are written, but at least a sixteenth of this.
    backfill_chunk_rows: usize = 16_384,
    /// How often an index build that meets an error of the disk tries again before the index has failed.
    index_build_retries: u32 = 10,
    /// How often an UPDATE, DELETE or upsert is evaluated again after a conflict before 40001; from the eighth time on nobody else writes the table.
    dml_retries: usize = 100,
    /// Sessions at one time; one more is refused (53300).
    max_connections: usize = 256,
    /// Connections that have not completed their startup message; one more closes the oldest of them.
    max_starting_connections: usize = 256,
    /// Largest protocol message, of a client or of a result (a row); larger ones are refused (54000).
    max_message_bytes: usize = 64 << 20,
    /// How long a client may leave its answers unread before it is disconnected.
    client_write_timeout_ms: u64 = 30_000,
    /// How long a connection may take to complete its startup message.
    startup_timeout_ms: u64 = 10_000,
    /// Statements running longer are cancelled (57014); 0 is never. Sessions may change it.
    statement_timeout_ms: u64 = 0,
    /// Prepared statements per connection.
    prepared_statements_max: usize = 4_096,
    /// Bytes of buffered writes in a transaction.
    transaction_max_bytes: usize = 64 << 20,
    /// Normalised texts of simple-protocol queries whose lookup is remembered.
    statement_cache_entries: usize = 4_096,
    /// Memory of one analytical query (DataFusion's pool).
    query_memory_bytes: usize = 1 << 30,
    /// Bytes that one function of a statement may make of 8,192 rows (54000); in a view always 64MB.
    expression_max_bytes: usize = attune_sql::functions::limit::DEFAULT_MAX_BYTES,
    /// A join by key reads single rows for up to this many rows of its other side, everything for more; 0 is everything always.
    lookup_join_rows: usize = 10_000,
    /// A ranking reads up to this many rows on its session's thread; with more it is run as any other query.
    ranking_rows: usize = 2_000,
    /// Threads for sessions and lookups; 0 is the number of cores. Connections share the first one until it has much to do. There are as many again for connections that COPY.
    serve_threads: usize = 0,
    /// A thread serves those who wait one after the other, which is a turn. If turns take longer than this on average, and a core is idle, connections move to further threads; after half of it the thread offers the processor to others. 0 spreads connections always.
    serve_turn_us: u64 = 200,
    /// Threads for analytical queries; 0 is the number of cores.
    query_threads: usize = 0,
    /// Row error samples kept per view.
    row_error_samples: usize = 100,
    /// Log format: `text` or `json`.
    log_format: String = "text".into(),
    /// Log filter, as `RUST_LOG`: `info`, or `warn,attune=debug`.
    log: String = "info".into(),
}

#[cfg(test)]
mod tests;
