//! Readers on threads while epochs are committed: no torn read, no stale read after the acknowledgement, no step back.

use super::{Fixture, ROWS, small};
use crate::codec::KeyCodec;
use crate::{KeyRange, Store, StoreOptions, TableReader};
use bytes::Bytes;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const PAIRS: u64 = 24;

/// Which pairs an epoch writes: the first always (it tells the epoch), the others by a fixed pattern.
fn writes(epoch: u64, pair: u64) -> bool {
    pair == 0 || (epoch.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> (pair + 8)) & 3 == 0
}

/// The epoch that wrote `pair` last, as of `epoch`.
fn last_write(epoch: u64, pair: u64) -> u64 {
    (1..=epoch).rev().find(|e| writes(*e, pair)).unwrap_or(0)
}

fn key(side: u8, pair: u64) -> [u8; 9] {
    let mut key = [side; 9];
    key[1..].copy_from_slice(&pair.to_be_bytes());
    key
}

fn value(bytes: Option<&Bytes>) -> u64 {
    bytes.map_or(0, |b| u64::from_be_bytes(b[..].try_into().unwrap()))
}

/// What one reader thread knows.
struct Reader<'a> {
    table: TableReader,
    acknowledged: &'a AtomicU64,
    /// The latest epoch seen.
    seen: u64,
}

impl Reader<'_> {
    fn note(&mut self, epoch: u64, acknowledged: u64, how: &str) {
        assert!(epoch >= acknowledged, "{how}: epoch {epoch} was read after {acknowledged} was acknowledged");
        assert!(epoch >= self.seen, "{how}: epoch {epoch} was read after {}", self.seen);
        self.seen = epoch;
    }

    /// Both sides of every pair in one call: they must be exactly those of one epoch.
    fn read_all(&mut self) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let keys: Vec<[u8; 9]> = (0..PAIRS).flat_map(|pair| [key(0, pair), key(1, pair)]).collect();
        let keys: Vec<&[u8]> = keys.iter().map(|k| &k[..]).collect();
        let values: Vec<u64> = self.table.many(&keys).unwrap().iter().map(|v| value(v.as_ref())).collect();
        let epoch = values[0];
        for (i, value) in values.iter().enumerate() {
            assert_eq!(*value, last_write(epoch, i as u64 / 2), "epoch {epoch}, key {i}: {values:?}");
        }
        self.note(epoch, acknowledged, "many");
    }

    fn read_range(&mut self) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let values = self.table.few(&KeyRange::prefix(&[0]), false, 0, usize::MAX).unwrap().unwrap();
        let epoch = value(values.first());
        for (pair, found) in values.iter().enumerate() {
            assert_eq!(value(Some(found)), last_write(epoch, pair as u64), "epoch {epoch}, pair {pair}");
        }
        self.note(epoch, acknowledged, "range");
    }

    /// One side of every pair as a range, the other by keys in two calls: all of one epoch, as a ranking reads them.
    fn read_steps(&mut self) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let values = self.table.store().at_one_epoch(|view| {
            let mut values = Vec::new();
            let mut push = |found: &[u8]| {
                values.push(value(Some(&Bytes::copy_from_slice(found))));
                true
            };
            self.table.visit(view, &KeyRange::prefix(&[0]), false, &mut push).unwrap();
            let keys: Vec<[u8; 9]> = (0..PAIRS).map(|pair| key(1, pair)).collect();
            for half in keys.chunks(PAIRS as usize / 2) {
                let half: Vec<&[u8]> = half.iter().map(|k| &k[..]).collect();
                values.extend(view.rows(self.table.object(), &half).unwrap().iter().map(|v| value(v.as_ref())));
            }
            values
        });
        let epoch = values[0];
        for (i, value) in values.iter().enumerate() {
            assert_eq!(*value, last_write(epoch, i as u64 % PAIRS), "epoch {epoch}, value {i}: {values:?}");
        }
        self.note(epoch, acknowledged, "steps");
    }

    fn read_points(&mut self, pair: u64) {
        let acknowledged = self.acknowledged.load(Ordering::SeqCst);
        let epoch = value(self.table.point(&key(1, 0)).unwrap().as_ref());
        self.note(epoch, acknowledged, "point");
        // Another key, read later, is not older than the epoch just seen.
        let other = value(self.table.point(&key(0, pair)).unwrap().as_ref());
        assert!(other >= last_write(epoch, pair), "pair {pair}: {other}, after epoch {epoch} was seen");
    }
}

/// Commits `epochs` epochs, and more until the readers have done `enough`.
fn hammer(options: &StoreOptions, epochs: u64, enough: impl Fn(&Store) -> bool) -> Fixture {
    let mut fixture = Fixture::with(options);
    // All keys exist from the first epoch on, so that positions in a range are pairs.
    // A prefix of no columns is the vnode, here the side.
    let table =
        TableReader::new(fixture.store.clone(), ROWS.object()).with_runs(&KeyCodec::new(Vec::new(), 0), 0, false);
    fixture.epoch(|scope| {
        for pair in 0..PAIRS {
            for side in [0, 1] {
                scope.put(ROWS, &key(side, pair), &last_write(1, pair).to_be_bytes());
            }
        }
    });
    let store = fixture.store.clone();
    let (acknowledged, done) = (AtomicU64::new(1), AtomicBool::new(false));
    std::thread::scope(|threads| {
        for thread in 0..3_u64 {
            let mut reader = Reader { table: table.clone(), acknowledged: &acknowledged, seen: 0 };
            let done = &done;
            threads.spawn(move || {
                let mut turn = thread;
                while !done.load(Ordering::SeqCst) {
                    turn += 1;
                    match turn % 8 {
                        0 => reader.read_range(),
                        1..=3 => reader.read_points(turn / 8 % PAIRS),
                        4 | 5 => reader.read_steps(),
                        _ => reader.read_all(),
                    }
                }
            });
        }
        let stop = StopWhenDropped(&done);
        for epoch in (2..).take_while(|epoch| *epoch <= epochs || !enough(&store)) {
            let committed = fixture.epoch(|scope| {
                for pair in (0..PAIRS).filter(|pair| writes(epoch, *pair)) {
                    for side in [0, 1] {
                        scope.put(ROWS, &key(side, pair), &epoch.to_be_bytes());
                    }
                }
            });
            assert_eq!(committed.0, epoch);
            acknowledged.store(epoch, Ordering::SeqCst);
        }
        drop(stop);
    });
    fixture
}

/// Lets the readers end also when the writer panics, so that the test fails instead of hanging.
struct StopWhenDropped<'a>(&'a AtomicBool);

impl Drop for StopWhenDropped<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}

#[test]
fn readers_see_whole_epochs_through_the_cache() {
    let both_ways = |store: &Store| {
        [store.row_cache(), store.run_cache()].iter().all(|cache| cache.hits() > 1_000 && cache.misses() > 1_000)
    };
    hammer(&small(), 6_000, both_ways);
}

#[test]
fn readers_see_whole_epochs_while_the_disk_is_waited_for() {
    hammer(&StoreOptions { synchronous_commit: true, ..small() }, 150, |_| true);
}

#[test]
fn readers_see_whole_epochs_without_a_cache() {
    let fixture = hammer(&StoreOptions { row_cache_bytes: 0, run_cache_bytes: 0, ..small() }, 1_500, |_| true);
    assert_eq!(fixture.store.row_cache().hits(), 0);
}
