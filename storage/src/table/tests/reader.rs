//! Ordered and keyed reads against a model.

use super::{Fixture, TABLE, batch, layout, rows, schema};
use crate::{BatchShape, KeyRange, Table, TableReader};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use std::collections::BTreeMap;

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop::collection::vec(prop::sample::select(vec![0_u8, 1, 254, 255]), 0..4)
}

fn range() -> impl Strategy<Value = KeyRange> {
    prop_oneof![
        key().prop_map(|prefix| KeyRange::prefix(&prefix)),
        (key(), prop::option::of(key())).prop_map(|(from, to)| KeyRange { from, to }),
        Just(KeyRange::all()),
    ]
}

fn contains(range: &KeyRange, key: &Vec<u8>) -> bool {
    *key >= range.from && range.to.as_ref().is_none_or(|to| key < to)
}

#[test]
fn a_reader_reads_like_a_map() {
    let entries = prop::collection::btree_map(key(), any::<u8>(), 0..30);
    let queries = prop::collection::vec((range(), any::<bool>(), 0..6_usize, 0..8_usize), 1..10);
    let mut runner = TestRunner::new(Config { cases: 150, failure_persistence: None, ..Config::default() });
    runner.run(&(entries, queries), |(entries, queries)| check(&entries, &queries)).unwrap();
}

fn check(entries: &BTreeMap<Vec<u8>, u8>, queries: &[(KeyRange, bool, usize, usize)]) -> Result<(), TestCaseError> {
    let mut fixture = Fixture::new();
    fixture.epoch(|scope| {
        for (key, value) in entries {
            scope.put(Table::Rows(TABLE), key, &[*value]);
        }
        // Neighbours must not be seen.
        scope.put(Table::Rows(crate::ObjectId(TABLE.0 - 1)), &[255; 5], b"x");
        scope.put(Table::Rows(crate::ObjectId(TABLE.0 + 1)), &[], b"x");
    });
    let reader = TableReader::new(fixture.store.clone(), TABLE);
    let snapshot = fixture.store.snapshot();
    fixture.epoch(|scope| scope.put(Table::Rows(TABLE), &[7, 7, 7, 7], b"later"));
    for (range, reverse, offset, limit) in queries {
        let mut expected: Vec<(Vec<u8>, u8)> =
            entries.iter().filter(|(key, _)| contains(range, key)).map(|(k, v)| (k.clone(), *v)).collect();
        if *reverse {
            expected.reverse();
        }
        let mut scanned = Vec::new();
        reader
            .scan(&snapshot, range, *reverse, &mut |key, value| {
                scanned.push((key.to_vec(), value[0]));
                true
            })
            .unwrap();
        prop_assert_eq!(&scanned, &expected);
        let mut now: Vec<Vec<u8>> = expected.into_iter().map(|(_, value)| vec![value]).collect();
        let later = [7_u8; 4].to_vec();
        if contains(range, &later) {
            let position = scanned.iter().filter(|(key, _)| (*key < later) != *reverse).count();
            now.insert(position, b"later".to_vec());
        }
        let now: Vec<Vec<u8>> = now.into_iter().skip(*offset).take(*limit).collect();
        prop_assert_eq!(reader.range(range, *reverse, *offset, *limit).unwrap(), now);
    }
    // By key: unsorted, repeated and absent keys, twice, so that the second time comes from the cache.
    let mut keys: Vec<Vec<u8>> = entries.keys().rev().cloned().collect();
    keys.extend([vec![1, 2, 3], vec![255], vec![255]]);
    let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
    let expected: Vec<Option<u8>> = keys.iter().map(|k| entries.get(*k).copied()).collect();
    for _ in 0..2 {
        for values in [reader.many(&keys).unwrap(), reader.many_in(&snapshot, &keys).unwrap()] {
            prop_assert_eq!(values.iter().map(|v| v.as_ref().map(|v| v[0])).collect::<Vec<_>>(), expected.clone());
        }
        for (key, expected) in keys.iter().zip(&expected) {
            prop_assert_eq!(reader.point(key).unwrap().map(|v| v[0]), *expected);
        }
    }
    Ok(())
}

#[test]
fn a_range_goes_on_after_a_key() {
    let range = KeyRange { from: vec![5], to: Some(vec![9]) };
    assert_eq!(range.after(&[6]), KeyRange { from: vec![6, 0], to: Some(vec![9]) });
    assert_eq!(range.after(&[1]), range);
}

#[test]
fn batches_have_the_size_and_columns_asked_for() {
    let mut fixture = Fixture::new();
    let all: Vec<super::Row> = (0..10).map(|i| (1, i, Some(i as i32 * 2), Some(format!("n{i}")))).collect();
    let writer = crate::TableWriter::new(layout(false));
    fixture.epoch(|scope| writer.apply(scope, &crate::Delta::inserts(batch(&all))).unwrap());
    let (reader, snapshot) = (TableReader::new(fixture.store.clone(), TABLE), fixture.store.snapshot());
    let codec = layout(false).row_codec();
    let mut shape = BatchShape { codec: &codec, schema: &schema(), projection: None, batch_rows: 4 };
    let (mut sizes, mut seen) = (Vec::new(), Vec::new());
    reader
        .scan_batches(&snapshot, &KeyRange::all(), false, &shape, &mut |batch| {
            sizes.push(batch.num_rows());
            seen.extend(rows(&batch));
            true
        })
        .unwrap();
    assert_eq!((sizes, seen), (vec![4, 4, 2], all));

    // Stops when told, also at the batch that would be the last.
    for stop_after in 1..=3 {
        let mut batches = 0;
        let visit = &mut |_| {
            batches += 1;
            batches < stop_after
        };
        reader.scan_batches(&snapshot, &KeyRange::all(), true, &shape, visit).unwrap();
        assert_eq!(batches, stop_after);
    }

    let names = std::sync::Arc::new(schema().project(&[3, 1]).unwrap());
    shape = BatchShape { schema: &names, projection: Some(&[3, 1]), ..shape };
    let mut first = None;
    reader
        .scan_batches(&snapshot, &KeyRange::all(), true, &shape, &mut |batch| {
            first = Some(batch);
            false
        })
        .unwrap();
    let first = first.unwrap();
    assert_eq!(
        first,
        batch(&[9, 8, 7, 6].map(|i| (1, i, Some(1), Some(format!("n{i}")))))
            .project(&[3, 1])
            .unwrap()
            .with_schema(names.clone())
            .unwrap()
    );
}
