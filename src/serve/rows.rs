//! Results on their way to the client.

use super::cancel::Limits;
use super::engine::{OutputColumn, query_error};
use super::lookup::{LookupRows, storage};
use super::session::SessionError;
use super::statement::Plan;
use super::value::{Format, write_field};
use super::wire::{Connection, backend};
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::{ColumnReader, Value};
use bytes::{BufMut, BytesMut};
use datafusion::arrow::array::RecordBatch;
use datafusion::execution::SendableRecordBatchStream;
use datafusion::physical_plan::EmptyRecordBatchStream;
use futures::StreamExt;
use std::borrow::Cow;
use std::sync::Arc;

/// Command tag of a query.
const SELECT: &str = "SELECT";

/// Rows of a result that were not sent yet.
pub(super) struct Rows {
    source: Source,
    /// Command tag, without the number of rows.
    tag: Cow<'static, str>,
}

enum Source {
    Lookup { plan: Arc<Plan>, rows: LookupRows },
    Batches { columns: Vec<OutputColumn>, stream: SendableRecordBatchStream, batch: Option<(RecordBatch, usize)> },
}

impl Rows {
    /// Rows of a lookup.
    pub(super) fn of_lookup(plan: Arc<Plan>, rows: LookupRows) -> Rows {
        Rows { source: Source::Lookup { plan, rows }, tag: SELECT.into() }
    }

    /// Rows of a query.
    pub(super) fn of_batches(columns: Vec<OutputColumn>, stream: SendableRecordBatchStream, tag: String) -> Rows {
        Rows { source: Source::Batches { columns, stream, batch: None }, tag: tag.into() }
    }

    /// The rows of a query that are all there.
    pub(super) fn of_batch(columns: Vec<OutputColumn>, batch: RecordBatch) -> Rows {
        let stream = Box::pin(EmptyRecordBatchStream::new(batch.schema()));
        Rows { source: Source::Batches { columns, stream, batch: Some((batch, 0)) }, tag: SELECT.into() }
    }

    /// Columns of the result.
    pub(super) fn columns(&self) -> &[OutputColumn] {
        match &self.source {
            Source::Lookup { plan, .. } => plan.columns(),
            Source::Batches { columns, .. } => columns,
        }
    }

