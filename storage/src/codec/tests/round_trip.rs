//! What was encoded is what is decoded, by batch and by single column.

use super::sample::{Row, Sample, batch, orders, schema, table, values};
use crate::codec::{KeyCodec, RowCodec, Value};
use crate::{ColumnType, KeyColumn, StorageError};
use arrow::array::RecordBatch;
use arrow::datatypes::Schema;
use proptest::prelude::*;
use std::sync::Arc;

/// The same row with the float bits that are stored.
fn canonical(row: &Row) -> Row {
    let value = |sample: &Sample| match sample {
        Sample::Fixed(Value::Float32(v)) if v.is_nan() => Sample::Fixed(Value::Float32(f32::from_bits(0x7fc0_0000))),
        Sample::Fixed(Value::Float64(v)) if v.is_nan() => {
            Sample::Fixed(Value::Float64(f64::from_bits(0x7ff8_0000_0000_0000)))
        }
        Sample::Fixed(Value::Float32(0.0)) => Sample::Fixed(Value::Float32(0.0)),
        Sample::Fixed(Value::Float64(0.0)) => Sample::Fixed(Value::Float64(0.0)),
        other => other.clone(),
    };
    row.iter().map(|sample| sample.as_ref().map(value)).collect()
}

/// Compares bits, so that NaN equals NaN and 0 differs from -0.
fn assert_same(a: &RecordBatch, b: &RecordBatch) {
    assert_eq!(a.schema(), b.schema());
    assert_eq!(a.num_rows(), b.num_rows());
    for (a, b) in a.columns().iter().zip(b.columns()) {
        assert_eq!(format!("{a:?}"), format!("{b:?}"));
        assert_eq!(a.to_data(), b.to_data());
    }
}

