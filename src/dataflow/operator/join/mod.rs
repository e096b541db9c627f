//! Joins by equal keys.
//!
//! - `side`: the rows of one side in state
//! - `pairs`: candidate pairs, the residual condition
//! - `outer`: left, semi and anti joins on top of match counts

mod outer;
mod pairs;
mod side;

use super::{Fault, Operator, StepScope};
use crate::dataflow::Expression;
use crate::dataflow::batch::batch_of;
use arrow::datatypes::{Schema, SchemaRef};
use attune_planner::JoinKind;
use attune_sql::SqlError;
use attune_storage::{Delta, Table};
use pairs::{PairJoin, Rows};
use side::{Found, Layout, Side, SideDelta};
use std::sync::Arc;

/// Join of two inputs.
///
/// Bilinear: `d(A * B) = dA * (B + dB) + A * dB`. The left state is read before the step's changes, the right one after
/// them; only join keys in the deltas are touched. A left join is the inner join and, padded with NULL, the anti join;
/// semi and anti joins follow from whether left rows have matches before and after the step (see [`outer`]).
///
/// NULL keys match nothing unless `null_equals_null`; such rows are not kept. A cross join has the empty key.
///
/// State: left rows, right rows (see [`Layout`]), and for left, semi and anti joins without residual the number of right
/// rows per join key (`[join key]` -> i64 LE), which is the number of matches of every left row with that key. With a
/// residual each left row keeps its own number. Semi and anti joins without residual keep no right rows.
///
/// Example (inner, by the first column): with `{(1, a)}` on the left, `{(1, x): +1}` on the right gives
/// `{(1, a, 1, x): +1}`; deleting `(1, a)` then gives `{(1, a, 1, x): -1}`.
pub(crate) struct Join {
    kind: JoinKind,
    left: Side,
    right: Side,
    /// Number of right rows per join key.
    counts: Option<Table>,
    residual: Option<Expression>,
    null_equals_null: bool,
    /// Left columns, right columns.
    pair_schema: SchemaRef,
    schema: SchemaRef,
}

/// What a join is made of.
pub(crate) struct JoinPlan {
    pub(crate) kind: JoinKind,
    /// Schemas of the inputs.
    pub(crate) inputs: [SchemaRef; 2],
    /// Join columns of each input.
    pub(crate) on: [Vec<usize>; 2],
    /// Whether the join columns of each input cover a unique key of it.
    pub(crate) unique: [bool; 2],
    /// Whether each input has a key: no row is in it twice.
    pub(crate) keyed: [bool; 2],
    /// Whether each input never has deletes.
    pub(crate) append_only: [bool; 2],
    pub(crate) null_equals_null: bool,
    /// Over [`pair_schema`].
    pub(crate) residual: Option<Expression>,
    pub(crate) schema: SchemaRef,
    /// Left rows, right rows.
    pub(crate) rows: [Table; 2],
    /// Match counts, where the kind has them.
    pub(crate) counts: Option<Table>,
}

/// The schema a residual condition is evaluated over: left columns then right columns.
pub(crate) fn pair_schema(left: &Schema, right: &Schema) -> SchemaRef {
    Arc::new(Schema::new(left.fields().iter().chain(right.fields()).cloned().collect::<Vec<_>>()))
}

impl Join {
    /// The join as planned.
    ///
    /// # Errors
    /// When the plan contradicts itself.
    pub(crate) fn new(plan: JoinPlan) -> Result<Join, SqlError> {
        let internal = |e: attune_storage::StorageError| SqlError::internal(e.to_string());
        let by_key = plan.kind != JoinKind::Inner && plan.residual.is_none();
        let layout = |side: usize| match (plan.unique[side], plan.append_only[side]) {
            (true, _) => Layout::Point,
            (false, true) => Layout::Appended,
            (false, false) => Layout::Rows,
        };
        let left_layout = match plan.residual {
            Some(_) if plan.kind != JoinKind::Inner => Layout::Counted,
            _ => layout(0),
        };
        let right_layout = layout(1);
        let ([left, right], [left_on, right_on]) = (plan.inputs, plan.on);
        let pair_schema = pair_schema(&left, &right);
        let left = Side::new(left, left_on, plan.rows[0], left_layout, plan.keyed[0]).map_err(internal)?;
        let right = Side::new(right, right_on, plan.rows[1], right_layout, plan.keyed[1]).map_err(internal)?;
        if !left.key_types().eq(right.key_types()) {
            return Err(SqlError::internal("the columns of a join have different types"));
        }
        if by_key && plan.counts.is_none() {
            return Err(SqlError::internal("the plan of a join has no table for match counts"));
        }
        Ok(Join {
            kind: plan.kind,
            left,
            right,
            counts: plan.counts.filter(|_| by_key),
            residual: plan.residual,
            null_equals_null: plan.null_equals_null,
            pair_schema,
            schema: plan.schema,
        })
    }