    /// The command tag for a number of rows.
    pub(super) fn tag(&self, rows: u64) -> Cow<'static, str> {
        // What lookups end with: nothing is allocated for it.
        match (&*self.tag, rows) {
            (SELECT, 0) => return "SELECT 0".into(),
            (SELECT, 1) => return "SELECT 1".into(),
            _ => {}
        }
        let counted = [SELECT, "INSERT 0", "UPDATE", "DELETE", "COPY", "FETCH"].contains(&&*self.tag);
        if counted { format!("{} {rows}", self.tag).into() } else { self.tag.clone() }
    }

    /// Sends up to `most` rows as DataRow messages (`None`: all). Returns how many, and whether they were the last.
    ///
    /// The connection's buffer is sent whenever it is full, and a row larger than `max_message_bytes` is refused, so a result
    /// of any size needs no more memory than that.
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

    /// Gives every value of every row to `each`: row by row, and the end of each. After a row the connection's buffer is sent
    /// if `each` has filled it; a row larger than `max_message_bytes` is refused.
    pub(super) async fn for_each(
        &mut self,
        connection: &mut Connection,
        limits: &Limits,
        each: &mut (dyn FnMut(&mut Connection, Cell<'_>) -> Result<(), SqlError> + Send),
    ) -> Result<u64, SessionError> {
        let mut count = 0;
        let most = connection.max_message_bytes();
        match &mut self.source {
            Source::Lookup { plan, rows } => {
                let lookup =
                    plan.lookup.as_ref().ok_or_else(|| SqlError::internal("rows of a lookup without a lookup"))?;
                loop {
                    while let Some(row) = rows.ready() {
                        let mut bytes = 0;
                        for (index, column) in plan.columns().iter().enumerate() {
                            let value = lookup.value(&row, index)?;
                            add_size(&mut bytes, value, most)?;
                            each(connection, Cell::Value(value, column.sql_type))?;
                        }
                        each(connection, Cell::EndOfRow)?;
                        count += 1;
                        connection.flush_if_full().await?;
                    }
                    limits.check()?;
                    if !rows.read_more()? {
                        return Ok(count);
                    }
                }
            }
            Source::Batches { columns, stream, batch } => {
                let mut ready = batch.take().map(|(batch, _)| batch);
                while let Some(batch) = match ready.take() {
                    Some(batch) => Some(batch),
                    None => next_batch(stream, limits).await?,
                } {
                    let mut row = 0;
                    while row < batch.num_rows() {
                        let begun = row;
                        each_of_batch(&batch, &mut row, columns, connection, each)?;
                        count += (row - begun) as u64;
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

/// Gives rows from `row` on, until the last one or until the connection's buffer is full.
fn each_of_batch(
    batch: &RecordBatch,
    row: &mut usize,
    columns: &[OutputColumn],
    connection: &mut Connection,
    each: &mut (dyn FnMut(&mut Connection, Cell<'_>) -> Result<(), SqlError> + Send),
) -> Result<(), SqlError> {
    let readers = readers(batch)?;
    let most = connection.max_message_bytes();
    while *row < batch.num_rows() && !connection.is_full() {
        let mut bytes = 0;
        for (reader, column) in readers.iter().zip(columns) {
            let value = reader.value(*row);
            add_size(&mut bytes, value, most)?;
            each(connection, Cell::Value(value, column.sql_type))?;
        }
        each(connection, Cell::EndOfRow)?;
        *row += 1;
    }
    Ok(())
}

fn readers(batch: &RecordBatch) -> Result<Vec<ColumnReader<'_>>, SqlError> {
    batch.columns().iter().map(|array| ColumnReader::new(array.as_ref())).collect::<Result<_, _>>().map_err(storage)
}

/// The bytes that a value is at least on the wire, whatever its form; small ones do not count.
fn least_size(value: Option<Value<'_>>) -> usize {
    match value {
        Some(Value::Text(text)) => text.len(),
        Some(Value::Bytes(bytes)) => bytes.len(),
        _ => 0,
    }
}

/// Counts a value of a row; fails before anything is copied when the row becomes too large.
fn add_size(bytes: &mut usize, value: Option<Value<'_>>, most: usize) -> Result<(), SqlError> {
    *bytes = bytes.saturating_add(least_size(value));
    if *bytes > most { Err(too_large(most)) } else { Ok(()) }
}

/// 54000: a row that does not fit into a message.
fn too_large(most: usize) -> SqlError {
    let message = format!("a row of the result is larger than {most} bytes (max_message_bytes)");
    SqlError::new(SqlState::ProgramLimitExceeded, message)
        .with_hint("Select fewer or shorter columns (left(x, n), substr(x, from, n)), or raise max_message_bytes.")
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
    let most_bytes = connection.max_message_bytes();
    let mut sent = 0;
    loop {
        while sent < most {
            let Some(row) = rows.ready() else { break };
            let begun = connection.output.len();
            lookup.write_row(&mut connection.output, &row, formats)?;
            // Written first: a stored row is in memory and was bounded when it was written; its form here is a few times that.
            if connection.output.len() - begun > most_bytes {
                connection.output.truncate(begun);
                return Err(too_large(most_bytes).into());
            }
            sent += 1;
            connection.flush_if_full().await?;
        }
        if sent == most {
            return Ok((sent as u64, false));
        }
        if !rows.read_more()? {
            return Ok((sent as u64, true));
        }
        limits.check()?;
        // A long range must not keep others of this thread waiting.
        tokio::task::yield_now().await;
    }
}

/// The next batch of a stream that has rows.
async fn next_batch(stream: &mut SendableRecordBatchStream, limits: &Limits) -> Result<Option<RecordBatch>, SqlError> {
    loop {
        let next = limits.run(async { stream.next().await.transpose().map_err(query_error) }).await?;
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
    let readers = readers(batch)?;
    let most = connection.max_message_bytes();
    while *row < end && !connection.is_full() {
        write_row(&mut connection.output, &readers, *row, columns, formats, most)?;
        *row += 1;
    }
    Ok(())
}

/// Appends the DataRow message of a row; nothing when it would be larger than `most`.
fn write_row(
    out: &mut BytesMut,
    readers: &[ColumnReader<'_>],
    row: usize,
    columns: &[OutputColumn],
    formats: &[Format],
    most: usize,
) -> Result<(), SqlError> {
    let start = out.len();
    out.put_u8(b'D');
    out.put_i32(0);
    out.put_u16(readers.len() as u16);
    for (index, (reader, column)) in readers.iter().zip(columns).enumerate() {
        let value = reader.value(row);
        let fits = out.len() - start + least_size(value) <= most;
        if fits {
            write_field(out, value, column.sql_type, backend::format_of(formats, index));
        }
        // What was written counts as well: the text form of a bytea is twice as long.
        if !fits || out.len() - start > most {
            out.truncate(start);
            return Err(too_large(most));
        }
    }
    let length = i32::try_from(out.len() - start - 1).unwrap_or(i32::MAX);
    out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
    Ok(())
}
