//! Reading the rows of a table or materialized view in chunks.

use super::access::{Access, Keys};
use super::exec::{ChunkSource, Chunks};
use super::stream::LogChunks;
use super::{Overlay, StatementReads};
use attune_storage::codec::{ByteRows, RowCodec};
use attune_storage::{KeyRange, StorageError, TableLayout, TableReader};
use bytes::Bytes;
use datafusion::arrow::array::{ArrayRef, BinaryArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::error::{DataFusionError, Result};
use std::collections::VecDeque;
use std::ops::Bound;
use std::sync::Arc;

/// Rows of the first chunk, so that a query with a small LIMIT reads little; chunks double up to [`CHUNK_ROWS`].
const FIRST_CHUNK_ROWS: usize = 256;
/// Rows of a chunk.
const CHUNK_ROWS: usize = 8_192;
/// A chunk of wide rows ends earlier.
const CHUNK_BYTES: usize = 4 << 20;

/// What an output column of a scan is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Part {
    /// A column of the relation.
    Column(usize),
    /// The encoded key.
    Key,
    /// The stored bytes of the row.
    Row,
}

/// A scan of a stored relation.
#[derive(Clone, Debug)]
pub(super) struct StoredScan {
    pub(super) name: String,
    /// Names of the relation's columns.
    pub(super) columns: Arc<[String]>,
    pub(super) layout: Arc<TableLayout>,
    pub(super) access: Access,
    /// Numbers of the indexes that may be read instead.
    pub(super) usable: Vec<usize>,
    pub(super) parts: Vec<Part>,
    pub(super) schema: SchemaRef,
    pub(super) limit: Option<usize>,
}

impl StoredScan {
    /// Whether all rows are read.
    pub(super) fn is_whole(&self) -> bool {
        let all = match &self.access.keys {
            Keys::Points(_) => false,
            Keys::Ranges(ranges) => *ranges == [KeyRange::all()],
            Keys::Log => true,
        };
        all && self.limit.is_none()
    }

    /// Begins to read the log.
    fn open_log(&self, reads: Arc<StatementReads>) -> Result<Box<dyn Chunks>> {
        let columns = self.parts.iter().map(|part| match part {
            Part::Column(column) => Ok(*column),
            Part::Key | Part::Row => Err(DataFusionError::Internal("rows in a log have no keys".into())),
        });
        let fields = self.columns.iter().zip(&self.layout.columns);
        let fields = fields.map(|(name, column_type)| Field::new(name, column_type.to_arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let columns = columns.collect::<Result<_>>()?;
        Ok(Box::new(LogChunks::new(reads, self.layout.object, schema, columns, self.limit)))
    }

    /// The name of a column of the relation.
    pub(super) fn column_name(&self, column: usize) -> &str {
        self.columns.get(column).map_or("?", String::as_str)
    }
}

impl ChunkSource for StoredScan {
    fn describe(&self) -> String {
        let how = match &self.access.keys {
            Keys::Points(keys) => format!("{} by key, {} key{}", self.name, keys.len(), plural(keys.len())),
            Keys::Ranges(ranges) if *ranges == [KeyRange::all()] => format!("{}, all rows", self.name),
            Keys::Ranges(ranges) => format!("{}, {} key range{}", self.name, ranges.len(), plural(ranges.len())),
            Keys::Log => format!("{}, all rows, from its log", self.name),
        };
        let index = self.access.index.map_or("", |_| ", in an index");
        let limit = self.limit.map_or(String::new(), |n| format!(", limit {n}"));
        format!("{how}{index}{limit}")
    }

    fn open(&self, reads: Arc<StatementReads>) -> Result<Box<dyn Chunks>> {
        if self.access.keys == Keys::Log {
            return self.open_log(reads);
        }
        let stored = self.access.index.map(|number| &self.layout.indexes[number]);
        let codec = stored.map_or_else(|| self.layout.row_codec(), |index| index.row_codec(&self.layout));
        let mut columns = Vec::new();
        for part in &self.parts {
            let Part::Column(column) = part else { continue };
            let place = match stored {
                None => Some(*column),
                Some(index) => index.stored.iter().position(|c| c == column),
            };
            columns.push(place.ok_or_else(|| DataFusionError::Internal("the index does not hold the column".into()))?);
        }
        let (points, ranges) = match &self.access.keys {
            Keys::Points(keys) => (keys.clone().into(), VecDeque::new()),
            Keys::Ranges(ranges) => (VecDeque::new(), ranges.clone().into()),
            Keys::Log => (VecDeque::new(), VecDeque::new()),
        };
        let layout = &self.layout;
        Ok(Box::new(StoredChunks {
            reader: TableReader::new(reads.store.clone(), self.access.object),
            overlay: reads.overlays.get(&layout.object.0).cloned(),
            reads,
            codec,
            columns,
            points,
            ranges,
            left: self.limit.unwrap_or(usize::MAX),
            chunk_rows: FIRST_CHUNK_ROWS,
            scan: self.clone(),
        }))
    }
}

fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

struct StoredChunks {
    reader: TableReader,
    overlay: Option<Arc<Overlay>>,
    reads: Arc<StatementReads>,
    codec: RowCodec,
    /// Columns of the codec that are wanted.
    columns: Vec<usize>,
    points: VecDeque<Vec<u8>>,
    ranges: VecDeque<KeyRange>,
    left: usize,
    chunk_rows: usize,
    scan: StoredScan,
}

impl Chunks for StoredChunks {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            let rows = self.chunk_rows.min(self.left);
            if rows == 0 || (self.points.is_empty() && self.ranges.is_empty()) {
                return Ok(None);
            }
            let mut chunk = Chunk::default();
            self.read_points(&mut chunk, rows).map_err(external)?;
            self.read_ranges(&mut chunk, rows).map_err(external)?;
            self.chunk_rows = (self.chunk_rows * 2).min(CHUNK_ROWS);
            if chunk.rows.is_empty() {
                continue;
            }
            let batch = self.batch(&chunk)?;
            let batch = batch.slice(0, batch.num_rows().min(self.left));
            self.left -= batch.num_rows();
            return Ok(Some(batch));
        }
    }
}

