//! Indexes built over rows that are already there, a chunk per epoch.
//!
//! From the moment an index exists, every writer of its relation keeps it. The build walks the relation once and puts the
//! entries of the rows it finds; both together make it complete, since a row is either there when the build passes it or
//! written later.
//!
//! A build that meets an error of the disk tries again after a pause, which doubles each time, up to `index_build_retries`
//! times. Then, and at once when a row is damaged, it has failed: reads go on without the index, until it is dropped.

use super::clock::Clock;
use super::records;
use crate::dataflow::InputRelation;
use attune_storage::{Epoch, EpochBatch, StorageError, TableWriter, failpoint};
use serde::{Deserialize, Serialize};
use std::time::{Duration, Instant};

/// Pause after the first error; it doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// The longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(60);

/// An index that is being built.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct IndexBuild {
    /// Index id.
    pub(super) index: u32,
    /// Relation id.
    pub(super) relation: u32,
    /// Epoch that created the index.
    #[serde(default)]
    pub(super) created: u64,
    /// Last key of the relation that was taken; in a log, the place of the row.
    pub(super) position: Option<Vec<u8>>,
    /// Rows taken.
    pub(super) rows: u64,
    /// Why it was given up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failed: Option<String>,
    /// The end was reached in the epoch being built.
    #[serde(skip)]
    pub(super) finished: bool,
    /// Errors one after the other.
    #[serde(skip)]
    errors: u32,
    /// When to try again after an error.
    #[serde(skip)]
    again: Option<Instant>,
}

impl IndexBuild {
    pub(super) fn new(index: u32, relation: u32, created: Epoch) -> IndexBuild {
        IndexBuild {
            index,
            relation,
            created: created.0,
            position: None,
            rows: 0,
            failed: None,
            finished: false,
            errors: 0,
            again: None,
        }
    }

    /// Whether there is something to do now.
    fn is_due(&self, now: Instant) -> bool {
        self.failed.is_none() && self.again.is_none_or(|again| again <= now)
    }
}

impl Clock {
    /// Whether a build can go on.
    pub(super) fn has_due_build(&self) -> bool {
        !self.builds.is_empty() && self.builds.iter().any(|build| build.is_due(Instant::now()))
    }

    /// When the next build that has met an error tries again.
    pub(super) fn next_build(&self) -> Option<Instant> {
        self.builds.iter().filter(|build| build.failed.is_none()).filter_map(|build| build.again).min()
    }

    /// Adds a chunk of each build to the epoch and returns where the builds stand once it is committed.
    pub(super) fn build_indexes(&self, batch: &mut EpochBatch) -> Vec<IndexBuild> {
        let mut builds = self.builds.clone();
        if builds.is_empty() {
            return builds;
        }
        let now = Instant::now();
        let due: Vec<usize> = (0..builds.len()).filter(|place| builds[*place].is_due(now)).collect();
        for place in &due {
            let build = &mut builds[*place];
            match self.build_chunk(batch, build) {
                Ok(more) => {
                    build.finished = !more;
                    (build.errors, build.again) = (0, None);
                }
                Err(error) => self.pause_build(build, &error, now),
            }
        }
        // The records come last: an empty batch means that nothing else has taken room.
        for build in due.iter().map(|place| &builds[*place]) {
            let waits = build.again.is_some() && build.failed.is_none();
            if !waits {
                // Plain data: serialising it does not fail.
                let record = if build.finished { None } else { serde_json::to_vec(build).ok() };
                batch.put_meta(&records::index_build_key(build.index), record);
            }
        }
        builds
    }

    /// After an error: try again later, or give the index up.
    fn pause_build(&self, build: &mut IndexBuild, error: &StorageError, now: Instant) {
        let may_pass = matches!(error, StorageError::RocksDb(_) | StorageError::Io(_));
        if may_pass && build.errors < self.config.index_build_retries {
            let pause = FIRST_PAUSE.saturating_mul(1 << build.errors.min(16)).min(LONGEST_PAUSE);
            tracing::warn!(index = build.index, %error, ?pause, "an index cannot be built further; trying again");
            build.errors += 1;
            build.again = Some(now + pause);
            return;
        }
        tracing::error!(index = build.index, %error, "an index cannot be built and is given up");
        build.failed = Some(error.to_string());
        self.shared.gauges.backfill_failed(build.index, &error.to_string());
        // Whoever waits for the index looks again.
        self.shared.progress.send_modify(|n| *n += 1);
    }

    /// Takes the next rows; false at the end of the relation (or when relation or index were dropped).
    fn build_chunk(&self, batch: &mut EpochBatch, build: &mut IndexBuild) -> Result<bool, StorageError> {
        let Some(layout) = self.relations.get(&build.relation).and_then(InputRelation::layout) else {
            return Ok(false);
        };
        let Some(number) = layout.indexes.iter().position(|i| i.object.0 == build.index) else { return Ok(false) };
        failpoint::check("build_index")?;
        let writer = TableWriter::new(layout.clone());
        let mut chunk_rows = self.driver.chunk_rows();
        loop {
            let mut scope = batch.scope();
            let after = build.position.as_deref();
            let (rows, next) = match layout.in_log {
                true => writer.build_index_of_log(&mut scope, number, after, Epoch(build.created), chunk_rows)?,
                false => writer.build_index(&mut scope, number, after, chunk_rows)?,
            };
            match batch.merge(scope) {
                Ok(()) => {
                    build.rows += rows as u64;
                    build.position = next;
                    return Ok(build.position.is_some());
                }
                Err(StorageError::EpochTooLarge { .. }) if chunk_rows > 1 => chunk_rows /= 2,
                // Others have taken the room of this epoch; the next one goes on from here.
                Err(StorageError::EpochTooLarge { .. }) if !batch.is_empty() => return Ok(true),
                Err(error) => return Err(error),
            }
        }
    }
}
