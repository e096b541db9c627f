//! A change to a relation.

#[cfg(test)]
mod tests;

use crate::codec::RowCodec;
use crate::{Result, StorageError};
use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::{concat_batches, filter_record_batch, take_record_batch};
use arrow::datatypes::{DataType, Float32Type, Float64Type, SchemaRef};
use hashbrown::HashTable;
use hashbrown::hash_table::Entry;
use std::hash::BuildHasher;
use std::sync::Arc;

/// A Z-set: rows, and for each row by how much its multiplicity changes (+1 inserted, -1 deleted).
///
/// The same row may occur several times until the delta is [consolidated](Delta::consolidate).
#[derive(Clone, Debug)]
pub struct Delta {
    rows: RecordBatch,
    weights: Vec<i64>,
    /// Known to have no equal rows and no weight 0, so that consolidating again (once per view that reads it) is free.
    consolidated: bool,
}

impl Delta {
    /// A delta of `rows` with one weight each.
    ///
    /// # Panics
    /// When the numbers of rows and weights differ: a fault in the caller.
    #[must_use]
    pub fn new(rows: RecordBatch, weights: Vec<i64>) -> Delta {
        assert_eq!(rows.num_rows(), weights.len(), "a delta has one weight per row");
        Delta { rows, weights, consolidated: false }
    }

    /// A delta whose rows are known to differ from each other, with weights that are not 0: what an operator gives that emits
    /// a row once at most. Consolidating it is free.
    ///
    /// # Panics
    /// When the numbers of rows and weights differ: a fault in the caller.
    #[must_use]
    pub fn of_distinct(rows: RecordBatch, weights: Vec<i64>) -> Delta {
        debug_assert!(weights.iter().all(|weight| *weight != 0), "a row of weight 0 is no change");
        Delta { consolidated: true, ..Delta::new(rows, weights) }
    }

