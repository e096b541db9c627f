//! Constants: DataFusion's scalar values to text and back.
//!
//! The text of a value is what Postgres would read as that value, so that the same form serves plans on disk, lookups and
//! EXPLAIN. A value is only taken if its text reads back as the same value.

use super::Literal;
use crate::types::{arrow_type, column_type, shown};
use arrow::datatypes::{Decimal128Type, DecimalType, IntervalMonthDayNano};
use attune_sql::types::SqlType;
use attune_sql::types::text::{
    read_bytea, read_value, write_bytea, write_date, write_double, write_real, write_timestamp,
};
use attune_sql::{SqlError, SqlState};
use attune_storage::ColumnType;
use datafusion::common::ScalarValue;

impl Literal {
    /// The constant TRUE.
    pub(crate) fn truth() -> Literal {
        Literal { column_type: ColumnType::Boolean, value: Some("t".to_owned()) }
    }

    /// The literal of a scalar value, in the column type that holds its type.
    ///
    /// # Errors
    /// 0A000 if no column type holds it, or not exactly.
    pub(crate) fn from_scalar(value: &ScalarValue) -> Result<Literal, SqlError> {
        let data_type = value.data_type();
        let column_type = column_type(&data_type)
            .ok_or_else(|| unsupported(value, &format!("{} is no column type", shown(&data_type))))?;
        let value = value.cast_to(&column_type.to_arrow()).map_err(|e| unsupported(value, &e.to_string()))?;
        if value.is_null() {
            return Ok(Literal { column_type, value: None });
        }
        let literal = Literal { column_type, value: Some(text(&value)?) };
        // NaN is not equal to itself under `==` of floats, but ScalarValue compares bits.
        if literal.to_scalar()? != value {
            return Err(unsupported(&value, "it has no exact text form"));
        }
        Ok(literal)
    }

    /// The scalar value of the literal.
    ///
    /// # Errors
    /// 22P02 if the text is no value of the type (a damaged plan).
    pub(crate) fn to_scalar(&self) -> Result<ScalarValue, SqlError> {
        let invalid = |_| {
            let text = self.value.as_deref().unwrap_or_default();
            let message = format!("invalid constant of type {}: \"{text}\"", self.column_type);
            SqlError::new(SqlState::InvalidTextRepresentation, message)
        };
        let data_type = arrow_type(self.column_type);
        let Some(text) = &self.value else {
            return ScalarValue::try_new_null(&data_type).map_err(|e| invalid(e.to_string()));
        };
        Ok(match self.column_type {
            ColumnType::Boolean => ScalarValue::Boolean(Some(match text.as_str() {
                "t" => true,
                "f" => false,
                _ => return Err(invalid(String::new())),
            })),
            ColumnType::Text => ScalarValue::Utf8(Some(text.clone())),
            ColumnType::Bytes => ScalarValue::Binary(Some(read_bytea(text).map_err(|_| invalid(String::new()))?)),
            ColumnType::Date => read_value(text, SqlType::Date)?,
            ColumnType::Timestamp => read_value(text, SqlType::Timestamp)?,
            ColumnType::TimestampTz => read_value(text, SqlType::TimestampTz)?,
            ColumnType::Float32 => ScalarValue::Float32(Some(text.parse().map_err(|_| invalid(String::new()))?)),
            ColumnType::Float64 => ScalarValue::Float64(Some(text.parse().map_err(|_| invalid(String::new()))?)),
            _ => ScalarValue::try_from_string(text.clone(), &data_type).map_err(|e| invalid(e.to_string()))?,
        })
    }
}

/// The text of a value that is not NULL and of a column type.
fn text(value: &ScalarValue) -> Result<String, SqlError> {
    Ok(match value {
        ScalarValue::Boolean(Some(v)) => (if *v { "t" } else { "f" }).to_owned(),
        ScalarValue::Float32(Some(v)) => written(|out| write_real(out, *v)),
        ScalarValue::Float64(Some(v)) => written(|out| write_double(out, *v)),
        ScalarValue::Decimal128(Some(v), precision, scale) => Decimal128Type::format_decimal(*v, *precision, *scale),
        ScalarValue::Utf8(Some(v)) => v.clone(),
        ScalarValue::Binary(Some(v)) => written(|out| write_bytea(out, v)),
        ScalarValue::IntervalMonthDayNano(Some(v)) => {
            interval_text(*v).ok_or_else(|| unsupported(value, "it has parts below a microsecond"))?
        }
        ScalarValue::Date32(Some(v)) => written(|out| write_date(out, *v)),
        ScalarValue::TimestampMicrosecond(Some(v), zone) => {
            let zone = if zone.is_some() { "+00" } else { "" };
            written(|out| write_timestamp(out, *v, zone))
        }
        _ => value.to_string_value()?,
    })
}

