//! What is asked: the SQL, and what Redis users do instead.

use super::data::{Data, FEW, MANY};
use crate::bench::BenchError;
use crate::bench::client::Connection;
use crate::bench::client::message::{self, BIGINT, BIGINT_ARRAY};
use crate::bench::client::redis::{Redis, command};
use crate::bench::load::Asker;
use crate::bench::random::Random;
use std::net::SocketAddr;
use std::os::fd::BorrowedFd;

/// Keys asked for at once.
const KEYS: usize = 100;
/// The name under which a connection prepares its statement.
const STATEMENT: &str = "q";

/// A kind of query.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Question {
    /// A row by its key
    Point,
    /// 100 rows by their keys
    Keys100,
    /// The ten best of a user, by an index
    Top10,
    /// 100 candidates joined, scored, the best ten
    Ranking100,
    /// 1,000 candidates joined, scored, the best ten
    Ranking1000,
}

impl Question {
    pub(super) const ALL: [Question; 5] =
        [Question::Point, Question::Keys100, Question::Top10, Question::Ranking100, Question::Ranking1000];

    /// As it is called in tables.
    pub(super) fn name(self) -> &'static str {
        match self {
            Question::Point => "point",
            Question::Keys100 => "100 keys",
            Question::Top10 => "top 10",
            Question::Ranking100 => "ranking 100",
            Question::Ranking1000 => "ranking 1000",
        }
    }

    /// The statement; one parameter.
    pub(super) fn sql(self) -> &'static str {
        match self {
            Question::Point => {
                "SELECT item_id, views, quantity, revenue, average, best, category, last_seen FROM features WHERE item_id = $1"
            }
            Question::Keys100 => {
                "SELECT item_id, views, quantity, revenue, average, best, category, last_seen FROM features WHERE item_id = ANY($1)"
            }
            Question::Top10 => "SELECT item_id, score FROM candidates WHERE user_id = $1 ORDER BY score DESC LIMIT 10",
            // The best come first, and the item decides between equals, so that there is one right answer.
            Question::Ranking100 | Question::Ranking1000 => {
                "SELECT f.item_id, f.category, c.score * sqrt(f.views) + f.revenue / (1 + f.quantity) AS rank \
                 FROM candidates AS c JOIN features AS f ON f.item_id = c.item_id \
                 WHERE c.user_id = $1 ORDER BY rank DESC, f.item_id LIMIT 10"
            }
        }
    }

    fn types(self) -> &'static [u32] {
        match self {
            Question::Keys100 => &[BIGINT_ARRAY],
            _ => &[BIGINT],
        }
    }

    /// The candidates of the users that are asked for.
    fn candidates(self) -> u64 {
        if self == Question::Ranking1000 { MANY } else { FEW }
    }

    /// A parameter in binary.
    fn parameter(self, data: &Data, random: &mut Random, out: &mut Vec<u8>) {
        let signed = |key: u64| i64::try_from(key).expect("keys are small");
        match self {
            Question::Point => out.extend_from_slice(&signed(data.items().draw(random)).to_be_bytes()),
            Question::Keys100 => {
                let keys = [(); KEYS].map(|()| signed(data.items().draw(random)));
                message::bigint_array(out, &keys);
            }
            _ => out.extend_from_slice(&signed(data.user(self.candidates(), random)).to_be_bytes()),
        }
    }
}

/// Puts a question to Attune or PostgreSQL.
pub(super) struct Sql<'a> {
    question: Question,
    data: &'a Data,
    connection: Connection,
    parameter: Vec<u8>,
    /// Rows that the questions in hand must have and that have not come yet.
    missing: u64,
    /// A Sync after each question, as independent requests have; else one for all that are sent together.
    sync_each: bool,
}

impl<'a> Sql<'a> {
    /// Connects and prepares.
    pub(super) fn open(
        addr: SocketAddr,
        question: Question,
        data: &'a Data,
        sync_each: bool,
    ) -> Result<Sql<'a>, BenchError> {
        let mut connection = Connection::open(addr)?;
        connection.prepare(STATEMENT, question.sql(), question.types())?;
        Ok(Sql { question, data, connection, parameter: Vec::new(), missing: 0, sync_each })
    }

    /// The rows of one question, as the bytes that came.
    pub(super) fn rows(&mut self, random: &mut Random) -> Result<Vec<Vec<u8>>, BenchError> {
        let mut out = Vec::new();
        self.ask(random, &mut out);
        self.connection.rows(&out)
    }
}

