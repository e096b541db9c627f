//! Loading: flags over variables over file over defaults.

use super::{Config, SETTINGS, Setting};
use std::path::Path;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// Variables of settings start with this.
pub const VARIABLE_PREFIX: &str = "ATTUNE_";

/// The names of variables that are no settings, but Attune's own.
const OWN: [&str; 2] = ["config", "failpoint"];

/// A configuration that cannot be used: one line that says where and why.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

/// Loads the configuration on top of `defaults`: first the file, then the variables, then the flags, each a name and a
/// value. Variables that do not start with `ATTUNE_` are passed over; so are those that are like no setting, since
/// other programs may use the prefix ([`unknown_variables`] tells of them).
///
/// # Errors
/// One line that names the file and line, the variable or the flag, and says what was expected.
pub fn load(
    defaults: Config,
    file: Option<&Path>,
    variables: impl IntoIterator<Item = (String, String)>,
    flags: &[(String, String)],
) -> Result<Config, ConfigError> {
    let mut config = defaults;
    if let Some(path) = file {
        load_file(&mut config, path)?;
    }
    for (variable, value) in variables {
        load_variable(&mut config, &variable, &value)?;
    }
    for (name, value) in flags {
        let setting = find(name).map_err(|error| ConfigError(format!("--set {name}={value}: {error}")))?;
        setting.set(&mut config, value).map_err(|error| ConfigError(format!("{name} = {value}: {error}")))?;
    }
    config.check().map_err(ConfigError)?;
    Ok(config)
}

/// A `NAME=VALUE` of the command line.
///
/// # Errors
/// What was expected instead.
pub fn name_and_value(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("expected NAME=VALUE, such as row_cache_bytes=64MB")?;
    Ok((name.trim().to_owned(), value.trim().to_owned()))
}

fn load_file(config: &mut Config, path: &Path) -> Result<(), ConfigError> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| ConfigError(format!("cannot read the configuration file {}: {error}", path.display())))?;
    let at = |offset: usize, what: String| ConfigError(format!("{}:{}: {what}", path.display(), line(&text, offset)));
    let table = DeTable::parse(&text)
        .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().to_owned()))?;
    for (key, value) in table.get_ref() {
        let name = key.get_ref().as_ref();
        let offset = key.span().start;
        if matches!(value.get_ref(), DeValue::Table(_)) && Setting::find(name).is_none() {
            return Err(at(offset, format!("[{name}]: settings are not grouped in sections")));
        }
        let setting = find(name).map_err(|error| at(offset, error))?;
        let value = as_text(value).map_err(|error| at(offset, format!("{name}: {error}")))?;
        setting.set(config, &value).map_err(|error| at(offset, format!("{name} = {value}: {error}")))?;
    }
    Ok(())
}

fn load_variable(config: &mut Config, variable: &str, value: &str) -> Result<(), ConfigError> {
    let Some(name) = variable.strip_prefix(VARIABLE_PREFIX) else { return Ok(()) };
    let name = name.to_ascii_lowercase();
    if let Some(setting) = Setting::find(&name) {
        return setting.set(config, value).map_err(|error| ConfigError(format!("{variable}={value}: {error}")));
    }
    match nearest(&name) {
        Some(setting) if !OWN.contains(&name.as_str()) => Err(ConfigError(format!(
            "{variable}: there is no such setting; did you mean {VARIABLE_PREFIX}{}?",
            setting.to_ascii_uppercase()
        ))),
        _ => Ok(()),
    }
}

/// What to tell of variables with Attune's prefix that are nothing of Attune's: they have no effect, which whoever set them may
/// not know.
pub fn unknown_variables(variables: impl IntoIterator<Item = String>) -> Vec<String> {
    let unknown = |variable: &String| {
        let name = variable.strip_prefix(VARIABLE_PREFIX).map(str::to_ascii_lowercase);
        name.is_some_and(|name| Setting::find(&name).is_none() && !OWN.contains(&name.as_str()))
    };
    let tell =
        |variable| format!("the variable {variable} has no effect: there is no such setting; README.md lists them");
    variables.into_iter().filter(unknown).map(tell).collect()
}

fn find(name: &str) -> Result<&'static Setting, String> {
    Setting::find(name).ok_or_else(|| match nearest(name) {
        Some(setting) => format!("there is no setting \"{name}\"; did you mean \"{setting}\"?"),
        None => format!("there is no setting \"{name}\"; README.md lists them"),
    })
}

fn nearest(name: &str) -> Option<&'static str> {
    attune_sql::suggest(name, SETTINGS.iter().map(|setting| setting.name))
}

fn as_text(value: &Spanned<DeValue<'_>>) -> Result<String, String> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text.to_string()),
        DeValue::Integer(number) => Ok(number.to_string()),
        DeValue::Boolean(switch) => Ok(switch.to_string()),
        DeValue::Float(number) => Err(format!("expected a whole number, found {number}")),
        DeValue::Datetime(time) => Err(format!("expected a number, a text or true or false, found the time {time}")),
        DeValue::Array(_) => Err("expected one value, found a list".to_owned()),
        DeValue::Table(_) => Err("expected one value, found a table".to_owned()),
    }
}

/// The line (from 1) of a byte offset.
fn line(text: &str, offset: usize) -> usize {
    1 + text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count()
}
