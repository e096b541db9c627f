//! Who writes rows of a table beside others, and who alone.
//!
//! Nobody locks rows: a statement that others were quicker than is evaluated again. Nothing makes it luckier the next time, though,
//! and where epochs overlap bad luck lasts: who has read one epoch and comes into the next but one loses to those who read that one,
//! again and again. So a statement that has lost [`PATIENCE`] times is evaluated and written alone: others that write the
//! same table wait for the moment between its reading and its end. They wait with what they write, not with what they evaluate,
//! which may take long.

use crate::coordinator::RelationChange;
use std::collections::BTreeSet;
use tokio::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// How often a statement loses before it is evaluated alone.
pub(super) const PATIENCE: usize = 8;
/// Turns of writing; tables share one where their ids are the same modulo this.
const SLOTS: usize = 64;

/// The turns of all tables.
pub(super) struct Turns {
    /// Taken in ascending order, so that nobody waits in a circle; fair, so that nobody waits for ever.
    slots: [RwLock<()>; SLOTS],
}

/// A turn of writing these tables with others that do.
pub(super) struct Beside<'a> {
    _turns: Vec<RwLockReadGuard<'a, ()>>,
}

/// A turn of evaluating and writing while nobody else writes these tables.
pub struct Alone<'a> {
    _turns: Vec<RwLockWriteGuard<'a, ()>>,
}

impl Turns {
    /// Nobody writes yet.
    pub(super) fn new() -> Turns {
        Turns { slots: std::array::from_fn(|_| RwLock::new(())) }
    }

    /// Waits until nobody has these tables alone. To be kept until what is written is acknowledged, which makes sure that whoever
    /// is alone next reads it.
    pub(super) async fn beside(&self, tables: impl IntoIterator<Item = u32>) -> Beside<'_> {
        let mut turns = Vec::new();
        for slot in slots(tables) {
            turns.push(self.slots[slot].read().await);
        }
        Beside { _turns: turns }
    }

    /// Waits until nobody writes these tables. To be kept from before what is to be written is read until it is acknowledged.
    pub(super) async fn alone(&self, tables: impl IntoIterator<Item = u32>) -> Alone<'_> {
        let mut turns = Vec::new();
        for slot in slots(tables) {
            turns.push(self.slots[slot].write().await);
        }
        Alone { _turns: turns }
    }
}

fn slots(tables: impl IntoIterator<Item = u32>) -> BTreeSet<usize> {
    tables.into_iter().map(|table| table as usize % SLOTS).collect()
}

/// The tables among these changes; events of streams never lose.
pub(super) fn tables(changes: &[RelationChange]) -> impl Iterator<Item = u32> {
    changes.iter().filter_map(|change| match change {
        RelationChange::Append { .. } => None,
        RelationChange::Mutate { table, .. } => Some(*table),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::FutureExt;

    #[test]
    fn who_is_alone_waits_for_others_and_lets_them_wait() {
        let turns = Turns::new();
        let first = turns.beside([1]).now_or_never().unwrap();
        let second = turns.beside([1, 2]).now_or_never().unwrap();
        assert!(turns.alone([2]).now_or_never().is_none());
        drop(second);
        let alone = turns.alone([2]).now_or_never().unwrap();
        assert!(turns.beside([1, 2]).now_or_never().is_none());
        assert!(turns.beside([1]).now_or_never().is_some(), "another table");
        let mut waits = Box::pin(turns.alone([2, 1]));
        assert!((&mut waits).now_or_never().is_none());
        drop(first);
        assert!((&mut waits).now_or_never().is_none(), "two were alone");
        assert!(turns.beside([1]).now_or_never().is_none(), "it has its turn when the other has ended");
        drop(alone);
        assert!(waits.now_or_never().is_some());
        assert!(turns.beside([]).now_or_never().is_some());
    }
}
