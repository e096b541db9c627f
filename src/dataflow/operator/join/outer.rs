//! Left, semi and anti joins: which left rows have a match, before and after a step.
//!
//! With `M` = 1 for a left row that has matches and 0 otherwise, the semi join is the left rows weighted by `M`, the anti
//! join those weighted by `1 - M`. Their changes: every row of the left delta by its `M` after the step, and every left
//! row from before the step by the change of its `M`.

use super::super::keys::DistinctKeys;
use super::super::{Fault, StepScope, weights};
use super::Join;
use super::side::{Found, SideDelta};
use crate::dataflow::batch::{batch_of, take_rows};
use arrow::array::{RecordBatch, UInt32Array, new_null_array};
use attune_planner::JoinKind;
use attune_storage::{Delta, Table};

impl Join {
    /// Without residual: all left rows of a join key have the same matches, the right rows of that key.
    pub(super) fn by_key(
        &self,
        left: &SideDelta,
        right: &SideDelta,
        counts: Table,
        output: &mut Vec<Delta>,
        scope: &mut StepScope<'_>,
    ) -> Result<(), Fault> {
        let lefts = left.delta.len();
        let key = |row: usize| if row < lefts { left.keys.get(row) } else { right.keys.get(row - lefts) };
        let touched = DistinctKeys::by(lefts + right.delta.len(), key);
        let changes = weights::sum_by(&touched.of_row[lefts..], right.delta.weights(), touched.len())?;
        let keys: Vec<&[u8]> = touched.first_row.iter().map(|row| key(*row as usize)).collect();
        let counts = weights::change(scope.state, counts, &keys, &changes)?;
        let count = |row: usize| counts[touched.of_row[row] as usize];

        // The stored left rows that are needed: all with a key of the right delta, or those whose match changes.
        let pairs = self.kind == JoinKind::Left;
        let turned = |number: &usize| {
            let count = count(lefts + right.distinct.first_row[*number] as usize);
            (count.old > 0) != (count.new > 0)
        };
        let asked: Vec<usize> = (0..right.distinct.len()).filter(|number| pairs || turned(number)).collect();
        let asked_keys: Vec<&[u8]> =
            asked.iter().map(|number| right.keys.get(right.distinct.first_row[*number] as usize)).collect();
        let left_found = self.left.find(&asked_keys, scope.state)?;
        self.left.apply(left, scope.state)?;
        if pairs {
            self.right.apply(right, scope.state)?;
            let right_found = self.right.find(&left.touched(), scope.state)?;
            self.join_pairs((left, right), (&left_found, &right_found), Some(output), None, scope)?;
        }
        let mut before_after = vec![(false, false); left_found.weights.len()];
        for (number, (from, to)) in asked.iter().zip(&left_found.ranges) {
            let count = count(lefts + right.distinct.first_row[*number] as usize);
            before_after[*from as usize..*to as usize].fill((count.old > 0, count.new > 0));
        }
        self.emit(left, |row| count(row).new > 0, &left_found, |row| before_after[row], output)
    }

    /// With a residual: each left row counts its own matches.
    pub(super) fn by_row(
        &self,
        left: &SideDelta,
        right: &SideDelta,
        output: &mut Vec<Delta>,
        scope: &mut StepScope<'_>,
    ) -> Result<(), Fault> {
        let left_found = self.left.find(&right.touched(), scope.state)?;
        self.right.apply(right, scope.state)?;
        let right_found = self.right.find(&left.touched(), scope.state)?;
        let mut matches = vec![0i64; left.delta.len()];
        let mut changes = vec![0i64; left_found.weights.len()];
        let pairs = if self.kind == JoinKind::Left { Some(&mut *output) } else { None };
        let counted = Some((&mut *matches, &mut *changes));
        self.join_pairs((left, right), (&left_found, &right_found), pairs, counted, scope)?;
        self.left.apply_counted((left, &matches), (&left_found, &changes), scope.state)?;
        let before_after = |row: usize| {
            let before = left_found.matches[row];
            (before > 0, before + changes[row] > 0)
        };
        self.emit(left, |row| matches[row] > 0, &left_found, before_after, output)
    }

    /// The rows of the semi or anti part, from whether rows of the left delta have a match after the step, and stored left
    /// rows before and after it.
    fn emit(
        &self,
        left: &SideDelta,
        matched: impl Fn(usize) -> bool,
        found: &Found,
        before_after: impl Fn(usize) -> (bool, bool),
        output: &mut Vec<Delta>,
    ) -> Result<(), Fault> {
        let wanted = self.kind == JoinKind::LeftSemi;
        let of_delta = (0..left.delta.len()).filter(|row| matched(*row) == wanted);
        let of_delta = of_delta.map(|row| (row as u32, left.delta.weights()[row]));
        let of_found = (0..found.weights.len()).filter_map(|row| {
            let (before, after) = before_after(row);
            let sign = i64::from(after == wanted) - i64::from(before == wanted);
            (sign != 0).then(|| (row as u32, sign * found.weights[row]))
        });
        for (rows, (indices, weights)) in [
            (left.delta.rows(), of_delta.unzip::<u32, i64, Vec<_>, Vec<_>>()),
            (&found.rows, of_found.unzip::<u32, i64, Vec<_>, Vec<_>>()),
        ] {
            if weights.is_empty() {
                continue;
            }
            let part = Delta::new(take_rows(rows, &UInt32Array::from(indices))?, weights);
            output.push(if wanted { part } else { self.without_match(part)? });
        }
        Ok(())
    }

    /// Left rows without match as the join gives them: padded with NULL by a left join.
    pub(super) fn without_match(&self, left: Delta) -> Result<Delta, Fault> {
        if self.kind != JoinKind::Left {
            return Ok(left);
        }
        let (rows, weights) = left.into_parts();
        Ok(Delta::new(self.pad(&rows)?, weights))
    }

    fn pad(&self, left: &RecordBatch) -> Result<RecordBatch, Fault> {
        let mut columns = left.columns().to_vec();
        let right = self.right.schema.fields().iter();
        columns.extend(right.map(|field| new_null_array(field.data_type(), left.num_rows())));
        batch_of(&self.pair_schema, columns, left.num_rows())
    }
}