#[derive(Default)]
struct Chunk {
    keys: ByteRows,
    rows: ByteRows,
}

impl Chunk {
    fn push(&mut self, key: &[u8], row: &[u8]) {
        self.keys.push(key);
        self.rows.push(row);
    }

    fn is_full(&self, rows: usize) -> bool {
        self.rows.len() >= rows || self.rows.bytes() >= CHUNK_BYTES
    }
}

impl StoredChunks {
    fn read_points(&mut self, chunk: &mut Chunk, rows: usize) -> attune_storage::Result<()> {
        let count = rows.min(self.points.len());
        if count == 0 {
            return Ok(());
        }
        let keys: Vec<Vec<u8>> = self.points.drain(..count).collect();
        let slices: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
        let found = self.reader.many_in(&self.reads.snapshot, &slices)?;
        for (key, row) in keys.iter().zip(found) {
            let row: Option<Bytes> = match self.overlay.as_ref().and_then(|o| o.get(key)) {
                Some(written) => written.clone(),
                None => row,
            };
            if let Some(row) = row {
                chunk.push(key, &row);
            }
        }
        Ok(())
    }

    fn read_ranges(&mut self, chunk: &mut Chunk, rows: usize) -> attune_storage::Result<()> {
        while !chunk.is_full(rows) {
            let Some(range) = self.ranges.front().cloned() else { return Ok(()) };
            let mut last = None;
            let overlay = self.overlay.as_deref();
            self.reader.scan(&self.reads.snapshot, &range, false, &mut |key, row| {
                if !overlay.is_some_and(|o| o.contains_key(key)) {
                    chunk.push(key, row);
                }
                if chunk.is_full(rows) {
                    last = Some(key.to_vec());
                }
                last.is_none()
            })?;
            let read_to = match last {
                Some(key) => {
                    let rest = range.after(&key);
                    let end = rest.from.clone();
                    self.ranges[0] = rest;
                    Some(end)
                }
                None => {
                    self.ranges.pop_front();
                    range.to
                }
            };
            // The block's own rows of the part of the range that was read.
            let read = KeyRange { from: range.from, to: read_to };
            for (key, row) in self.overlay.iter().flat_map(|o| within(o, &read)) {
                if let Some(row) = row {
                    chunk.push(key, row);
                }
            }
        }
        Ok(())
    }

    fn batch(&self, chunk: &Chunk) -> Result<RecordBatch> {
        let columns = self.scan.parts.iter().zip(self.scan.schema.fields());
        let fields: Vec<_> = columns
            .filter(|(p, _)| matches!(p, Part::Column(_)))
            .map(|(_, f)| f.as_ref().clone().with_nullable(true))
            .collect();
        let schema = Arc::new(Schema::new(fields));
        let decoded = self.codec.decode(chunk.rows.iter(), &schema, Some(&self.columns)).map_err(external)?;
        let mut decoded = decoded.columns().iter().cloned();
        let mut arrays: Vec<ArrayRef> = Vec::with_capacity(self.scan.parts.len());
        for part in &self.scan.parts {
            arrays.push(match part {
                Part::Column(_) => {
                    decoded.next().ok_or_else(|| DataFusionError::Internal("a column is missing".into()))?
                }
                Part::Key => Arc::new(BinaryArray::from_iter_values(chunk.keys.iter())),
                Part::Row => Arc::new(BinaryArray::from_iter_values(chunk.rows.iter())),
            });
        }
        let options = RecordBatchOptions::new().with_row_count(Some(chunk.rows.len()));
        Ok(RecordBatch::try_new_with_options(self.scan.schema.clone(), arrays, &options)?)
    }
}

fn within<'a>(
    overlay: &'a Overlay,
    range: &KeyRange,
) -> impl Iterator<Item = (&'a Vec<u8>, &'a Option<Bytes>)> + use<'a> {
    let empty = range.to.as_ref().is_some_and(|to| *to <= range.from);
    let to = if empty {
        Bound::Excluded(range.from.clone())
    } else {
        range.to.clone().map_or(Bound::Unbounded, Bound::Excluded)
    };
    // BTreeMap::range panics on an inverted range; an empty one from a to a is fine only with one side included.
    overlay.range::<Vec<u8>, _>((Bound::Included(range.from.clone()), to))
}

fn external(error: StorageError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