impl Asker for Sql<'_> {
    fn ask(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        self.parameter.clear();
        self.question.parameter(self.data, random, &mut self.parameter);
        message::execute(out, STATEMENT, &[&self.parameter]);
        if self.sync_each {
            message::sync(out);
        }
    }

    fn send(&mut self, out: &mut Vec<u8>, questions: usize) -> Result<(), BenchError> {
        if !self.sync_each {
            message::sync(out);
        }
        self.missing = questions as u64;
        self.connection.send(out, if self.sync_each { questions } else { 1 })
    }

    fn receive(&mut self) -> Result<bool, BenchError> {
        let mut rows = 0;
        let all = self.connection.receive(&mut rows)?;
        self.missing = self.missing.saturating_sub(rows);
        // Every key that is asked for exists.
        if all && self.missing > 0 {
            return Err(BenchError::Failed(format!("no row for {} questions: {}", self.missing, self.question.sql())));
        }
        Ok(all)
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.connection.socket()
    }
}

/// Puts the question to Redis, the way its users do: rows as strings by key, candidates in a sorted set per user. A
/// ranking is computed by the client: what Redis does for it is to hand out the candidates and their rows.
pub(super) struct Commands<'a> {
    question: Question,
    data: &'a Data,
    connection: Redis,
    /// The row as a hash with fields (HMGET) in place of a string (GET).
    hashes: bool,
    /// Answers that the questions in hand will have.
    answers: usize,
}

impl<'a> Commands<'a> {
    /// Connects.
    pub(super) fn open(addr: SocketAddr, question: Question, data: &'a Data, hashes: bool) -> Result<Self, BenchError> {
        Ok(Commands { question, data, connection: Redis::open(addr)?, hashes, answers: 0 })
    }

    fn items(&self, items: impl Iterator<Item = u64>, out: &mut Vec<u8>) {
        let keys: Vec<String> = items.map(|item| format!("f:{item}")).collect();
        let words: Vec<&[u8]> = std::iter::once(&b"MGET"[..]).chain(keys.iter().map(String::as_bytes)).collect();
        command(out, &words);
    }
}

impl Asker for Commands<'_> {
    fn ask(&mut self, random: &mut Random, out: &mut Vec<u8>) {
        self.answers += 1;
        match self.question {
            Question::Point if self.hashes => {
                let key = format!("h:{}", self.data.items().draw(random));
                command(out, &[&[b"HMGET", key.as_bytes()], &FIELDS[..]].concat());
            }
            Question::Point => command(out, &[b"GET", format!("f:{}", self.data.items().draw(random)).as_bytes()]),
            Question::Keys100 => self.items((0..KEYS).map(|_| self.data.items().draw(random)), out),
            Question::Top10 => {
                let key = format!("c:{}", self.data.user(FEW, random));
                command(out, &[b"ZRANGE", key.as_bytes(), b"0", b"9", b"REV", b"WITHSCORES"]);
            }
            Question::Ranking100 | Question::Ranking1000 => {
                let count = self.question.candidates();
                let user = self.data.user(count, random);
                command(out, &[b"ZRANGE", format!("c:{user}").as_bytes(), b"0", b"-1", b"WITHSCORES"]);
                self.items(self.data.candidates(user, count).map(|(item, _)| item), out);
                self.answers += 1;
            }
        }
    }

    fn send(&mut self, out: &mut Vec<u8>, _: usize) -> Result<(), BenchError> {
        self.connection.send(out, std::mem::take(&mut self.answers))
    }

    fn receive(&mut self) -> Result<bool, BenchError> {
        self.connection.receive()
    }

    fn socket(&self) -> BorrowedFd<'_> {
        self.connection.socket()
    }
}

/// The columns of a feature row after its key.
pub(super) const FIELDS: [&[u8]; 7] =
    [b"views", b"quantity", b"revenue", b"average", b"best", b"category", b"last_seen"];
