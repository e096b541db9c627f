//! Dates and times of day as text, without an allocation; the calendar itself is that of `attune_sql::types`.

use super::integer::write_unsigned;
use attune_sql::types::calendar::{DAY_US, civil};
use bytes::{BufMut, BytesMut};

/// Days from 1970-01-01 to 2000-01-01, Postgres' epoch.
pub(super) const POSTGRES_EPOCH_DAYS: i32 = 10_957;
/// Microseconds from 1970-01-01 to 2000-01-01.
pub(super) const POSTGRES_EPOCH_US: i64 = POSTGRES_EPOCH_DAYS as i64 * DAY_US;

/// Appends a date: `2024-01-31`, `12024-01-31`, `0044-03-15 BC`.
pub(super) fn write_date(out: &mut BytesMut, days: i32) {
    if write_day(out, i64::from(days)) {
        out.put_slice(b" BC");
    }
}

/// Appends a timestamp: `2024-01-31 12:30:00.5`, with `zone` behind it.
pub(super) fn write_timestamp(out: &mut BytesMut, micros: i64, zone: &[u8]) {
    let before_christ = write_day(out, micros.div_euclid(DAY_US));
    out.put_u8(b' ');
    write_time(out, micros.rem_euclid(DAY_US) as u64);
    out.put_slice(zone);
    if before_christ {
        out.put_slice(b" BC");
    }
}

/// Appends the day; true when it is before the year 1.
fn write_day(out: &mut BytesMut, days: i64) -> bool {
    let (year, month, day) = civil(days);
    let before_christ = year <= 0;
    let shown = if before_christ { 1 - year } else { year };
    write_unsigned(out, shown.unsigned_abs(), 4);
    out.put_u8(b'-');
    write_unsigned(out, u64::from(month), 2);
    out.put_u8(b'-');
    write_unsigned(out, u64::from(day), 2);
    before_christ
}

/// Appends `hh:mm:ss[.ffffff]`; hours may be more than 24 (intervals).
pub(super) fn write_time(out: &mut BytesMut, micros: u64) {
    let seconds = micros / 1_000_000;
    write_unsigned(out, seconds / 3_600, 2);
    out.put_u8(b':');
    write_unsigned(out, seconds / 60 % 60, 2);
    out.put_u8(b':');
    write_unsigned(out, seconds % 60, 2);
    let mut fraction = micros % 1_000_000;
    if fraction > 0 {
        let mut width = 6;
        while fraction.is_multiple_of(10) {
            fraction /= 10;
            width -= 1;
        }
        out.put_u8(b'.');
        write_unsigned(out, fraction, width);
    }
}
