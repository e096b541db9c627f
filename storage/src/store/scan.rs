//! Scans that merge uncommitted writes over committed entries.

use super::keyspace::OBJECT_BYTES;
use super::overlay::Overlay;
use crate::{Result, yields};
use rocksdb::{DB, DBRawIteratorWithThreadMode};
use std::cmp::Ordering;
use std::iter::Peekable;

pub(super) type Records<'a> = DBRawIteratorWithThreadMode<'a, DB>;
type Write<'a> = (&'a [u8], Option<&'a [u8]>);

/// Two sequences of writes as one in key order; where both wrote a key, `newer` wins.
struct Writes<N: Iterator, O: Iterator> {
    newer: Peekable<N>,
    older: Peekable<O>,
}

impl<'a, N: Iterator<Item = Write<'a>>, O: Iterator<Item = Write<'a>>> Iterator for Writes<N, O> {
    type Item = Write<'a>;

    fn next(&mut self) -> Option<Write<'a>> {
        let (Some(newer), Some(older)) = (self.newer.peek(), self.older.peek()) else {
            return self.newer.next().or_else(|| self.older.next());
        };
        match newer.0.cmp(older.0) {
            Ordering::Less => self.newer.next(),
            Ordering::Greater => self.older.next(),
            Ordering::Equal => {
                self.older.next();
                self.newer.next()
            }
        }
    }
}

/// Visits the entries that start with `prefix`, from `from` (included) on, in key order until `visit` returns false.
/// `overlays` come newest first. `records`, when given, stands on the first committed entry at or after `from`.
pub(super) fn merge(
    overlays: [Option<&Overlay>; 3],
    mut records: Option<&mut Records<'_>>,
    prefix: &[u8],
    from: &[u8],
    visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
) -> Result<()> {
    let [own, merged, in_flight] =
        overlays.map(|overlay| overlay.into_iter().flat_map(|o| o.range_from(from)).peekable());
    let older = Writes { newer: merged, older: in_flight }.peekable();
    let mut writes = Writes { newer: own, older }.take_while(|(key, _)| key.starts_with(prefix)).peekable();
    loop {
        yields::point();
        let record = records.as_ref().and_then(|r| r.item()).map(|(key, value)| (&key[OBJECT_BYTES..], value));
        let record = record.filter(|(key, _)| key.starts_with(prefix));
        let order = match (writes.peek(), record) {
            (None, None) => break,
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some((written, _)), Some((stored, _))) => (*written).cmp(stored),
        };
        let go_on = match (order, record) {
            (Ordering::Greater, Some((key, value))) => visit(key, value),
            _ => match writes.next() {
                Some((key, Some(value))) => visit(key, value),
                _ => true,
            },
        };
        if !go_on {
            return Ok(());
        }
        if order != Ordering::Less
            && let Some(records) = records.as_mut()
        {
            records.next();
        }
    }
    match records {
        Some(records) => Ok(records.status()?),
        None => Ok(()),
    }
}
