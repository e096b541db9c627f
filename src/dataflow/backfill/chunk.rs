//! A run of rows of a stored relation, in key order.

use super::Fault;
use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use attune_storage::codec::ByteRows;
use attune_storage::{EpochScope, Table, TableLayout};

/// Rows of a stored relation that follow a position.
#[derive(Debug)]
pub struct RowChunk {
    /// The rows: all columns.
    pub rows: RecordBatch,
    /// Key of the last row read, or the position asked for when there is none. Without the ordinal of keyless relations.
    pub position: Option<Vec<u8>>,
    /// Nothing follows.
    pub at_end: bool,
}

/// Bytes of the ordinal behind the key of a keyless relation.
const ORDINAL_BYTES: usize = 4;

/// About `max_rows` rows of a relation after the key `after`, in key order, as of this epoch including what was merged
/// into it. Rows with equal keys (of a keyless relation) are never split, so there may be more.
///
/// # Errors
/// When storage fails or a row is damaged.
pub fn read_rows(
    layout: &TableLayout,
    schema: &SchemaRef,
    after: Option<&[u8]>,
    max_rows: usize,
    scope: &mut EpochScope,
) -> Result<RowChunk, Fault> {
    let suffix = if layout.keyless { ORDINAL_BYTES } else { 0 };
    // Behind every ordinal of the position's key.
    let from = after.map(|after| [after, &[u8::MAX; ORDINAL_BYTES][..suffix]].concat());
    let mut rows = ByteRows::default();
    let mut position: Option<Vec<u8>> = after.map(<[u8]>::to_vec);
    let (mut at_end, mut damaged) = (true, false);
    scope.scan(Table::Rows(layout.object), &[], from.as_deref(), &mut |key, row| {
        let Some(end) = key.len().checked_sub(suffix) else {
            damaged = true;
            return false;
        };
        let key = &key[..end];
        let same = position.as_deref() == Some(key);
        if rows.len() >= max_rows && !same {
            at_end = false;
            return false;
        }
        if !same {
            let place = position.get_or_insert_default();
            place.clear();
            place.extend_from_slice(key);
        }
        rows.push(row);
        true
    })?;
    if damaged {
        return Err(Fault::internal("a row of a keyless relation has no ordinal"));
    }
    let rows = layout.row_codec().decode(rows.iter(), schema, None)?;
    Ok(RowChunk { rows, position, at_end })
}
