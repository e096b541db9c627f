//! Messages from the client.

use crate::serve::value::{Format, Formats, Parameters, Ranges, utf8};
use attune_sql::{SqlError, SqlState};
use bytes::Bytes;

/// A message: its type byte and its body, without the length.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Frame {
    /// Type byte.
    pub(in crate::serve) tag: u8,
    /// Everything after the length.
    pub(in crate::serve) body: Bytes,
}

/// Type bytes a client may send after startup.
pub(in crate::serve) const TAGS: &[u8] = b"QPBDECHSXdcfpF";

/// Parse: prepares a statement.
pub(in crate::serve) struct Parse<'a> {
    /// Name of the statement; empty is the unnamed one.
    pub(in crate::serve) name: &'a str,
    /// Text.
    pub(in crate::serve) query: &'a str,
    /// Declared parameter types; 0 is none.
    pub(in crate::serve) oids: Vec<u32>,
}

/// Bind: makes a portal of a statement and parameters.
pub(in crate::serve) struct Bind<'a> {
    /// Name of the portal; empty is the unnamed one.
    pub(in crate::serve) portal: &'a str,
    /// Name of the statement.
    pub(in crate::serve) statement: &'a str,
    /// Parameter values.
    pub(in crate::serve) parameters: Parameters,
    /// Of the result columns.
    pub(in crate::serve) formats: Formats,
}

/// What Describe and Close name.
pub(in crate::serve) enum Target<'a> {
    /// A prepared statement.
    Statement(&'a str),
    /// A portal.
    Portal(&'a str),
}

/// The text of a simple query.
pub(in crate::serve) fn query(body: &[u8]) -> Result<&str, SqlError> {
    let mut reader = Reader::new(body);
    let text = reader.text()?;
    reader.end()?;
    Ok(text)
}

/// Reads Parse.
pub(in crate::serve) fn parse(body: &[u8]) -> Result<Parse<'_>, SqlError> {
    let mut reader = Reader::new(body);
    let (name, query) = (reader.text()?, reader.text()?);
    let count = reader.count(4)?;
    let oids =
        (0..count).map(|_| reader.word().map(|oid| u32::from_be_bytes(oid.to_be_bytes()))).collect::<Result<_, _>>()?;
    reader.end()?;
    Ok(Parse { name, query, oids })
}

/// Reads Bind. `frame` is the message, `body` its bytes.
pub(in crate::serve) fn bind<'a>(frame: &Bytes, body: &'a [u8]) -> Result<Bind<'a>, SqlError> {
    let mut reader = Reader::new(body);
    let (portal, statement) = (reader.text()?, reader.text()?);
    let parameter_formats = reader.formats()?;
    let count = reader.count(4)?;
    let mut ranges = Ranges::with_capacity(count);
    for _ in 0..count {
        let length = reader.word()?;
        ranges.push(match usize::try_from(length) {
            Ok(length) => {
                let start = reader.at;
                reader.take(length)?;
                Some(start..start + length)
            }
            Err(_) if length == -1 => None,
            Err(_) => return Err(malformed()),
        });
    }
    if parameter_formats.len() > 1 && parameter_formats.len() != count {
        let message = format!("bind message has {} parameter formats but {count} parameters", parameter_formats.len());
        return Err(SqlError::new(SqlState::ProtocolViolation, message));
    }
    let formats = reader.formats()?;
    reader.end()?;
    Ok(Bind { portal, statement, parameters: Parameters::new(frame.clone(), ranges, parameter_formats), formats })
}

/// Reads Describe or Close.
pub(in crate::serve) fn target(body: &[u8]) -> Result<Target<'_>, SqlError> {
    let mut reader = Reader::new(body);
    let kind = reader.take(1)?[0];
    let name = reader.text()?;
    reader.end()?;
    match kind {
        b'S' => Ok(Target::Statement(name)),
        b'P' => Ok(Target::Portal(name)),
        other => {
            let message = format!("invalid message subtype {other}");
            Err(SqlError::new(SqlState::ProtocolViolation, message))
        }
    }
}

/// Reads Execute: portal and the most rows to send (`None` is all).
pub(in crate::serve) fn execute(body: &[u8]) -> Result<(&str, Option<usize>), SqlError> {
    let mut reader = Reader::new(body);
    let portal = reader.text()?;
    let most = reader.word()?;
    reader.end()?;
    Ok((portal, usize::try_from(most).ok().filter(|most| *most > 0)))
}

/// Reads the reason of CopyFail.
pub(in crate::serve) fn copy_fail(body: &[u8]) -> Result<&str, SqlError> {
    Reader::new(body).text()
}

/// Reads the names and values of a startup message (after the version).
pub(in crate::serve) fn startup(body: &[u8]) -> Result<Vec<(String, String)>, SqlError> {
    let mut reader = Reader::new(body);
    let mut parameters = Vec::new();
    loop {
        let name = reader.text().map_err(|_| invalid_startup())?;
        if name.is_empty() {
            reader.end().map_err(|_| invalid_startup())?;
            return Ok(parameters);
        }
        let value = reader.text().map_err(|_| invalid_startup())?;
        parameters.push((name.to_owned(), value.to_owned()));
    }
}

fn invalid_startup() -> SqlError {
    SqlError::new(SqlState::ProtocolViolation, "invalid startup packet layout: expected terminator as last byte")
}

/// What is left of a message body.
struct Reader<'a> {
    body: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    fn new(body: &'a [u8]) -> Reader<'a> {
        Reader { body, at: 0 }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], SqlError> {
        let end = self.at.checked_add(length).ok_or_else(malformed)?;
        let taken = self.body.get(self.at..end).ok_or_else(malformed)?;
        self.at = end;
        Ok(taken)
    }

    /// A text that ends with a zero byte.
    fn text(&mut self) -> Result<&'a str, SqlError> {
        let rest = self.body.get(self.at..).unwrap_or_default();
        let length = rest.iter().position(|byte| *byte == 0).ok_or_else(malformed)?;
        self.at += length + 1;
        utf8(&rest[..length])
    }

    fn word(&mut self) -> Result<i32, SqlError> {
        let bytes = self.take(4)?;
        Ok(i32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]))
    }

    fn short(&mut self) -> Result<u16, SqlError> {
        let bytes = self.take(2)?;
        Ok(u16::from_be_bytes([bytes[0], bytes[1]]))
    }

    /// A count of things of at least `size` bytes each: refused when the message cannot hold them.
    fn count(&mut self, size: usize) -> Result<usize, SqlError> {
        let count = usize::from(self.short()?);
        if count * size > self.body.len() - self.at { Err(malformed()) } else { Ok(count) }
    }

    fn formats(&mut self) -> Result<Formats, SqlError> {
        let count = self.count(2)?;
        let format = |code| match code {
            0 => Ok(Format::Text),
            1 => Ok(Format::Binary),
            other => {
                let message = format!("unsupported format code: {other}");
                Err(SqlError::new(SqlState::InvalidParameterValue, message))
            }
        };
        (0..count).map(|_| self.short().and_then(format)).collect()
    }

    fn end(&self) -> Result<(), SqlError> {
        if self.at == self.body.len() { Ok(()) } else { Err(malformed()) }
    }
}

fn malformed() -> SqlError {
    SqlError::new(SqlState::ProtocolViolation, "invalid message format")
}
