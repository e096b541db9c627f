//! Scans that merge uncommitted writes over committed entries.

use super::keyspace::OBJECT_BYTES;
use super::overlay::Overlay;
use crate::Result;
use rocksdb::{DB, DBRawIteratorWithThreadMode};
use std::cmp::Ordering;
use std::iter::Peekable;

pub(super) type Records<'a> = DBRawIteratorWithThreadMode<'a, DB>;
type Write<'a> = (&'a [u8], Option<&'a [u8]>);

/// The writes of two overlays in key order; where both wrote a key, `own` wins.
struct Writes<O: Iterator, M: Iterator> {
    own: Peekable<O>,
    merged: Peekable<M>,
}

impl<'a, O: Iterator<Item = Write<'a>>, M: Iterator<Item = Write<'a>>> Iterator for Writes<O, M> {
    type Item = Write<'a>;

    fn next(&mut self) -> Option<Write<'a>> {
        let (Some(own), Some(merged)) = (self.own.peek(), self.merged.peek()) else {
            return self.own.next().or_else(|| self.merged.next());
        };
        match own.0.cmp(merged.0) {
            Ordering::Less => self.own.next(),
            Ordering::Greater => self.merged.next(),
            Ordering::Equal => {
                self.merged.next();
                self.own.next()
            }
        }
    }
}

/// Visits the entries that start with `prefix`, from `from` (included) on, in key order until `visit` returns false.
/// `records`, when given, stands on the first committed entry at or after `from`.
pub(super) fn merge(
    own: Option<&Overlay>,
    merged: Option<&Overlay>,
    mut records: Option<&mut Records<'_>>,
    prefix: &[u8],
    from: &[u8],
    visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
) -> Result<()> {
    let mut writes = Writes {
        own: own.into_iter().flat_map(|o| o.range_from(from)).peekable(),
        merged: merged.into_iter().flat_map(|m| m.range_from(from)).peekable(),
    }
    .take_while(|(key, _)| key.starts_with(prefix))
    .peekable();
    loop {
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
