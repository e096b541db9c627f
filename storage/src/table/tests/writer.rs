//! Deltas applied to relations and indexes, against models.

use super::{COUNTS, Fixture, INDEX, Row, TABLE, batch, layout, rows, schema};
use crate::{Delta, EpochScope, KeyRange, ObjectId, StorageError, Table, TableReader, TableWriter};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::Arc;

/// All rows of an object, in the order of their keys, decoded with the columns it stores.
fn stored(fixture: &Fixture, keyless: bool, object: ObjectId) -> Vec<Row> {
    let layout = layout(keyless);
    let (codec, schema) = if object == TABLE {
        (layout.row_codec(), schema())
    } else {
        let index = &layout.indexes[0];
        (index.row_codec(&layout), Arc::new(schema().project(&index.stored).unwrap()))
    };
    let values = TableReader::new(fixture.store.clone(), object).range(&KeyRange::all(), false, 0, usize::MAX).unwrap();
    rows(&codec.decode(values.iter().map(|v| &v[..]), &schema, None).unwrap())
}

/// Orders rows as an object does, given that rows of a user are contiguous: users in the order they are found.
fn by_user(found: &[Row], mut expected: Vec<Row>, order: impl Fn(&Row) -> (bool, Reverse<i32>, i64)) -> Vec<Row> {
    let user = |row: &Row| found.iter().position(|f| f.0 == row.0);
    expected.sort_by(|a, b| (user(a), order(a), &a.3).cmp(&(user(b), order(b), &b.3)));
    expected
}

fn by_item(row: &Row) -> (bool, Reverse<i32>, i64) {
    (false, Reverse(0), row.1)
}

/// Score descending, NULLs last, then the item.
fn by_score(row: &Row) -> (bool, Reverse<i32>, i64) {
    (row.2.is_none(), Reverse(row.2.unwrap_or(0)), row.1)
}

fn row() -> impl Strategy<Value = Row> {
    let score = prop::option::of(0..3_i32);
    let name = prop::option::of(prop::sample::select(vec!["a".to_owned(), "b".to_owned(), String::new()]));
    (0..4_i64, 0..4_i64, score, name)
}

fn runner() -> TestRunner {
    TestRunner::new(Config { cases: 100, failure_persistence: None, ..Config::default() })
}

#[test]
fn a_keyed_relation_and_its_index_follow_upserts_and_deletes() {
    // Each step: a row that replaces what its key has, or (true) a deletion of its key.
    let epochs = prop::collection::vec(prop::collection::vec((row(), prop::bool::weighted(0.3)), 0..12), 1..8);
    runner()
        .run(&epochs, |epochs| {
            let mut fixture = Fixture::new();
            let writer = TableWriter::new(layout(false));
            let mut model: BTreeMap<(i64, i64), Row> = BTreeMap::new();
            for steps in epochs {
                let (mut changed, mut weights) = (Vec::new(), Vec::new());
                for (row, delete) in steps {
                    // As a delta has it: the old row leaves, the new one comes; several steps may hit one key.
                    let key = (row.0, row.1);
                    if let Some(old) = model.remove(&key) {
                        changed.push(old);
                        weights.push(-1);
                    }
                    if !delete {
                        changed.push(row.clone());
                        weights.push(1);
                        model.insert(key, row);
                    }
                }
                let delta = Delta::new(batch(&changed), weights);
                fixture.epoch(|scope| writer.apply(scope, &delta).unwrap());
                let found = stored(&fixture, false, TABLE);
                prop_assert_eq!(&found, &by_user(&found, model.values().cloned().collect(), by_item));
                let found = stored(&fixture, false, INDEX);
                let nameless = model.values().map(|row| (row.0, row.1, row.2, None)).collect();
                prop_assert_eq!(&found, &by_user(&found, nameless, by_score));
            }
            Ok(())
        })
        .unwrap();
}

