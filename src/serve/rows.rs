//! Results on their way to the client.

use super::cancel::Limits;
use super::engine::OutputColumn;
use super::lookup::{LookupRows, storage};
use super::session::SessionError;
use super::statement::Plan;
use super::value::{Format, write_field};
use super::wire::{Connection, backend};
use attune_sql::SqlError;
use attune_sql::binder::map_datafusion_error;
use attune_sql::types::SqlType;
use attune_storage::codec::{ColumnReader, Value};
use bytes::BufMut;
use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use futures::StreamExt;
use std::sync::Arc;

/// Rows of a result that were not sent yet.
pub(super) struct Rows {
    source: Source,
    /// Command tag, without the number of rows.
    tag: String,
}

enum Source {
    Lookup { plan: Arc<Plan>, rows: LookupRows },
    Batches { columns: Vec<OutputColumn>, stream: SendableRecordBatchStream, batch: Option<(RecordBatch, usize)> },
}

impl Rows {
    /// Rows of a lookup.
    pub(super) fn of_lookup(plan: Arc<Plan>, rows: LookupRows) -> Rows {
        Rows { source: Source::Lookup { plan, rows }, tag: "SELECT".to_owned() }
    }

    /// Rows of a query.
    pub(super) fn of_batches(columns: Vec<OutputColumn>, stream: SendableRecordBatchStream, tag: String) -> Rows {
        Rows { source: Source::Batches { columns, stream, batch: None }, tag }
    }

    /// Columns of the result.
    pub(super) fn columns(&self) -> &[OutputColumn] {
        match &self.source {
            Source::Lookup { plan, .. } => plan.columns(),
            Source::Batches { columns, .. } => columns,
        }
    }

    /// The command tag for a number of rows.
    pub(super) fn tag(&self, rows: u64) -> String {
        let counted = ["SELECT", "INSERT 0", "UPDATE", "DELETE", "COPY", "FETCH"].contains(&self.tag.as_str());
        if counted { format!("{} {rows}", self.tag) } else { self.tag.clone() }
    }

    /// Sends up to `most` rows as DataRow messages (`None`: all). Returns how many, and whether they were the last.
    ///
    /// The connection's buffer is sent whenever it is full, so a result of any size needs no more memory than that.
    pub(super) async fn send(
        &mut self,
        connection: &mut Connection,
        formats: &[Format],
        most: Option<usize>,
        limits: &Limits,
    ) -> Result<(u64, bool), SessionError> {
        let most = most.unwrap_or(usize::MAX);
        match &mut self.source {
            Source::Lookup { plan, rows } => send_lookup(plan, rows, connection, formats, most, limits).await,
            Source::Batches { columns, stream, batch } => {
                let mut sent = 0;
                loop {
                    while batch.as_ref().is_none_or(|(batch, row)| *row >= batch.num_rows()) {
                        match next_batch(stream, limits).await? {
                            Some(next) => *batch = Some((next, 0)),
                            None => return Ok((sent as u64, true)),
                        }
                    }
                    if sent == most {
                        return Ok((sent as u64, false));
                    }
                    if let Some((batch, row)) = batch {
                        let end = batch.num_rows().min(row.saturating_add(most - sent));
                        let begun = *row;
                        send_batch(batch, row, end, columns, connection, formats).await?;
                        sent += end - begun;
                    }
                }
            }
        }
    }

