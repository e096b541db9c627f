//! Order of the bytes = order of the values.

use super::sample::{Row, batch, orders, row, table, values};
use crate::codec::{KeyCodec, Value};
use crate::{ColumnType, KeyColumn};
use proptest::prelude::*;
use std::cmp::Ordering;

/// The order of two values of one type, written down without bytes.
fn compare(a: Value<'_>, b: Value<'_>) -> Ordering {
    match (a, b) {
        (Value::Boolean(a), Value::Boolean(b)) => a.cmp(&b),
        (Value::Int16(a), Value::Int16(b)) => a.cmp(&b),
        (Value::Int32(a), Value::Int32(b)) | (Value::Date(a), Value::Date(b)) => a.cmp(&b),
        (Value::Int64(a), Value::Int64(b)) => a.cmp(&b),
        (Value::Timestamp(a), Value::Timestamp(b)) | (Value::TimestampTz(a), Value::TimestampTz(b)) => a.cmp(&b),
        (Value::UInt64(a), Value::UInt64(b)) => a.cmp(&b),
        (Value::Float32(a), Value::Float32(b)) => compare_floats(f64::from(a), f64::from(b)),
        (Value::Float64(a), Value::Float64(b)) => compare_floats(a, b),
        (Value::Decimal(a), Value::Decimal(b)) => a.cmp(&b),
        (Value::Text(a), Value::Text(b)) => a.as_bytes().cmp(b.as_bytes()),
        (Value::Bytes(a), Value::Bytes(b)) => a.cmp(b),
        (Value::Interval(am, ad, an), Value::Interval(bm, bd, bn)) => {
            let total = |m, d, n| (i128::from(m) * 30 + i128::from(d)) * 86_400_000_000_000 + i128::from(n);
            total(am, ad, an).cmp(&total(bm, bd, bn)).then(am.cmp(&bm)).then(ad.cmp(&bd))
        }
        _ => panic!("{a:?} and {b:?} are of different types"),
    }
}

/// As Postgres: NaN equals NaN and is greater than everything else, -0 equals 0.
fn compare_floats(a: f64, b: f64) -> Ordering {
    a.partial_cmp(&b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
}

fn compare_rows(columns: &[(ColumnType, KeyColumn)], a: &Row, b: &Row) -> Ordering {
    let pairs = values(a).into_iter().zip(values(b));
    columns.iter().zip(pairs).fold(Ordering::Equal, |order, ((_, key), pair)| {
        order.then(match pair {
            (None, None) => Ordering::Equal,
            (None, Some(_)) if key.nulls_first => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) if key.nulls_first => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(a), Some(b)) if key.descending => compare(b, a),
            (Some(a), Some(b)) => compare(a, b),
        })
    })
}

fn key(codec: &KeyCodec, row: &Row) -> Vec<u8> {
    let mut out = Vec::new();
    codec.encode_values(&values(row), &mut out).unwrap();
    out
}

/// Key columns, and rows for them.
fn keyed(rows: usize) -> impl Strategy<Value = (Vec<(ColumnType, KeyColumn)>, Vec<Row>)> {
    table(rows).prop_flat_map(|(columns, rows)| (orders(&columns), Just(rows)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    /// Distribution 0, so that the vnode byte does not decide.
    #[test]
    fn order_of_bytes_is_order_of_values((columns, rows) in keyed(8)) {
        let codec = KeyCodec::new(columns.clone(), 0);
        for a in &rows {
            for b in &rows {
                let expected = compare_rows(&columns, a, b);
                prop_assert_eq!(key(&codec, a).cmp(&key(&codec, b)), expected, "{:?} and {:?}", a, b);
            }
        }
    }

    /// One column at a time: many more equal and neighbouring values than above.
    #[test]
    fn order_within_one_type(
        (columns, rows) in prop::sample::select(super::sample::TYPES.to_vec())
            .prop_flat_map(|column| (orders(&[column]), prop::collection::vec(row(&[column]), 2..12)))
    ) {
        let codec = KeyCodec::new(columns.clone(), 0);
        for (a, b) in rows.iter().zip(rows.iter().skip(1)) {
            prop_assert_eq!(key(&codec, a).cmp(&key(&codec, b)), compare_rows(&columns, a, b), "{:?} and {:?}", a, b);
        }
    }

    /// Fewer columns encode to a prefix of the bytes, `prefix_len` finds where it ends, whatever follows.
    #[test]
    fn a_prefix_of_the_columns_is_a_prefix_of_the_bytes((columns, rows) in keyed(4), split in 0usize..7, end in any::<[u8; 4]>()) {
        let distribution = split.min(columns.len());
        let codec = KeyCodec::new(columns.clone(), distribution);
        for row in &rows {
            let mut full = key(&codec, row);
            let length = full.len();
            full.extend_from_slice(&end);
            for count in distribution..=columns.len() {
                let mut prefix = Vec::new();
                codec.encode_values(&values(row)[..count], &mut prefix).unwrap();
                prop_assert!(full.starts_with(&prefix));
                prop_assert_eq!(codec.prefix_len(&full, count).unwrap(), prefix.len());
            }
            prop_assert_eq!(codec.prefix_len(&full, columns.len()).unwrap(), length);
        }
    }

    /// No key is a prefix of another one: prefix lookups find whole columns only.
    #[test]
    fn keys_are_self_delimiting((columns, rows) in keyed(6)) {
        let codec = KeyCodec::new(columns, 0);
        for a in &rows {
            for b in &rows {
                let (a, b) = (key(&codec, a), key(&codec, b));
                prop_assert!(a == b || !a.starts_with(&b));
            }
        }
    }

    /// All orders of the same columns agree on the vnode, and batches agree with single keys.
    #[test]
    fn vnodes_do_not_depend_on_the_order((columns, rows) in keyed(6), distribution in 0usize..4) {
        let types: Vec<_> = columns.iter().map(|(column, _)| *column).collect();
        let plain = columns.iter().map(|(column, key)| (*column, KeyColumn::ascending(key.column))).collect();
        let (codec, plain) = (KeyCodec::new(columns, distribution), KeyCodec::new(plain, distribution));
        let batch = batch(&types, &rows);
        let keys = codec.encode_batch(&batch).unwrap();
        let plain_keys = plain.encode_batch(&batch).unwrap();
        for (i, row) in rows.iter().enumerate() {
            prop_assert_eq!(keys.get(i), key(&codec, row));
            prop_assert_eq!(keys.get(i)[0], plain_keys.get(i)[0]);
            let hashed = &plain_keys.get(i)[1..plain.prefix_len(plain_keys.get(i), plain.distribution()).unwrap()];
            prop_assert_eq!(keys.get(i)[0], crate::codec::vnode_of(hashed));
        }
    }
}
