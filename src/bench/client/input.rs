//! What came from the server, message by message.

use crate::bench::BenchError;
use std::io::{ErrorKind, Read};

/// Grows to the largest message.
const FIRST_BYTES: usize = 64 << 10;
/// Tag and length.
const HEADER: usize = 5;

/// A buffer over a socket.
pub(super) struct Input {
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Input {
    /// Nothing yet.
    pub(super) fn new() -> Input {
        Input { buffer: vec![0; FIRST_BYTES], start: 0, end: 0 }
    }

    /// The next message that has arrived whole: its tag and its body.
    pub(super) fn message(&mut self) -> Result<Option<(u8, &[u8])>, BenchError> {
        let Some(header) = self.there().first_chunk::<HEADER>() else { return Ok(None) };
        let tag = header[0];
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]) as usize + 1;
        if length < HEADER {
            return Err(BenchError::Failed("the server sent a message of impossible length".to_owned()));
        }
        if self.there().len() < length {
            return Ok(None);
        }
        let body = self.start + HEADER..self.start + length;
        self.take(length);
        Ok(Some((tag, &self.buffer[body])))
    }

    /// What is there; [`Input::take`] says how much of it was used.
    pub(super) fn there(&self) -> &[u8] {
        &self.buffer[self.start..self.end]
    }

    /// Reads once.
    pub(super) fn fill(&mut self, from: &mut impl Read) -> Result<(), BenchError> {
        // Back to the beginning, which is in the processor's cache.
        self.buffer.copy_within(self.start..self.end, 0);
        (self.start, self.end) = (0, self.end - self.start);
        if self.end == self.buffer.len() {
            self.buffer.resize(2 * self.end, 0);
        }
        loop {
            match from.read(&mut self.buffer[self.end..]) {
                Ok(0) => return Err(BenchError::Failed("the server closed the connection".to_owned())),
                Ok(read) => self.end += read,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error) => return Err(error.into()),
            }
            return Ok(());
        }
    }

    /// These bytes are done with.
    pub(super) fn take(&mut self, bytes: usize) {
        self.start += bytes;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a byte at a time.
    struct Slowly<'a>(&'a [u8]);

    impl Read for Slowly<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            let Some((first, rest)) = self.0.split_first() else { return Ok(0) };
            buffer[0] = *first;
            self.0 = rest;
            Ok(1)
        }
    }

    #[test]
    fn messages_come_whole_however_they_arrive() {
        let large = vec![7u8; 3 * FIRST_BYTES];
        let mut bytes = Vec::new();
        for body in [&b"a"[..], &large, b"", b"xyz"] {
            bytes.push(b'D');
            bytes.extend_from_slice(&(u32::try_from(body.len()).unwrap() + 4).to_be_bytes());
            bytes.extend_from_slice(body);
        }
        let (mut input, mut from) = (Input::new(), Slowly(&bytes));
        for body in [&b"a"[..], &large, b"", b"xyz"] {
            loop {
                if let Some(message) = input.message().unwrap() {
                    assert_eq!(message, (b'D', body));
                    break;
                }
                input.fill(&mut from).unwrap();
            }
        }
        assert!(input.fill(&mut from).is_err(), "the end is an error");
        input.fill(&mut &b"D\0\0\0\0"[..]).unwrap();
        assert!(input.message().is_err(), "as is a length that cannot be");
    }
}
