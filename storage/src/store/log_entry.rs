//! The value of a log entry: rows of one stream, written in one epoch.
//!
//! `[version u8][encoding u8][timestamp_us i64 LE][rows u32 LE][payload]`. Encoding 1: rows of the row codec, each
//! behind its length (u32 LE); for the few rows of an interactive INSERT, where an Arrow header would outweigh the rows.
//! Encoding 2: `[length u32 LE][message][body]` of an Arrow IPC record batch (format V5, buffers compressed with zstd),
//! without the schema message: the catalog has the schema.

use crate::codec::{ByteRows, RowCodec};
use crate::{Result, StorageError};
use arrow::array::{Array, RecordBatch};
use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::writer::{DictionaryTracker, IpcDataGenerator, IpcWriteContext, IpcWriteOptions};
use arrow::ipc::{CompressionType, MetadataVersion, reader::read_record_batch, root_as_message};
use std::cell::RefCell;
use std::collections::HashMap;

const VERSION: u8 = 1;
const ROWS: u8 = 1;
const ARROW: u8 = 2;
/// Rows of an entry at most; bounds what a reader holds to decode it.
const MAX_ROWS: usize = 65_536;
/// Bytes (before compression) an entry is cut at.
const MAX_BYTES: usize = 4 << 20;
/// Bytes in Arrow from which on encoding 2 is used: below, its header and padding cost more than columns save.
const ARROW_FROM_BYTES: usize = 4 << 10;
/// Level 1 compresses events almost as well as the default level 3, at twice the speed, on the path of the commit.
const ZSTD_LEVEL: i32 = 1;

thread_local! {
    /// What the compressor works with, half a megabyte: the thread that encodes entries, the coordinator, keeps it.
    static CONTEXT: RefCell<IpcWriteContext> = RefCell::default();
}

/// The values of the entries that hold `rows`, in order; none for no rows.
pub(super) fn encode(rows: &RecordBatch, timestamp_us: i64) -> Result<Vec<Vec<u8>>> {
    let total = rows.num_rows();
    if total == 0 {
        return Ok(Vec::new());
    }
    let bytes = arrow_bytes(rows)?;
    if bytes < ARROW_FROM_BYTES && total <= MAX_ROWS {
        return Ok(vec![encode_rows(rows, timestamp_us)?]);
    }
    let per_entry = (MAX_BYTES / (bytes / total).max(1)).clamp(1, MAX_ROWS);
    (0..total)
        .step_by(per_entry)
        .map(|start| encode_arrow(&rows.slice(start, per_entry.min(total - start)), timestamp_us))
        .collect()
}

/// Bytes of exactly these rows, also when the batch is a slice of a larger one.
fn arrow_bytes(rows: &RecordBatch) -> Result<usize> {
    let mut bytes = 0;
    for column in rows.columns() {
        bytes += column.to_data().get_slice_memory_size()?;
    }
    Ok(bytes)
}

fn header(encoding: u8, timestamp_us: i64, rows: usize) -> Vec<u8> {
    let mut entry = vec![VERSION, encoding];
    entry.extend_from_slice(&timestamp_us.to_le_bytes());
    entry.extend_from_slice(&(rows as u32).to_le_bytes());
    entry
}

fn encode_rows(rows: &RecordBatch, timestamp_us: i64) -> Result<Vec<u8>> {
    let encoded = RowCodec::for_schema(&rows.schema())?.encode_batch(rows)?;
    let mut entry = header(ROWS, timestamp_us, rows.num_rows());
    for row in encoded.iter() {
        entry.extend_from_slice(&(row.len() as u32).to_le_bytes());
        entry.extend_from_slice(row);
    }
    Ok(entry)
}

fn encode_arrow(rows: &RecordBatch, timestamp_us: i64) -> Result<Vec<u8>> {
    let options = IpcWriteOptions::try_new(8, false, MetadataVersion::V5)?
        .try_with_compression(Some(CompressionType::ZSTD))?
        .try_with_compression_level(Some(ZSTD_LEVEL))?;
    // No stored column type is a dictionary.
    let mut dictionaries = DictionaryTracker::new(true);
    // A fault leaves a fresh context behind.
    let mut context = CONTEXT.take();
    let (_, data) = IpcDataGenerator::default().encode(rows, &mut dictionaries, &options, &mut context)?;
    CONTEXT.set(context);
    let mut entry = header(ARROW, timestamp_us, rows.num_rows());
    entry.extend_from_slice(&(data.ipc_message.len() as u32).to_le_bytes());
    entry.extend_from_slice(&data.ipc_message);
    entry.extend_from_slice(&data.arrow_data);
    Ok(entry)
}

