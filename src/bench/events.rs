//! A stream of events that several benchmarks share, and the lines of COPY that fill it.

use super::BenchError;
use super::calendar::DateTime;
use super::client::Connection;
use super::random::{Keys, Random, mix};
use std::fmt::Write;

/// The columns of the stream.
pub(super) const COLUMNS: &str =
    "(user_id bigint, item_id bigint, quantity bigint, price double precision, ts timestamp)";
/// How it is fed.
pub(super) const COPY: &str = "COPY events FROM STDIN";
/// Items there are.
pub(super) const ITEMS: u64 = 10_000;
/// Events per COPY when it is filled.
const FILL_ROWS: u64 = 20_000;
/// 2026-01-01 in seconds.
const FIRST_SECOND: u64 = 1_767_225_600;
/// Spreads users over the order in which they come. A prime above any number of users.
const SHUFFLE: u64 = 2_305_843_009_213_693_951;

/// Appends events of random users.
pub(super) fn random(users: &Keys, count: u64, random: &mut Random, out: &mut String) {
    for _ in 0..count {
        let user = users.draw(random);
        event(user, random.next(), out);
    }
}

/// Fills `stream` with one event for each of the users `from..to` of `all`, in random order.
pub(super) fn fill(connection: &mut Connection, stream: &str, users: std::ops::Range<u64>) -> Result<(), BenchError> {
    let (mut text, mut from, count) = (String::new(), 0, users.end - users.start);
    while from < count {
        let to = count.min(from + FILL_ROWS);
        text.clear();
        for at in from..to {
            let place = (u128::from(at) * u128::from(SHUFFLE) % u128::from(count)) as u64;
            event(users.start + place, mix(users.start + at), &mut text);
        }
        connection.copy_in(&format!("COPY {stream} FROM STDIN"), text.as_bytes())?;
        from = to;
    }
    Ok(())
}

fn event(user: u64, noise: u64, out: &mut String) {
    let (item, quantity, price) = (noise % ITEMS, (noise >> 32) % 10, ((noise >> 40) % 400) as f64 * 0.25);
    let time = DateTime::of(FIRST_SECOND + (noise >> 16) % 10_000_000);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{user}\t{item}\t{quantity}\t{price}\t{time}");
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::random::Distribution;

    #[test]
    fn events_have_all_columns() {
        let mut out = String::new();
        random(&Keys::new(10, Distribution::Uniform), 100, &mut Random::new(1), &mut out);
        assert_eq!(out.lines().count(), 100);
        assert!(out.lines().all(|line| line.split('\t').count() == COLUMNS.split(',').count()));
    }
}
