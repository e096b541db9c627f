//! SQL types from their names in SQL text.

use super::{PLAIN_NUMERIC, SqlType};
use crate::{SqlError, SqlState};
use datafusion::sql::sqlparser::ast::{CharacterLength, DataType, ExactNumberInfo, TimezoneInfo};

/// Postgres' limit for `varchar(n)`.
const VARCHAR_MAX: u64 = 10_485_760;

impl SqlType {
    /// The type that a type name of SQL means, in all spellings Postgres knows.
    ///
    /// # Errors
    /// 0A000 for types Attune does not have, with the type to use instead; 42704 for names that are no type; 22023 for
    /// impossible lengths and precisions.
    pub fn from_ast(data_type: &DataType) -> Result<SqlType, SqlError> {
        Ok(match data_type {
            DataType::Boolean | DataType::Bool => SqlType::Boolean,
            DataType::SmallInt(None) | DataType::Int2(None) => SqlType::SmallInt,
            DataType::Int(None) | DataType::Integer(None) | DataType::Int4(None) => SqlType::Integer,
            DataType::BigInt(None) | DataType::Int8(None) => SqlType::BigInt,
            DataType::Real | DataType::Float4 => SqlType::Real,
            DataType::Float(info) => float(*info)?,
            DataType::Double(ExactNumberInfo::None) | DataType::DoublePrecision | DataType::Float8 => SqlType::Double,
            DataType::Numeric(info) | DataType::Decimal(info) | DataType::Dec(info) => numeric(*info)?,
            DataType::Text => SqlType::Text,
            DataType::Varchar(length) | DataType::CharacterVarying(length) | DataType::CharVarying(length) => {
                SqlType::Varchar { limit: varchar_limit(*length)? }
            }
            DataType::Bytea => SqlType::Bytea,
            DataType::Date => SqlType::Date,
            DataType::Timestamp(precision, zone) => timestamp(*precision, *zone)?,
            DataType::Interval { fields: None, precision: None } => SqlType::Interval,
            other => return Err(refuse(other)),
        })
    }
}

fn float(info: ExactNumberInfo) -> Result<SqlType, SqlError> {
    match info {
        ExactNumberInfo::None | ExactNumberInfo::Precision(25..=53) => Ok(SqlType::Double),
        ExactNumberInfo::Precision(1..=24) => Ok(SqlType::Real),
        _ => Err(SqlError::new(
            SqlState::InvalidParameterValue,
            "precision for type float must be between 1 and 53 bits",
        )),
    }
}

fn numeric(info: ExactNumberInfo) -> Result<SqlType, SqlError> {
    let (precision, scale) = match info {
        ExactNumberInfo::None => return Ok(PLAIN_NUMERIC),
        ExactNumberInfo::Precision(precision) => (precision, 0),
        ExactNumberInfo::PrecisionAndScale(precision, scale) => (precision, scale),
    };
    let digits = u8::try_from(precision).ok().filter(|p| (1..=38).contains(p)).ok_or_else(|| {
        SqlError::new(
            SqlState::InvalidParameterValue,
            format!("NUMERIC precision {precision} must be between 1 and 38"),
        )
        .with_hint("Numbers with more than 38 digits are not supported; use double precision or text.")
    })?;
    let scale = i8::try_from(scale).ok().filter(|s| (0..=digits as i8).contains(s)).ok_or_else(|| {
        SqlError::new(
            SqlState::InvalidParameterValue,
            format!("NUMERIC scale {scale} must be between 0 and precision {precision}"),
        )
    })?;
    Ok(SqlType::Numeric { precision: digits, scale })
}

fn varchar_limit(length: Option<CharacterLength>) -> Result<Option<u32>, SqlError> {
    match length {
        None => Ok(None),
        Some(CharacterLength::IntegerLength { length, unit: None }) if (1..=VARCHAR_MAX).contains(&length) => {
            Ok(u32::try_from(length).ok())
        }
        Some(_) => Err(SqlError::new(
            SqlState::InvalidParameterValue,
            format!("length for type varchar must be between 1 and {VARCHAR_MAX}"),
        )),
    }
}

fn timestamp(precision: Option<u64>, zone: TimezoneInfo) -> Result<SqlType, SqlError> {
    if precision.is_some_and(|p| p != 6) {
        return Err(SqlError::unsupported(
            "timestamps have microsecond precision only",
            "Leave the precision out, and round with date_trunc('second', ...) where needed.",
        ));
    }
    Ok(match zone {
        TimezoneInfo::None | TimezoneInfo::WithoutTimeZone => SqlType::Timestamp,
        TimezoneInfo::WithTimeZone | TimezoneInfo::Tz => SqlType::TimestampTz,
    })
}

