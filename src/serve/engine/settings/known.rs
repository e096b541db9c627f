//! The settings there are, and what they may be.

use attune_sql::{SqlError, SqlState};

/// What values a setting takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    /// on or off.
    Boolean,
    /// Any text.
    Text,
    /// A whole number.
    Integer,
    /// A time, in milliseconds unless a unit follows.
    Duration,
    /// One of these.
    OneOf(&'static [&'static str]),
    /// Cannot be changed.
    ReadOnly,
    /// Only this value in any of these spellings (lower case); others are refused.
    Only(&'static [&'static str], &'static str),
}

/// A setting.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Known {
    /// Name in lower case.
    pub(crate) name: &'static str,
    /// Name as SHOW writes it.
    pub(crate) shown: &'static str,
    pub(super) default: &'static str,
    pub(super) kind: Kind,
    pub(super) meaning: &'static str,
}

const fn known(
    name: &'static str,
    shown: &'static str,
    default: &'static str,
    kind: Kind,
    meaning: &'static str,
) -> Known {
    Known { name, shown, default, kind, meaning }
}

const ACCEPTED: &str = "Accepted for tools that set it; changes nothing.";
const UTC: &[&str] =
    &["utc", "gmt", "etc/utc", "etc/gmt", "z", "zulu", "universal", "0", "+00:00", "+0", "+00", "uct", "etc/uct"];

static ALL: &[Known] = &[
    known("application_name", "application_name", "", Kind::Text, "Name of the client application."),
    known(
        "background_ddl",
        "background_ddl",
        "off",
        Kind::Boolean,
        "CREATE MATERIALIZED VIEW returns before the view is filled.",
    ),
    known(
        "bytea_output",
        "bytea_output",
        "hex",
        Kind::Only(&["hex"], "bytea is written in hex."),
        "Form of bytea in text.",
    ),
    known("check_function_bodies", "check_function_bodies", "on", Kind::Boolean, ACCEPTED),
    known(
        "client_encoding",
        "client_encoding",
        "UTF8",
        Kind::Only(&["utf8", "utf-8", "unicode"], "Convert texts to UTF-8 in the client."),
        "Encoding of texts.",
    ),
    known(
        "client_min_messages",
        "client_min_messages",
        "notice",
        Kind::OneOf(&["debug5", "debug4", "debug3", "debug2", "debug1", "debug", "log", "notice", "warning", "error"]),
        ACCEPTED,
    ),
    known("datestyle", "DateStyle", "ISO, MDY", Kind::Text, "Form of dates in text; ISO only."),
    known(
        "default_transaction_isolation",
        "default_transaction_isolation",
        "serializable",
        Kind::Text,
        "A writing transaction is one epoch.",
    ),
    known("default_transaction_read_only", "default_transaction_read_only", "off", Kind::Boolean, ACCEPTED),
    known(
        "extra_float_digits",
        "extra_float_digits",
        "1",
        Kind::Integer,
        "Floats are always written so that they read back the same.",
    ),
    known("idle_in_transaction_session_timeout", "idle_in_transaction_session_timeout", "0", Kind::Duration, ACCEPTED),
    known("idle_session_timeout", "idle_session_timeout", "0", Kind::Duration, ACCEPTED),
    known("integer_datetimes", "integer_datetimes", "on", Kind::ReadOnly, "Times are 64-bit integers in binary."),
    known(
        "intervalstyle",
        "IntervalStyle",
        "postgres",
        Kind::Only(&["postgres"], "intervals are written as Postgres does by default."),
        "Form of intervals in text.",
    ),
    known("is_superuser", "is_superuser", "on", Kind::ReadOnly, "There are no roles yet."),
    known("jit", "jit", "off", Kind::Boolean, ACCEPTED),
    known("lock_timeout", "lock_timeout", "0", Kind::Duration, ACCEPTED),
    known("max_identifier_length", "max_identifier_length", "63", Kind::ReadOnly, "Longest name in bytes."),
    known("row_security", "row_security", "on", Kind::Boolean, ACCEPTED),
    known(
        "rw_implicit_flush",
        "rw_implicit_flush",
        "on",
        Kind::Boolean,
        "Every write is visible when acknowledged, whatever this says.",
    ),
    known("search_path", "search_path", "\"$user\", public", Kind::Text, "There is one schema, public."),
    known("server_encoding", "server_encoding", "UTF8", Kind::ReadOnly, "Encoding of stored texts."),
    known("server_version", "server_version", "15.0", Kind::ReadOnly, "Version of Postgres that clients may assume."),
    known("server_version_num", "server_version_num", "150000", Kind::ReadOnly, "The same as a number."),
    known("session_authorization", "session_authorization", "attune", Kind::ReadOnly, "User of the session."),
    known(
        "standard_conforming_strings",
        "standard_conforming_strings",
        "on",
        Kind::Only(&["on", "true", "yes", "1"], "Backslashes in '...' are plain characters; write E'...' for escapes."),
        "Meaning of backslashes.",
    ),
    known(
        "statement_timeout",
        "statement_timeout",
        "0",
        Kind::Duration,
        "Statements running longer are cancelled; 0 is never.",
    ),
    known("streaming_parallelism", "streaming_parallelism", "0", Kind::Text, ACCEPTED),
    known(
        "synchronous_commit",
        "synchronous_commit",
        "on",
        Kind::OneOf(&["on", "off", "local", "remote_write", "remote_apply", "true", "false"]),
        "Accepted; the server's own synchronous_commit decides.",
    ),
    known(
        "timezone",
        "TimeZone",
        "UTC",
        Kind::Only(UTC, "Times are shown in UTC; convert them in the client, or with AT TIME ZONE."),
        "Zone in which times are shown.",
    ),
    known(
        "transaction_isolation",
        "transaction_isolation",
        "serializable",
        Kind::Text,
        "A writing transaction is one epoch.",
    ),
    known("transaction_read_only", "transaction_read_only", "off", Kind::Boolean, ACCEPTED),
    known("work_mem", "work_mem", "4MB", Kind::Text, ACCEPTED),
    known("xmloption", "xmloption", "content", Kind::Text, ACCEPTED),
];