    /// `dL * R + L * dR`, with the stored rows given; counts the matches per left row where asked for.
    fn join_pairs(
        &self,
        (left, right): (&SideDelta, &SideDelta),
        (left_found, right_found): (&Found, &Found),
        mut output: Option<&mut Vec<Delta>>,
        matches: Option<(&mut [i64], &mut [i64])>,
        scope: &mut StepScope<'_>,
    ) -> Result<(), Fault> {
        let (of_delta, of_found) = matches.unzip();
        PairJoin {
            schema: &self.pair_schema,
            residual: self.residual.as_ref(),
            output: output.as_deref_mut(),
            matches: of_delta,
            row_errors: scope.row_errors,
        }
        .join(
            rows_of_delta(left),
            rows_of(right_found),
            (0u32..).zip(&left.distinct.of_row).flat_map(|(row, key)| {
                let (from, to) = right_found.ranges[*key as usize];
                (from..to).map(move |found| (row, found))
            }),
        )?;
        PairJoin {
            schema: &self.pair_schema,
            residual: self.residual.as_ref(),
            output,
            matches: of_found,
            row_errors: scope.row_errors,
        }
        .join(
            rows_of(left_found),
            rows_of_delta(right),
            (0u32..).zip(&right.distinct.of_row).flat_map(|(row, key)| {
                let (from, to) = left_found.ranges[*key as usize];
                (from..to).map(move |found| (found, row))
            }),
        )
    }

    fn inner(
        &self,
        left: &SideDelta,
        right: &SideDelta,
        output: &mut Vec<Delta>,
        scope: &mut StepScope<'_>,
    ) -> Result<(), Fault> {
        let left_found = self.left.find(&right.touched(), scope.state)?;
        self.left.apply(left, scope.state)?;
        self.right.apply(right, scope.state)?;
        let right_found = self.right.find(&left.touched(), scope.state)?;
        self.join_pairs((left, right), (&left_found, &right_found), Some(output), None, scope)
    }
}

fn rows_of_delta(side: &SideDelta) -> Rows<'_> {
    Rows { rows: side.delta.rows(), weights: side.delta.weights() }
}

fn rows_of(found: &Found) -> Rows<'_> {
    Rows { rows: &found.rows, weights: &found.weights }
}

impl Operator for Join {
    fn step(&mut self, inputs: &[&Delta], scope: &mut StepScope<'_>) -> Result<Delta, Fault> {
        let [left, right] = inputs else {
            return Err(Fault::internal(format!("a join was given {} inputs", inputs.len())));
        };
        let (left, unmatched) = self.left.prepare(left, self.null_equals_null)?;
        let (right, _) = self.right.prepare(right, self.null_equals_null)?;
        let mut output = Vec::new();
        if let Some(unmatched) = unmatched
            && matches!(self.kind, JoinKind::Left | JoinKind::LeftAnti)
        {
            output.push(self.without_match(unmatched)?);
        }
        if !(left.delta.is_empty() && right.delta.is_empty()) {
            match (self.kind, self.counts) {
                (JoinKind::Inner, _) => self.inner(&left, &right, &mut output, scope)?,
                (_, Some(counts)) => self.by_key(&left, &right, counts, &mut output, scope)?,
                (_, None) => self.by_row(&left, &right, &mut output, scope)?,
            }
        }
        // The pairs of an inner or left join carry the names of the inputs until here.
        let renamed = output.into_iter().map(|part| {
            let rows = batch_of(&self.schema, part.rows().columns().to_vec(), part.len())?;
            Ok(Delta::new(rows, part.into_parts().1))
        });
        Ok(Delta::concat(&self.schema, &renamed.collect::<Result<Vec<_>, Fault>>()?)?)
    }
}
