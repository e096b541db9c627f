//! Where keys lie: column families, and the object id in front of every key.

use crate::ObjectId;

/// The column families. `default` exists because RocksDB insists on it, and stays empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(crate) enum Family {
    /// Named records: catalog, source positions, the epoch number.
    Meta,
    /// Stream logs.
    Log,
    /// State tables of operators.
    State,
    /// Rows of tables, views and indexes.
    Rows,
}

impl Family {
    /// Each in the place of its number.
    pub(crate) const ALL: [Family; 4] = [Family::Meta, Family::Log, Family::State, Family::Rows];

    /// The name on disk.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Family::Meta => "meta",
            Family::Log => "log",
            Family::State => "state",
            Family::Rows => "rows",
        }
    }
}

/// A key space inside an epoch: operator state or rows of relations and indexes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub enum Table {
    /// A state table of an operator (`state` column family).
    State(ObjectId),
    /// Rows of a table, view or index (`rows` column family).
    Rows(ObjectId),
}

impl Table {
    /// The object whose entries these are.
    #[must_use]
    pub fn object(self) -> ObjectId {
        match self {
            Table::State(object) | Table::Rows(object) => object,
        }
    }

    pub(crate) fn family(self) -> Family {
        match self {
            Table::State(_) => Family::State,
            Table::Rows(_) => Family::Rows,
        }
    }
}

/// Bytes of the object id in front of a key.
pub(crate) const OBJECT_BYTES: usize = 4;

/// Bytes of a full key that Bloom filters know besides the whole key: object, vnode, and the marker and eight bytes of the
/// first column, which is all of it when it is a bigint or a timestamp.
pub(crate) const PREFIX_BYTES: usize = OBJECT_BYTES + 1 + 1 + 8;

/// Whether all keys of `[from, to)` (full keys) have the same [`PREFIX_BYTES`], so that an iterator may use the filters.
pub(crate) fn in_one_prefix(from: &[u8], to: &[u8]) -> bool {
    from.get(..PREFIX_BYTES).is_some_and(|prefix| successor(prefix).is_none_or(|end| to <= &*end))
}

/// `[object id u32 BE][key]`.
pub(crate) fn full_key(object: ObjectId, key: &[u8]) -> Vec<u8> {
    let mut full = Vec::with_capacity(OBJECT_BYTES + key.len());
    full.extend_from_slice(&object.0.to_be_bytes());
    full.extend_from_slice(key);
    full
}

/// The smallest byte string greater than every string that starts with `prefix`; `None` when there is none.
pub(crate) fn successor(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|b| *b != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

/// `[from, to)` of all keys of an object. Ids are handed out from below, so that the last one, which has no next, is
/// never in use.
pub(crate) fn object_range(object: ObjectId) -> (Vec<u8>, Vec<u8>) {
    let from = full_key(object, &[]);
    let to = match object.0.checked_add(1) {
        Some(next) => full_key(ObjectId(next), &[]),
        None => vec![u8::MAX; OBJECT_BYTES + 5],
    };
    (from, to)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn successor_is_the_next_prefix() {
        assert_eq!(successor(b"a"), Some(b"b".to_vec()));
        assert_eq!(successor(&[1, 255, 255]), Some(vec![2]));
        assert_eq!(successor(&[255, 255]), None);
        assert_eq!(successor(&[]), None);
    }

    #[test]
    fn a_range_in_one_prefix() {
        let long = full_key(ObjectId(1), &[7; 12]);
        let prefix = &long[..PREFIX_BYTES];
        let end = successor(prefix).unwrap();
        assert!(
            in_one_prefix(prefix, &end)
                && in_one_prefix(&long, &end)
                && in_one_prefix(&long, &[&long[..], &[9]].concat())
        );
        assert!(!in_one_prefix(&long, &[&end[..], &[0]].concat()), "a key beyond the prefix");
        assert!(!in_one_prefix(&prefix[..PREFIX_BYTES - 1], &end), "shorter than the prefix");
    }

    #[test]
    fn object_ranges_touch_and_do_not_overlap() {
        assert_eq!(object_range(ObjectId(255)).1, object_range(ObjectId(256)).0);
        assert!(full_key(ObjectId(7), &[255; 40]) < object_range(ObjectId(7)).1);
    }
}
