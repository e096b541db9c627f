//! Ranges of encoded keys.

use crate::store::successor;

/// A range of encoded keys of one object: `[from, to)`, both with their vnode byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRange {
    /// First key, included.
    pub from: Vec<u8>,
    /// End key, excluded; `None` is the end of the object.
    pub to: Option<Vec<u8>>,
}

impl KeyRange {
    /// All keys that start with `prefix`.
    #[must_use]
    pub fn prefix(prefix: &[u8]) -> KeyRange {
        KeyRange { from: prefix.to_vec(), to: successor(prefix) }
    }

    /// The whole object.
    #[must_use]
    pub fn all() -> KeyRange {
        KeyRange { from: Vec::new(), to: None }
    }

    /// The keys of this range after `key`: where to go on after a part of it was read.
    #[must_use]
    pub fn after(&self, key: &[u8]) -> KeyRange {
        let from = [key, &[0]].concat();
        KeyRange { from: from.max(self.from.clone()), to: self.to.clone() }
    }
}
