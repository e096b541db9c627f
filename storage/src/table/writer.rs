//! Writes of a delta into a stored relation and its indexes.

use crate::codec::{ByteRows, KeyCodec, RowCodec};
use crate::store::{EpochScope, Table};
use crate::{Delta, IndexLayout, ObjectId, Result, StorageError, TableLayout};
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use hashbrown::HashMap;
use std::sync::Arc;

/// Bytes of the ordinal behind the keys of keyless relations and their indexes.
const ORDINAL_BYTES: usize = 4;

/// Applies consolidated deltas to a relation: its rows, its indexes, and the counts of a keyless relation.
pub struct TableWriter {
    layout: TableLayout,
    key: KeyCodec,
    row: RowCodec,
    indexes: Vec<IndexWriter>,
}

pub(super) struct IndexWriter {
    table: Table,
    key: KeyCodec,
    row: RowCodec,
    stored: Vec<usize>,
}

/// The entries of a batch in the relation or in one index.
pub(super) struct Entries {
    pub(super) table: Table,
    pub(super) keys: ByteRows,
    pub(super) values: ByteRows,
}

/// What a delta does to one key of a keyed relation: positions of the row that leaves and of the row that comes.
#[derive(Default)]
struct Change {
    old: Option<usize>,
    new: Option<usize>,
}

impl TableWriter {
    /// A writer for this layout.
    #[must_use]
    pub fn new(layout: TableLayout) -> TableWriter {
        let indexes = layout.indexes.iter().map(|index| IndexWriter::new(index, &layout)).collect();
        TableWriter { key: layout.key_codec(), row: layout.row_codec(), indexes, layout }
    }

    /// The layout that is written.
    #[must_use]
    pub fn layout(&self) -> &TableLayout {
        &self.layout
    }

    pub(super) fn indexes(&self) -> &[IndexWriter] {
        &self.indexes
    }

    pub(super) fn index(&self, number: usize) -> Result<&IndexWriter> {
        self.indexes.get(number).ok_or_else(|| StorageError::Corrupt(format!("no index {number}")))
    }

    /// Writes `delta` (consolidated by the callee if it is not): rows with positive weight are put, keys that only lose
    /// rows are deleted. Indexes follow.
    ///
    /// # Errors
    /// [`crate::StorageError::Corrupt`] when the delta does not fit the relation: two rows for one key remain, or a
    /// keyless row's count would become negative.
    pub fn apply(&self, scope: &mut EpochScope, delta: &Delta) -> Result<()> {
        let delta = delta.consolidate()?;
        if delta.is_empty() {
            return Ok(());
        }
        let (keys, values) = self.encode_rows(delta.rows())?;
        let mut entries = vec![Entries { table: Table::Rows(self.layout.object), keys, values }];
        for index in &self.indexes {
            entries.push(index.encode(delta.rows())?);
        }
        if self.layout.keyless {
            self.apply_keyless(scope, &entries, delta.weights())
        } else {
            apply_keyed(scope, &entries, delta.weights())
        }
    }

    /// Writes the entries of the indexes for `delta`, whose rows are written already. It has no equal rows.
    ///
    /// # Errors
    /// As [`TableWriter::apply`].
    pub fn write_indexes(&self, scope: &mut EpochScope, delta: &Delta) -> Result<()> {
        if self.indexes.is_empty() || delta.is_empty() {
            return Ok(());
        }
        let keys = self.key.encode_batch(delta.rows())?;
        let changes = changes(self.layout.object, &keys, delta.weights())?;
        for index in &self.indexes {
            index.encode(delta.rows())?.write(scope, &changes);
        }
        Ok(())
    }

    /// Key and row bytes of each row of `rows`, as they are stored (without the ordinal of keyless relations).
    ///
    /// # Errors
    /// When the columns are not those of the relation.
    pub fn encode_rows(&self, rows: &RecordBatch) -> Result<(ByteRows, ByteRows)> {
        Ok((self.key.encode_batch(rows)?, self.row.encode_batch(rows)?))
    }

    /// Writes the entries of index number `index` (in the layout) for up to `max_rows` rows of the relation after the key
    /// `after`, as the scope sees them. Returns the number of rows and the last key taken (`None` at the end of the relation).
    ///
    /// This is how an index is built over rows that are already there, over as many epochs as it takes: meanwhile a
    /// writer whose layout has the index keeps it for every row that changes, which is right for rows this has passed
    /// and harmless for rows it has not.
    ///
    /// # Errors
    /// When RocksDB fails, or [`StorageError::Corrupt`] when a stored row is damaged or there is no such index.
    pub fn build_index(
        &self,
        scope: &mut EpochScope,
        index: usize,
        after: Option<&[u8]>,
        max_rows: usize,
    ) -> Result<(usize, Option<Vec<u8>>)> {
        let index = self.index(index)?;
        let (mut keys, mut rows) = (ByteRows::default(), ByteRows::default());
        scope.scan(Table::Rows(self.layout.object), &[], after, &mut |key, row| {
            keys.push(key);
            rows.push(row);
            rows.len() < max_rows.max(1)
        })?;
        if rows.is_empty() {
            return Ok((0, None));
        }
        let entries = index.encode(&self.row.decode(rows.iter(), &self.schema(), None)?)?;
        for i in 0..rows.len() {
            let mut key = entries.keys.get(i).to_vec();
            if self.layout.keyless {
                key.extend_from_slice(ordinal_of(keys.get(i))?);
            }
            scope.put(entries.table, &key, entries.values.get(i));
        }
        Ok((rows.len(), Some(keys.get(rows.len() - 1).to_vec())))
    }

