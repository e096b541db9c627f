//! Many byte strings in one allocation.

/// Byte strings stored one after the other: encoded rows or keys of a batch.
#[derive(Clone, Debug, Default)]
pub struct ByteRows {
    data: Vec<u8>,
    ends: Vec<usize>,
}

impl ByteRows {
    /// Room for `rows` strings of `bytes` bytes together.
    #[must_use]
    pub fn with_capacity(rows: usize, bytes: usize) -> ByteRows {
        ByteRows { data: Vec::with_capacity(bytes), ends: Vec::with_capacity(rows) }
    }

    /// Number of strings.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Bytes of all strings together.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.data.len()
    }

    /// String number `index`.
    ///
    /// # Panics
    /// When `index` is out of range.
    #[must_use]
    #[inline]
    pub fn get(&self, index: usize) -> &[u8] {
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.data[start..self.ends[index]]
    }

    /// All strings in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[u8]> {
        (0..self.len()).map(|i| self.get(i))
    }

    /// Forgets all strings and keeps the memory.
    pub fn clear(&mut self) {
        self.data.clear();
        self.ends.clear();
    }

    /// Appends a string that `write` produces at the end of the shared buffer.
    pub fn push_with(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.data);
        self.ends.push(self.data.len());
    }

    /// Appends a string that `write` produces at the end of the shared buffer, or nothing when it fails.
    ///
    /// # Errors
    /// The error of `write`.
    pub fn try_push_with<E>(&mut self, write: impl FnOnce(&mut Vec<u8>) -> Result<(), E>) -> Result<(), E> {
        let start = self.data.len();
        match write(&mut self.data) {
            Ok(()) => self.ends.push(self.data.len()),
            Err(error) => {
                self.data.truncate(start);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Appends a copy of `bytes`.
    pub fn push(&mut self, bytes: &[u8]) {
        self.push_with(|data| data.extend_from_slice(bytes));
    }
}
