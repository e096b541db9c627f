//! One hash per entry and epoch.

use crate::ObjectId;
use foldhash::fast::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Hashes the place of an entry (object and encoded key). A store has one, so that the hash an epoch's write was collected
/// under also finds the entry in the caches. Seeded at random, since keys come from clients.
#[derive(Clone, Debug, Default)]
pub(crate) struct KeyHasher(RandomState);

impl KeyHasher {
    /// The hash of `key` in `object`.
    #[inline]
    pub(crate) fn hash(&self, object: ObjectId, key: &[u8]) -> u64 {
        let mut hasher = self.0.build_hasher();
        hasher.write_u32(object.0);
        hasher.write(key);
        hasher.finish()
    }
}
