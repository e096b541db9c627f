//! From a fresh socket to a session: encryption requests, cancel requests, the startup message.

use super::cancel::Registered;
use super::engine::{Settings, Transaction};
use super::loops::Seat;
use super::session::{Session, Shared};
use super::statement::Portals;
use super::wire::{Connection, ConnectionError, backend, frontend};
use attune_sql::{SqlError, SqlState};
use hashbrown::HashMap;
use std::sync::Arc;

/// Largest startup packet (`MAX_STARTUP_PACKET_LENGTH` of Postgres).
const MAX_STARTUP_BYTES: usize = 10_000;
/// Requests for encryption a client may make, one of each kind.
const MAX_NEGOTIATIONS: usize = 2;
const SSL_REQUEST: u32 = 80_877_103;
const GSS_REQUEST: u32 = 80_877_104;
const CANCEL_REQUEST: u32 = 80_877_102;
const PROTOCOL_MAJOR: u32 = 3;

/// Settings every client is told of at the start, besides the version.
const GREETING: [&str; 11] = [
    "server_encoding",
    "client_encoding",
    "application_name",
    "is_superuser",
    "session_authorization",
    "DateStyle",
    "IntervalStyle",
    "TimeZone",
    "integer_datetimes",
    "standard_conforming_strings",
    "default_transaction_read_only",
];

/// What a client wants.
pub(super) enum Startup {
    /// A session with these settings.
    Session(Vec<(String, String)>, u32),
    /// To cancel the statement of another session; nothing is answered.
    Cancel(i32, i32),
    /// Nothing: it has gone.
    Gone,
}

/// Reads startup packets until it is clear what the client wants.
pub(super) async fn negotiate(connection: &mut Connection) -> Result<Startup, ConnectionError> {
    let mut negotiations = 0;
    loop {
        let Some(packet) = connection.startup_packet(MAX_STARTUP_BYTES)? else {
            if connection.fill().await? {
                continue;
            }
            return Ok(Startup::Gone);
        };
        let Some((code, rest)) = packet.split_first_chunk::<4>() else { return Ok(Startup::Gone) };
        match u32::from_be_bytes(*code) {
            SSL_REQUEST | GSS_REQUEST if negotiations < MAX_NEGOTIATIONS => {
                negotiations += 1;
                // Bytes sent before our answer would be taken as if they came encrypted (CVE-2021-23214).
                if connection.has_input() {
                    let message = "received unencrypted data after an encryption request";
                    return Err(ConnectionError::Protocol(SqlError::new(SqlState::ProtocolViolation, message)));
                }
                connection.output.extend_from_slice(b"N");
                connection.flush().await?;
            }
            CANCEL_REQUEST => {
                let Ok([a, b, c, d, e, f, g, h]) = <[u8; 8]>::try_from(rest) else { return Ok(Startup::Gone) };
                return Ok(Startup::Cancel(i32::from_be_bytes([a, b, c, d]), i32::from_be_bytes([e, f, g, h])));
            }
            version if version >> 16 == PROTOCOL_MAJOR => {
                let parameters = frontend::startup(rest).map_err(ConnectionError::Protocol)?;
                return Ok(Startup::Session(parameters, version & 0xffff));
            }
            version => {
                let (major, minor) = (version >> 16, version & 0xffff);
                let message = format!("unsupported frontend protocol {major}.{minor}: server supports 3.0");
                return Err(ConnectionError::Protocol(SqlError::new(SqlState::ProtocolViolation, message)));
            }
        }
    }
}

/// Makes the session and greets the client. Any user and any database are welcome.
pub(super) async fn begin(
    shared: Arc<Shared>,
    mut connection: Connection,
    seat: Seat,
    cancel: Registered,
    parameters: Vec<(String, String)>,
    minor: u32,
) -> Result<Session, (Connection, ConnectionError)> {
    let settings = match settings(&parameters) {
        Ok(settings) => settings,
        Err(error) => return Err((connection, ConnectionError::Protocol(error))),
    };
    let out = &mut connection.output;
    let unknown: Vec<&str> =
        parameters.iter().map(|(name, _)| name.as_str()).filter(|name| name.starts_with("_pq_.")).collect();
    if minor > 0 || !unknown.is_empty() {
        backend::negotiate_protocol_version(out, &unknown);
    }
    backend::authentication_ok(out);
    let version = concat!("15.0 (Attune ", env!("CARGO_PKG_VERSION"), ")");
    backend::parameter_status(out, "server_version", version);
    for name in GREETING {
        if let Some(value) = settings.get(&name.to_ascii_lowercase()) {
            backend::parameter_status(out, name, &value);
        }
    }
    backend::parameter_status(out, "in_hot_standby", "off");
    backend::backend_key_data(out, cancel.key.0, cancel.key.1);
    let mut session = Session {
        shared,
        connection,
        seat,
        settings,
        transaction: Transaction::None,
        statements: HashMap::new(),
        portals: Portals::default(),
        cancel,
        skipping: false,
        following: None,
        again: None,
    };
    match session.ready().await {
        Ok(()) => Ok(session),
        Err(super::session::SessionError::Connection(error)) => Err((session.connection, error)),
        Err(super::session::SessionError::Sql(error)) => Err((session.connection, ConnectionError::Protocol(error))),
    }
}