fn damaged(what: &str) -> StorageError {
    StorageError::Corrupt(format!("log entry: {what}"))
}

/// An entry's header, and its rows still encoded.
pub(super) struct LogEntry<'a> {
    encoding: u8,
    pub(super) timestamp_us: i64,
    pub(super) rows: usize,
    payload: &'a [u8],
}

impl<'a> LogEntry<'a> {
    pub(super) fn parse(value: &'a [u8]) -> Result<LogEntry<'a>> {
        let (&[version, encoding], rest) = value.split_first_chunk().ok_or_else(|| damaged("no header"))?;
        if version != VERSION {
            return Err(damaged(&format!("unknown version {version}")));
        }
        let (timestamp, rest) = rest.split_first_chunk().ok_or_else(|| damaged("no timestamp"))?;
        let (rows, payload) = rest.split_first_chunk().ok_or_else(|| damaged("no row count"))?;
        let rows = u32::from_le_bytes(*rows) as usize;
        Ok(LogEntry { encoding, timestamp_us: i64::from_le_bytes(*timestamp), rows, payload })
    }
}

/// Decodes a run of entries. Rows of consecutive small entries become one batch: a stream fed by single-row INSERTs has
/// an entry per row.
pub(super) struct RunDecoder {
    schema: SchemaRef,
    codec: RowCodec,
    pending: ByteRows,
    batches: Vec<RecordBatch>,
    rows: usize,
}

impl RunDecoder {
    pub(super) fn new(schema: &SchemaRef) -> Result<RunDecoder> {
        Ok(RunDecoder {
            schema: schema.clone(),
            codec: RowCodec::for_schema(schema)?,
            pending: ByteRows::default(),
            batches: Vec::new(),
            rows: 0,
        })
    }

    /// Rows taken so far.
    pub(super) fn rows(&self) -> usize {
        self.rows
    }

    pub(super) fn push(&mut self, entry: &LogEntry<'_>) -> Result<()> {
        match entry.encoding {
            ROWS => self.push_rows(entry)?,
            ARROW => {
                self.flush()?;
                self.batches.push(self.decode_arrow(entry)?);
            }
            other => return Err(damaged(&format!("unknown encoding {other}"))),
        }
        self.rows += entry.rows;
        Ok(())
    }

    /// The last `rows` rows of an entry, before any other.
    pub(super) fn push_end(&mut self, entry: &LogEntry<'_>, rows: usize) -> Result<()> {
        self.push(entry)?;
        self.flush()?;
        let batch = self.batches.pop().ok_or_else(|| damaged("it has no rows"))?;
        let read =
            batch.num_rows().checked_sub(rows).ok_or_else(|| damaged("it has fewer rows than were left of it"))?;
        self.batches.push(batch.slice(read, rows));
        self.rows = rows;
        Ok(())
    }

    pub(super) fn finish(mut self) -> Result<Vec<RecordBatch>> {
        self.flush()?;
        Ok(self.batches)
    }

    fn flush(&mut self) -> Result<()> {
        if !self.pending.is_empty() {
            let pending = std::mem::take(&mut self.pending);
            self.batches.push(self.codec.decode(pending.iter(), &self.schema, None)?);
        }
        Ok(())
    }

    fn push_rows(&mut self, entry: &LogEntry<'_>) -> Result<()> {
        let mut rest = entry.payload;
        for _ in 0..entry.rows {
            let (length, after) = rest.split_first_chunk().ok_or_else(|| damaged("a row is missing"))?;
            let length = u32::from_le_bytes(*length) as usize;
            let (row, after) = after.split_at_checked(length).ok_or_else(|| damaged("a row is cut off"))?;
            self.pending.push(row);
            rest = after;
        }
        if rest.is_empty() { Ok(()) } else { Err(damaged("bytes follow the last row")) }
    }

    fn decode_arrow(&self, entry: &LogEntry<'_>) -> Result<RecordBatch> {
        let (length, rest) = entry.payload.split_first_chunk().ok_or_else(|| damaged("no message"))?;
        let length = u32::from_le_bytes(*length) as usize;
        let (message, body) = rest.split_at_checked(length).ok_or_else(|| damaged("the message is cut off"))?;
        let message = root_as_message(message).map_err(|e| damaged(&format!("the message is malformed: {e}")))?;
        let batch = message.header_as_record_batch().ok_or_else(|| damaged("the message is no record batch"))?;
        let body = Buffer::from(body);
        let none = HashMap::new();
        let rows = read_record_batch(&body, batch, self.schema.clone(), &none, None, &message.version())?;
        if rows.num_rows() == entry.rows { Ok(rows) } else { Err(damaged("the number of rows is wrong")) }
    }
}