    /// Gives every value of every row to `each`: row by row, `None` being the end of a row. Between chunks `each` is
    /// followed by a flush of the connection's buffer, which it may fill.
    pub(super) async fn for_each(
        &mut self,
        connection: &mut Connection,
        limits: &Limits,
        each: &mut (dyn FnMut(&mut Connection, Cell<'_>) -> Result<(), SqlError> + Send),
    ) -> Result<u64, SessionError> {
        let mut count = 0;
        match &mut self.source {
            Source::Lookup { plan, rows } => {
                let lookup =
                    plan.lookup.as_ref().ok_or_else(|| SqlError::internal("rows of a lookup without a lookup"))?;
                loop {
                    while let Some(row) = rows.ready() {
                        for (index, column) in plan.columns().iter().enumerate() {
                            each(connection, Cell::Value(lookup.value(&row, index)?, column.sql_type))?;
                        }
                        each(connection, Cell::EndOfRow)?;
                        count += 1;
                    }
                    connection.flush_if_full().await?;
                    limits.check()?;
                    if !rows.read_more()? {
                        return Ok(count);
                    }
                }
            }
            Source::Batches { columns, stream, .. } => {
                while let Some(batch) = next_batch(stream, limits).await? {
                    for first in (0..batch.num_rows()).step_by(ROWS_BETWEEN_FLUSHES) {
                        let rows = first..batch.num_rows().min(first + ROWS_BETWEEN_FLUSHES);
                        count += rows.len() as u64;
                        each_of_batch(&batch, rows, columns, connection, each)?;
                        connection.flush_if_full().await?;
                    }
                }
                Ok(count)
            }
        }
    }
}

/// What [`Rows::for_each`] gives.
pub(super) enum Cell<'a> {
    /// The next value of the row; `None` is NULL.
    Value(Option<Value<'a>>, SqlType),
    /// The row is complete.
    EndOfRow,
}

/// Rows written before it is looked whether the buffer is full.
const ROWS_BETWEEN_FLUSHES: usize = 256;

fn each_of_batch(
    batch: &RecordBatch,
    rows: std::ops::Range<usize>,
    columns: &[OutputColumn],
    connection: &mut Connection,
    each: &mut (dyn FnMut(&mut Connection, Cell<'_>) -> Result<(), SqlError> + Send),
) -> Result<(), SqlError> {
    let readers: Vec<_> = batch
        .columns()
        .iter()
        .map(|array| ColumnReader::new(array.as_ref()))
        .collect::<Result<_, _>>()
        .map_err(storage)?;
    for row in rows {
        for (reader, column) in readers.iter().zip(columns) {
            each(connection, Cell::Value(reader.value(row), column.sql_type))?;
        }
        each(connection, Cell::EndOfRow)?;
    }
    Ok(())
}

async fn send_lookup(
    plan: &Plan,
    rows: &mut LookupRows,
    connection: &mut Connection,
    formats: &[Format],
    most: usize,
    limits: &Limits,
) -> Result<(u64, bool), SessionError> {
    let lookup = plan.lookup.as_ref().ok_or_else(|| SqlError::internal("rows of a lookup without a lookup"))?;
    let mut sent = 0;
    loop {
        while sent < most {
            let Some(row) = rows.ready() else { break };
            lookup.write_row(&mut connection.output, &row, formats)?;
            sent += 1;
        }
        if sent == most {
            return Ok((sent as u64, false));
        }
        if !rows.read_more()? {
            return Ok((sent as u64, true));
        }
        connection.flush_if_full().await?;
        limits.check()?;
        // A long range must not keep others of this thread waiting.
        tokio::task::yield_now().await;
    }
}

/// The next batch of a stream that has rows.
async fn next_batch(stream: &mut SendableRecordBatchStream, limits: &Limits) -> Result<Option<RecordBatch>, SqlError> {
    loop {
        let next =
            limits.run(async { stream.next().await.transpose().map_err(|error| map_datafusion_error(&error)) }).await?;
        match next {
            Some(batch) if batch.num_rows() == 0 => {}
            next => return Ok(next),
        }
    }
}

/// Sends rows of a batch up to `end`; `row` is the next one.
async fn send_batch(
    batch: &RecordBatch,
    row: &mut usize,
    end: usize,
    columns: &[OutputColumn],
    connection: &mut Connection,
    formats: &[Format],
) -> Result<(), SessionError> {
    if batch.num_columns() != columns.len() {
        return Err(SqlError::internal("a result has other columns than were announced").into());
    }
    while *row < end {
        write_rows(batch, row, end, columns, connection, formats)?;
        connection.flush_if_full().await?;
    }
    Ok(())
}

/// Appends rows until `end` or until the buffer is full.
fn write_rows(
    batch: &RecordBatch,
    row: &mut usize,
    end: usize,
    columns: &[OutputColumn],
    connection: &mut Connection,
    formats: &[Format],
) -> Result<(), SqlError> {
    let readers: Vec<_> = batch
        .columns()
        .iter()
        .map(|array| ColumnReader::new(array.as_ref()))
        .collect::<Result<_, _>>()
        .map_err(storage)?;
    let end = end.min(*row + ROWS_BETWEEN_FLUSHES);
    for at in *row..end {
        backend::message(&mut connection.output, b'D', |out| {
            out.put_u16(readers.len() as u16);
            for (index, (reader, column)) in readers.iter().zip(columns).enumerate() {
                write_field(out, reader.value(at), column.sql_type, backend::format_of(formats, index));
            }
        });
    }
    *row = end;
    Ok(())
}
