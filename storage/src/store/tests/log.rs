//! The stream log: round trip, resuming, trimming.

use super::Fixture;
use crate::{LogPosition, ObjectId, StorageError, StoreOptions};
use arrow::array::{Array, ArrayRef, Float64Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use arrow::compute::concat_batches;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use std::sync::Arc;

const STREAM: ObjectId = ObjectId(3);

fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("id", DataType::Int64, false),
        Field::new("price", DataType::Float64, true),
        Field::new("name", DataType::Utf8, true),
        Field::new("ts", DataType::Timestamp(TimeUnit::Microsecond, None), true),
    ]))
}

/// Rows `from..to`, with NULLs.
fn rows(from: i64, to: i64) -> RecordBatch {
    let price = Float64Array::from_iter((from..to).map(|i| (i % 3 != 0).then_some(i as f64 / 7.0)));
    let name = StringArray::from_iter((from..to).map(|i| (i % 5 != 0).then(|| format!("product {i}"))));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(from..to)),
        Arc::new(price),
        Arc::new(name),
        Arc::new(TimestampMicrosecondArray::from_iter_values((from..to).map(|i| i * 1_000_000))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// Appends in one epoch with the timestamp `us`.
fn append(fixture: &mut Fixture, batches: &[RecordBatch], us: i64) {
    let mut batch = fixture.committer.begin();
    for rows in batches {
        batch.append_log(STREAM, rows, us).unwrap();
    }
    fixture.committer.commit(batch).unwrap();
}

/// Reads everything in chunks of about `max_rows`. Returns the rows and the number of chunks.
fn read_all(fixture: &Fixture, mut after: LogPosition, max_rows: usize) -> (RecordBatch, usize) {
    let snapshot = fixture.store.snapshot();
    let (mut all, mut chunks) = (Vec::new(), 0);
    loop {
        let chunk = fixture.store.read_log(&snapshot, STREAM, &schema(), after, max_rows).unwrap();
        chunks += 1;
        assert!(chunk.at_end || chunk.position != after);
        all.extend(chunk.rows);
        after = chunk.position;
        if chunk.at_end {
            return (concat_batches(&schema(), &all).unwrap(), chunks);
        }
    }
}

fn trim(fixture: &mut Fixture, before_us: i64) {
    let mut batch = fixture.committer.begin();
    batch.trim_log(STREAM, before_us).unwrap();
    fixture.committer.commit(batch).unwrap();
}

#[test]
fn small_and_large_batches_come_back_in_order() {
    let mut fixture = Fixture::new();
    append(&mut fixture, &[rows(0, 1)], 1);
    append(&mut fixture, &[rows(1, 2), rows(2, 1000), rows(1000, 1003)], 2);
    append(&mut fixture, &[rows(1003, 1003)], 3);
    // A slice: only its rows are written. More than one part.
    append(&mut fixture, &[rows(0, 300_000).slice(1003, 200_000)], 4);
    for max_rows in [1, 700, 100_000, usize::MAX] {
        let (all, chunks) = read_all(&fixture, LogPosition::default(), max_rows);
        assert_eq!(all, rows(0, 201_003), "in chunks of {max_rows}");
        assert_eq!(chunks == 1, max_rows == usize::MAX);
    }
    let fixture = fixture.reopen();
    assert_eq!(read_all(&fixture, LogPosition::default(), usize::MAX).0, rows(0, 201_003));
    assert!(fixture.store.approximate_log_bytes(STREAM).unwrap() > 10_000);
}

#[test]
fn a_reader_goes_on_exactly_where_it_stopped() {
    let mut fixture = Fixture::new();
    for i in 0..10 {
        append(&mut fixture, &[rows(i * 2, i * 2 + 1), rows(i * 2 + 1, i * 2 + 2)], i);
    }
    let snapshot = fixture.store.snapshot();
    let first = fixture.store.read_log(&snapshot, STREAM, &schema(), LogPosition::default(), 7).unwrap();
    assert_eq!(first.position, LogPosition { epoch: 4, ..LogPosition::default() });
    assert!(!first.at_end);
    assert_eq!(first.rows, [rows(0, 7)]);
    append(&mut fixture, &[rows(20, 21)], 10);
    // The old snapshot does not show what came later, a new one does.
    let rest = fixture.store.read_log(&snapshot, STREAM, &schema(), first.position, usize::MAX).unwrap();
    assert_eq!((rest.rows, rest.at_end), (vec![rows(7, 20)], true));
    assert_eq!(read_all(&fixture, first.position, 3).0, rows(7, 21));
    let nothing = fixture.store.read_log(
        &fixture.store.snapshot(),
        STREAM,
        &schema(),
        LogPosition { epoch: 11, part: u32::MAX, left: 0 },
        10,
    );
    let nothing = nothing.unwrap();
    assert!(nothing.at_end && nothing.rows.is_empty() && nothing.position.part == u32::MAX);
}

#[test]
fn a_reader_goes_on_amid_an_entry() {
    let mut fixture = Fixture::new();
    // One entry of rows, one in Arrow, each followed by others.
    append(&mut fixture, &[rows(0, 4)], 1);
    append(&mut fixture, &[rows(4, 6)], 2);
    append(&mut fixture, &[rows(6, 2006)], 3);
    append(&mut fixture, &[rows(2006, 2009)], 4);
    for (epoch, left, from) in [(1, 3, 1), (2, 2, 4), (3, 1999, 7), (3, 1, 2005), (4, 1, 2008)] {
        let position = LogPosition { epoch, part: 0, left };
        assert_eq!(read_all(&fixture, position, usize::MAX).0, rows(from, 2009), "{position:?}");
        assert_eq!(read_all(&fixture, position, 1).0, rows(from, 2009), "{position:?}, an entry at a time");
    }
    let snapshot = fixture.store.snapshot();
    let one =
        fixture.store.read_log(&snapshot, STREAM, &schema(), LogPosition { epoch: 1, part: 0, left: 3 }, 3).unwrap();
    assert_eq!((one.rows, one.position), (vec![rows(1, 4)], LogPosition { epoch: 1, part: 0, left: 0 }));
    let more = fixture.store.read_log(&snapshot, STREAM, &schema(), LogPosition { epoch: 1, part: 0, left: 5 }, 3);
    assert!(matches!(more, Err(StorageError::Corrupt(_))));
    // What was left of an entry goes with it; nothing is left out of the entry after it.
    trim(&mut fixture, 2);
    assert_eq!(read_all(&fixture, LogPosition { epoch: 1, part: 0, left: 3 }, 1).0, rows(4, 2009));
}

#[test]
fn logs_of_other_streams_are_not_seen() {
    let mut fixture = Fixture::new();
    let mut batch = fixture.committer.begin();
    batch.append_log(ObjectId(STREAM.0 - 1), &rows(0, 1), 1).unwrap();
    batch.append_log(ObjectId(STREAM.0 + 1), &rows(0, 1), 1).unwrap();
    fixture.committer.commit(batch).unwrap();
    assert!(fixture.store.snapshot().log_is_empty(STREAM).unwrap());
    append(&mut fixture, &[rows(5, 6)], 2);
    assert!(!fixture.store.snapshot().log_is_empty(STREAM).unwrap());
    assert_eq!(read_all(&fixture, LogPosition::default(), 10).0, rows(5, 6));
}

#[test]
fn trimming_drops_exactly_the_older_epochs() {
    let mut fixture = Fixture::new();
    trim(&mut fixture, i64::MAX);
    // Epoch timestamps 0, 10, 20...; every third epoch writes nothing to this stream.
    for i in 0..60_i64 {
        let batches = if i % 3 == 2 { vec![] } else { vec![rows(i, i + 1)] };
        append(&mut fixture, &batches, i * 10);
    }
    let kept = |fixture: &Fixture| -> Vec<i64> {
        let (all, _) = read_all(fixture, LogPosition::default(), 1000);
        all.column(0).as_any().downcast_ref::<Int64Array>().unwrap().values().to_vec()
    };
    for before in [0, 1, 10, 11, 95, 200, 201, 580, 5000] {
        trim(&mut fixture, before);
        let expected: Vec<i64> = (0..60).filter(|i| i % 3 != 2 && i * 10 >= before).collect();
        assert_eq!(kept(&fixture), expected, "before {before}");
    }
    append(&mut fixture, &[rows(99, 100)], 6000);
    assert_eq!(kept(&fixture), [99]);
}

#[test]
fn a_dropped_log_is_gone_also_what_this_epoch_appended() {
    let mut fixture = Fixture::new();
    append(&mut fixture, &[rows(0, 500)], 1);
    let mut batch = fixture.committer.begin();
    batch.append_log(STREAM, &rows(500, 501), 2).unwrap();
    batch.drop_log(STREAM);
    assert_eq!(batch.bytes(), 0);
    batch.append_log(STREAM, &rows(7, 8), 2).unwrap();
    fixture.committer.commit(batch).unwrap();
    assert_eq!(read_all(&fixture, LogPosition::default(), 1000).0, rows(7, 8));
}

#[test]
fn a_log_over_the_epoch_limit_is_refused() {
    let fixture = Fixture::with(&StoreOptions { epoch_max_bytes: 2000, ..super::small() });
    let mut batch = fixture.committer.begin();
    let refused = batch.append_log(STREAM, &rows(0, 10_000), 1);
    assert!(matches!(refused, Err(StorageError::EpochTooLarge { .. })), "{refused:?}");
    assert!(batch.is_empty() && batch.bytes() == 0);
}

#[test]
fn entries_of_another_schema_are_an_error_not_a_panic() {
    let mut fixture = Fixture::new();
    append(&mut fixture, &[rows(0, 2)], 1);
    append(&mut fixture, &[rows(0, 1000)], 1);
    let other = Arc::new(Schema::new(vec![Field::new("a", DataType::Utf8, true); 9]));
    let snapshot = fixture.store.snapshot();
    for epoch in [0, 1] {
        let after = LogPosition { epoch, part: u32::MAX, left: 0 };
        assert!(fixture.store.read_log(&snapshot, STREAM, &other, after, 1).is_err());
    }
}
