//! Results on their way out.

use super::{Outcome, OutputColumn};
use attune_sql::SqlError;
use attune_sql::types::SqlType;
use datafusion::arrow::array::{ArrayRef, RecordBatch, StringArray};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use std::sync::Arc;

/// Arrow schema of the columns of a result.
pub(super) fn schema(columns: &[OutputColumn]) -> SchemaRef {
    let fields = columns.iter().map(|c| Field::new(&c.name, c.sql_type.to_arrow(), true));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A result that is complete.
pub(super) fn rows(columns: Vec<OutputColumn>, batches: Vec<RecordBatch>, tag: &str) -> Outcome {
    let stream = futures::stream::iter(batches.into_iter().map(Ok));
    let stream = Box::pin(RecordBatchStreamAdapter::new(schema(&columns), stream));
    Outcome::Rows { columns, stream, tag: tag.to_owned() }
}

/// Columns of text.
pub(super) fn text_columns(names: &[&str]) -> Vec<OutputColumn> {
    names.iter().map(|n| OutputColumn { name: (*n).to_owned(), sql_type: SqlType::Text }).collect()
}

/// A result of text: SHOW, EXPLAIN.
pub(super) fn text_rows(columns: Vec<OutputColumn>, values: &[Vec<String>], tag: &str) -> Result<Outcome, SqlError> {
    let arrays: Vec<ArrayRef> = (0..columns.len())
        .map(|i| Arc::new(values.iter().map(|row| row.get(i)).collect::<StringArray>()) as ArrayRef)
        .collect();
    let batch = RecordBatch::try_new(schema(&columns), arrays).map_err(super::errors::arrow)?;
    Ok(rows(columns, vec![batch], tag))
}

/// A command without rows.
pub(super) fn command(tag: impl Into<String>) -> Outcome {
    Outcome::Command { tag: tag.into(), notices: Vec::new() }
}
