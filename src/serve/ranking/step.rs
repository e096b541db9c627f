//! What is done with the rows of a ranking, one after the other.

use super::expression::Expression;
use super::join::KeyJoin;
use crate::serve::engine::query_error;
use crate::serve::lookup::{Count, Most, count};
use crate::serve::value::Parameters;
use attune_sql::SqlError;
use attune_storage::OneEpoch;
use datafusion::arrow::array::{ArrayRef, BooleanArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::{SortColumn, SortOptions, filter_record_batch, lexsort_to_indices, take_record_batch};
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::common::cast::as_boolean_array;
use datafusion::error::Result;
use datafusion::scalar::ScalarValue;

/// What a ranking is run with.
pub(super) struct Inputs<'a> {
    pub(super) parameters: &'a Parameters,
    /// The parameters again, if expressions have some.
    pub(super) values: &'a [ScalarValue],
    pub(super) view: &'a OneEpoch<'a>,
    pub(super) most: Most,
}

/// A step.
pub(super) enum Step {
    Filter { predicate: Expression, text: String },
    Project { values: Vec<Expression>, schema: SchemaRef, text: String },
    Join(Box<KeyJoin>),
    Sort { by: Vec<(Expression, SortOptions)>, most: Option<usize>, text: String },
    Limit { offset: Option<Count>, limit: Option<Count>, text: String },
}

impl Step {
    /// The rows after this step; `None` when there are too many.
    pub(super) fn run(
        &self,
        batch: RecordBatch,
        inputs: &Inputs<'_>,
    ) -> std::result::Result<Option<RecordBatch>, SqlError> {
        let done = match self {
            Step::Join(join) => return join.run(&batch, inputs),
            Step::Filter { predicate, .. } => filter(predicate, &batch, inputs.values),
            Step::Project { values, schema, .. } => project(values, schema, &batch, inputs.values),
            Step::Sort { by, most, .. } => sort(by, *most, &batch, inputs.values),
            Step::Limit { offset, limit, .. } => {
                let offset = count(*offset, inputs.parameters, "OFFSET")?.unwrap_or(0).min(batch.num_rows());
                let left = batch.num_rows() - offset;
                let limit = count(*limit, inputs.parameters, "LIMIT")?.unwrap_or(usize::MAX).min(left);
                Ok(batch.slice(offset, limit))
            }
        };
        done.map(Some).map_err(query_error)
    }

    /// The step in EXPLAIN.
    pub(super) fn describe(&self) -> String {
        match self {
            Step::Filter { text, .. } => format!("Filter: {text}"),
            Step::Project { text, .. } => format!("Compute: {text}"),
            Step::Join(join) => join.describe(),
            Step::Sort { text, most: None, .. } => format!("Order: {text}"),
            Step::Sort { text, most: Some(most), .. } => format!("Order: {text}, the first {most}"),
            Step::Limit { text, .. } => text.clone(),
        }
    }
}

/// Which rows a condition is true for.
pub(super) fn mask(predicate: &Expression, batch: &RecordBatch, values: &[ScalarValue]) -> Result<BooleanArray> {
    Ok(as_boolean_array(&predicate.evaluate(batch, values)?)?.clone())
}

fn filter(predicate: &Expression, batch: &RecordBatch, values: &[ScalarValue]) -> Result<RecordBatch> {
    Ok(filter_record_batch(batch, &mask(predicate, batch, values)?)?)
}

fn project(
    exprs: &[Expression],
    schema: &SchemaRef,
    batch: &RecordBatch,
    values: &[ScalarValue],
) -> Result<RecordBatch> {
    let arrays = exprs.iter().map(|expr| expr.evaluate(batch, values)).collect::<Result<_>>()?;
    with_rows(schema, arrays, batch.num_rows())
}

fn sort(
    by: &[(Expression, SortOptions)],
    most: Option<usize>,
    batch: &RecordBatch,
    values: &[ScalarValue],
) -> Result<RecordBatch> {
    let columns = by
        .iter()
        .map(|(expr, options)| Ok(SortColumn { values: expr.evaluate(batch, values)?, options: Some(*options) }));
    let order = lexsort_to_indices(&columns.collect::<Result<Vec<_>>>()?, most)?;
    Ok(take_record_batch(batch, &order)?)
}

/// A batch, also of no columns.
pub(super) fn with_rows(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}
