//! A Redis client of the same kind: commands put together by hand, answers only counted.

use super::input::Input;
use crate::bench::BenchError;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};

/// Arrays in arrays: no answer that is asked for here nests deeper.
const DEPTH: u32 = 4;

/// An open connection.
pub(in crate::bench) struct Redis {
    stream: TcpStream,
    input: Input,
    /// Answers to what was sent that have not come yet.
    awaited: usize,
}

impl Redis {
    /// Connects.
    pub(in crate::bench) fn open(addr: SocketAddr) -> Result<Redis, BenchError> {
        Ok(Redis { stream: super::connect(addr)?, input: Input::new(), awaited: 0 })
    }

    /// Sends commands and reads their `answers` answers.
    pub(in crate::bench) fn exchange(&mut self, commands: &[u8], answers: usize) -> Result<(), BenchError> {
        self.send(commands, answers)?;
        while !self.receive()? {}
        Ok(())
    }

    /// Sends commands that will have so many answers; [`Redis::receive`] reads them.
    pub(in crate::bench) fn send(&mut self, commands: &[u8], answers: usize) -> Result<(), BenchError> {
        self.awaited += answers;
        Ok(self.stream.write_all(commands)?)
    }

    /// Reads once. Says whether all that was sent is answered.
    pub(in crate::bench) fn receive(&mut self) -> Result<bool, BenchError> {
        self.input.fill(&mut self.stream)?;
        while self.awaited > 0 {
            let there = self.input.there();
            let Some(length) = length(there, DEPTH)? else { return Ok(false) };
            if there[0] == b'-' {
                let line = String::from_utf8_lossy(&there[1..length]).trim_end().to_owned();
                return Err(BenchError::Failed(format!("redis: {line}")));
            }
            self.input.take(length);
            self.awaited -= 1;
        }
        Ok(true)
    }

    /// What says when there is something to [`Redis::receive`].
    pub(in crate::bench) fn socket(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

/// Appends a command.
pub(in crate::bench) fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    // Writing to memory cannot fail.
    let _ = write!(out, "*{}\r\n", words.len());
    for word in words {
        let _ = write!(out, "${}\r\n", word.len());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// The bytes of the first answer, if it is there whole.
fn length(bytes: &[u8], depth: u32) -> Result<Option<usize>, BenchError> {
    let Some(end) = bytes.iter().position(|byte| *byte == b'\n').map(|at| at + 1) else { return Ok(None) };
    let number = || {
        let text = std::str::from_utf8(&bytes[1..end]).ok().and_then(|text| text.trim_end().parse::<i64>().ok());
        text.ok_or_else(|| BenchError::Failed("redis sent a length that is none".to_owned()))
    };
    // There is a line, so there is a first byte.
    match bytes[0] {
        b'+' | b'-' | b':' => Ok(Some(end)),
        b'$' => {
            let whole = usize::try_from(number()?).map_or(end, |length| end + length + 2);
            Ok((bytes.len() >= whole).then_some(whole))
        }
        b'*' if depth > 0 => {
            let mut at = end;
            for _ in 0..number()?.max(0) {
                let Some(element) = length(&bytes[at..], depth - 1)? else { return Ok(None) };
                at += element;
            }
            Ok(Some(at))
        }
        other => Err(BenchError::Failed(format!("redis sent an answer of unknown kind {:?}", char::from(other)))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_and_answers_are_those_of_the_protocol() {
        let mut out = Vec::new();
        command(&mut out, &[b"GET", b"f:17"]);
        assert_eq!(out, b"*2\r\n$3\r\nGET\r\n$4\r\nf:17\r\n");
        for answer in [&b"+OK\r\n"[..], b"$-1\r\n", b"$3\r\na\nb\r\n", b"*2\r\n$1\r\na\r\n:1\r\n", b"*0\r\n"] {
            assert_eq!(length(answer, DEPTH).unwrap(), Some(answer.len()));
            for part in 0..answer.len() {
                assert_eq!(length(&answer[..part], DEPTH).unwrap(), None, "{part} bytes of {answer:?}");
            }
        }
        assert!(length(b"?\r\n", DEPTH).is_err());
    }
}
