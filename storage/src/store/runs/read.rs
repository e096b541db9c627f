//! Reads through the cached runs.

use super::{Part, Run, RunBuilder, Shape};
use crate::codec::KeyCodec;
use crate::store::range::visit;
use crate::store::shared::Shared;
use crate::store::steps::Step;
use crate::store::{OneEpoch, Store};
use crate::{KeyRange, ObjectId, Result};
use bytes::Bytes;
use rocksdb::ReadOptions;

/// Most entries that are read at once, those skipped by an OFFSET included.
const MOST_ENTRIES: usize = 1_024;
/// Bytes of keys and values after which that is too much, too.
const MOST_BYTES: usize = 256 << 10;

/// Which entries of an object: a range in a direction, and how a reader's runs are made.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) object: ObjectId,
    pub(crate) shape: Option<Shape>,
    pub(crate) range: &'a KeyRange,
    pub(crate) reverse: bool,
}

impl Store {
    /// From now on runs of this shape are cached.
    pub(crate) fn watch_runs(&self, object: ObjectId, codec: &KeyCodec, shape: Shape) {
        self.shared.runs.watch(object, codec, shape);
    }

    /// Up to `limit` values after skipping `offset`, all of one epoch, from a cached run or else from RocksDB; `None` when they are
    /// too many to be read at once.
    pub(crate) fn read_few(&self, wanted: Wanted<'_>, offset: usize, limit: usize) -> Result<Option<Vec<Bytes>>> {
        let shared = &*self.shared;
        let cached = wanted.part(shared);
        if let Some(values) = cached
            .and_then(|part| shared.runs.get(wanted.object, &part))
            .and_then(|run| run.values(&cached?, offset, limit))
        {
            return Ok(Some(values));
        }
        let noted = shared.steps.now();
        let part = cached.unwrap_or_else(|| Part::whole(wanted.range, wanted.reverse));
        let most = offset.saturating_add(limit);
        let mut builder = RunBuilder::new(part.prefix_len());
        let stopped = wanted.visit(shared, ReadOptions::default(), &mut |key, value| {
            builder.push(key, value);
            builder.len() < most.min(MOST_ENTRIES) && builder.bytes() < MOST_BYTES
        })?;
        if stopped && builder.len() < most {
            return Ok(None);
        }
        let run = builder.finish(&part, stopped);
        if cached.is_some() {
            keep(shared, wanted.object, &part, &run, noted);
        }
        Ok(run.values(&part, offset, limit))
    }
}

impl OneEpoch<'_> {
    /// Visits the values until `each` returns false: from the cached run of their prefix if that has all of them, else in the snapshot.
    pub(crate) fn visit_range(&self, wanted: Wanted<'_>, each: &mut dyn FnMut(&[u8]) -> bool) -> Result<()> {
        let shared = self.shared();
        let Some((part, noted)) = self.noted().and_then(|noted| Some((wanted.part(shared)?, noted))) else {
            return wanted.visit(shared, self.snapshot().options(), &mut |_, value| each(value)).map(drop);
        };
        if let Some(run) = shared.runs.get(wanted.object, &part).filter(|run| run.has(&part)) {
            run.visit(&part, each);
            return Ok(());
        }
        let mut builder = RunBuilder::new(part.prefix_len());
        let stopped = wanted.visit(shared, self.snapshot().options(), &mut |key, value| {
            if builder.bytes() < MOST_BYTES {
                builder.push(key, value);
            }
            each(value)
        })?;
        if !stopped && builder.bytes() < MOST_BYTES {
            keep(shared, wanted.object, &part, &builder.finish(&part, false), noted);
        }
        Ok(())
    }
}

impl<'a> Wanted<'a> {
    /// The part of a prefix that the range is, if there may be a run of it.
    fn part(&self, shared: &Shared) -> Option<Part<'a>> {
        let shape = self.shape.filter(|shape| shape.reverse == self.reverse)?;
        shared.runs.part(self.object, shape, self.range)
    }

    fn visit(&self, shared: &Shared, options: ReadOptions, each: &mut dyn FnMut(&[u8], &[u8]) -> bool) -> Result<bool> {
        visit(shared, options, self.object, self.range, self.reverse, each)
    }
}

/// Caches a run if it is from the start of its prefix, and no commit took a step since `noted`.
fn keep(shared: &Shared, object: ObjectId, part: &Part<'_>, run: &Run, noted: Step) {
    if part.is_from_start() {
        shared.runs.insert_if(object, part, run, || shared.steps.still_idle(noted));
    }
}