    /// The same rows with other names of the columns.
    ///
    /// # Errors
    /// When the types are not those of the rows.
    pub fn with_schema(&self, schema: &SchemaRef) -> Result<Delta> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.len()));
        let rows = RecordBatch::try_new_with_options(schema.clone(), self.rows.columns().to_vec(), &options)?;
        Ok(Delta { rows, weights: self.weights.clone(), consolidated: self.consolidated })
    }

    /// No change.
    #[must_use]
    pub fn empty(schema: SchemaRef) -> Delta {
        Delta { rows: RecordBatch::new_empty(schema), weights: Vec::new(), consolidated: true }
    }

    /// All rows inserted once.
    #[must_use]
    pub fn inserts(rows: RecordBatch) -> Delta {
        let weights = vec![1; rows.num_rows()];
        Delta::new(rows, weights)
    }

    /// The delta with canonical floats; see [`canonical_floats`].
    ///
    /// # Errors
    /// When Arrow cannot put the columns together.
    pub fn canonical(self) -> Result<Delta> {
        match canonical_floats(&self.rows)? {
            Some(rows) => Ok(Delta::new(rows, self.weights)),
            None => Ok(self),
        }
    }

    /// The rows, in no particular order.
    #[must_use]
    pub fn rows(&self) -> &RecordBatch {
        &self.rows
    }

    /// The weights, one per row.
    #[must_use]
    pub fn weights(&self) -> &[i64] {
        &self.weights
    }

    /// The schema of the rows.
    #[must_use]
    pub fn schema(&self) -> SchemaRef {
        self.rows.schema()
    }

    /// Whether each row is added once: there is nothing that could cancel out.
    #[must_use]
    pub fn is_inserts(&self) -> bool {
        self.weights.iter().all(|weight| *weight == 1)
    }

    /// Number of rows (not the sum of weights).
    #[must_use]
    pub fn len(&self) -> usize {
        self.weights.len()
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.weights.is_empty()
    }

    /// The rows and weights themselves.
    #[must_use]
    pub fn into_parts(self) -> (RecordBatch, Vec<i64>) {
        (self.rows, self.weights)
    }

    /// The same weights over other columns of the same rows (the result of a projection).
    ///
    /// # Panics
    /// When the number of rows is not the same: a fault in the caller.
    #[must_use]
    pub fn with_rows(&self, rows: RecordBatch) -> Delta {
        Delta::new(rows, self.weights.clone())
    }

    /// The opposite change: what was inserted is deleted, what was deleted is inserted.
    ///
    /// # Panics
    /// When a weight is `i64::MIN`, which no number of rows reaches.
    #[must_use]
    pub fn negate(&self) -> Delta {
        let weights = self.weights.iter().map(|weight| -weight).collect();
        Delta { rows: self.rows.clone(), weights, consolidated: self.consolidated }
    }

    /// The rows for which `keep` is true (NULL counts as false).
    ///
    /// # Errors
    /// When Arrow cannot filter one of the columns.
    pub fn filter(&self, keep: &BooleanArray) -> Result<Delta> {
        let rows = filter_record_batch(&self.rows, keep)?;
        let mut weights = Vec::with_capacity(rows.num_rows());
        weights.extend(self.weights.iter().zip(keep.iter()).filter(|(_, k)| *k == Some(true)).map(|(w, _)| *w));
        Ok(Delta { consolidated: self.consolidated, ..Delta::new(rows, weights) })
    }

    /// The rows at `indices`, in their order, with their weights. A row may be taken more than once.
    ///
    /// # Errors
    /// [`StorageError::Mismatch`] when there is no such row (or an index is NULL).
    pub fn take(&self, indices: &UInt32Array) -> Result<Delta> {
        let weight = |index: Option<u32>| {
            let found = index.and_then(|index| self.weights.get(index as usize));
            found.copied().ok_or_else(|| StorageError::Mismatch(format!("row {index:?} of a delta of {}", self.len())))
        };
        let weights = indices.iter().map(weight).collect::<Result<_>>()?;
        Ok(Delta::new(take_record_batch(&self.rows, indices)?, weights))
    }

    /// The deltas one after the other. All must have `schema`.
    ///
    /// # Errors
    /// When a delta has other column types.
    pub fn concat(schema: &SchemaRef, deltas: &[Delta]) -> Result<Delta> {
        let mut parts = deltas.iter().filter(|d| !d.is_empty());
        let (first, second) = (parts.next(), parts.next());
        match (first, second) {
            (None, _) => Ok(Delta::empty(schema.clone())),
            (Some(only), None) => Ok(only.clone()),
            _ => {
                let rows = concat_batches(schema, deltas.iter().map(|d| &d.rows))?;
                let weights = deltas.iter().flat_map(|d| d.weights.iter().copied()).collect();
                Ok(Delta::new(rows, weights))
            }
        }
    }

    /// Equal rows added up; rows whose weights cancel are gone. Order of first occurrence is kept. Free when the delta is
    /// the result of a consolidation (or was filtered or negated since).
    ///
    /// Rows are equal when their [row encoding](crate::codec::RowCodec) is (so NULL equals NULL and NaN equals NaN).
    ///
    /// # Errors
    /// When a column has a type that cannot be encoded, or a sum of weights does not fit 64 bits.
    pub fn consolidate(&self) -> Result<Delta> {
        if self.consolidated {
            return Ok(self.clone());
        }
        let sums = if self.len() == 1 { vec![(0, self.weights[0])] } else { self.sum_weights()? };
        if sums.len() == self.len() && self.weights.iter().all(|weight| *weight != 0) {
            return Ok(Delta { consolidated: true, ..self.clone() });
        }
        let left = || sums.iter().filter(|(_, weight)| *weight != 0);
        let indices = UInt32Array::from_iter_values(left().map(|(row, _)| *row));
        let rows = take_record_batch(&self.rows, &indices)?;
        Ok(Delta { consolidated: true, ..Delta::new(rows, left().map(|(_, weight)| *weight).collect()) })
    }

    /// For each distinct row, in order of first occurrence: where it first occurs, and the sum of its weights.
    fn sum_weights(&self) -> Result<Vec<(u32, i64)>> {
        let encoded = RowCodec::for_schema(&self.schema())?.encode_batch(&self.rows)?;
        let hasher = foldhash::fast::RandomState::default();
        // The table holds places in `sums`; hash and equality are those of the row found there.
        let mut seen: HashTable<u32> = HashTable::with_capacity(self.len());
        let mut sums: Vec<(u32, i64)> = Vec::with_capacity(self.len());
        for (row, weight) in (0u32..).zip(&self.weights) {
            let bytes = encoded.get(row as usize);
            let first = |place: &u32| encoded.get(sums[*place as usize].0 as usize);
            match seen.entry(hasher.hash_one(bytes), |p| first(p) == bytes, |p| hasher.hash_one(first(p))) {
                Entry::Occupied(place) => {
                    let sum = &mut sums[*place.get() as usize].1;
                    *sum = sum.checked_add(*weight).ok_or_else(|| {
                        StorageError::Mismatch("the weights of a row of a delta add up to more than 64 bits".to_owned())
                    })?;
                }
                Entry::Vacant(place) => {
                    place.insert(sums.len() as u32);
                    sums.push((row, *weight));
                }
            }
        }
        Ok(sums)
    }
}

/// The batch with -0 as 0 and every NaN as the one canonical NaN, or `None` when it is so already.
///
/// The codecs store floats in this form. What views compute from has to have it too: a row that is deleted comes back from
/// storage, and an expression that tells -0 from 0 must give the same for it as when it came.
///
/// # Errors
/// When Arrow cannot put the columns together.
pub fn canonical_floats(rows: &RecordBatch) -> Result<Option<RecordBatch>> {
    let mut columns = Vec::new();
    for (i, column) in rows.columns().iter().enumerate() {
        let changed: Option<ArrayRef> = match column.data_type() {
            DataType::Float64 => {
                let values = column.as_primitive::<Float64Type>();
                let canonical = |v: f64| if v.is_nan() { f64::NAN } else { v + 0.0 };
                let differs = values.values().iter().any(|v| v.to_bits() != canonical(*v).to_bits());
                differs.then(|| Arc::new(values.unary::<_, Float64Type>(canonical)) as ArrayRef)
            }
            DataType::Float32 => {
                let values = column.as_primitive::<Float32Type>();
                let canonical = |v: f32| if v.is_nan() { f32::NAN } else { v + 0.0 };
                let differs = values.values().iter().any(|v| v.to_bits() != canonical(*v).to_bits());
                differs.then(|| Arc::new(values.unary::<_, Float32Type>(canonical)) as ArrayRef)
            }
            _ => None,
        };
        if let Some(changed) = changed {
            if columns.is_empty() {
                columns = rows.columns().to_vec();
            }
            columns[i] = changed;
        }
    }
    if columns.is_empty() { Ok(None) } else { Ok(Some(RecordBatch::try_new(rows.schema(), columns)?)) }
}
