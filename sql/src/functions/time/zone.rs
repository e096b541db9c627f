//! `timezone(zone, time)`, which AT TIME ZONE is: of UTC and fixed offsets.

use super::super::own::{Arguments, Own};
use crate::operators::out_of_range;
use crate::types::SqlType;
use crate::types::text::read_zone;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, TimestampMicrosecondArray};
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::logical_expr::ScalarUDF;
use std::sync::Arc;

/// `timezone`.
pub(super) fn functions() -> Vec<Arc<ScalarUDF>> {
    vec![Own::function("timezone", types, compute)]
}

/// With a zone a timestamp becomes one without, and the other way round.
fn types(arguments: &[DataType]) -> Option<(Vec<DataType>, DataType)> {
    let [zone, moment] = arguments else { return None };
    let (plain, zoned) = (SqlType::Timestamp.to_arrow(), SqlType::TimestampTz.to_arrow());
    let (moment, returns) = match moment {
        DataType::Timestamp(_, Some(_)) | DataType::Date32 => (zoned, plain),
        DataType::Timestamp(_, None) | DataType::Null => (plain, zoned),
        _ => return None,
    };
    (zone.is_string() || zone.is_null()).then(|| (vec![DataType::Utf8, moment], returns))
}

fn compute(arguments: &Arguments<'_>) -> Result<ArrayRef, SqlError> {
    let zones = arguments.text(0)?;
    let moments = arguments.primitive::<TimestampMicrosecondType>(1)?;
    // A moment becomes the clock of the zone, which is ahead of UTC in the east.
    let to_clock = matches!(arguments.returns, DataType::Timestamp(_, None));
    let rows = (0..arguments.rows()).map(|row| {
        if zones.is_null(row) || moments.is_null(row) {
            return Ok(None);
        }
        let east = east(zones.value(row))?;
        let moved = moments.value(row).checked_add(if to_clock { east } else { -east });
        moved.map(Some).ok_or_else(|| out_of_range("timestamp"))
    });
    let rows = rows.collect::<Result<TimestampMicrosecondArray, SqlError>>()?;
    Ok(Arc::new(rows.with_data_type(arguments.returns.clone())))
}

/// Microseconds that the clock of a zone is ahead of UTC.
fn east(zone: &str) -> Result<i64, SqlError> {
    if let Some(seconds) = read_zone(zone) {
        return Ok(seconds * 1_000_000);
    }
    if zone.contains('/') {
        return Err(SqlError::unsupported(
            format!("named time zone \"{zone}\" is not supported"),
            "Use UTC, or add and subtract an interval.",
        ));
    }
    Err(SqlError::new(SqlState::InvalidParameterValue, format!("time zone \"{zone}\" not recognized")))
}

#[cfg(test)]
mod tests {
    use super::super::super::own::tests::call;
    use crate::types::SqlType::{Text, Timestamp, TimestampTz};

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn clocks_of_zones() {
        let plain = ("2024-01-01", Timestamp);
        assert_eq!(call("timezone", &[("UTC", Text), plain]), "2024-01-01 00:00:00+00");
        assert_eq!(call("timezone", &[("+02", Text), plain]), "2024-01-01 02:00:00+00");
        let zoned = ("2024-01-01 00:00+00", TimestampTz);
        assert_eq!(call("timezone", &[("utc", Text), zoned]), "2024-01-01 00:00:00");
        assert_eq!(call("timezone", &[("-05:30", Text), zoned]), "2024-01-01 05:30:00");
        assert_eq!(call("timezone", &[("foo", Text), zoned]), "22023: time zone \"foo\" not recognized");
        assert!(call("timezone", &[("Europe/Rome", Text), zoned]).starts_with("0A000"));
    }
}
