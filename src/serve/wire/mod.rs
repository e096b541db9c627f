//! Messages of the Postgres protocol, version 3.0: <https://www.postgresql.org/docs/15/protocol-message-formats.html>.
//!
//! Own rather than pgwire's, whose decoders panic on short messages (`Parse::decode_body` reads a count without asking
//! whether there is one) and copy every string and value. Here a message is one reference-counted slice of the read
//! buffer, what it says is borrowed from it, and answers are appended to one write buffer.

pub(super) mod backend;
mod connection;
mod error_response;
pub(super) mod frontend;
#[cfg(test)]
mod tests;

pub(super) use connection::{Connection, ConnectionError};
pub(super) use error_response::{Severity, write_error, write_notice};
