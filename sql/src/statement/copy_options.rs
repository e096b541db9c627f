//! Options of COPY, in both styles: `WITH (FORMAT csv, HEADER)` and the older `WITH CSV HEADER`.

use super::CopyFormat;
use super::cursor::Cursor;
use super::options::{self, OptionValue, SqlOption};
use crate::{SqlError, SqlState, suggest};
use datafusion::sql::sqlparser::tokenizer::Token;

/// What the options say.
pub(super) struct CopyOptions {
    pub(super) format: CopyFormat,
    pub(super) header: bool,
    pub(super) batch_rows: Option<usize>,
}

/// Options as they come, before defaults that depend on the format.
#[derive(Default)]
struct Given {
    csv: bool,
    header: bool,
    delimiter: Option<u8>,
    quote: Option<u8>,
    escape: Option<u8>,
    null: Option<String>,
    batch_rows: Option<usize>,
}

/// Parses the rest of a COPY statement. `from` tells COPY FROM, which has `batch_rows`.
pub(super) fn parse(c: &mut Cursor<'_>, from: bool) -> Result<CopyOptions, SqlError> {
    let mut given = Given::default();
    let position = c.position();
    c.takes(&["WITH"]);
    if *c.peek() == Token::LParen {
        for option in options::list(c)? {
            apply(&mut given, &option, from)
                .map_err(|e| if e.position.is_none() { e.at(option.position) } else { e })?;
        }
    } else {
        old_style(c, &mut given)?;
    }
    finish(given).map_err(|e| e.at(position))
}

fn apply(given: &mut Given, option: &SqlOption, from: bool) -> Result<(), SqlError> {
    let name = option.name.as_str();
    match (name, &option.value) {
        ("format", OptionValue::Word(w) | OptionValue::Text(w)) => match w.to_lowercase().as_str() {
            "csv" => given.csv = true,
            "text" => given.csv = false,
            "binary" => return Err(no_binary()),
            other => return Err(invalid(format!("COPY format \"{other}\" not recognized"))),
        },
        ("header", value) => given.header = boolean(name, value)?,
        ("delimiter", OptionValue::Text(t)) => given.delimiter = Some(one_byte("delimiter", t)?),
        ("quote", OptionValue::Text(t)) => given.quote = Some(one_byte("quote", t)?),
        ("escape", OptionValue::Text(t)) => given.escape = Some(one_byte("escape", t)?),
        ("null", OptionValue::Text(t)) => given.null = Some(t.clone()),
        ("encoding", OptionValue::Text(t) | OptionValue::Word(t)) => {
            if !matches!(t.to_lowercase().as_str(), "utf8" | "utf-8" | "unicode") {
                return Err(SqlError::unsupported(
                    format!("encoding \"{t}\" is not supported"),
                    "Convert the data to UTF-8.",
                ));
            }
        }
        ("batch_rows", OptionValue::Number(n)) if from => match n.parse::<usize>() {
            Ok(rows) if rows > 0 => given.batch_rows = Some(rows),
            _ => return Err(invalid("batch_rows must be a whole number above zero".to_owned())),
        },
        ("batch_rows", _) if !from => return Err(invalid("batch_rows is for COPY FROM".to_owned())),
        // FREEZE asks for nothing that could be seen; ON_ERROR stop is what happens anyway.
        ("freeze", value) => drop(boolean(name, value)?),
        ("on_error", OptionValue::Word(w) | OptionValue::Text(w)) if w.eq_ignore_ascii_case("stop") => {}
        (
            "on_error" | "force_quote" | "force_not_null" | "force_null" | "default" | "log_verbosity" | "reject_limit",
            _,
        ) => {
            let what = format!("COPY option \"{name}\" is not supported");
            return Err(SqlError::unsupported(what, "Leave it out."));
        }
        ("format" | "delimiter" | "quote" | "escape" | "null" | "encoding" | "batch_rows", _) => {
            return Err(invalid(format!("COPY option \"{name}\" needs another kind of value")));
        }
        _ => {
            let error = SqlError::new(SqlState::SyntaxError, format!("option \"{name}\" not recognized"));
            const NAMES: [&str; 8] =
                ["format", "header", "delimiter", "quote", "escape", "null", "encoding", "batch_rows"];
            return Err(match suggest(name, NAMES) {
                Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
                None => error,
            });
        }
    }
    Ok(())
}

