//! A Postgres client that costs next to nothing: a plain socket, messages put together by hand.
//!
//! A driver would take most of a small machine and leave the rest to the server that is to be measured. The same client
//! serves Attune and PostgreSQL, so what it costs is the same for both.

mod input;
pub(super) mod message;
pub(super) mod redis;

use super::BenchError;
use input::Input;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::Duration;

/// A server that says nothing for so long has failed.
const PATIENCE: Duration = Duration::from_secs(600);
/// Bytes per CopyData message.
const COPY_CHUNK: usize = 256 << 10;

/// Rows as text; `None` is NULL.
pub(super) type Rows = Vec<Vec<Option<String>>>;

/// An open connection.
pub(super) struct Connection {
    stream: TcpStream,
    input: Input,
    /// Times the server is to be ready until all that was sent is answered.
    awaited: usize,
    /// The first error since then.
    error: Option<String>,
}

impl Connection {
    /// Connects as user `attune`, without a password, to database `postgres`.
    pub(super) fn open(addr: SocketAddr) -> Result<Connection, BenchError> {
        let mut connection = Connection { stream: connect(addr)?, input: Input::new(), awaited: 0, error: None };
        connection.exchange(&message::startup("attune", "postgres"), 1)?;
        Ok(connection)
    }

    /// Sends what was put together, and reads until the server is ready for the `syncs`th time. Returns the number of rows.
    pub(super) fn exchange(&mut self, messages: &[u8], syncs: usize) -> Result<u64, BenchError> {
        self.send(messages, syncs)?;
        self.answers()
    }

    /// Sends what was put together; [`Connection::answers`] reads what comes of it until the server is ready for the `syncs`th time.
    pub(super) fn send(&mut self, messages: &[u8], syncs: usize) -> Result<(), BenchError> {
        self.awaited += syncs;
        Ok(self.stream.write_all(messages)?)
    }

    /// Reads until all that was sent is answered. Returns the number of rows.
    pub(super) fn answers(&mut self) -> Result<u64, BenchError> {
        let mut rows = 0;
        while !self.receive(&mut rows)? {}
        Ok(rows)
    }

    /// Reads once, and counts rows: nothing is copied. Says whether all that was sent is answered.
    pub(super) fn receive(&mut self, rows: &mut u64) -> Result<bool, BenchError> {
        self.each_now(&mut |tag, _| *rows += u64::from(tag == message::DATA_ROW))
    }

    /// What says when there is something to [`Connection::receive`].
    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Executes statements; returns the rows of all of them.
    pub(super) fn query(&mut self, sql: &str) -> Result<Rows, BenchError> {
        self.send(&message::query(sql), 1)?;
        let mut rows = Vec::new();
        self.each(|tag, body| {
            if tag == message::DATA_ROW {
                let values = message::values(body).into_iter();
                rows.push(values.map(|value| value.map(|v| String::from_utf8_lossy(v).into_owned())).collect());
            }
        })
        .map_err(|error| failed(sql, error))?;
        Ok(rows)
    }

    /// Executes statements that return nothing, each on its own.
    pub(super) fn script(&mut self, statements: &[&str]) -> Result<(), BenchError> {
        statements.iter().try_for_each(|statement| self.query(statement).map(drop))
    }

    /// Prepares a statement; parameters have the types of these OIDs.
    pub(super) fn prepare(&mut self, name: &str, sql: &str, types: &[u32]) -> Result<(), BenchError> {
        let mut messages = Vec::new();
        message::parse(&mut messages, name, sql, types);
        message::sync(&mut messages);
        self.exchange(&messages, 1).map(drop).map_err(|error| failed(sql, error))
    }

    /// The rows of a prepared statement, as the bytes that came.
    pub(super) fn rows(&mut self, messages: &[u8]) -> Result<Vec<Vec<u8>>, BenchError> {
        self.send(messages, 1)?;
        let mut rows = Vec::new();
        self.each(|tag, body| {
            if tag == message::DATA_ROW {
                rows.push(body.to_vec());
            }
        })?;
        Ok(rows)
    }

    /// COPY FROM STDIN of one text; when it returns, its rows are acknowledged.
    pub(super) fn copy_in(&mut self, sql: &str, text: &[u8]) -> Result<(), BenchError> {
        let mut messages = message::query(sql);
        for chunk in text.chunks(COPY_CHUNK) {
            message::copy_data(&mut messages, chunk);
        }
        message::copy_done(&mut messages);
        self.exchange(&messages, 1).map(drop).map_err(|error| failed(sql, error))
    }

    /// COPY TO STDOUT; `take` gets each line with its line feed.
    pub(super) fn copy_out(&mut self, sql: &str, mut take: impl FnMut(&[u8])) -> Result<(), BenchError> {
        self.send(&message::query(sql), 1)?;
        self.each(|tag, body| {
            if tag == message::COPY_DATA {
                take(body);
            }
        })
        .map_err(|error| failed(sql, error))
    }

    /// Gives every message to `take` until all that was sent is answered. Fails with the first error the server sent, but
    /// reads on until then, so that the connection can be used again.
    fn each(&mut self, mut take: impl FnMut(u8, &[u8])) -> Result<(), BenchError> {
        while !self.each_now(&mut take)? {}
        Ok(())
    }

    /// The part of [`Connection::each`] that arrives at once; true when it was the last.
    fn each_now(&mut self, take: &mut impl FnMut(u8, &[u8])) -> Result<bool, BenchError> {
        self.input.fill(&mut self.stream)?;
        while self.awaited > 0 {
            let Some((tag, body)) = self.input.message()? else { return Ok(false) };
            match tag {
                message::READY => self.awaited -= 1,
                message::ERROR if self.error.is_none() => self.error = Some(message::error(body)),
                _ => take(tag, body),
            }
        }
        self.error.take().map_or(Ok(true), |error| Err(BenchError::Failed(error)))
    }
}

/// A socket that sends at once.
fn connect(addr: SocketAddr) -> Result<TcpStream, BenchError> {
    let stream = TcpStream::connect(addr)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(stream)
}

/// The error with the statement it belongs to.
fn failed(sql: &str, error: BenchError) -> BenchError {
    let sql: String = sql.chars().take(200).collect();
    BenchError::Failed(format!("{error}, in: {sql}"))
}
