//! Reads of stored relations by key.

use super::KeyRange;
use crate::codec::{ByteRows, KeyCodec, RowCodec};
use crate::store::{OneEpoch, Shape, Snapshot, Store, Wanted};
use crate::{ObjectId, Result};
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use bytes::Bytes;

/// Reads entries (rows, or index entries) of one object as of the last published epoch.
///
/// Every call is consistent in itself: it sees exactly one epoch. Methods that take a [`Snapshot`] see its epoch; the
/// snapshot must be one of the same store (another store's is answered from that store).
#[derive(Clone)]
pub struct TableReader {
    store: Store,
    object: ObjectId,
    /// Which runs hold the ranges that are read.
    shape: Option<Shape>,
}

/// How [`TableReader::scan_batches`] turns rows into batches.
pub struct BatchShape<'a> {
    /// Codec of the stored rows.
    pub codec: &'a RowCodec,
    /// Schema of the batches.
    pub schema: &'a SchemaRef,
    /// The codec's column for each field of `schema`; `None` is all in order.
    pub projection: Option<&'a [usize]>,
    /// Rows of a batch; only the last has fewer.
    pub batch_rows: usize,
}

impl TableReader {
    /// A reader of `object` in the `rows` column family.
    #[must_use]
    pub fn new(store: Store, object: ObjectId) -> TableReader {
        TableReader { store, object, shape: None }
    }

    /// A reader of ranges in which the first `columns` of the key are fixed, all in one direction: what lies first under such a prefix is
    /// cached. `codec` is that of the object's keys.
    #[must_use]
    pub fn with_runs(self, codec: &KeyCodec, columns: usize, reverse: bool) -> TableReader {
        let shape = Shape { columns, reverse };
        self.store.watch_runs(self.object, codec, shape);
        TableReader { shape: Some(shape), ..self }
    }

    /// The object whose entries are read.
    #[must_use]
    pub fn object(&self) -> ObjectId {
        self.object
    }

    /// The store that is read.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// The row with exactly this key.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn point(&self, key: &[u8]) -> Result<Option<Bytes>> {
        self.store.read_row(self.object, key)
    }

    /// The rows with these keys, in their order; `None` where there is none.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn many(&self, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        self.store.read_rows(self.object, keys)
    }

    /// The rows with these keys in `snapshot`, in their order. Does not use the row cache: for queries that read more
    /// than once and must see one epoch throughout.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn many_in(&self, snapshot: &Snapshot, keys: &[&[u8]]) -> Result<Vec<Option<Bytes>>> {
        self.store.read_rows_in(snapshot, self.object, keys)
    }

    /// Up to `limit` values in `range`, in key order (or backwards), after skipping `offset`.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn range(&self, range: &KeyRange, reverse: bool, offset: usize, limit: usize) -> Result<Vec<Bytes>> {
        let mut values = Vec::new();
        let mut skip = offset;
        if limit > 0 {
            self.store.visit_rows(None, self.object, range, reverse, &mut |_, value| {
                if skip > 0 {
                    skip -= 1;
                } else {
                    values.push(Bytes::copy_from_slice(value));
                }
                values.len() < limit
            })?;
        }
        Ok(values)
    }

    /// As [`TableReader::range`], if that is little enough to be read at once; `None` when it is not.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn few(&self, range: &KeyRange, reverse: bool, offset: usize, limit: usize) -> Result<Option<Vec<Bytes>>> {
        if limit == 0 {
            return Ok(Some(Vec::new()));
        }
        self.store.read_few(self.wanted(range, reverse), offset, limit)
    }

    /// Visits the value of each entry in `range` of the epoch of `view`, until `visit` returns false.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn visit(
        &self,
        view: &OneEpoch<'_>,
        range: &KeyRange,
        reverse: bool,
        visit: &mut dyn FnMut(&[u8]) -> bool,
    ) -> Result<()> {
        view.visit_range(self.wanted(range, reverse), visit)
    }

    /// Visits key (vnode byte first) and value of each entry in `range` in `snapshot`, until `visit` returns false.
    ///
    /// # Errors
    /// When RocksDB fails.
    pub fn scan(
        &self,
        snapshot: &Snapshot,
        range: &KeyRange,
        reverse: bool,
        visit: &mut dyn FnMut(&[u8], &[u8]) -> bool,
    ) -> Result<()> {
        self.store.visit_rows(Some(snapshot), self.object, range, reverse, visit)
    }

    /// Visits the entries in `range` in `snapshot` as batches, until `visit` returns false.
    ///
    /// # Errors
    /// When RocksDB fails, or [`crate::StorageError::Corrupt`] when a value is not a row of the codec.
    pub fn scan_batches(
        &self,
        snapshot: &Snapshot,
        range: &KeyRange,
        reverse: bool,
        shape: &BatchShape<'_>,
        visit: &mut dyn FnMut(RecordBatch) -> bool,
    ) -> Result<()> {
        let decode = |rows: &ByteRows| shape.codec.decode(rows.iter(), shape.schema, shape.projection);
        let mut rows = ByteRows::default();
        let mut stopped = Ok(true);
        self.scan(snapshot, range, reverse, &mut |_, value| {
            rows.push(value);
            if rows.len() >= shape.batch_rows.max(1) {
                stopped = decode(&std::mem::take(&mut rows)).map(&mut *visit);
            }
            matches!(stopped, Ok(true))
        })?;
        if stopped? && !rows.is_empty() {
            visit(decode(&rows)?);
        }
        Ok(())
    }

    fn wanted<'a>(&self, range: &'a KeyRange, reverse: bool) -> Wanted<'a> {
        Wanted { object: self.object, shape: self.shape, range, reverse }
    }
}
