//! Candidate pairs of a join, joined in bounded chunks.

use super::super::{Fault, RowErrors};
use crate::dataflow::Expression;
use crate::dataflow::batch::{batch_of, take_columns};
use arrow::array::{RecordBatch, UInt32Array};
use arrow::compute::filter_record_batch;
use arrow::datatypes::SchemaRef;
use attune_storage::Delta;

/// Pairs that are put together, and given to the residual condition, at a time.
const CHUNK: usize = 16_384;

/// Rows of one side, by join key.
#[derive(Clone, Copy)]
pub(super) struct Rows<'a> {
    pub(super) rows: &'a RecordBatch,
    pub(super) weights: &'a [i64],
}

/// What to do with pairs.
pub(super) struct PairJoin<'a> {
    /// Schema of a pair: left columns, right columns.
    pub(super) schema: &'a SchemaRef,
    /// Condition of a pair beyond the equal keys.
    pub(super) residual: Option<&'a Expression>,
    /// Where to put the pairs; `None`: they are only counted.
    pub(super) output: Option<&'a mut Vec<Delta>>,
    /// Per left row: the sum of the weights of its right partners is added here.
    pub(super) matches: Option<&'a mut [i64]>,
    pub(super) row_errors: &'a mut RowErrors,
}

impl PairJoin<'_> {
    /// Joins the pairs (left row, right row).
    pub(super) fn join(
        &mut self,
        left: Rows<'_>,
        right: Rows<'_>,
        pairs: impl Iterator<Item = (u32, u32)>,
    ) -> Result<(), Fault> {
        let (mut left_rows, mut right_rows) = (Vec::new(), Vec::new());
        for (l, r) in pairs {
            left_rows.push(l);
            right_rows.push(r);
            if left_rows.len() == CHUNK {
                self.flush(left, right, &mut left_rows, &mut right_rows)?;
            }
        }
        self.flush(left, right, &mut left_rows, &mut right_rows)
    }

    fn flush(
        &mut self,
        left: Rows<'_>,
        right: Rows<'_>,
        left_rows: &mut Vec<u32>,
        right_rows: &mut Vec<u32>,
    ) -> Result<(), Fault> {
        let (left_rows, right_rows) = (std::mem::take(left_rows), std::mem::take(right_rows));
        if left_rows.is_empty() {
            return Ok(());
        }
        let (left_rows, right_rows) = (UInt32Array::from(left_rows), UInt32Array::from(right_rows));
        let mut pairs = None;
        if self.output.is_some() || self.residual.is_some() {
            let mut columns = take_columns(left.rows.columns(), &left_rows)?;
            columns.extend(take_columns(right.rows.columns(), &right_rows)?);
            pairs = Some(batch_of(self.schema, columns, left_rows.len())?);
        }
        let keep = match (self.residual, &pairs) {
            (Some(residual), Some(pairs)) => Some(residual.matches(pairs, self.row_errors)?),
            _ => None,
        };
        let kept = |pair: usize| keep.as_ref().is_none_or(|keep| keep.value(pair));
        let mut weights = Vec::with_capacity(left_rows.len());
        for pair in (0..left_rows.len()).filter(|pair| kept(*pair)) {
            let (l, r) = (left_rows.value(pair) as usize, right_rows.value(pair) as usize);
            weights.push(product(left.weights[l], right.weights[r])?);
            if let Some(matches) = &mut self.matches {
                matches[l] = matches[l].checked_add(right.weights[r]).ok_or_else(too_many)?;
            }
        }
        if let (Some(output), Some(pairs)) = (&mut self.output, pairs)
            && !weights.is_empty()
        {
            let pairs = match &keep {
                Some(keep) if weights.len() < pairs.num_rows() => filter_record_batch(&pairs, keep)?,
                _ => pairs,
            };
            output.push(Delta::new(pairs, weights));
        }
        Ok(())
    }
}

fn product(left: i64, right: i64) -> Result<i64, Fault> {
    left.checked_mul(right).ok_or_else(too_many)
}

fn too_many() -> Fault {
    Fault::internal("a join gives a row more than 2^63 times")
}