/// The error for a type that is none of ours.
fn refuse(data_type: &DataType) -> SqlError {
    let name = data_type.to_string().to_lowercase();
    let unsupported = |instead: &str| SqlError::unsupported(format!("type {name} is not supported"), instead);
    match data_type {
        DataType::Char(_) | DataType::Character(_) => unsupported("Use text or varchar; they have no blank padding."),
        DataType::JSON | DataType::JSONB => unsupported("Use text, or one column per field."),
        DataType::Uuid => unsupported("Use text."),
        DataType::Time(..) => unsupported("Use timestamp, or interval since midnight."),
        DataType::Array(_) => unsupported("Use one row per element."),
        DataType::TinyInt(_) => unsupported("Use smallint."),
        DataType::Interval { .. } => unsupported("Use interval without fields and precision."),
        DataType::SmallInt(_)
        | DataType::Int2(_)
        | DataType::Int(_)
        | DataType::Integer(_)
        | DataType::Int4(_)
        | DataType::BigInt(_)
        | DataType::Int8(_) => unsupported("Integer types have no length in Postgres."),
        DataType::Custom(..)
            if matches!(name.as_str(), "serial" | "bigserial" | "smallserial" | "serial4" | "serial8") =>
        {
            unsupported("Use bigint, and let the application give the number.")
        }
        DataType::Custom(..) => {
            let error = SqlError::new(SqlState::UndefinedObject, format!("type \"{name}\" does not exist"));
            match crate::suggest::suggest(&name, TYPE_NAMES.iter().copied()) {
                Some(hint) => error.with_hint(format!("Did you mean \"{hint}\"?")),
                None => error.with_hint("docs/sql.md lists the types Attune has."),
            }
        }
        _ => unsupported("docs/sql.md lists the types Attune has."),
    }
}

/// Names for "did you mean".
const TYPE_NAMES: &[&str] = &[
    "boolean",
    "smallint",
    "integer",
    "bigint",
    "real",
    "double precision",
    "numeric",
    "decimal",
    "text",
    "varchar",
    "bytea",
    "date",
    "timestamp",
    "timestamptz",
    "interval",
];

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::sql::sqlparser::{dialect::PostgreSqlDialect, parser::Parser};

    fn named(text: &str) -> Result<SqlType, SqlError> {
        let mut parser = Parser::new(&PostgreSqlDialect {}).try_with_sql(text).expect("tokens");
        SqlType::from_ast(&parser.parse_data_type().expect("a type name"))
    }

    #[test]
    fn postgres_spellings() {
        for (text, name) in [
            ("bool", "boolean"),
            ("int2", "smallint"),
            ("int", "integer"),
            ("int4", "integer"),
            ("integer", "integer"),
            ("int8", "bigint"),
            ("float4", "real"),
            ("float8", "double precision"),
            ("float", "double precision"),
            ("float(10)", "real"),
            ("double precision", "double precision"),
            ("decimal", "numeric(38,10)"),
            ("numeric(12)", "numeric(12,0)"),
            ("dec(12,3)", "numeric(12,3)"),
            ("text", "text"),
            ("varchar", "character varying"),
            ("varchar(7)", "character varying(7)"),
            ("character varying(7)", "character varying(7)"),
            ("char varying(7)", "character varying(7)"),
            ("bytea", "bytea"),
            ("date", "date"),
            ("timestamp", "timestamp without time zone"),
            ("timestamp without time zone", "timestamp without time zone"),
            ("timestamp with time zone", "timestamp with time zone"),
            ("timestamptz", "timestamp with time zone"),
            ("interval", "interval"),
        ] {
            assert_eq!(named(text).map(|t| t.to_string()), Ok(name.to_owned()), "{text}");
        }
    }

    #[test]
    fn others_are_refused_with_a_reason() {
        for (text, code, part) in [
            ("char(3)", "0A000", "type char(3) is not supported"),
            ("numeric(39,2)", "22023", "between 1 and 38"),
            ("numeric(3,5)", "22023", "scale 5"),
            ("jsonb", "0A000", "type jsonb"),
            ("serial", "0A000", "let the application"),
            ("bigitn", "42704", "Did you mean \"bigint\"?"),
            ("timestamp(3)", "0A000", "microsecond"),
            ("int[]", "0A000", "one row per element"),
        ] {
            let error = named(text).expect_err(text);
            assert_eq!(error.state.code(), code, "{text}");
            assert!(error.to_string().contains(part), "{text}: {error}");
        }
    }
}
