//! Order-preserving keys, version 1.

use super::key_column::{KeyField, payload_width};
use super::{ByteRows, ColumnBuilder, ColumnReader, Value};
use crate::{ColumnType, KeyColumn, Result, StorageError};
use arrow::array::{ArrayRef, RecordBatch};
use arrow::datatypes::Schema;
use xxhash_rust::xxh3::xxh3_64;

/// Number of virtual nodes.
pub const VNODES: usize = 256;

/// Encodes key columns so that comparing the bytes compares the values, in the order given by each [`KeyColumn`].
///
/// An encoded key is `[vnode u8][column 1][column 2]...`; the vnode is the hash of the first `distribution` columns
/// (0 when `distribution` is 0). A prefix of the columns, at least the distribution columns, encodes to a prefix of
/// the bytes, so that prefix and range lookups are byte ranges.
///
/// The hash is taken over the columns as if they were ascending, NULLS LAST: whatever the order of a relation or an
/// index, the rows of one user have one vnode.
#[derive(Clone, Debug)]
pub struct KeyCodec {
    columns: Vec<(ColumnType, KeyColumn)>,
    fields: Vec<KeyField>,
    distribution: usize,
    /// The distribution columns are stored in the form that is hashed, so their bytes need not be made twice.
    plain: bool,
}

/// The vnode of already encoded distribution columns: ascending, NULLS LAST, without the vnode byte. No bytes are
/// vnode 0.
///
/// The low byte of xxh3 (<https://github.com/Cyan4973/xxHash>) of the bytes.
#[must_use]
pub fn vnode_of(distribution: &[u8]) -> u8 {
    if distribution.is_empty() { 0 } else { xxh3_64(distribution) as u8 }
}

impl KeyCodec {
    /// A codec for `columns` (`KeyColumn::column` is the index of the column in the batches given to `encode_batch`),
    /// the first `distribution` of which are hashed to the vnode (all of them when there are fewer).
    #[must_use]
    pub fn new(columns: Vec<(ColumnType, KeyColumn)>, distribution: usize) -> KeyCodec {
        let fields: Vec<_> = columns.iter().map(|(column, order)| KeyField::new(*column, *order)).collect();
        let distribution = distribution.min(fields.len());
        let plain = fields[..distribution].iter().all(|field| field.is_plain());
        KeyCodec { columns, fields, distribution, plain }
    }

    /// An ascending, NULLS LAST codec over `columns` of a schema, distributed by the first one: what operators use for
    /// their state keys (group, join, partition keys). `columns` may be empty: then every row has the key `[0]`.
    ///
    /// # Errors
    /// When a column has a type that cannot be stored, or the schema has no such column.
    pub fn ascending(schema: &Schema, columns: &[usize]) -> Result<KeyCodec> {
        let fields = schema.fields();
        let columns = columns.iter().map(|&index| match fields.get(index) {
            Some(field) => Ok((ColumnType::from_arrow(field.data_type())?, KeyColumn::ascending(index))),
            None => Err(StorageError::Mismatch(format!("key column {index} of a schema of {} columns", fields.len()))),
        });
        Ok(KeyCodec::new(columns.collect::<Result<_>>()?, 1))
    }

    /// The key columns: their types, their places in a batch, their order.
    #[must_use]
    pub fn columns(&self) -> &[(ColumnType, KeyColumn)] {
        &self.columns
    }

    /// Number of leading columns that are hashed to the vnode.
    #[must_use]
    pub fn distribution(&self) -> usize {
        self.distribution
    }

    /// The key of each row of `batch`.
    ///
    /// # Errors
    /// When a column's Arrow type is not the codec's, or the batch does not have the column.
    pub fn encode_batch(&self, batch: &RecordBatch) -> Result<ByteRows> {
        let readers = self.readers(batch)?;
        let rows = batch.num_rows();
        let fixed: usize = self.fields.iter().map(|f| 1 + payload_width(f.column).unwrap_or(2)).sum();
        let variable: usize = readers.iter().map(ColumnReader::variable_bytes).sum();
        let mut keys = ByteRows::with_capacity(rows, rows * (1 + fixed) + variable);
        let mut scratch = Vec::new();
        for row in 0..rows {
            keys.push_with(|out| self.write(readers.len(), |column| readers[column].value(row), &mut scratch, out));
        }
        Ok(keys)
    }

