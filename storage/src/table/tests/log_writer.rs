//! Relations whose rows lie in their log, and their indexes.

use super::{Fixture, INDEX, Row, TABLE, batch, layout, rows, schema};
use crate::codec::Value;
use crate::{
    Delta, Epoch, EpochScope, KeyColumn, KeyRange, LogPosition, RowPlace, StorageError, StoreOptions, TableLayout,
    TableReader, TableWriter,
};
use std::cmp::Reverse;

/// In its log, with an index on (user, score DESC).
fn in_log() -> TableLayout {
    let mut layout = TableLayout { key: Vec::new(), distribution: 0, counts: None, in_log: true, ..layout(true) };
    layout.indexes[0].key =
        vec![KeyColumn::ascending(0), KeyColumn { column: 2, descending: true, nulls_first: false }];
    layout
}

/// The rows in the log, in its order.
fn logged(fixture: &Fixture) -> Vec<Row> {
    let snapshot = fixture.store.snapshot();
    let chunk = fixture.store.read_log(&snapshot, TABLE, &schema(), LogPosition::default(), usize::MAX).unwrap();
    chunk.rows.iter().flat_map(rows).collect()
}

/// Row and place of each entry of the index, in its order.
fn indexed(fixture: &Fixture) -> Vec<(Row, RowPlace)> {
    let layout = in_log();
    let codec = layout.indexes[0].row_codec(&layout);
    let mut found = Vec::new();
    let reader = TableReader::new(fixture.store.clone(), INDEX);
    let snapshot = fixture.store.snapshot();
    reader
        .scan(&snapshot, &KeyRange::all(), false, &mut |key, row| {
            let row = rows(&codec.decode([row].into_iter(), &schema(), None).unwrap()).remove(0);
            found.push((row, RowPlace::from_bytes(&key[key.len() - RowPlace::BYTES..]).unwrap()));
            true
        })
        .unwrap();
    found
}

fn row(user: i64, score: Option<i32>, name: Option<&str>) -> Row {
    (user, 7, score, name.map(str::to_owned))
}

#[test]
fn rows_are_appended_and_indexed_in_the_order_of_the_log() {
    let mut fixture = Fixture::new();
    let writer = TableWriter::new(in_log());
    let same = row(1, Some(5), None);
    let first = [row(2, None, Some("")), same.clone(), row(1, Some(9), Some("a")), same.clone()];
    fixture.epoch(|scope| writer.write(scope, &Delta::inserts(batch(&first)), 1).unwrap());
    // Weights: a row that comes twice, one that comes and goes.
    let second = [same.clone(), row(3, None, None), row(3, None, None)];
    fixture.epoch(|scope| writer.write(scope, &Delta::new(batch(&second), vec![2, 1, -1]), 2).unwrap());
    fixture.epoch(|scope| writer.write(scope, &Delta::inserts(batch(&[])), 3).unwrap());
    let fixture = fixture.reopen();
    assert_eq!(logged(&fixture), [&first[..], &[same.clone(), same.clone()]].concat());

    let place = |epoch, number| RowPlace { epoch, number };
    let mut found = indexed(&fixture);
    // Users lie by vnode; of one user the largest score comes first, equal rows in the order of the log.
    found.sort_by_key(|(row, _)| row.0);
    assert_eq!(
        found,
        [
            (first[2].clone(), place(1, 2)),
            (same.clone(), place(1, 1)),
            (same.clone(), place(1, 3)),
            (same.clone(), place(2, 0)),
            (same.clone(), place(2, 1)),
            (first[0].clone(), place(1, 0)),
        ]
    );
    let layout = in_log();
    let mut prefix = Vec::new();
    layout.indexes[0].key_codec(&layout).encode_values(&[Some(Value::Int64(1))], &mut prefix).unwrap();
    let reader = TableReader::new(fixture.store.clone(), INDEX);
    assert_eq!(reader.range(&KeyRange::prefix(&prefix), true, 1, 3).unwrap().len(), 3);
}

