//! Values of Arrow arrays as text: what a cast to text gives.

use super::{
    push, write_bytea, write_date, write_double, write_integer, write_interval, write_numeric, write_real,
    write_timestamp, write_unsigned,
};
use crate::SqlError;
use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    IntervalMonthDayNanoType, IntervalUnit, TimeUnit, TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
    UInt64Type,
};

/// Appends a value that is not NULL: a number, `true`, `2024-02-29`, `{a,NULL}`.
///
/// # Errors
/// XX000 for Arrow types that hold no value of SQL.
pub fn write_value(out: &mut String, array: &dyn Array, row: usize) -> Result<(), SqlError> {
    match array.data_type() {
        DataType::Boolean => push(out, if array.as_boolean().value(row) { "true" } else { "false" }),
        DataType::Int8 => write_integer(out, i64::from(array.as_primitive::<Int8Type>().value(row))),
        DataType::Int16 => write_integer(out, i64::from(array.as_primitive::<Int16Type>().value(row))),
        DataType::Int32 => write_integer(out, i64::from(array.as_primitive::<Int32Type>().value(row))),
        DataType::Int64 => write_integer(out, array.as_primitive::<Int64Type>().value(row)),
        DataType::UInt8 => write_unsigned(out, u64::from(array.as_primitive::<UInt8Type>().value(row)), 1),
        DataType::UInt16 => write_unsigned(out, u64::from(array.as_primitive::<UInt16Type>().value(row)), 1),
        DataType::UInt32 => write_unsigned(out, u64::from(array.as_primitive::<UInt32Type>().value(row)), 1),
        DataType::UInt64 => write_unsigned(out, array.as_primitive::<UInt64Type>().value(row), 1),
        DataType::Float32 => write_real(out, array.as_primitive::<Float32Type>().value(row)),
        DataType::Float64 => write_double(out, array.as_primitive::<Float64Type>().value(row)),
        DataType::Decimal128(_, scale) => {
            write_numeric(out, array.as_primitive::<Decimal128Type>().value(row), *scale);
        }
        DataType::Utf8 => push(out, array.as_string::<i32>().value(row)),
        DataType::LargeUtf8 => push(out, array.as_string::<i64>().value(row)),
        DataType::Utf8View => push(out, array.as_string_view().value(row)),
        DataType::Binary => write_bytea(out, array.as_binary::<i32>().value(row)),
        DataType::LargeBinary => write_bytea(out, array.as_binary::<i64>().value(row)),
        DataType::Date32 => write_date(out, array.as_primitive::<Date32Type>().value(row)),
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let zone = if zone.is_some() { "+00" } else { "" };
            write_timestamp(out, array.as_primitive::<TimestampMicrosecondType>().value(row), zone);
        }
        DataType::Interval(IntervalUnit::MonthDayNano) => {
            let value = array.as_primitive::<IntervalMonthDayNanoType>().value(row);
            write_interval(out, value.months, value.days, value.nanoseconds / 1_000);
        }
        DataType::List(_) => return write_array(out, array.as_list::<i32>().value(row).as_ref()),
        DataType::LargeList(_) => return write_array(out, array.as_list::<i64>().value(row).as_ref()),
        other => return Err(SqlError::internal(format!("{other} has no text"))),
    }
    Ok(())
}

/// Appends an array of these elements: `{1,NULL,"a b"}`, elements in quotes where Postgres' `array_out` has them.
///
/// # Errors
/// As [`write_value`].
pub fn write_array(out: &mut String, elements: &dyn Array) -> Result<(), SqlError> {
    push(out, "{");
    let mut text = String::new();
    for row in 0..elements.len() {
        if row > 0 {
            push(out, ",");
        }
        if elements.is_null(row) {
            push(out, "NULL");
            continue;
        }
        match elements.data_type() {
            // Only a cast writes the whole word.
            DataType::Boolean => push(out, if elements.as_boolean().value(row) { "t" } else { "f" }),
            DataType::List(_) | DataType::LargeList(_) => write_value(out, elements, row)?,
            _ => {
                text.clear();
                write_value(&mut text, elements, row)?;
                write_element(out, &text);
            }
        }
    }
    push(out, "}");
    Ok(())
}

fn write_element(out: &mut String, text: &str) {
    let special = |c: char| matches!(c, '"' | '\\' | '{' | '}' | ',') || super::read::is_blank(c);
    if !text.is_empty() && !text.eq_ignore_ascii_case("null") && !text.contains(special) {
        return push(out, text);
    }
    push(out, "\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            out.push('\\');
        }
        out.push(character);
    }
    push(out, "\"");
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::{BooleanArray, StringArray};

    /// As PostgreSQL 15 prints the same arrays.
    #[test]
    fn elements_are_in_quotes_where_they_must_be() {
        let texts = StringArray::from(vec![
            Some("a"),
            Some("b c"),
            None,
            Some("null"),
            Some(""),
            Some("q\"\\"),
            Some("{"),
            Some("é"),
        ]);
        let mut out = String::new();
        write_array(&mut out, &texts).unwrap();
        assert_eq!(out, r#"{a,"b c",NULL,"null","","q\"\\","{",é}"#);
        let mut out = String::new();
        write_array(&mut out, &BooleanArray::from(vec![true, false])).unwrap();
        assert_eq!(out, "{t,f}");
    }
}
