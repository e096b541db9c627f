//! COPY data cut into records, however the client has split it over messages.

use super::bad_format;
use attune_sql::SqlError;
use attune_sql::statement::CopyFormat;

/// How records end.
#[derive(Clone, Copy)]
enum Syntax {
    /// A backslash takes the special meaning from the next byte.
    Text,
    /// Line ends inside quotes do not count.
    Csv { quote: u8, escape: u8 },
}

/// Data that has arrived, cut at line ends.
pub(super) struct Records {
    syntax: Syntax,
    data: Vec<u8>,
    /// Where the next record starts.
    start: usize,
    /// How far its end was looked for.
    scanned: usize,
    in_quotes: bool,
    escaped: bool,
    /// Number of the last line of the record last given, from 1.
    pub(super) line: u64,
    /// The end-of-data marker `\.` was seen: what follows is ignored.
    ended: bool,
}

impl Records {
    pub(super) fn new(format: &CopyFormat) -> Records {
        let syntax = match *format {
            CopyFormat::Text { .. } => Syntax::Text,
            CopyFormat::Csv { quote, escape, .. } => Syntax::Csv { quote, escape },
        };
        let data = Vec::new();
        Records { syntax, data, start: 0, scanned: 0, in_quotes: false, escaped: false, line: 0, ended: false }
    }

    /// Adds data that has arrived.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.ended {
            return;
        }
        self.data.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        self.data.extend_from_slice(bytes);
    }

    /// Bytes of a record that is not complete.
    pub(super) fn pending(&self) -> usize {
        self.data.len() - self.start
    }

    /// The next complete record, without its line end.
    pub(super) fn next(&mut self) -> Option<&[u8]> {
        while !self.ended
            && let Some(byte) = self.data.get(self.scanned).copied()
        {
            self.scanned += 1;
            if self.ends(byte) {
                let (from, to) = (self.start, self.scanned - 1);
                self.start = self.scanned;
                return self.take(from, to);
            }
        }
        None
    }

    /// The last record, if the data does not end with a line end.
    ///
    /// # Errors
    /// 22P04 when it ends inside quotes.
    pub(super) fn last(&mut self) -> Result<Option<&[u8]>, SqlError> {
        if self.ended || self.pending() == 0 {
            return Ok(None);
        }
        if self.in_quotes {
            self.line += 1;
            return Err(bad_format("unterminated CSV quoted field"));
        }
        let (from, to) = (self.start, self.data.len());
        self.start = to;
        self.scanned = to;
        Ok(self.take(from, to))
    }

    fn take(&mut self, from: usize, mut to: usize) -> Option<&[u8]> {
        self.line += 1;
        if to > from && self.data[to - 1] == b'\r' {
            to -= 1;
        }
        if &self.data[from..to] == b"\\." {
            self.ended = true;
            return None;
        }
        Some(&self.data[from..to])
    }

    /// Whether this byte ends the record.
    #[inline]
    fn ends(&mut self, byte: u8) -> bool {
        match self.syntax {
            Syntax::Text if self.escaped => self.escaped = false,
            Syntax::Text if byte == b'\\' => self.escaped = true,
            Syntax::Text => return byte == b'\n',
            Syntax::Csv { .. } if self.escaped => self.escaped = false,
            Syntax::Csv { quote, escape } => {
                if self.in_quotes && byte == escape && escape != quote {
                    self.escaped = true;
                } else if byte == quote {
                    // A doubled quote closes and opens again.
                    self.in_quotes = !self.in_quotes;
                } else if byte == b'\n' {
                    if !self.in_quotes {
                        return true;
                    }
                    self.line += 1;
                }
            }
        }
        false
    }
}