/// Same value, where NaN equals NaN.
fn same(a: Option<Value<'_>>, b: Option<Value<'_>>) -> bool {
    match (a, b) {
        (Some(Value::Float32(a)), Some(Value::Float32(b))) => a.to_bits() == b.to_bits(),
        (Some(Value::Float64(a)), Some(Value::Float64(b))) => a.to_bits() == b.to_bits(),
        (a, b) => a == b,
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn keys((columns, rows) in table(8), distribution in 0usize..4, seed in any::<[(bool, bool); 7]>()) {
        let key = |(i, column): (usize, &ColumnType)| {
            (*column, KeyColumn { column: i, descending: seed[i].0, nulls_first: seed[i].1 })
        };
        let codec = KeyCodec::new(columns.iter().enumerate().map(key).collect(), distribution);
        let keys = codec.encode_batch(&batch(&columns, &rows)).unwrap();
        let decoded = codec.decode(keys.iter()).unwrap();
        if !columns.is_empty() {
            let decoded = RecordBatch::try_new(schema(&columns), decoded).unwrap();
            assert_same(&decoded, &batch(&columns, &rows.iter().map(canonical).collect::<Vec<_>>()));
        }
    }

    #[test]
    fn rows((columns, rows) in table(8)) {
        let codec = RowCodec::new(columns.clone());
        let canonical: Vec<Row> = rows.iter().map(canonical).collect();
        let encoded = codec.encode_batch(&batch(&columns, &rows)).unwrap();
        let decoded = codec.decode(encoded.iter(), &schema(&columns), None).unwrap();
        assert_same(&decoded, &batch(&columns, &canonical));
        for (i, row) in canonical.iter().enumerate() {
            let mut single = b"before".to_vec();
            codec.encode_values(&values(&rows[i]), &mut single).unwrap();
            prop_assert_eq!(&single[6..], encoded.get(i));
            for (column, value) in values(row).into_iter().enumerate() {
                let found = codec.column(encoded.get(i), column).unwrap();
                prop_assert!(same(found, value), "column {}: {:?} is not {:?}", column, found, value);
            }
        }
    }

    /// Row bytes and key bytes say the same about which rows are equal.
    #[test]
    fn equal_rows_have_equal_bytes((columns, rows) in table(8)) {
        let batch = batch(&columns, &rows);
        let encoded = RowCodec::new(columns.clone()).encode_batch(&batch).unwrap();
        let keys = KeyCodec::ascending(&batch.schema(), &(0..columns.len()).collect::<Vec<_>>()).unwrap();
        let keys = keys.encode_batch(&batch).unwrap();
        for a in 0..rows.len() {
            for b in 0..rows.len() {
                prop_assert_eq!(encoded.get(a) == encoded.get(b), keys.get(a) == keys.get(b));
            }
        }
    }

    #[test]
    fn projections((columns, rows) in table(5), picks in prop::collection::vec(any::<prop::sample::Index>(), 0..5)) {
        let picks: Vec<usize> = if columns.is_empty() { vec![] } else { picks.iter().map(|p| p.index(columns.len())).collect() };
        let canonical: Vec<Row> = rows.iter().map(canonical).collect();
        let codec = RowCodec::new(columns.clone());
        let encoded = codec.encode_batch(&batch(&columns, &rows)).unwrap();
        let picked: Vec<_> = picks.iter().map(|p| columns[*p]).collect();
        let rows: Vec<Row> = canonical.iter().map(|row| picks.iter().map(|p| row[*p].clone()).collect()).collect();
        let decoded = codec.decode(encoded.iter(), &schema(&picked), Some(&picks)).unwrap();
        assert_same(&decoded, &batch(&picked, &rows));
    }

    /// Arrays that start in the middle of a buffer are read from where they start.
    #[test]
    fn slices((columns, rows) in table(8), from in 0usize..8) {
        let whole = batch(&columns, &rows);
        let from = from.min(rows.len());
        let slice = whole.slice(from, rows.len() - from);
        let codec = RowCodec::new(columns.clone());
        let key_codec = KeyCodec::ascending(&whole.schema(), &(0..columns.len()).collect::<Vec<_>>()).unwrap();
        let (all, some) = (codec.encode_batch(&whole).unwrap(), codec.encode_batch(&slice).unwrap());
        let (all_keys, some_keys) = (key_codec.encode_batch(&whole).unwrap(), key_codec.encode_batch(&slice).unwrap());
        for i in from..rows.len() {
            prop_assert_eq!(all.get(i), some.get(i - from));
            prop_assert_eq!(all_keys.get(i), some_keys.get(i - from));
        }
    }

    /// `orders` makes the key columns of a batch in another place, too.
    #[test]
    fn keys_of_reordered_columns((columns, order, rows) in table(4).prop_flat_map(|(columns, rows)| (Just(columns.clone()), orders(&columns), Just(rows)))) {
        let reversed: Vec<_> = order.iter().rev().copied().collect();
        let keys = KeyCodec::new(reversed, 1).encode_batch(&batch(&columns, &rows)).unwrap();
        let moved: Vec<Row> = rows.iter().map(|row| row.iter().rev().cloned().collect()).collect();
        let straight = order.iter().rev().enumerate().map(|(column, (ty, key))| (*ty, KeyColumn { column, ..*key })).collect();
        let types: Vec<_> = columns.iter().rev().copied().collect();
        let expected = KeyCodec::new(straight, 1).encode_batch(&batch(&types, &moved)).unwrap();
        prop_assert!(keys.iter().eq(expected.iter()));
    }
}

#[test]
fn no_columns() {
    let codec = KeyCodec::ascending(&Schema::empty(), &[]).unwrap();
    let empty = batch(&[], &[vec![], vec![]]);
    assert_eq!(codec.encode_batch(&empty).unwrap().iter().collect::<Vec<_>>(), [[0], [0]]);
    let mut key = Vec::new();
    codec.encode_values(&[], &mut key).unwrap();
    assert_eq!(key, [0]);
    let rows = RowCodec::new(vec![]).encode_batch(&empty).unwrap();
    assert_eq!(rows.iter().collect::<Vec<_>>(), [[1], [1]]);
    assert_eq!(RowCodec::new(vec![]).decode(rows.iter(), &Arc::new(Schema::empty()), None).unwrap().num_rows(), 2);
}

#[test]
fn what_does_not_fit_is_refused() {
    let is_mismatch = |error: StorageError| matches!(error, StorageError::Mismatch(_));
    let key = KeyCodec::new(
        vec![(ColumnType::Int64, KeyColumn::ascending(0)), (ColumnType::Text, KeyColumn::ascending(1))],
        1,
    );
    let row = RowCodec::new(vec![ColumnType::Int64, ColumnType::Text]);
    let error = key.encode_values(&[Some(Value::Text("a"))], &mut vec![]).unwrap_err();
    assert_eq!(error.to_string(), "values do not fit the stored columns: a value of type text for a int64 column");
    assert!(is_mismatch(key.encode_values(&[], &mut vec![]).unwrap_err()));
    assert!(is_mismatch(key.encode_values(&[None, None, None], &mut vec![]).unwrap_err()));
    assert!(is_mismatch(row.encode_values(&[Some(Value::Int32(1)), None], &mut vec![]).unwrap_err()));
    assert!(is_mismatch(row.encode_values(&[None], &mut vec![]).unwrap_err()));
    assert!(is_mismatch(row.column(&[1, 0], 2).unwrap_err()));
    for other in [batch(&[ColumnType::Int64], &[]), batch(&[ColumnType::Int64, ColumnType::Bytes], &[])] {
        assert!(is_mismatch(key.encode_batch(&other).unwrap_err()));
        assert!(is_mismatch(row.encode_batch(&other).unwrap_err()));
    }
    assert!(is_mismatch(row.decode(std::iter::empty(), &schema(&[]), Some(&[2])).unwrap_err()));
    assert!(row.decode(std::iter::empty(), &schema(&[ColumnType::Int64]), None).is_err());
    assert!(is_mismatch(KeyCodec::ascending(&Schema::empty(), &[0]).unwrap_err()));
    assert!(is_mismatch(key.prefix_len(&[0], 3).unwrap_err()));
}