trait ToText {
    fn to_string_value(&self) -> Result<String, SqlError>;
}

impl ToText for ScalarValue {
    /// Arrow's own text of the value.
    fn to_string_value(&self) -> Result<String, SqlError> {
        match self.cast_to(&arrow::datatypes::DataType::Utf8) {
            Ok(ScalarValue::Utf8(Some(text))) => Ok(text),
            Ok(_) => Err(unsupported(self, "it has no text form")),
            Err(e) => Err(unsupported(self, &e.to_string())),
        }
    }
}

fn interval_text(value: IntervalMonthDayNano) -> Option<String> {
    if value.nanoseconds % 1000 != 0 {
        return None;
    }
    Some(format!("{} mons {} days {} microseconds", value.months, value.days, value.nanoseconds / 1000))
}

fn written(write: impl Fn(&mut String)) -> String {
    let mut text = String::new();
    write(&mut text);
    text
}

fn unsupported(value: &ScalarValue, why: &str) -> SqlError {
    SqlError::unsupported(
        format!("the constant {value} cannot be kept in a plan: {why}"),
        "Cast it to one of the column types of Attune.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round_trip(value: ScalarValue) -> String {
        let literal = Literal::from_scalar(&value).expect("has a text form");
        assert_eq!(literal.to_scalar().expect("reads back"), value);
        literal.value.unwrap_or("NULL".to_owned())
    }

    #[test]
    fn constants_have_the_text_of_postgres() {
        let zone = Some("+00:00".into());
        let cases = [
            (ScalarValue::Boolean(Some(true)), "t"),
            (ScalarValue::Int64(Some(i64::MIN)), "-9223372036854775808"),
            (ScalarValue::Int64(None), "NULL"),
            (ScalarValue::Float64(Some(0.1)), "0.1"),
            (ScalarValue::Float64(Some(-12.5)), "-12.5"),
            (ScalarValue::Float64(Some(100.0)), "100"),
            (ScalarValue::Float64(Some(1e15)), "1e+15"),
            (ScalarValue::Float64(Some(1.5e-7)), "1.5e-07"),
            (ScalarValue::Float64(Some(0.0001)), "0.0001"),
            (ScalarValue::Float64(Some(-0.0)), "-0"),
            (ScalarValue::Float64(Some(f64::NAN)), "NaN"),
            (ScalarValue::Float64(Some(f64::NEG_INFINITY)), "-Infinity"),
            (ScalarValue::Float32(Some(0.1)), "0.1"),
            (ScalarValue::Decimal128(Some(-12345), 10, 2), "-123.45"),
            (ScalarValue::Utf8(Some("it's \\x".into())), "it's \\x"),
            (ScalarValue::Binary(Some(vec![0, 255])), "\\x00ff"),
            (ScalarValue::Date32(Some(19_000)), "2022-01-08"),
            (ScalarValue::TimestampMicrosecond(Some(1_500_000), None), "1970-01-01 00:00:01.5"),
            (ScalarValue::TimestampMicrosecond(Some(1), zone), "1970-01-01 00:00:00.000001+00"),
            (
                ScalarValue::IntervalMonthDayNano(Some(IntervalMonthDayNano::new(-1, 2, 3_000))),
                "-1 mons 2 days 3 microseconds",
            ),
        ];
        for (value, text) in cases {
            assert_eq!(round_trip(value.clone()), text, "{value:?}");
        }
    }

    #[test]
    fn damaged_text_is_an_error() {
        for (column_type, text, state) in [
            (ColumnType::Boolean, "yes?", SqlState::InvalidTextRepresentation),
            (ColumnType::Int16, "70000", SqlState::InvalidTextRepresentation),
            (ColumnType::Bytes, "\\x0", SqlState::InvalidTextRepresentation),
            (ColumnType::Bytes, "\\9", SqlState::InvalidTextRepresentation),
            (ColumnType::Date, "2022-13-01", SqlState::DatetimeFieldOverflow),
        ] {
            let literal = Literal { column_type, value: Some(text.to_owned()) };
            assert_eq!(literal.to_scalar().map_err(|e| e.state), Err(state));
        }
    }
}
