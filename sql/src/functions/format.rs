//! `format(template, ...)`: `%s`, `%I` and `%L`, with positions, widths and `-`, as in Postgres. Arguments come as their texts.

use super::limit::DEFAULT_MAX_BYTES;
use super::own::{Arguments, Own, is};
use super::quoting::{identifier, literal};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `format`.
pub(super) fn function() -> Arc<ScalarUDF> {
    Own::function("format", types, compute)
}

fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let texts = !arguments.is_empty() && arguments.iter().all(|argument| is(argument, &DataType::Utf8));
    texts.then(|| (vec![DataType::Utf8; arguments.len()], DataType::Utf8))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let columns = (0..arguments.len()).map(|index| arguments.text(index)).collect::<Result<Vec<_>, _>>()?;
    let mut bytes = 0;
    let rows = (0..arguments.rows()).map(|row| {
        let value = |column: &StringArray| column.is_valid(row).then(|| column.value(row).to_owned());
        let Some(template) = columns.first().and_then(value) else { return Ok(None) };
        let values = columns[1..].iter().map(value).collect();
        let text = Template { rest: &template, values, next: 0, most: DEFAULT_MAX_BYTES - bytes }.filled()?;
        bytes += text.len();
        Ok(Some(text))
    });
    Ok(Arc::new(rows.collect::<Result<StringArray, SqlError>>()?))
}

fn invalid(message: impl Into<String>) -> SqlError {
    SqlError::new(SqlState::InvalidParameterValue, message)
}

fn unterminated() -> SqlError {
    invalid("unterminated format() type specifier").with_hint("For a single \"%\" use \"%%\".")
}

struct Template<'a> {
    rest: &'a str,
    values: Vec<Option<String>>,
    /// The argument that a specifier without position takes.
    next: usize,
    /// How long the text may become.
    most: usize,
}

impl Template<'_> {
    fn filled(mut self) -> Result<String, SqlError> {
        let mut text = String::new();
        while let Some(at) = self.rest.find('%') {
            text.push_str(&self.rest[..at]);
            self.rest = &self.rest[at + 1..];
            match self.peek()? {
                '%' => {
                    self.rest = &self.rest[1..];
                    text.push('%');
                }
                _ => self.specifier(&mut text)?,
            }
            if text.len() > self.most {
                return Err(too_large());
            }
        }
        text.push_str(self.rest);
        Ok(text)
    }

    fn peek(&self) -> Result<char, SqlError> {
        self.rest.chars().next().ok_or_else(unterminated)
    }

    fn takes(&mut self, character: char) -> bool {
        let rest = self.rest.strip_prefix(character);
        self.rest = rest.unwrap_or(self.rest);
        rest.is_some()
    }

    fn number(&mut self) -> Result<Option<usize>, SqlError> {
        let digits = self.rest.len() - self.rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, rest) = self.rest.split_at(digits);
        self.rest = rest;
        if digits == 0 {
            return Ok(None);
        }
        let number = number.parse::<i32>().ok().and_then(|number| usize::try_from(number).ok());
        let out_of_range = || SqlError::new(SqlState::NumericValueOutOfRange, "number is out of range");
        number.map(Some).ok_or_else(out_of_range)
    }

    /// `[position$][-][width]type`
    fn specifier(&mut self, text: &mut String) -> Result<(), SqlError> {
        let mut position = None;
        let mut width = None;
        if let Some(number) = self.number()? {
            match self.takes('$') {
                true => position = Some(number),
                false => width = Some(number as i64),
            }
        }
        if position == Some(0) {
            return Err(invalid("format specifies argument 0, but arguments are numbered from 1"));
        }
        let mut left = false;
        if width.is_none() {
            while self.takes('-') {
                left = true;
            }
            width = match self.takes('*') {
                true => Some(self.width()?),
                false => self.number()?.map(|number| number as i64),
            };
        }
        let kind = self.peek()?;
        if !matches!(kind, 's' | 'I' | 'L') {
            let message = format!("unrecognized format() type specifier \"{kind}\"");
            return Err(invalid(message).with_hint("For a single \"%\" use \"%%\"."));
        }
        self.rest = &self.rest[1..];
        let value = self.argument(position)?;
        let shown = match (kind, value) {
            ('I', None) => {
                let message = "null values cannot be formatted as an SQL identifier";
                return Err(SqlError::new(SqlState::NullValueNotAllowed, message));
            }
            ('I', Some(value)) => identifier(value),
            ('L', None) => "NULL".to_owned(),
            ('L', Some(value)) => literal(value),
            (_, value) => value.unwrap_or_default().to_owned(),
        };
        let width = width.unwrap_or(0);
        let missing = width.unsigned_abs().saturating_sub(shown.chars().count() as u64);
        if missing > self.most as u64 {
            return Err(too_large());
        }
        let spaces = " ".repeat(missing as usize);
        let parts = if left || width < 0 { [shown, spaces] } else { [spaces, shown] };
        parts.iter().for_each(|part| text.push_str(part));
        Ok(())
    }

    /// The width that an argument gives: `*` or `*2$`.
    fn width(&mut self) -> Result<i64, SqlError> {
        let position = self.number()?;
        if position.is_some() && !self.takes('$') {
            return Err(invalid("width argument position must be ended by \"$\""));
        }
        if position == Some(0) {
            return Err(invalid("format specifies argument 0, but arguments are numbered from 1"));
        }
        let Some(value) = self.argument(position)? else { return Ok(0) };
        value.trim().parse::<i32>().map(i64::from).map_err(|_| {
            let message = format!("invalid input syntax for type integer: \"{value}\"");
            SqlError::new(SqlState::InvalidTextRepresentation, message)
        })
    }

    fn argument(&mut self, position: Option<usize>) -> Result<Option<&str>, SqlError> {
        let index = position.map_or(self.next, |position| position - 1);
        self.next = index + 1;
        let value = self.values.get(index).ok_or_else(|| invalid("too few arguments for format()"))?;
        Ok(value.as_deref())
    }
}

fn too_large() -> SqlError {
    let message = format!("the result of format is larger than {DEFAULT_MAX_BYTES} bytes");
    SqlError::new(SqlState::ProgramLimitExceeded, message)
        .with_detail("The limit is on what one function makes of up to 8,192 rows.")
}
