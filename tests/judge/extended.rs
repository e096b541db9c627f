//! The extended protocol: parameters as texts, results in binary, shown as texts.

use super::system::{Answer, Outcome, Row, patiently};
use bytes::BytesMut;
use std::error::Error;
use tokio_postgres::Client;
use tokio_postgres::types::{Format, FromSql, IsNull, ToSql, Type, to_sql_checked};

/// A parameter of whatever type the server wants.
#[derive(Debug)]
struct Parameter(String);

impl ToSql for Parameter {
    fn to_sql(&self, _: &Type, out: &mut BytesMut) -> Result<IsNull, Box<dyn Error + Sync + Send>> {
        out.extend_from_slice(self.0.as_bytes());
        Ok(IsNull::No)
    }

    fn accepts(_: &Type) -> bool {
        true
    }

    fn encode_format(&self, _: &Type) -> Format {
        Format::Text
    }

    to_sql_checked!();
}

/// A value as it came.
struct Raw(Option<String>);

impl<'a> FromSql<'a> for Raw {
    fn from_sql(ty: &Type, raw: &'a [u8]) -> Result<Raw, Box<dyn Error + Sync + Send>> {
        Ok(Raw(Some(text(ty, raw).ok_or_else(|| format!("{} bytes as {ty}", raw.len()))?)))
    }

    fn from_sql_null(_: &Type) -> Result<Raw, Box<dyn Error + Sync + Send>> {
        Ok(Raw(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Prepares and executes.
pub async fn execute(client: &Client, sql: &str, parameters: &[String]) -> Outcome {
    patiently(execute_now(client, sql, parameters)).await
}

async fn execute_now(client: &Client, sql: &str, parameters: &[String]) -> Outcome {
    let parameters: Vec<Parameter> = parameters.iter().map(|text| Parameter(text.clone())).collect();
    let statement = match client.prepare(sql).await {
        Ok(statement) => statement,
        Err(error) => return Outcome::from_error(&error),
    };
    let names = statement.columns().iter().map(|column| column.name().to_owned()).collect();
    let references: Vec<&(dyn ToSql + Sync)> = parameters.iter().map(|p| p as &(dyn ToSql + Sync)).collect();
    let rows = match client.query(&statement, &references).await {
        Ok(rows) => rows,
        Err(error) => return Outcome::from_error(&error),
    };
    let mut answer = Answer { names, ..Answer::default() };
    for row in rows {
        let cells: Result<Row, _> = (0..row.len()).map(|at| row.try_get::<_, Raw>(at).map(|raw| raw.0)).collect();
        match cells {
            Ok(cells) => answer.rows.push(cells),
            Err(error) => return Outcome::from_error(&error),
        }
    }
    Outcome::Answer(answer)
}

/// A binary value as text; None if it has not the length of its type.
fn text(ty: &Type, raw: &[u8]) -> Option<String> {
    Some(match *ty {
        Type::BOOL => if raw == [1] { "t" } else { "f" }.to_owned(),
        Type::INT2 => i16::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::INT4 | Type::DATE => i32::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::INT8 | Type::TIMESTAMP | Type::TIMESTAMPTZ => i64::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::FLOAT4 => f32::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::FLOAT8 => f64::from_be_bytes(raw.try_into().ok()?).to_string(),
        Type::NUMERIC => numeric(raw)?,
        Type::TEXT | Type::VARCHAR => String::from_utf8(raw.to_vec()).ok()?,
        Type::INTERVAL => {
            let time = i64::from_be_bytes(raw.get(..8)?.try_into().ok()?);
            let days = i32::from_be_bytes(raw.get(8..12)?.try_into().ok()?);
            let months = i32::from_be_bytes(raw.get(12..)?.try_into().ok()?);
            format!("{months} months {days} days {time} microseconds")
        }
        _ => raw.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// Digits to the base 10,000, the place of the first, a sign, and how many decimals are shown.
fn numeric(raw: &[u8]) -> Option<String> {
    let word = |at: usize| Some(i16::from_be_bytes(raw.get(at * 2..at * 2 + 2)?.try_into().ok()?));
    let (count, weight) = (i32::from(word(0)?), i32::from(word(1)?));
    let digit = |place: i32| {
        let at = weight - place;
        if (0..count).contains(&at) { word(4 + usize::try_from(at).ok()?) } else { Some(0) }
    };
    match word(2)? {
        0 | 0x4000 => {}
        sign => return Some(format!("special {sign:x}")),
    }
    let mut text = if word(2)? == 0 { String::new() } else { "-".to_owned() };
    let mut whole = String::new();
    for place in (0..=weight.max(0)).rev() {
        whole.push_str(&format!("{:04}", digit(place)?));
    }
    let whole = whole.trim_start_matches('0');
    text.push_str(if whole.is_empty() { "0" } else { whole });
    let decimals = usize::try_from(word(3)?).ok()?;
    let mut fraction = String::new();
    let mut place = -1;
    while fraction.len() < decimals {
        fraction.push_str(&format!("{:04}", digit(place)?));
        place -= 1;
    }
    fraction.truncate(decimals);
    Some(if decimals == 0 { text } else { format!("{text}.{fraction}") })
}

#[test]
fn numerics_are_read() {
    let bytes = |words: &[i16]| words.iter().flat_map(|word| word.to_be_bytes()).collect::<Vec<u8>>();
    assert_eq!(numeric(&bytes(&[2, 0, 0, 2, 12, 3400])).unwrap(), "12.34");
    assert_eq!(numeric(&bytes(&[1, 1, 0x4000, 0, 7])).unwrap(), "-70000");
    assert_eq!(numeric(&bytes(&[1, -1, 0, 3, 50])).unwrap(), "0.005");
    assert_eq!(numeric(&bytes(&[0, 0, 0, 2])).unwrap(), "0.00");
}
