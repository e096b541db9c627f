//! SET, SHOW, RESET and DISCARD.

mod known;
#[cfg(test)]
mod tests;

pub(super) use known::all;

use super::{Outcome, OutputColumn, Transaction, result};
use attune_sql::{SqlError, SqlState, suggest};
use known::{Known, find};
use std::collections::BTreeMap;

/// Settings of a session (SET/SHOW), with Postgres' names; `application_name`, `statement_timeout`, `TimeZone`, ...
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// Name (lower case) to value.
    pub values: BTreeMap<String, String>,
}

impl Settings {
    /// The value in force: as set, or the default. `None` for names that are no setting.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        match self.values.get(name) {
            Some(value) => Some(value.clone()),
            None => find(name).map(|k| k.default.to_owned()),
        }
    }

    /// Whether a boolean setting is on.
    #[must_use]
    pub fn is_on(&self, name: &str) -> bool {
        self.get(name).is_some_and(|v| v == "on")
    }

    /// `statement_timeout` in milliseconds; `None` when the session has not set it (0 is never).
    #[must_use]
    pub fn statement_timeout_ms(&self) -> Option<u64> {
        known::milliseconds(self.values.get("statement_timeout")?).ok()
    }

    /// Checks a setting that came with the startup message or with SET, and keeps it.
    ///
    /// # Errors
    /// 42704 unknown, 22023 impossible value, 0A000 a value that is not supported.
    pub fn set(&mut self, name: &str, value: &str) -> Result<(), SqlError> {
        let name = name.to_ascii_lowercase();
        if name.contains('.') {
            // Settings of an application or extension: kept, and mean nothing here.
            self.values.insert(name, value.to_owned());
            return Ok(());
        }
        let known = find(&name).ok_or_else(|| unknown(&name))?;
        let value = known.check(value)?;
        self.values.insert(name, value);
        Ok(())
    }
}

fn unknown(name: &str) -> SqlError {
    let error = SqlError::new(SqlState::UndefinedObject, format!("unrecognized configuration parameter \"{name}\""));
    match suggest(name, all().iter().map(|k| k.name)) {
        Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
        None => error,
    }
}

/// SET.
pub(super) fn set(
    name: &str,
    value: Option<&str>,
    settings: &mut Settings,
    _: &Transaction,
) -> Result<Outcome, SqlError> {
    match value {
        Some(value) => settings.set(name, value)?,
        None if name.contains('.') || find(name).is_some() => {
            settings.values.remove(name);
        }
        None => return Err(unknown(name)),
    }
    Ok(result::command("SET"))
}

/// Columns of SHOW.
pub(super) fn columns(name: &str, settings: &Settings) -> Result<Vec<OutputColumn>, SqlError> {
    if name == "all" {
        return Ok(result::text_columns(&["name", "setting", "description"]));
    }
    let shown = match find(name) {
        Some(known) => known.shown,
        None if settings.values.contains_key(name) => name,
        None => return Err(unknown(name)),
    };
    Ok(result::text_columns(&[shown]))
}

/// SHOW.
pub(super) fn show(name: &str, settings: &Settings) -> Result<Outcome, SqlError> {
    let columns = columns(name, settings)?;
    let rows = match name {
        "all" => rows(settings),
        _ => vec![vec![settings.get(name).ok_or_else(|| unknown(name))?]],
    };
    result::text_rows(columns, &rows, "SHOW")
}

/// Name, value and meaning of every setting.
pub(super) fn rows(settings: &Settings) -> Vec<Vec<String>> {
    let value = |k: &Known| settings.get(k.name).unwrap_or_default();
    all().iter().map(|k| vec![k.shown.to_owned(), value(k), k.meaning.to_owned()]).collect()
}

/// RESET and DISCARD.
pub(super) fn discard(tag: &str, text: &str, settings: &mut Settings) -> Outcome {
    let name = text.split_whitespace().nth(1).unwrap_or_default().to_ascii_lowercase();
    match tag {
        "RESET" if name != "all" => {
            let name = match name.as_str() {
                "time" => "timezone",
                other => other.trim_matches('"'),
            };
            settings.values.remove(name);
        }
        // What the connection itself is does not change.
        "RESET" | "DISCARD ALL" => {
            settings.values.retain(|name, _| matches!(name.as_str(), "session_authorization" | "user" | "database"))
        }
        _ => {}
    }
    result::command(tag)
}
