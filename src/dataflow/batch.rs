//! Record batches: what Arrow's own functions leave out (batches without columns), and rows as text.

use super::Fault;
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, UInt32Array};
use arrow::compute::take;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::util::display::array_value_to_string;
use attune_planner::Field as PlanField;
use attune_storage::Delta;
use std::sync::Arc;

/// Longest text of a sampled row, in characters.
const ROW_TEXT_CHARS: usize = 500;

/// The Arrow schema of a node's output. Every column may be NULL, because a failed expression is.
pub(super) fn arrow_schema(fields: &[PlanField]) -> SchemaRef {
    let field = |f: &PlanField| Field::new(&f.name, f.column_type.to_arrow(), true);
    Arc::new(Schema::new(fields.iter().map(field).collect::<Vec<_>>()))
}

/// A batch of `rows` rows, with or without columns.
pub(super) fn batch_of(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch, Fault> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(schema.clone(), columns, &options)?)
}

/// The rows at `indices`.
pub(super) fn take_rows(batch: &RecordBatch, indices: &UInt32Array) -> Result<RecordBatch, Fault> {
    let columns = take_columns(batch.columns(), indices)?;
    batch_of(batch.schema_ref(), columns, indices.len())
}

/// The values at `indices` of each column; NULL where the index is NULL.
pub(super) fn take_columns(columns: &[ArrayRef], indices: &UInt32Array) -> Result<Vec<ArrayRef>, Fault> {
    Ok(columns.iter().map(|column| take(column, indices, None)).collect::<Result<_, _>>()?)
}

/// The delta consolidated; also of rows without columns, which are all equal.
pub(super) fn consolidate(delta: &Delta) -> Result<Delta, Fault> {
    if delta.rows().num_columns() > 0 {
        return Ok(delta.consolidate()?);
    }
    let mut sum = 0i64;
    for weight in delta.weights() {
        sum = sum.checked_add(*weight).ok_or_else(|| Fault::internal("the weights of a delta exceed 64 bits"))?;
    }
    let weights = if sum == 0 { Vec::new() } else { vec![sum] };
    Ok(Delta::new(batch_of(&delta.schema(), Vec::new(), weights.len())?, weights))
}

/// A row as people read it: `(1, abc, NULL)`, shortened when it is long.
pub(super) fn row_text(batch: &RecordBatch, row: usize) -> String {
    let value = |column: &ArrayRef| match column.is_null(row) {
        true => "NULL".to_owned(),
        false => array_value_to_string(column, row).unwrap_or_else(|e| format!("<{e}>")),
    };
    let text = format!("({})", batch.columns().iter().map(value).collect::<Vec<_>>().join(", "));
    match text.char_indices().nth(ROW_TEXT_CHARS) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text,
    }
}
