//! How the rows of a relation and of its indexes lie in the `rows` column family.

use crate::codec::{KeyCodec, RowCodec};
use crate::{ColumnType, ObjectId};
use serde::{Deserialize, Serialize};

/// A column of a key and its order.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Index of the column in the relation.
    pub column: usize,
    /// Largest first.
    pub descending: bool,
    /// NULL before all values (Postgres: false for ascending, true for descending unless said otherwise).
    pub nulls_first: bool,
}

impl KeyColumn {
    /// Ascending, NULLS LAST.
    #[must_use]
    pub fn ascending(column: usize) -> KeyColumn {
        KeyColumn { column, descending: false, nulls_first: false }
    }
}

/// Layout of a table or materialized view.
///
/// Entry: `[object u32 BE][key]` -> row bytes of *all* columns, where the key is that of [`TableLayout::key_codec`].
/// A relation without a unique key is `keyless`: its key is all columns, followed by an ordinal (u32 BE) that numbers
/// equal rows, so that every entry is one row and readers need no multiplicity. One that only grows need not find its rows
/// again: they lie `in_log`, and there are no such entries.
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct TableLayout {
    /// The object whose entries these are.
    pub object: ObjectId,
    /// Types of all columns, hidden ones included.
    pub columns: Vec<ColumnType>,
    /// Key columns in key order. For a keyless relation: all columns; none if its rows are in its log.
    pub key: Vec<KeyColumn>,
    /// Number of leading key columns that are hashed to the vnode (usually 1; 0 puts all rows in vnode 0).
    pub distribution: usize,
    /// No unique key: entries carry an ordinal, and the counts of equal rows are in the state table `counts`.
    pub keyless: bool,
    /// State table with the multiplicity of each row of a keyless relation (key -> u64 LE); unused otherwise.
    pub counts: Option<ObjectId>,
    /// The rows are in the relation's log, by epoch. It is keyless, and its indexes hold all columns.
    pub in_log: bool,
    /// Indexes kept with the relation.
    pub indexes: Vec<IndexLayout>,
}

/// Layout of a secondary index.
///
/// Entry: `[object][index key columns, then the relation's key (columns not yet present)]` -> row bytes of
/// [`IndexLayout::stored`] columns. For a keyless relation the ordinal follows, as in the relation itself; for one whose rows
/// are in its log, the place of the row in it ([`RowPlace`](crate::RowPlace)).
#[derive(Clone, PartialEq, Debug, Serialize, Deserialize)]
pub struct IndexLayout {
    /// The object whose entries these are.
    pub object: ObjectId,
    /// Indexed columns, then the key columns of the relation that are not among them.
    pub key: Vec<KeyColumn>,
    /// Number of leading key columns that are hashed to the vnode.
    pub distribution: usize,
    /// Columns of the relation stored in the entry: indexed, included and key columns, ascending, without repeats.
    pub stored: Vec<usize>,
}

impl TableLayout {
    /// Codec of the key (without the ordinal of keyless relations).
    #[must_use]
    pub fn key_codec(&self) -> KeyCodec {
        KeyCodec::new(self.key.iter().map(|k| (self.columns[k.column], *k)).collect(), self.distribution)
    }

    /// Codec of the rows.
    #[must_use]
    pub fn row_codec(&self) -> RowCodec {
        RowCodec::new(self.columns.clone())
    }
}

impl IndexLayout {
    /// Codec of the index key (without the ordinal of keyless relations). Key columns number the relation's columns.
    #[must_use]
    pub fn key_codec(&self, table: &TableLayout) -> KeyCodec {
        KeyCodec::new(self.key.iter().map(|k| (table.columns[k.column], *k)).collect(), self.distribution)
    }

    /// Codec of the stored columns.
    #[must_use]
    pub fn row_codec(&self, table: &TableLayout) -> RowCodec {
        RowCodec::new(self.stored.iter().map(|c| table.columns[*c]).collect())
    }
}
