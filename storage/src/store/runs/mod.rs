//! The first rows under key prefixes, in memory: what "the ten best of a user" reads.
//!
//! A run is what an object holds under one key prefix, from its first key on (or, backwards, from its last). Runs are cached by object,
//! direction and prefix, next to the row cache and by the same protocol (see [`super::steps`]): a commit forgets the runs of every
//! prefix it writes under before it writes, and what was read fills the cache only if no commit took a step meanwhile. So a cached run is
//! what the store holds at the published epoch, and reading one of them needs no snapshot.
//!
//! How many bytes of a key are its prefix is known from the columns that lookups fix: [`Runs::watch`] notes them before the first of them
//! reads, so that a commit can tell the prefixes of what it writes.

mod part;
mod read;
mod run;

pub(crate) use read::Wanted;

use super::EpochBatch;
use super::keyspace::Table;
use super::overlay::Overlay;
use crate::codec::KeyCodec;
use crate::key_hasher::KeyHasher;
use crate::{HotCache, KeyRange, ObjectId};
use parking_lot::RwLock;
use part::Part;
use run::{Run, RunBuilder};
use std::collections::HashMap;
use std::sync::Arc;

/// Cached runs, and the prefixes that are watched.
pub(super) struct Runs {
    cache: HotCache,
    watched: RwLock<HashMap<ObjectId, Arc<Watched>>>,
}

/// The runs of an object that there may be.
#[derive(Clone)]
struct Watched {
    codec: KeyCodec,
    shapes: Vec<Shape>,
}

/// Which runs a reader asks for: those under this many key columns, in this direction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Shape {
    pub(crate) columns: usize,
    pub(crate) reverse: bool,
}

impl Runs {
    /// A cache of at most `bytes` bytes; 0 disables it.
    pub(super) fn new(bytes: usize, hasher: KeyHasher) -> Runs {
        Runs { cache: HotCache::with_hasher(bytes, hasher), watched: RwLock::default() }
    }

    /// The cache, for metrics.
    pub(super) fn cache(&self) -> &HotCache {
        &self.cache
    }

    /// From now on commits forget the runs of this shape that they write to.
    pub(super) fn watch(&self, object: ObjectId, codec: &KeyCodec, shape: Shape) {
        let mut watched = self.watched.write();
        let watched =
            watched.entry(object).or_insert_with(|| Arc::new(Watched { codec: codec.clone(), shapes: Vec::new() }));
        if !watched.shapes.contains(&shape) {
            Arc::make_mut(watched).shapes.push(shape);
        }
    }

    /// The cached run of a prefix.
    fn get(&self, object: ObjectId, part: &Part<'_>) -> Option<Run> {
        self.cache.get(object, &cache_key(part.prefix, part.reverse)).flatten().map(Run::new)
    }

    /// Caches a run if its prefix is watched and `valid` says so, which is asked under the lock that the eviction takes.
    fn insert_if(&self, object: ObjectId, part: &Part<'_>, run: &Run, valid: impl FnOnce() -> bool) {
        let key = cache_key(part.prefix, part.reverse);
        // A DROP ends the watching; whoever still reads the object then must not fill.
        let watched = || self.watched.read().contains_key(&object);
        self.cache.insert_if(object, &key, Some(run.bytes()), || valid() && watched());
    }

    /// Forgets the runs that an epoch changes.
    pub(super) fn evict(&self, batch: &EpochBatch) {
        for table in batch.dropped_tables() {
            if let Table::Rows(object) = table
                && self.watched.write().remove(&object).is_some()
            {
                self.cache.remove_object(object);
            }
        }
        for (table, overlay) in batch.merged.overlays.iter() {
            let Table::Rows(object) = table else { continue };
            let watched = self.watched.read().get(&object).cloned();
            if let Some(watched) = watched {
                self.evict_written(object, &watched, overlay);
            }
        }
    }

    fn evict_written(&self, object: ObjectId, watched: &Watched, overlay: &Overlay) {
        for shape in &watched.shapes {
            // Rows of one prefix are often written one after the other.
            let mut last: &[u8] = &[];
            for (_, key, _) in overlay.iter() {
                let Ok(length) = watched.codec.prefix_len(key, shape.columns) else {
                    // No key of this object: nothing is known of it, so nothing of it is kept.
                    self.cache.remove_object(object);
                    continue;
                };
                let prefix = &key[..length];
                if prefix != last {
                    self.cache.remove(object, &cache_key(prefix, shape.reverse));
                    last = prefix;
                }
            }
        }
    }

    /// The part of a prefix of `shape` that `range` is; `None` when it is not within one prefix, or the object is not watched.
    fn part<'a>(&self, object: ObjectId, shape: Shape, range: &'a KeyRange) -> Option<Part<'a>> {
        if self.cache.is_disabled() {
            return None;
        }
        let length = self.watched.read().get(&object)?.codec.prefix_len(&range.from, shape.columns).ok()?;
        Part::new(range, length, shape.reverse)
    }
}

/// What a run is cached under.
fn cache_key(prefix: &[u8], reverse: bool) -> Vec<u8> {
    let mut key = Vec::with_capacity(prefix.len() + 1);
    key.extend_from_slice(prefix);
    key.push(u8::from(reverse));
    key
}