#[test]
fn a_keyless_relation_has_one_entry_per_row() {
    let epochs = prop::collection::vec(prop::collection::vec((row(), -3..4_i64), 0..12), 1..8);
    runner()
        .run(&epochs, |epochs| {
            let mut fixture = Fixture::new();
            let writer = TableWriter::new(layout(true));
            let mut model: BTreeMap<Row, i64> = BTreeMap::new();
            for steps in epochs {
                let (mut changed, mut weights) = (Vec::new(), Vec::new());
                for (row, weight) in steps {
                    let count = model.entry(row.clone()).or_default();
                    let weight = weight.max(-*count);
                    *count += weight;
                    changed.push(row);
                    weights.push(weight);
                }
                let delta = Delta::new(batch(&changed), weights);
                fixture.epoch(|scope| writer.apply(scope, &delta).unwrap());
                model.retain(|_, count| *count > 0);
                let expected: Vec<Row> =
                    model.iter().flat_map(|(row, n)| std::iter::repeat_n(row.clone(), *n as usize)).collect();
                for (object, ordered) in [(TABLE, false), (INDEX, true)] {
                    let mut found = stored(&fixture, true, object);
                    if ordered {
                        let order = |row: &Row| (row.2.is_none(), Reverse(row.2.unwrap_or(0)));
                        prop_assert!(found.is_sorted_by(|a, b| a.0 != b.0 || order(a) <= order(b)));
                    }
                    found.sort();
                    prop_assert_eq!(&found, &expected);
                }
                let mut counts = 0;
                let mut scope = fixture.committer.begin().scope();
                let count = &mut |_: &[u8], _: &[u8]| {
                    counts += 1;
                    true
                };
                scope.scan(Table::State(COUNTS), &[], None, count).unwrap();
                prop_assert_eq!(counts, model.len());
            }
            Ok(())
        })
        .unwrap();
}

fn apply(fixture: &Fixture, keyless: bool, changed: &[(Row, i64)]) -> crate::Result<usize> {
    let (rows, weights): (Vec<Row>, Vec<i64>) = changed.iter().cloned().unzip();
    let mut scope = fixture.committer.begin().scope();
    TableWriter::new(layout(keyless)).apply(&mut scope, &Delta::new(batch(&rows), weights))?;
    Ok(scope.bytes())
}

fn named(item: i64, name: &str) -> Row {
    (1, item, None, Some(name.to_owned()))
}

#[test]
fn a_delta_that_does_not_fit_is_refused() {
    let fixture = Fixture::new();
    for (keyless, delta) in [
        (false, vec![(named(1, "a"), 1), (named(1, "b"), 1)]),
        (false, vec![(named(1, "a"), 2)]),
        (false, vec![(named(1, "a"), -1), (named(1, "b"), -1)]),
        (true, vec![(named(1, "a"), -1)]),
        (true, vec![(named(1, "a"), 2), (named(1, "a"), -3)]),
        (true, vec![(named(1, "a"), i64::from(u32::MAX) + 1)]),
        (true, vec![(named(1, "a"), i64::MIN)]),
    ] {
        let refused = apply(&fixture, keyless, &delta);
        assert!(matches!(refused, Err(StorageError::Corrupt(_))), "{delta:?}: {refused:?}");
    }
}

#[test]
fn what_cancels_is_not_written() {
    let fixture = Fixture::new();
    assert_eq!(apply(&fixture, false, &[(named(1, "a"), 1), (named(1, "a"), -1)]).unwrap(), 0);
    assert_eq!(apply(&fixture, true, &[(named(1, "a"), 5), (named(1, "a"), -5)]).unwrap(), 0);
    // The index does not store the name: changing it writes the relation alone.
    let renamed = apply(&fixture, false, &[(named(1, "a"), -1), (named(1, "b"), 1)]).unwrap();
    let (keys, values) = TableWriter::new(layout(false)).encode_rows(&batch(&[named(1, "b")])).unwrap();
    assert_eq!(renamed, keys.get(0).len() + values.get(0).len());
}

#[test]
fn an_index_is_built_in_steps_while_the_relation_changes() {
    for keyless in [false, true] {
        let mut fixture = Fixture::new();
        let without = TableWriter::new(crate::TableLayout { indexes: Vec::new(), ..layout(keyless) });
        let with = TableWriter::new(layout(keyless));
        let old: Vec<Row> = (0..40).map(|i| (i % 5, i, Some((i % 7) as i32), None)).collect();
        let mut twice = old.clone();
        twice.extend(if keyless { old.clone() } else { Vec::new() });
        fixture.epoch(|scope| without.apply(scope, &Delta::inserts(batch(&twice))).unwrap());
        let mut after: Option<Vec<u8>> = None;
        let mut step = 0;
        loop {
            // Between the steps rows come, go and move within the index, before and behind the point reached.
            let changed =
                vec![old[step].clone(), (old[step].0, old[step].1, Some(100), None), (9, step as i64, None, None)];
            let mut last = None;
            fixture.epoch(|scope: &mut EpochScope| {
                with.apply(scope, &Delta::new(batch(&changed), vec![-1, 1, 1])).unwrap();
                last = with.build_index(scope, 0, after.as_deref(), 7).unwrap().1;
            });
            step += 1;
            match last {
                Some(last) => after = Some(last),
                None => break,
            }
        }
        assert!(step > 5);
        let (mut rows, mut index) = (stored(&fixture, keyless, TABLE), stored(&fixture, keyless, INDEX));
        rows.sort();
        index.sort();
        assert_eq!(index, rows, "keyless: {keyless}");
        assert!(with.build_index(&mut fixture.committer.begin().scope(), 1, None, 1).is_err());
    }
}
