//! The part of a prefix that a range is.

use crate::KeyRange;
use crate::store::keyspace::successor;

/// A range of keys that all have one prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Part<'a> {
    pub(super) prefix: &'a [u8],
    /// First key, without the prefix.
    pub(super) from: &'a [u8],
    /// End key, excluded, without the prefix; `None` is the end of the prefix.
    pub(super) to: Option<&'a [u8]>,
    pub(super) reverse: bool,
}

impl<'a> Part<'a> {
    /// The range as a part of the prefix of `length` bytes; `None` when it goes beyond that.
    pub(super) fn new(range: &'a KeyRange, length: usize, reverse: bool) -> Option<Part<'a>> {
        let (prefix, from) = range.from.split_at_checked(length)?;
        let to = range.to.as_deref();
        let to = match to.and_then(|to| to.strip_prefix(prefix)) {
            Some(to) => Some(to),
            None if successor(prefix).as_deref() == to => None,
            None => return None,
        };
        Some(Part { prefix, from, to, reverse })
    }

    /// A range of its own, without a prefix.
    pub(super) fn whole(range: &'a KeyRange, reverse: bool) -> Part<'a> {
        Part { prefix: &[], from: &range.from, to: range.to.as_deref(), reverse }
    }

    /// Whether it begins where the prefix does, in the order it is read.
    pub(super) fn is_from_start(&self) -> bool {
        if self.reverse { self.to.is_none() } else { self.from.is_empty() }
    }

    /// Where a run that was read up to the end of this part ends; `None` is the end of the prefix.
    pub(super) fn end(&self) -> Option<&'a [u8]> {
        if self.reverse { Some(self.from).filter(|from| !from.is_empty()) } else { self.to }
    }

    /// Whether a run that ends there has all of this part.
    pub(super) fn is_within(&self, end: Option<&[u8]>) -> bool {
        match (end, self.end()) {
            (None, _) => true,
            (Some(_), None) => false,
            (Some(end), Some(wanted)) if self.reverse => wanted >= end,
            (Some(end), Some(wanted)) => wanted <= end,
        }
    }

    /// Whether a key of the prefix (without it) comes before this part, in the order it is read.
    pub(super) fn is_before(&self, key: &[u8]) -> bool {
        if self.reverse { self.is_behind_to(key) } else { key < self.from }
    }

    /// Whether a key of the prefix (without it) comes after this part, in the order it is read.
    pub(super) fn is_after(&self, key: &[u8]) -> bool {
        if self.reverse { key < self.from } else { self.is_behind_to(key) }
    }

    fn is_behind_to(&self, key: &[u8]) -> bool {
        self.to.is_some_and(|to| key >= to)
    }

    /// Bytes of the prefix.
    pub(super) fn prefix_len(&self) -> usize {
        self.prefix.len()
    }
}
