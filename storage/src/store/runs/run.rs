//! Consecutive entries in one piece of memory.
//!
//! `[end length u32][end][entry]...`; the length is [`COMPLETE`] when the run has all of its prefix, else all keys before `end` are in it
//! (backwards: all from `end` on). An entry is `[key length u32][value length u32][key without prefix][value]`.

use super::Part;
use bytes::Bytes;

/// The run goes to the end of its prefix.
const COMPLETE: u32 = u32::MAX;
const WORD: usize = 4;

/// Entries of one prefix, from its start.
#[derive(Clone, Debug)]
pub(super) struct Run {
    bytes: Bytes,
}

impl Run {
    pub(super) fn new(bytes: Bytes) -> Run {
        Run { bytes }
    }

    /// All of it, to be cached.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Up to `limit` values of a part after skipping `offset`; `None` when the run does not have all of them.
    pub(super) fn values(&self, part: &Part<'_>, offset: usize, limit: usize) -> Option<Vec<Bytes>> {
        let mut values = Vec::with_capacity(limit.min(16));
        let mut skip = offset;
        let all = self.visit(part, &mut |value| {
            if skip > 0 {
                skip -= 1;
            } else {
                values.push(self.bytes.slice_ref(value));
            }
            values.len() < limit
        });
        (all || values.len() == limit).then_some(values)
    }

    /// Whether it has all of a part.
    pub(super) fn has(&self, part: &Part<'_>) -> bool {
        part.is_within(self.end())
    }

    /// Visits the values of a part in the order of the run until `visit` returns false. Returns whether it has all of the part.
    pub(super) fn visit(&self, part: &Part<'_>, visit: &mut dyn FnMut(&[u8]) -> bool) -> bool {
        let mut rest = self.bytes.get(WORD + self.end().map_or(0, <[u8]>::len)..).unwrap_or_default();
        while let Some((key, value)) = entry(&mut rest) {
            if part.is_after(key) {
                return true;
            }
            if !part.is_before(key) && !visit(value) {
                return false;
            }
        }
        self.has(part)
    }

    fn end(&self) -> Option<&[u8]> {
        let (length, rest) = self.bytes.split_first_chunk()?;
        match u32::from_le_bytes(*length) {
            COMPLETE => None,
            length => rest.get(..length as usize),
        }
    }
}

/// The next entry: its key without the prefix, and its value.
fn entry<'a>(rest: &mut &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (key, after) = rest.split_first_chunk()?;
    let (value, after) = after.split_first_chunk()?;
    let (key, after) = after.split_at_checked(u32::from_le_bytes(*key) as usize)?;
    let (value, after) = after.split_at_checked(u32::from_le_bytes(*value) as usize)?;
    *rest = after;
    Some((key, value))
}

/// A run that is being read.
pub(super) struct RunBuilder {
    bytes: Vec<u8>,
    /// Bytes of the prefix, which entries are kept without.
    prefix: usize,
    entries: usize,
    /// Where the key of the last entry stands.
    last: std::ops::Range<usize>,
}

impl RunBuilder {
    pub(super) fn new(prefix: usize) -> RunBuilder {
        RunBuilder { bytes: Vec::with_capacity(512), prefix, entries: 0, last: 0..0 }
    }

    /// Entries so far.
    pub(super) fn len(&self) -> usize {
        self.entries
    }

    /// Bytes so far.
    pub(super) fn bytes(&self) -> usize {
        self.bytes.len()
    }

    /// Appends an entry; `key` starts with the prefix.
    pub(super) fn push(&mut self, key: &[u8], value: &[u8]) {
        let key = key.get(self.prefix..).unwrap_or_default();
        // Keys and values are bounded by `max_message_bytes`, far below 4 GiB.
        for length in [key.len(), value.len()] {
            self.bytes.extend_from_slice(&u32::try_from(length).unwrap_or(u32::MAX).to_le_bytes());
        }
        let start = self.bytes.len();
        self.bytes.extend_from_slice(key);
        self.last = start..self.bytes.len();
        self.bytes.extend_from_slice(value);
        self.entries += 1;
    }

    /// The run of what was read of `part`; `stopped` when the reading ended with the last entry, and not with the part.
    pub(super) fn finish(self, part: &Part<'_>, stopped: bool) -> Run {
        let last = &self.bytes[self.last.clone()];
        let behind_last;
        let end = match stopped {
            false => part.end(),
            true if part.reverse => Some(last),
            true => {
                behind_last = [last, &[0]].concat();
                Some(&behind_last[..])
            }
        };
        let mut bytes = Vec::with_capacity(WORD + end.map_or(0, <[u8]>::len) + self.bytes.len());
        match end {
            None => bytes.extend_from_slice(&COMPLETE.to_le_bytes()),
            Some(end) => {
                bytes.extend_from_slice(&u32::try_from(end.len()).unwrap_or(COMPLETE).to_le_bytes());
                bytes.extend_from_slice(end);
            }
        }
        bytes.extend_from_slice(&self.bytes);
        Run { bytes: Bytes::from(bytes) }
    }
}
