//! Deltas against a map from row to weight.

use super::*;
use arrow::array::{ArrayRef, Float64Array, Int64Array, StringArray};
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A delta of (id, name, score) rows.
fn delta(rows: &[(Option<i64>, &str, f64, i64)]) -> Delta {
    let ids: ArrayRef = Arc::new(rows.iter().map(|r| r.0).collect::<Int64Array>());
    let names: ArrayRef = Arc::new(rows.iter().map(|r| Some(r.1)).collect::<StringArray>());
    let scores: ArrayRef = Arc::new(rows.iter().map(|r| Some(r.2)).collect::<Float64Array>());
    let batch =
        RecordBatch::try_from_iter_with_nullable([("id", ids, true), ("name", names, true), ("s", scores, true)]);
    Delta::new(batch.unwrap(), rows.iter().map(|r| r.3).collect())
}

/// What a delta means: the weight of each row, rows of weight 0 left out.
fn meaning(delta: &Delta) -> BTreeMap<Vec<u8>, i64> {
    let rows = RowCodec::for_schema(&delta.schema()).unwrap().encode_batch(delta.rows()).unwrap();
    let mut weights = BTreeMap::new();
    for (row, weight) in rows.iter().zip(delta.weights()) {
        *weights.entry(row.to_vec()).or_insert(0) += weight;
    }
    weights.retain(|_, weight| *weight != 0);
    weights
}

fn any_delta() -> impl Strategy<Value = Delta> {
    let names = prop::sample::select(vec!["", "a", "b"]);
    let scores = prop::sample::select(vec![0.0, -0.0, 1.5, f64::NAN, -f64::NAN]);
    let row = (prop::option::of(0i64..3), names, scores, -2i64..3);
    prop::collection::vec(row, 0..40).prop_map(|rows| delta(&rows))
}

#[test]
fn consolidation_keeps_the_order_of_first_occurrence() {
    let input = [(Some(2), "b", 1.0, 1), (None, "n", 0.0, 2), (Some(1), "a", 0.0, 1), (None, "n", -0.0, -1)];
    let out = delta(&input).consolidate().unwrap();
    assert_eq!(out.rows(), delta(&[input[0], input[1], input[2]]).rows());
    assert_eq!(out.weights(), [1, 1, 1]);
}

#[test]
fn rows_that_cancel_are_gone() {
    let out = delta(&[(Some(1), "a", f64::NAN, 1), (Some(1), "a", -f64::NAN, -1)]).consolidate().unwrap();
    assert!(out.is_empty());
    assert!(delta(&[(Some(1), "a", 0.0, 0)]).consolidate().unwrap().is_empty());
    assert!(delta(&[(Some(1), "a", 0.0, 0), (Some(2), "a", 0.0, 0)]).consolidate().unwrap().is_empty());
}

#[test]
fn a_sum_of_weights_beyond_64_bits_is_an_error() {
    let rows = [(Some(1), "a", 0.0, i64::MAX), (Some(1), "a", 0.0, 1)];
    assert!(matches!(delta(&rows).consolidate(), Err(StorageError::Mismatch(_))));
}

#[test]
fn take_repeats_and_checks() {
    let input = delta(&[(Some(1), "a", 0.0, 5), (Some(2), "b", 0.0, -1)]);
    let taken = input.take(&UInt32Array::from(vec![1, 0, 1])).unwrap();
    assert_eq!(taken.weights(), [-1, 5, -1]);
    assert_eq!(taken.rows().slice(1, 1), input.rows().slice(0, 1));
    assert!(input.take(&UInt32Array::from(vec![2])).is_err());
    assert!(input.take(&UInt32Array::from(vec![None])).is_err());
}

proptest! {
    #[test]
    fn consolidation_keeps_the_meaning(input in any_delta()) {
        let out = input.consolidate().unwrap();
        prop_assert_eq!(meaning(&out), meaning(&input));
        prop_assert_eq!(out.len(), meaning(&input).len());
        let again = out.consolidate().unwrap();
        prop_assert_eq!(again.weights(), out.weights());
    }

    #[test]
    fn what_filter_and_negate_say_of_consolidation_is_true(input in any_delta()) {
        let consolidated = input.consolidate().unwrap();
        let keep: BooleanArray = (0..consolidated.len()).map(|i| if i % 3 == 0 { None } else { Some(i % 2 == 0) }).collect();
        for delta in [consolidated.filter(&keep).unwrap(), consolidated.negate()] {
            prop_assert_eq!(delta.consolidate().unwrap().len(), meaning(&delta).len());
        }
        let indices: UInt32Array = (0..consolidated.len() as u32).flat_map(|i| [i, i]).collect();
        let doubled = consolidated.take(&indices).unwrap();
        prop_assert_eq!(doubled.consolidate().unwrap().len(), consolidated.len());
    }

    #[test]
    fn a_delta_and_its_negation_cancel(input in any_delta()) {
        let both = Delta::concat(&input.schema(), &[input.clone(), input.negate()]).unwrap();
        prop_assert!(both.consolidate().unwrap().is_empty());
    }
}
