//! min(x) and max(x).

use super::Fault;
use crate::dataflow::operator::state_bytes::{damaged, get_byte, get_bytes, put_bytes};
use arrow::array::ArrayRef;
use attune_storage::codec::KeyCodec;
use attune_storage::{ColumnType, KeyColumn, StorageError};
use smallvec::SmallVec;

/// The smallest value in the order of a key codec, which is descending for max. NULLs do not count; NaN is the largest
/// float.
///
/// The extreme stands in the group row. Under deletes all values stand in an ordered multiset beside it, which is looked
/// at only when the extreme itself is gone. Where the input is append-only there is no multiset.
///
/// Example (min): with `{2: 1, 5: 1}` stored and extreme 2, `{2: -1, 7: +1}` gives 5.
pub(super) struct Extreme {
    codec: KeyCodec,
    /// Per group: one byte of no meaning, then the encoded value, which is eight bytes and one for most types. `None`: no values.
    values: Vec<Option<SmallVec<[u8; 16]>>>,
    /// The key of NULL.
    null: Vec<u8>,
}

impl Extreme {
    /// The extreme of column `argument`.
    pub(super) fn new(argument: usize, column: ColumnType, largest: bool) -> Result<Extreme, StorageError> {
        let order = KeyColumn { column: argument, descending: largest, nulls_first: false };
        let codec = KeyCodec::new(vec![(column, order)], 0);
        let mut null = Vec::new();
        codec.encode_values(&[None], &mut null)?;
        Ok(Extreme { codec, values: Vec::new(), null })
    }

    /// How values are encoded in the multiset.
    pub(super) fn codec(&self) -> &KeyCodec {
        &self.codec
    }

    pub(super) fn clear(&mut self) {
        self.values.clear();
    }

    pub(super) fn push_empty(&mut self) {
        self.values.push(None);
    }

    pub(super) fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        let value = match get_byte(state)? {
            0 => None,
            1 => Some(SmallVec::from_slice(get_bytes(state)?)),
            _ => return Err(damaged("an extreme that is neither there nor not")),
        };
        self.values.push(value);
        Ok(())
    }

    pub(super) fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        match &self.values[group] {
            None => out.push(0),
            Some(value) => {
                out.push(1);
                put_bytes(value, out);
            }
        }
    }

    /// A value that is there: it may be the new extreme.
    pub(super) fn consider(&mut self, group: usize, value: &[u8]) {
        let current = &mut self.values[group];
        if current.as_ref().is_none_or(|current| value < &**current) {
            *current = Some(SmallVec::from_slice(value));
        }
    }

    /// Whether `value` is the extreme.
    pub(super) fn is(&self, group: usize, value: &[u8]) -> bool {
        self.values[group].as_deref() == Some(value)
    }

    /// The extreme as found in the multiset.
    pub(super) fn set(&mut self, group: usize, value: Option<&[u8]>) {
        self.values[group] = value.map(SmallVec::from_slice);
    }

    /// The extreme of each group.
    pub(super) fn results(&self) -> Result<ArrayRef, Fault> {
        let keys = self.values.iter().map(|value| value.as_deref().unwrap_or(&self.null));
        let mut columns = self.codec.decode(keys)?;
        columns.pop().ok_or_else(|| Fault::internal("a key codec of no columns"))
    }
}
