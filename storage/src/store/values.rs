//! The answer to a read of several keys.

/// Bytes of a typical value: a small row with the state of its group.
const TYPICAL_BYTES: usize = 96;
/// Values there is room for from the start, at most.
const ROOM_FOR: usize = 1_024;

/// Values of several keys, in the order of the keys, in one allocation.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Values {
    data: Vec<u8>,
    /// Per key: where its value starts and ends; `None` when there is no entry.
    places: Vec<Option<(usize, usize)>>,
}

impl Values {
    /// Room for the values of `keys` keys.
    pub(super) fn with_capacity(keys: usize) -> Values {
        Values { data: Vec::with_capacity(keys.min(ROOM_FOR) * TYPICAL_BYTES), places: Vec::with_capacity(keys) }
    }

    /// Number of keys.
    #[must_use]
    pub fn len(&self) -> usize {
        self.places.len()
    }

    /// Whether no key was asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    /// The value of key number `index`; `None` when there is no entry.
    ///
    /// # Panics
    /// When `index` is out of range.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> Option<&[u8]> {
        self.places[index].map(|(start, end)| &self.data[start..end])
    }

    /// The values in the order of the keys.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        (0..self.len()).map(|index| self.get(index))
    }

    /// Adds the value of the next key.
    #[inline]
    pub(super) fn push(&mut self, value: Option<&[u8]>) {
        self.places.push(None);
        self.set(self.places.len() - 1, value);
    }

    /// Sets the value of a key that was added without one.
    #[inline]
    pub(super) fn set(&mut self, index: usize, value: Option<&[u8]>) {
        self.places[index] = value.map(|value| {
            let start = self.data.len();
            self.data.extend_from_slice(value);
            (start, self.data.len())
        });
    }
}