    /// Arrow fields of the relation's columns; names do not matter to codecs.
    pub(super) fn schema(&self) -> SchemaRef {
        let fields = self.layout.columns.iter().enumerate();
        Arc::new(Schema::new(fields.map(|(i, c)| Field::new(i.to_string(), c.to_arrow(), true)).collect::<Vec<_>>()))
    }

    /// Every row is one entry; the ordinals of equal rows are always `0..count`.
    fn apply_keyless(&self, scope: &mut EpochScope, entries: &[Entries], weights: &[i64]) -> Result<()> {
        let Some(counts) = self.layout.counts.map(Table::State) else {
            return Err(corrupt(self.layout.object, "is keyless and has no table of counts"));
        };
        let keys: Vec<&[u8]> = entries[0].keys.iter().collect();
        let before = scope.get_many(counts, &keys)?;
        let mut full = Vec::new();
        for (i, (weight, before)) in weights.iter().zip(before.iter()).enumerate() {
            let before = before.map_or(Ok(0), count_of)?;
            let after = i64::from(before).checked_add(*weight).and_then(|after| u32::try_from(after).ok()).ok_or_else(
                || corrupt(self.layout.object, "would have a negative (or too large) number of equal rows"),
            )?;
            for entries in entries {
                for ordinal in before.min(after)..before.max(after) {
                    full.clear();
                    full.extend_from_slice(entries.keys.get(i));
                    full.extend_from_slice(&ordinal.to_be_bytes());
                    if after > before {
                        scope.put(entries.table, &full, entries.values.get(i));
                    } else {
                        scope.delete(entries.table, &full);
                    }
                }
            }
            match after {
                0 => scope.delete(counts, keys[i]),
                _ => scope.put(counts, keys[i], &u64::from(after).to_le_bytes()),
            }
        }
        Ok(())
    }
}

impl IndexWriter {
    fn new(index: &IndexLayout, table: &TableLayout) -> IndexWriter {
        IndexWriter {
            table: Table::Rows(index.object),
            key: index.key_codec(table),
            row: index.row_codec(table),
            stored: index.stored.clone(),
        }
    }

    pub(super) fn encode(&self, rows: &RecordBatch) -> Result<Entries> {
        let values = self.row.encode_batch(&rows.project(&self.stored)?)?;
        Ok(Entries { table: self.table, keys: self.key.encode_batch(rows)?, values })
    }
}

/// `entries[0]` is the relation, the others are its indexes.
fn apply_keyed(scope: &mut EpochScope, entries: &[Entries], weights: &[i64]) -> Result<()> {
    let changes = changes(entries[0].table.object(), &entries[0].keys, weights)?;
    entries.iter().for_each(|entries| entries.write(scope, &changes));
    Ok(())
}

impl Entries {
    fn write(&self, scope: &mut EpochScope, changes: &[Change]) {
        // All deletions first: the index entry one row leaves may be that which another row takes.
        for change in changes {
            if let Some(old) = change.old
                && change.new.is_none_or(|new| self.keys.get(old) != self.keys.get(new))
            {
                scope.delete(self.table, self.keys.get(old));
            }
        }
        for change in changes {
            if let Some(new) = change.new
                && change.old.is_none_or(|old| !self.same(old, new))
            {
                scope.put(self.table, self.keys.get(new), self.values.get(new));
            }
        }
    }

    fn same(&self, a: usize, b: usize) -> bool {
        self.keys.get(a) == self.keys.get(b) && self.values.get(a) == self.values.get(b)
    }
}

/// The change of each key of relation `object`, in the order the keys first occur.
fn changes(object: ObjectId, keys: &ByteRows, weights: &[i64]) -> Result<Vec<Change>> {
    let mut positions: HashMap<&[u8], usize, foldhash::fast::RandomState> =
        HashMap::with_capacity_and_hasher(weights.len(), foldhash::fast::RandomState::default());
    let mut changes: Vec<Change> = Vec::with_capacity(weights.len());
    for (i, weight) in weights.iter().enumerate() {
        let position = *positions.entry(keys.get(i)).or_insert_with(|| {
            changes.push(Change::default());
            changes.len() - 1
        });
        let change = &mut changes[position];
        let side = match weight {
            1 => &mut change.new,
            -1 => &mut change.old,
            _ => return Err(corrupt(object, "would have equal rows, though it has a key")),
        };
        if side.replace(i).is_some() {
            return Err(corrupt(object, "would have two rows for one key"));
        }
    }
    Ok(changes)
}

fn corrupt(object: ObjectId, what: &str) -> StorageError {
    StorageError::Corrupt(format!("relation {object} {what}"))
}

fn count_of(bytes: &[u8]) -> Result<u32> {
    let damaged = || StorageError::Corrupt("a count of equal rows is no u64 in the range of ordinals".into());
    let count = u64::from_le_bytes(bytes.try_into().map_err(|_| damaged())?);
    u32::try_from(count).map_err(|_| damaged())
}

fn ordinal_of(key: &[u8]) -> Result<&[u8]> {
    let damaged = || StorageError::Corrupt("the key of a keyless relation has no ordinal".into());
    Ok(key.split_last_chunk::<ORDINAL_BYTES>().ok_or_else(damaged)?.1)
}
