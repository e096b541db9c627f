//! The same rows into every server.

use super::data::{Data, MANY};
use super::question::{FIELDS, Question};
use super::{Servers, open, say};
use crate::bench::BenchError;
use crate::bench::client::Connection;
use crate::bench::client::message;
use crate::bench::client::redis::{Redis, command};
use crate::bench::process::Process;
use std::fmt::Write;
use std::net::SocketAddr;

/// Rows per COPY, each one epoch.
const COPY_ROWS: u64 = 20_000;
/// Users per COPY of candidates.
const COPY_USERS: usize = 200;
/// Keys read at once to warm up.
const WARM_KEYS: usize = 1_000;
/// Commands sent to Redis together.
const REDIS_COMMANDS: usize = 1_000;

/// Attune: events make the feature view. `best` and `category` are aggregates, as all columns of such a view are.
const ATTUNE: [&str; 4] = [
    "CREATE STREAM events (item_id bigint, user_id bigint, category text, quantity integer, price double precision, ts timestamp)",
    "CREATE MATERIALIZED VIEW features AS SELECT item_id, count(*) AS views, sum(quantity) AS quantity, sum(price) AS revenue, avg(price) AS average, max(price) AS best, max(category) AS category, max(ts) AS last_seen FROM events GROUP BY item_id",
    "CREATE TABLE candidates (user_id bigint, item_id bigint, score double precision, PRIMARY KEY (user_id, item_id))",
    "CREATE INDEX candidates_by_score ON candidates (user_id, score DESC) INCLUDE (item_id)",
];

/// PostgreSQL: the same rows in tables.
const POSTGRES: [&str; 2] = [
    "CREATE TABLE features (item_id bigint, views bigint, quantity bigint, revenue double precision, average double precision, best double precision, category text, last_seen timestamp)",
    "CREATE TABLE candidates (user_id bigint, item_id bigint, score double precision)",
];

/// And the keys and indexes a Postgres user would give them, after loading, which is faster.
const POSTGRES_INDEXES: [&str; 5] = [
    "ALTER TABLE features ADD PRIMARY KEY (item_id)",
    "ALTER TABLE candidates ADD PRIMARY KEY (user_id, item_id)",
    "CREATE INDEX candidates_by_score ON candidates (user_id, score DESC) INCLUDE (item_id)",
    "VACUUM (ANALYZE, FREEZE)",
    "CHECKPOINT",
];

/// The feature rows, as text, in the order of [`FIELDS`].
const ROWS: &str =
    "COPY (SELECT item_id, views, quantity, revenue, average, best, category, last_seen FROM features) TO STDOUT";

/// Loads whatever is not there yet.
pub(super) fn fill(servers: &Servers, data: &Data) -> Result<(), BenchError> {
    if !is_loaded(&servers.attune, data)? {
        say(&format!("loading {} feature rows and the candidates into Attune", data.rows));
        attune(&servers.attune, data)?;
    }
    // The feature rows that are there now: an earlier run may have streamed events in.
    if let Some(server) = &servers.postgres {
        say("loading PostgreSQL");
        postgres(server, &servers.attune, data)?;
    }
    if let Some(server) = &servers.redis {
        say("loading Redis");
        redis(server.addr, &servers.attune, data)?;
    }
    Ok(())
}

/// Reads every feature row and every user's best candidates once, so that what is measured is a server that has been up for a while: PostgreSQL's rows are in its
/// buffers after loading, and Redis has nothing else.
pub(super) fn warm(server: &Process, data: &Data) -> Result<(), BenchError> {
    let mut connection = open(server)?;
    connection.prepare("warm", Question::Keys100.sql(), &[message::BIGINT_ARRAY])?;
    let items: Vec<i64> = (0..data.rows).map_while(|item| i64::try_from(item).ok()).collect();
    for keys in items.chunks(WARM_KEYS) {
        let (mut parameter, mut out) = (Vec::new(), Vec::new());
        message::bigint_array(&mut parameter, keys);
        message::execute(&mut out, "warm", &[&parameter]);
        message::sync(&mut out);
        connection.exchange(&out, 1)?;
    }
    connection.prepare("users", Question::Top10.sql(), &[message::BIGINT])?;
    for (user, _) in data.all_users() {
        let mut out = Vec::new();
        message::execute(&mut out, "users", &[&user.to_be_bytes()]);
        message::sync(&mut out);
        connection.exchange(&out, 1)?;
    }
    Ok(())
}