#[test]
fn what_leaves_is_refused_and_nothing_of_it_is_kept() {
    let mut fixture = Fixture::new();
    let writer = TableWriter::new(in_log());
    let delta = Delta::new(batch(&[row(1, None, None), row(2, None, None)]), vec![1, -1]);
    let mut epoch = fixture.committer.begin();
    let mut scope = epoch.scope();
    assert!(matches!(writer.write(&mut scope, &delta, 1), Err(StorageError::Corrupt(_))));
    assert!(writer.apply(&mut scope, &Delta::inserts(batch(&[row(1, None, None)]))).is_err());
    drop(scope);
    // What a scope that is given up has appended leaves no trace, and the next one begins anew.
    let mut scope = epoch.scope();
    writer.write(&mut scope, &Delta::inserts(batch(&[row(1, None, None)])), 1).unwrap();
    assert!(scope.bytes() > 0);
    drop(scope);
    assert!(epoch.is_empty());
    let mut scope = epoch.scope();
    writer.write(&mut scope, &Delta::inserts(batch(&[row(2, None, None)])), 1).unwrap();
    let bytes = scope.bytes();
    epoch.merge(scope).unwrap();
    assert_eq!(epoch.bytes(), bytes);
    fixture.committer.commit(epoch).unwrap();
    assert_eq!(logged(&fixture), [row(2, None, None)]);
    assert_eq!(indexed(&fixture), [(row(2, None, None), RowPlace { epoch: 1, number: 0 })]);
}

#[test]
fn what_is_appended_counts_for_the_limit_of_the_epoch() {
    let limit = StoreOptions { epoch_max_bytes: 4096, ..crate::store::small() };
    let fixture = Fixture::with(&limit);
    let writer = TableWriter::new(TableLayout { indexes: Vec::new(), ..in_log() });
    let mut epoch = fixture.committer.begin();
    let mut scope = epoch.scope();
    let long: Vec<Row> = (0..20).map(|i| row(i, None, Some(&"x".repeat(150)))).collect();
    writer.write(&mut scope, &Delta::inserts(batch(&long)), 1).unwrap();
    epoch.merge(scope).unwrap();
    let mut scope = epoch.scope();
    writer.write(&mut scope, &Delta::inserts(batch(&long)), 1).unwrap();
    let before = epoch.bytes();
    assert!(matches!(epoch.merge(scope), Err(StorageError::EpochTooLarge { limit: 4096, .. })));
    assert_eq!(epoch.bytes(), before);
    // Found before the rows are made.
    let often = Delta::new(batch(&[row(1, None, None)]), vec![1 << 40]);
    let refused = writer.write(&mut epoch.scope(), &often, 1);
    assert!(matches!(refused, Err(StorageError::EpochTooLarge { limit: 4096, .. })));
}

#[test]
fn an_index_of_a_log_is_built_in_steps_while_rows_come() {
    for chunk in [1, 7, 1000] {
        let mut fixture = Fixture::new();
        let without = TableWriter::new(TableLayout { indexes: Vec::new(), ..in_log() });
        let with = TableWriter::new(in_log());
        let mut all: Vec<Row> = Vec::new();
        let mut append =
            |fixture: &mut Fixture, writer: &TableWriter, rows: i64, and: &mut dyn FnMut(&mut EpochScope)| {
                let from = all.len() as i64;
                let new: Vec<Row> = (from..from + rows).map(|i| (i % 5, i, Some((i % 7) as i32), None)).collect();
                all.extend(new.clone());
                fixture.epoch(|scope| {
                    writer.write(scope, &Delta::inserts(batch(&new)), from).unwrap();
                    and(scope);
                });
            };
        // Small entries, large ones, epochs without rows.
        for rows in [1, 1, 3, 0, 900, 2, 0] {
            append(&mut fixture, &without, rows, &mut |_| {});
        }
        let created = Epoch(7);
        let (mut after, mut taken, mut steps): (Option<Vec<u8>>, usize, usize) = (None, 0, 0);
        loop {
            let mut next = None;
            append(&mut fixture, &with, 2, &mut |scope| {
                let (rows, last) = with.build_index_of_log(scope, 0, after.as_deref(), created, chunk).unwrap();
                assert!(rows <= chunk);
                taken += rows;
                next = last;
            });
            steps += 1;
            match next {
                Some(place) => after = Some(place),
                None => break,
            }
        }
        assert_eq!((taken, steps), (907, 907_usize.div_ceil(chunk) + 1));
        let mut scope = fixture.committer.begin().scope();
        assert!(with.build_index_of_log(&mut scope, 1, None, created, 1).is_err());
        assert!(with.build_index_of_log(&mut scope, 0, Some(&[1]), created, 1).is_err());
        let mut entries = indexed(&fixture);
        entries.sort_by_key(|(_, place)| *place);
        assert_eq!(
            entries.iter().map(|(row, _)| row.clone()).collect::<Vec<_>>(),
            logged(&fixture),
            "in steps of {chunk}"
        );
        let mut ordered = indexed(&fixture);
        ordered.sort_by_key(|(row, place)| (row.0, Reverse(row.2), *place));
        let mut by_user = indexed(&fixture);
        by_user.sort_by_key(|(row, _)| row.0);
        assert_eq!(by_user, ordered);
        assert_eq!(logged(&fixture).len(), all.len());
    }
}
