//! Each row once.

use super::{Fault, Operator, StepScope, only, weights};
use crate::dataflow::batch::{consolidate, take_rows};
use arrow::array::UInt32Array;
use arrow::datatypes::SchemaRef;
use attune_storage::codec::KeyCodec;
use attune_storage::{Delta, StorageError, Table};

/// Each row once, however often it is in the input. NULL equals NULL, NaN equals NaN.
///
/// Touches the rows in the delta only: a row appears when its count leaves 0 and disappears when it reaches 0.
/// State: `[row as a key]` -> count.
///
/// Example: with `{a: 1, b: 2}` stored, `{a: -1, b: -1, c: +3}` gives `{a: -1, c: +1}`.
pub(crate) struct Distinct {
    key: KeyCodec,
    counts: Table,
    schema: SchemaRef,
}

impl Distinct {
    /// Over rows of `schema`, with the counts in `counts`.
    pub(crate) fn new(schema: SchemaRef, counts: Table) -> Result<Distinct, StorageError> {
        let columns: Vec<usize> = (0..schema.fields().len()).collect();
        Ok(Distinct { key: KeyCodec::ascending(&schema, &columns)?, counts, schema })
    }
}

impl Operator for Distinct {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let input = consolidate(only(inputs)?)?;
        let keys = self.key.encode_batch(input.rows())?;
        let keys: Vec<&[u8]> = keys.iter().collect();
        let counts = weights::change(scope.state, self.counts, &keys, input.weights())?;
        let changed = (0u32..).zip(&counts).filter(|(_, count)| (count.old > 0) != (count.new > 0));
        let (rows, weights): (Vec<u32>, Vec<i64>) =
            changed.map(|(row, count)| (row, if count.new > 0 { 1 } else { -1 })).unzip();
        if rows.is_empty() {
            return Ok(Delta::empty(self.schema.clone()));
        }
        Ok(Delta::new(take_rows(input.rows(), &UInt32Array::from(rows))?, weights))
    }
}
