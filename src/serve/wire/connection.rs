//! A connection: one buffer for what comes in, one for what goes out, both bounded.

use super::frontend::{Frame, TAGS};
use super::{Severity, write_error};
use crate::config::Config;
use crate::serve::loops::Seat;
use attune_sql::{SqlError, SqlState};
use bytes::{Buf, BytesMut};
use std::io;
use std::os::fd::AsFd;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

/// Answers are sent before Sync when the buffer holds this much.
const OUTPUT_BYTES: usize = 64 << 10;
/// Room made for each read.
const INPUT_BYTES: usize = 16 << 10;
/// A buffer that has grown beyond this is given back when it is empty.
const KEPT_BYTES: usize = 1 << 20;
/// Longer Close messages are not waited for.
const CLOSE_BYTES: usize = 1 << 10;
/// Type byte and length.
const HEADER: usize = 5;

/// Why a connection ends.
#[derive(Debug)]
pub(in crate::serve) enum ConnectionError {
    /// The socket failed, or the client has gone or does not read.
    Io(io::Error),
    /// The client broke the protocol: it is told, then the connection ends.
    Protocol(SqlError),
}

impl From<io::Error> for ConnectionError {
    fn from(error: io::Error) -> ConnectionError {
        ConnectionError::Io(error)
    }
}

/// A client's socket with its buffers.
pub(in crate::serve) struct Connection {
    stream: TcpStream,
    input: BytesMut,
    /// Answers, until they are flushed.
    pub(in crate::serve) output: BytesMut,
    /// How often answers were sent: what was sent cannot be taken back.
    pub(in crate::serve) flushes: u64,
    /// The client waits for what is in the output buffer.
    due: bool,
    max_message_bytes: usize,
    write_timeout: Duration,
}

impl Connection {
    /// A connection with the limits of the configuration.
    pub(in crate::serve) fn new(stream: TcpStream, config: &Config) -> Connection {
        Connection {
            stream,
            input: BytesMut::with_capacity(INPUT_BYTES),
            output: BytesMut::with_capacity(INPUT_BYTES),
            flushes: 0,
            due: false,
            max_message_bytes: config.max_message_bytes,
            write_timeout: Duration::from_millis(config.client_write_timeout_ms),
        }
    }

    /// A second handle of the socket, to watch it while a statement runs.
    pub(in crate::serve) fn second_handle(&self) -> io::Result<std::net::TcpStream> {
        Ok(std::net::TcpStream::from(self.stream.as_fd().try_clone_to_owned()?))
    }

    /// Lets another thread wait for the socket: the one of this seat.
    pub(in crate::serve) fn move_to(&mut self, seat: &Seat) -> io::Result<()> {
        self.stream = seat.take(self.second_handle()?)?;
        Ok(())
    }

    /// The next message that has arrived in full.
    pub(in crate::serve) fn buffered(&mut self) -> Result<Option<Frame>, ConnectionError> {
        let Some(&tag) = self.input.first() else { return Ok(None) };
        if !TAGS.contains(&tag) {
            let message = format!("invalid frontend message type {tag}");
            return Err(protocol(SqlState::ProtocolViolation, message));
        }
        let Some(length) = self.input.get(1..HEADER) else { return Ok(None) };
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let Some(length) = usize::try_from(length).ok().filter(|length| *length >= 4) else {
            return Err(protocol(SqlState::ProtocolViolation, "invalid message length".to_owned()));
        };
        if length > self.max_message_bytes {
            let limit = self.max_message_bytes;
            let message = format!("a message of {length} bytes is over the limit of {limit} (max_message_bytes)");
            return Err(protocol(SqlState::ProgramLimitExceeded, message));
        }
        if self.input.len() < 1 + length {
            return Ok(None);
        }
        let mut frame = self.input.split_to(1 + length);
        frame.advance(HEADER);
        Ok(Some(Frame { tag, body: frame.freeze() }))
    }

    /// Reads more from the socket; false at its end. Cancel safe. The buffer grows as bytes arrive, not as a length
    /// announces them.
    pub(in crate::serve) async fn fill(&mut self) -> Result<bool, ConnectionError> {
        self.input.reserve(INPUT_BYTES);
        Ok(self.stream.read_buf(&mut self.input).await? > 0)
    }

    /// The next message, waiting for it; `None` at the end of the connection.
    pub(in crate::serve) async fn next(&mut self) -> Result<Option<Frame>, ConnectionError> {
        loop {
            if let Some(frame) = self.buffered()? {
                return Ok(Some(frame));
            }
            if !self.fill().await? {
                return Ok(None);
            }
        }
    }

    /// Bytes before the first message: a startup packet has no type byte. `None` while it has not arrived in full.
    pub(in crate::serve) fn startup_packet(&mut self, most: usize) -> Result<Option<BytesMut>, ConnectionError> {
        let Some(length) = self.input.get(..4) else { return Ok(None) };
        let length = u32::from_be_bytes([length[0], length[1], length[2], length[3]]) as usize;
        if !(8..=most).contains(&length) {
            return Err(protocol(SqlState::ProtocolViolation, "invalid length of startup packet".to_owned()));
        }
        if self.input.len() < length {
            return Ok(None);
        }
        let mut packet = self.input.split_to(length);
        packet.advance(4);
        Ok(Some(packet))
    }