/// All settings by name.
pub(crate) fn all() -> &'static [Known] {
    ALL
}

/// A setting by name (lower case).
pub(super) fn find(name: &str) -> Option<&'static Known> {
    ALL.iter().find(|k| k.name == name)
}

impl Known {
    /// The value as it is kept.
    pub(super) fn check(&self, value: &str) -> Result<String, SqlError> {
        let lower = value.trim().trim_matches(['\'', '"']).to_ascii_lowercase();
        let invalid = || {
            let message = format!("invalid value for parameter \"{}\": \"{value}\"", self.shown);
            SqlError::new(SqlState::InvalidParameterValue, message)
        };
        match self.kind {
            Kind::Text if self.name == "datestyle" && !lower.split(',').any(|p| p.trim() == "iso") => {
                let message = format!("DateStyle \"{value}\" is not supported");
                Err(SqlError::unsupported(message, "Use ISO: dates are written as 2026-01-31."))
            }
            Kind::Text if self.name == "datestyle" => Ok(self.default.to_owned()),
            Kind::Text => Ok(value.to_owned()),
            Kind::Boolean => boolean(&lower).map(|on| if on { "on" } else { "off" }.to_owned()).ok_or_else(|| {
                let message = format!("parameter \"{}\" requires a Boolean value", self.shown);
                SqlError::new(SqlState::InvalidParameterValue, message)
            }),
            Kind::Integer => lower.parse::<i64>().map(|v| v.to_string()).map_err(|_| invalid()),
            Kind::Duration => {
                let ms = milliseconds(&lower).map_err(|()| {
                    invalid().with_hint(
                        "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".",
                    )
                })?;
                Ok(shown_duration(ms))
            }
            Kind::OneOf(values) if values.contains(&lower.as_str()) => Ok(lower),
            Kind::OneOf(values) => Err(invalid().with_hint(format!("Available values: {}.", values.join(", ")))),
            Kind::ReadOnly => {
                let message = format!("parameter \"{}\" cannot be changed", self.shown);
                Err(SqlError::new(SqlState::InvalidParameterValue, message))
            }
            Kind::Only(spellings, _) if spellings.contains(&lower.as_str()) => Ok(self.default.to_owned()),
            Kind::Only(_, instead) => Err(SqlError::unsupported(
                format!("{} \"{value}\" is not supported, only {}", self.shown, self.default),
                instead,
            )),
        }
    }
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "on" | "true" | "t" | "yes" | "y" | "1" => Some(true),
        "off" | "false" | "f" | "no" | "n" | "0" => Some(false),
        _ => None,
    }
}

/// Milliseconds of `5000`, `5s`, `2 min`.
pub(super) fn milliseconds(value: &str) -> Result<u64, ()> {
    let value = value.trim();
    let digits = value.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(value.len());
    let number: f64 = value[..digits].parse().map_err(|_| ())?;
    let factor = match value[digits..].trim() {
        "us" => 0.001,
        "" | "ms" => 1.0,
        "s" => 1_000.0,
        "min" => 60_000.0,
        "h" => 3_600_000.0,
        "d" => 86_400_000.0,
        _ => return Err(()),
    };
    let ms = (number * factor).round();
    // The largest value Postgres takes.
    if ms <= f64::from(i32::MAX) { Ok(ms as u64) } else { Err(()) }
}

/// As Postgres shows a time: in the largest unit without a fraction.
fn shown_duration(ms: u64) -> String {
    for (unit, size) in [("d", 86_400_000), ("h", 3_600_000), ("min", 60_000), ("s", 1_000)] {
        if ms > 0 && ms.is_multiple_of(size) {
            return format!("{}{unit}", ms / size);
        }
    }
    if ms == 0 { "0".to_owned() } else { format!("{ms}ms") }
}