    /// Appends the key (or a prefix of it: fewer values than columns, at least the distribution columns) to `out`.
    ///
    /// # Errors
    /// When a value's type is not the column's, or there are more values than columns, or too few to know the vnode.
    pub fn encode_values(&self, values: &[Option<Value<'_>>], out: &mut Vec<u8>) -> Result<()> {
        if values.len() > self.fields.len() || values.len() < self.distribution {
            let (least, most) = (self.distribution, self.fields.len());
            let found = values.len();
            return Err(StorageError::Mismatch(format!("{found} values for a key of {least} to {most} columns")));
        }
        for (value, field) in values.iter().zip(&self.fields) {
            value.map_or(Ok(()), |value| value.expect_type(field.column))?;
        }
        self.write(values.len(), |column| values[column], &mut Vec::new(), out);
        Ok(())
    }

    /// Decodes keys into one Arrow array per key column, in key order.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the bytes are not exactly a key of this codec.
    pub fn decode<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) -> Result<Vec<ArrayRef>> {
        let rows = keys.size_hint().0;
        let mut builders: Vec<_> = self.fields.iter().map(|field| ColumnBuilder::new(field.column, rows)).collect();
        let mut scratch = Vec::new();
        for key in keys {
            let mut rest = without_vnode(key)?;
            for (field, builder) in self.fields.iter().zip(&mut builders) {
                builder.append(field.read(&mut rest, &mut scratch)?)?;
            }
            if !rest.is_empty() {
                return Err(StorageError::Corrupt(format!("{} bytes after the last key column", rest.len())));
            }
        }
        Ok(builders.into_iter().map(ColumnBuilder::finish).collect())
    }

    /// Length in bytes (vnode byte included) of the first `columns` columns of `key`: where a suffix starts. What
    /// follows them is not looked at.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the bytes are not a key of this codec, [`StorageError::Mismatch`] when it has fewer
    /// columns.
    pub fn prefix_len(&self, key: &[u8], columns: usize) -> Result<usize> {
        let mut rest = without_vnode(key)?;
        let fields = self.fields.get(..columns).ok_or_else(|| {
            StorageError::Mismatch(format!("a prefix of {columns} columns of a key of {}", self.fields.len()))
        })?;
        for field in fields {
            field.skip(&mut rest)?;
        }
        Ok(key.len() - rest.len())
    }

    fn readers<'a>(&self, batch: &'a RecordBatch) -> Result<Vec<ColumnReader<'a>>> {
        let reader = |(column, order): &(ColumnType, KeyColumn)| match batch.columns().get(order.column) {
            Some(array) => ColumnReader::of_type(array.as_ref(), *column),
            None => {
                let (index, width) = (order.column, batch.num_columns());
                Err(StorageError::Mismatch(format!("key column {index} of a batch of {width} columns")))
            }
        };
        self.columns.iter().map(reader).collect()
    }

    /// Appends one key of `columns` columns, whose types are known to be right.
    #[inline]
    fn write<'v>(
        &self,
        columns: usize,
        value: impl Fn(usize) -> Option<Value<'v>>,
        scratch: &mut Vec<u8>,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        out.push(0);
        for (index, field) in self.fields[..self.distribution].iter().enumerate() {
            field.write(value(index), out);
        }
        out[start] = if self.plain {
            vnode_of(&out[start + 1..])
        } else {
            scratch.clear();
            for (index, field) in self.fields[..self.distribution].iter().enumerate() {
                field.plain().write(value(index), scratch);
            }
            vnode_of(scratch)
        };
        for (index, field) in self.fields[..columns].iter().enumerate().skip(self.distribution) {
            field.write(value(index), out);
        }
    }
}

fn without_vnode(key: &[u8]) -> Result<&[u8]> {
    key.get(1..).ok_or_else(|| StorageError::Corrupt("an empty key".to_owned()))
}