/// Whether an earlier run has loaded the same number of rows.
fn is_loaded(server: &Process, data: &Data) -> Result<bool, BenchError> {
    let mut connection = open(server)?;
    let tables = connection.query("SELECT count(*) FROM attune_tables WHERE name = 'candidates'")?;
    if tables != [[Some("0".to_owned())]] {
        let counts = connection.query("SELECT (SELECT count(*) FROM features), (SELECT count(*) FROM candidates)")?;
        let candidates: u64 = data.all_users().map(|(_, count)| count.min(data.rows)).sum();
        if counts != [[Some(data.rows.to_string()), Some(candidates.to_string())]] {
            return Err(BenchError::Failed(
                "the directory of --keep holds data of another size: give the same --rows and --users, or another directory"
                    .to_owned(),
            ));
        }
        return Ok(true);
    }
    Ok(false)
}

fn attune(server: &Process, data: &Data) -> Result<(), BenchError> {
    let mut connection = open(server)?;
    connection.script(&ATTUNE)?;
    let mut text = String::new();
    let mut from = 0;
    while from < data.rows {
        let to = data.rows.min(from + COPY_ROWS);
        text.clear();
        data.first_events(from, to, &mut text);
        connection.copy_in("COPY events FROM STDIN", text.as_bytes())?;
        from = to;
    }
    candidates(&mut connection, data)
}

fn postgres(server: &Process, attune: &Process, data: &Data) -> Result<(), BenchError> {
    let mut connection = open(server)?;
    connection.script(&["DROP TABLE IF EXISTS features, candidates"])?;
    connection.script(&POSTGRES)?;
    let mut lines = Vec::new();
    open(attune)?.copy_out(ROWS, |line| lines.extend_from_slice(line))?;
    connection.copy_in("COPY features FROM STDIN", &lines)?;
    candidates(&mut connection, data)?;
    connection.script(&POSTGRES_INDEXES)
}

/// Candidates of all users, by COPY.
fn candidates(connection: &mut Connection, data: &Data) -> Result<(), BenchError> {
    let users: Vec<(u64, u64)> = data.all_users().collect();
    let mut text = String::new();
    for some in users.chunks(COPY_USERS) {
        text.clear();
        for (user, count) in some {
            for (item, score) in data.candidates(*user, *count) {
                // Writing to a string cannot fail.
                let _ = writeln!(text, "{user}\t{item}\t{score}");
            }
        }
        connection.copy_in("COPY candidates FROM STDIN", text.as_bytes())?;
    }
    Ok(())
}

/// A string and a hash per row, a sorted set per user.
fn redis(addr: SocketAddr, attune: &Process, data: &Data) -> Result<(), BenchError> {
    let mut sender = Sender { redis: Redis::open(addr)?, commands: Vec::new(), waiting: 0 };
    let mut lines = Vec::new();
    open(attune)?.copy_out(ROWS, |line| lines.extend_from_slice(line))?;
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let mut values = line.split(|byte| *byte == b'\t');
        let item = values.next().unwrap_or_default();
        sender.send(&[b"SET", &[b"f:", item].concat(), line])?;
        let key = [b"h:", item].concat();
        let fields = FIELDS.iter().zip(values).flat_map(|(name, value)| [*name, value]);
        sender.send(&[&b"HSET"[..], &key].into_iter().chain(fields).collect::<Vec<_>>())?;
    }
    for (user, count) in data.all_users() {
        let key = format!("c:{user}");
        let pairs: Vec<(String, String)> =
            data.candidates(user, count.min(MANY)).map(|(item, score)| (score.to_string(), item.to_string())).collect();
        let pairs = pairs.iter().flat_map(|(score, item)| [score.as_bytes(), item.as_bytes()]);
        sender.send(&[&b"ZADD"[..], key.as_bytes()].into_iter().chain(pairs).collect::<Vec<_>>())?;
    }
    sender.flush()
}

/// Commands in batches.
struct Sender {
    redis: Redis,
    commands: Vec<u8>,
    waiting: usize,
}

impl Sender {
    fn send(&mut self, words: &[&[u8]]) -> Result<(), BenchError> {
        command(&mut self.commands, words);
        self.waiting += 1;
        if self.waiting >= REDIS_COMMANDS { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<(), BenchError> {
        self.redis.exchange(&self.commands, std::mem::take(&mut self.waiting))?;
        self.commands.clear();
        Ok(())
    }
}