    /// Whether bytes have arrived that were not read yet.
    pub(in crate::serve) fn has_input(&self) -> bool {
        !self.input.is_empty()
    }

    /// The largest message, in either direction.
    pub(in crate::serve) fn max_message_bytes(&self) -> usize {
        self.max_message_bytes
    }

    /// Whether the output buffer holds so much that it should be sent before more is added.
    pub(in crate::serve) fn is_full(&self) -> bool {
        self.output.len() >= OUTPUT_BYTES
    }

    /// Whether Sync comes next, but for Close; `None` while the client has not sent what does.
    pub(in crate::serve) fn sync_follows(&self) -> Option<bool> {
        let mut rest = &self.input[..];
        loop {
            let (&tag, after) = rest.split_first()?;
            if tag != b'C' {
                return Some(tag == b'S');
            }
            let length = i32::from_be_bytes(*after.first_chunk()?);
            match usize::try_from(length) {
                Ok(length @ 4..=CLOSE_BYTES) => rest = after.get(length..)?,
                _ => return Some(false),
            }
        }
    }

    /// Sends what is in the output buffer if it is much. To be called after each message that is added, so that the buffer
    /// never holds more than this and one message.
    #[inline]
    pub(in crate::serve) async fn flush_if_full(&mut self) -> Result<(), ConnectionError> {
        if self.is_full() { self.flush_and_yield().await } else { Ok(()) }
    }

    /// A long result must not keep others of this thread waiting.
    async fn flush_and_yield(&mut self) -> Result<(), ConnectionError> {
        self.flush().await?;
        tokio::task::yield_now().await;
        Ok(())
    }

    /// Sends everything in the output buffer: now, or, when the next message is here already, with the answer to that one.
    /// A client that sends many small transactions without waiting gets their answers in one write.
    pub(in crate::serve) async fn flush_soon(&mut self) -> Result<(), ConnectionError> {
        if self.is_full() || !self.has_message() {
            return self.flush().await;
        }
        self.due = true;
        Ok(())
    }

    /// Sends what [`Connection::flush_soon`] has kept back: to be called before anything is waited for.
    #[inline]
    pub(in crate::serve) async fn flush_due(&mut self) -> Result<(), ConnectionError> {
        if self.due { self.flush().await } else { Ok(()) }
    }

    /// Whether the next message has arrived in full.
    fn has_message(&self) -> bool {
        let length = self.input.get(1..HEADER).and_then(<[u8]>::first_chunk).map(|bytes| u32::from_be_bytes(*bytes));
        length.is_some_and(|length| self.input.len() > length as usize)
    }

    /// Sends everything in the output buffer.
    ///
    /// # Errors
    /// When the client takes nothing for `client_write_timeout_ms`: then the connection ends.
    pub(in crate::serve) async fn flush(&mut self) -> Result<(), ConnectionError> {
        self.flushes += u64::from(!self.output.is_empty());
        self.due = false;
        while !self.output.is_empty() {
            match self.stream.try_write(&self.output) {
                Ok(0) => return Err(io::Error::from(io::ErrorKind::WriteZero).into()),
                Ok(written) => self.output.advance(written),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.writable().await?,
                Err(error) => return Err(error.into()),
            }
        }
        if self.output.capacity() > KEPT_BYTES {
            self.output = BytesMut::with_capacity(INPUT_BYTES);
        }
        Ok(())
    }

    async fn writable(&self) -> Result<(), ConnectionError> {
        match tokio::time::timeout(self.write_timeout, self.stream.writable()).await {
            Ok(ready) => Ok(ready?),
            Err(_) => {
                let why = "the client did not read its answers for client_write_timeout_ms";
                Err(io::Error::new(io::ErrorKind::TimedOut, why).into())
            }
        }
    }

    /// Tells the client why the connection ends.
    pub(in crate::serve) async fn end_with(&mut self, error: &SqlError) {
        self.say_goodbye(error).await;
        self.linger().await;
    }

    /// As [`Connection::end_with`], for a client that has sent nothing: there is nothing to wait for.
    pub(in crate::serve) async fn say_goodbye(&mut self, error: &SqlError) {
        write_error(&mut self.output, Severity::Fatal, error);
        // The client may have gone already; then there is nobody to tell.
        let _ = self.flush().await;
    }

    /// Lets the client read the last message: closing a socket with unread input resets it and drops what was sent.
    async fn linger(&mut self) {
        use tokio::io::AsyncWriteExt;
        const LINGER: Duration = Duration::from_millis(500);
        const MOST: usize = 1 << 20;
        let _ = self.stream.shutdown().await;
        let drain = async {
            let mut dropped = 0;
            let mut scratch = [0; 4096];
            while let Ok(read @ 1..) = self.stream.read(&mut scratch).await {
                dropped += read;
                if dropped > MOST {
                    break;
                }
            }
        };
        let _ = tokio::time::timeout(LINGER, drain).await;
    }
}

fn protocol(state: SqlState, message: String) -> ConnectionError {
    ConnectionError::Protocol(SqlError::new(state, message))
}
