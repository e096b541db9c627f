//! Runs: whatever was read before and written since, a range is what RocksDB holds.

use super::{Fixture, ROWS, small};
use crate::codec::{KeyCodec, Value};
use crate::{ColumnType, KeyColumn, KeyRange, StoreOptions, TableReader};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// From the first alone to all of them.
const LIMITS: [usize; 5] = [1, 2, 5, 40, usize::MAX];

/// User, score (largest first), name.
fn codec() -> KeyCodec {
    let score = KeyColumn { column: 1, descending: true, nulls_first: true };
    let columns = vec![
        (ColumnType::Text, KeyColumn::ascending(0)),
        (ColumnType::Int32, score),
        (ColumnType::Text, KeyColumn::ascending(2)),
    ];
    KeyCodec::new(columns, 1)
}

fn key(codec: &KeyCodec, values: &[Option<Value<'_>>]) -> Vec<u8> {
    let mut key = Vec::new();
    codec.encode_values(values, &mut key).unwrap();
    key
}

/// Users whose keys are of several lengths, one the beginning of another.
const USERS: [&str; 4] = ["", "a", "ab", "a longer name\0"];
const NAMES: [&str; 3] = ["", "x", "xyz"];

fn random_key(rng: &mut StdRng, codec: &KeyCodec, columns: usize) -> Vec<u8> {
    let user = Some(Value::Text(USERS[rng.random_range(0..USERS.len())]));
    let score = (!rng.random_bool(0.1)).then(|| Value::Int32(rng.random_range(-3..4)));
    let name = Some(Value::Text(NAMES[rng.random_range(0..NAMES.len())]));
    key(codec, &[user, score, name][..columns])
}

/// A prefix, a part of one, or something beyond.
fn random_range(rng: &mut StdRng, codec: &KeyCodec) -> KeyRange {
    let columns = rng.random_range(1..3);
    let mut range = KeyRange::prefix(&random_key(rng, codec, columns));
    if rng.random_bool(0.3) {
        range.from = random_key(rng, codec, 3).max(range.from);
    }
    if rng.random_bool(0.3) {
        range.to = range.to.map(|to| random_key(rng, codec, 3).min(to));
    }
    range
}

fn check(options: &StoreOptions, seed: u64) -> Fixture {
    let (mut fixture, codec, mut rng) = (Fixture::with(options), codec(), StdRng::seed_from_u64(seed));
    let plain = TableReader::new(fixture.store.clone(), ROWS.object());
    let readers = || {
        let shapes = [(1, false), (1, true), (2, false), (2, true)];
        shapes.map(|(columns, reverse)| (plain.clone().with_runs(&codec, columns, reverse), reverse))
    };
    let mut with_runs = readers();
    for epoch in 0..400_u32 {
        if epoch % 100 == 99 {
            let mut batch = fixture.committer.begin();
            batch.drop_objects([ROWS]);
            fixture.committer.commit(batch).unwrap();
            // Those of before read on, but what they read is not kept.
            if epoch % 200 == 99 {
                with_runs = readers();
            }
        }
        fixture.epoch(|scope| {
            for _ in 0..rng.random_range(0..6) {
                let key = random_key(&mut rng, &codec, 3);
                match rng.random_bool(0.7) {
                    true => scope.put(ROWS, &key, &epoch.to_be_bytes()),
                    false => scope.delete(ROWS, &key),
                }
            }
        });
        for _ in 0..30 {
            let range = random_range(&mut rng, &codec);
            let (reader, reverse) = &with_runs[rng.random_range(0..with_runs.len())];
            let (offset, limit) = (rng.random_range(0..3), LIMITS[rng.random_range(0..LIMITS.len())]);
            let expected = plain.range(&range, *reverse, offset, limit).unwrap();
            let found = reader.few(&range, *reverse, offset, limit).unwrap();
            assert_eq!(found, Some(expected), "epoch {epoch}, {range:?}, backwards {reverse}, {offset}, {limit}");
            let visited = fixture.store.at_one_epoch(|view| {
                let mut visited = Vec::new();
                let mut visit = |value: &[u8]| {
                    visited.push(value.to_vec());
                    visited.len() < limit
                };
                reader.visit(view, &range, *reverse, &mut visit).unwrap();
                visited
            });
            assert_eq!(visited, plain.range(&range, *reverse, 0, limit).unwrap(), "visited, epoch {epoch}, {range:?}");
        }
    }
    fixture
}

#[test]
fn a_run_is_what_the_store_holds() {
    let fixture = check(&small(), 1);
    let runs = fixture.store.run_cache();
    assert!(runs.hits() > 1_000, "{} hits", runs.hits());
    // The last DROP ended the watching, and nobody has asked for it again.
    assert!(runs.is_empty());
}

#[test]
fn runs_that_do_not_fit_are_read() {
    // Less than the larger runs need.
    let fixture = check(&StoreOptions { run_cache_bytes: 64 * 8 * 260, ..small() }, 2);
    assert!(fixture.store.run_cache().bytes() <= 64 * 8 * 260);
    let fixture = check(&StoreOptions { run_cache_bytes: 0, ..small() }, 3);
    assert_eq!(fixture.store.run_cache().hits(), 0);
}

#[test]
fn what_is_too_much_is_not_read_at_once() {
    let (mut fixture, codec) = (Fixture::with(&small()), codec());
    let reader = TableReader::new(fixture.store.clone(), ROWS.object()).with_runs(&codec, 1, false);
    let user = Some(Value::Text("u"));
    fixture.epoch(|scope| {
        for score in 0..2_000 {
            scope.put(ROWS, &key(&codec, &[user, Some(Value::Int32(score)), user]), b"row");
        }
    });
    let range = KeyRange::prefix(&key(&codec, &[user]));
    assert_eq!(reader.few(&range, false, 0, usize::MAX).unwrap(), None);
    assert_eq!(reader.few(&range, false, 1_990, 10).unwrap(), None, "what is skipped counts");
    assert_eq!(reader.few(&range, false, 0, 10).unwrap().unwrap().len(), 10);
}
