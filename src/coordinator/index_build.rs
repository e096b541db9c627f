//! Indexes built over rows that are already there, a chunk per epoch.
//!
//! From the moment an index exists, every writer of its relation keeps it. The build walks the relation once and puts the
//! entries of the rows it finds; both together make it complete, since a row is either there when the build passes it or
//! written later.

use super::clock::Clock;
use super::records;
use crate::dataflow::InputRelation;
use attune_storage::{EpochBatch, StorageError, TableWriter};
use serde::{Deserialize, Serialize};

/// An index that is being built.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct IndexBuild {
    /// Index id.
    pub(super) index: u32,
    /// Relation id.
    pub(super) relation: u32,
    /// Last key of the relation that was taken.
    pub(super) position: Option<Vec<u8>>,
    /// Rows taken.
    pub(super) rows: u64,
    /// The end was reached in the epoch being built.
    #[serde(skip)]
    pub(super) finished: bool,
}

impl IndexBuild {
    pub(super) fn new(index: u32, relation: u32) -> IndexBuild {
        IndexBuild { index, relation, position: None, rows: 0, finished: false }
    }
}

impl Clock {
    /// Adds a chunk of each build to the epoch and returns where the builds stand once it is committed. A build that meets an
    /// error stays where it was: reads do not use the index until it is complete.
    pub(super) fn build_indexes(&self, batch: &mut EpochBatch) -> Vec<IndexBuild> {
        let mut builds = self.builds.clone();
        for build in &mut builds {
            match self.build_chunk(batch, build) {
                Ok(more) => build.finished = !more,
                Err(error) => tracing::error!(index = build.index, %error, "an index cannot be built further"),
            }
        }
        // The records come last: an empty batch means that nothing else has taken room.
        for build in &builds {
            // Plain data: serialising it does not fail.
            let record = if build.finished { None } else { serde_json::to_vec(build).ok() };
            batch.put_meta(&records::index_build_key(build.index), record);
        }
        builds
    }

    /// Takes the next rows; false at the end of the relation (or when relation or index were dropped).
    fn build_chunk(&self, batch: &mut EpochBatch, build: &mut IndexBuild) -> Result<bool, StorageError> {
        let Some(layout) = self.relations.get(&build.relation).and_then(InputRelation::layout) else {
            return Ok(false);
        };
        let Some(number) = layout.indexes.iter().position(|i| i.object.0 == build.index) else { return Ok(false) };
        let writer = TableWriter::new(layout.clone());
        let mut chunk_rows = self.config.backfill_chunk_rows.max(1);
        loop {
            let mut scope = batch.scope();
            let (rows, next) = writer.build_index(&mut scope, number, build.position.as_deref(), chunk_rows)?;
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