fn old_style(c: &mut Cursor<'_>, given: &mut Given) -> Result<(), SqlError> {
    loop {
        let position = c.position();
        match c.takes_one_of(&[
            "BINARY",
            "CSV",
            "HEADER",
            "DELIMITER",
            "DELIMITERS",
            "NULL",
            "QUOTE",
            "ESCAPE",
            "FREEZE",
        ]) {
            Some("BINARY") => return Err(no_binary().at(position)),
            Some("CSV") => given.csv = true,
            Some("HEADER") => given.header = true,
            Some("FREEZE") => {}
            Some(word) => {
                c.takes(&["AS"]);
                let position = c.position();
                let text = c.string()?;
                let byte = |what| one_byte(what, &text).map_err(|e| e.at(position));
                match word {
                    "NULL" => given.null = Some(text),
                    "QUOTE" => given.quote = Some(byte("quote")?),
                    "ESCAPE" => given.escape = Some(byte("escape")?),
                    _ => given.delimiter = Some(byte("delimiter")?),
                }
            }
            None => return Ok(()),
        }
    }
}

fn finish(given: Given) -> Result<CopyOptions, SqlError> {
    let Given { csv, header, delimiter, quote, escape, null, batch_rows } = given;
    let delimiter = delimiter.unwrap_or(if csv { b',' } else { b'\t' });
    let null = null.unwrap_or_else(|| if csv { String::new() } else { "\\N".to_owned() });
    if matches!(delimiter, b'\n' | b'\r') || null.contains(['\n', '\r']) {
        return Err(invalid("COPY delimiter and null string cannot contain a line break".to_owned()));
    }
    if null.as_bytes().contains(&delimiter) {
        return Err(invalid("COPY delimiter character must not appear in the NULL specification".to_owned()));
    }
    let format = if csv {
        let quote = quote.unwrap_or(b'"');
        if quote == delimiter {
            return Err(invalid("COPY delimiter and quote must be different".to_owned()));
        }
        CopyFormat::Csv { delimiter, quote, escape: escape.unwrap_or(quote), null }
    } else {
        if quote.is_some() || escape.is_some() {
            return Err(invalid("COPY QUOTE and ESCAPE require CSV mode".to_owned()));
        }
        if delimiter.is_ascii_alphanumeric() || matches!(delimiter, b'\\' | b'.') {
            return Err(invalid(format!("COPY delimiter cannot be \"{}\"", delimiter as char)));
        }
        CopyFormat::Text { delimiter, null }
    };
    Ok(CopyOptions { format, header, batch_rows })
}

fn one_byte(what: &str, text: &str) -> Result<u8, SqlError> {
    match text.as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(invalid(format!("COPY {what} must be a single one-byte character"))),
    }
}

fn boolean(name: &str, value: &OptionValue) -> Result<bool, SqlError> {
    let text = match value {
        OptionValue::None => return Ok(true),
        OptionValue::Text(t) | OptionValue::Number(t) | OptionValue::Word(t) => t.to_lowercase(),
    };
    match (name, text.as_str()) {
        (_, "true" | "on" | "1") => Ok(true),
        (_, "false" | "off" | "0") => Ok(false),
        ("header", "match") => Err(SqlError::unsupported(
            "HEADER MATCH is not supported",
            "Use HEADER; name the columns in the COPY statement.",
        )),
        _ => Err(invalid(format!("{name} requires a Boolean value"))),
    }
}

fn invalid(message: String) -> SqlError {
    SqlError::new(SqlState::InvalidParameterValue, message)
}

pub(super) fn no_binary() -> SqlError {
    SqlError::unsupported("COPY in binary format is not supported", "Use FORMAT csv or text.")
}