/// The settings a client starts with: `options` of the form `-c name=value`, and everything else by its name.
fn settings(parameters: &[(String, String)]) -> Result<Settings, SqlError> {
    let mut settings = Settings::default();
    for (name, value) in parameters {
        match name.as_str() {
            "user" => {
                settings.values.insert("session_authorization".to_owned(), value.clone());
                settings.values.insert("user".to_owned(), value.clone());
            }
            "database" => drop(settings.values.insert("database".to_owned(), value.clone())),
            "replication" if matches!(value.as_str(), "false" | "off" | "no" | "0") => {}
            "replication" => {
                let instead = "Connect without replication.";
                return Err(SqlError::unsupported("replication connections are not supported", instead));
            }
            "options" => read_options(value, &mut settings)?,
            "client_encoding" => check_encoding(value)?,
            name if name.starts_with("_pq_.") => {}
            name => settings.set(name, value)?,
        }
    }
    if !settings.values.contains_key("user") {
        return Err(SqlError::new(SqlState::ProtocolViolation, "no PostgreSQL user name specified in startup packet"));
    }
    Ok(settings)
}

fn read_options(text: &str, settings: &mut Settings) -> Result<(), SqlError> {
    let mut words = text.split_whitespace();
    while let Some(word) = words.next() {
        let assignment = match word {
            "-c" => words.next(),
            _ => word.strip_prefix("--").or_else(|| word.strip_prefix("-c")),
        };
        let Some((name, value)) = assignment.and_then(|assignment| assignment.split_once('=')) else {
            let message = format!("invalid command-line argument for server process: {word}");
            return Err(SqlError::new(SqlState::SyntaxError, message).with_hint("Options have the form -c name=value."));
        };
        settings.set(&name.replace('-', "_"), value)?;
    }
    Ok(())
}

/// UTF-8 in all its names; SQL_ASCII is what psql says without a locale, and means bytes as they are.
fn check_encoding(value: &str) -> Result<(), SqlError> {
    let name: String = value.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase();
    if matches!(name.as_str(), "utf8" | "unicode" | "sqlascii") {
        return Ok(());
    }
    let message = format!("invalid value for parameter \"client_encoding\": \"{value}\"");
    Err(SqlError::new(SqlState::InvalidParameterValue, message).with_hint("Only UTF8 is supported."))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pair(name: &str, value: &str) -> (String, String) {
        (name.to_owned(), value.to_owned())
    }

    #[test]
    fn options_become_settings() {
        let given = [pair("user", "u"), pair("options", "-c statement_timeout=5s --search-path=public -cjit=on")];
        let settings = settings(&given).unwrap();
        assert_eq!(settings.statement_timeout_ms(), Some(5_000));
        assert_eq!(settings.values["search_path"], "public");
        assert_eq!(settings.values["jit"], "on");
    }

    #[test]
    fn refused_startups() {
        assert!(settings(&[pair("database", "d")]).unwrap_err().message.contains("user name"));
        let latin = settings(&[pair("user", "u"), pair("client_encoding", "LATIN1")]).unwrap_err();
        assert_eq!(latin.state, SqlState::InvalidParameterValue);
        assert!(settings(&[pair("user", "u"), pair("replication", "database")]).is_err());
        assert!(settings(&[pair("user", "u"), pair("options", "-x")]).is_err());
        assert!(settings(&[pair("user", "u"), pair("no_such_setting", "1")]).is_err());
        assert!(settings(&[pair("user", "u"), pair("client_encoding", "'utf-8'")]).is_ok());
    }
}
