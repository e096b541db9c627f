//! Tests of the store.

mod consistency;
mod epochs;
mod log;
mod notes;
mod open;
mod runs;
mod scan;

use super::{Committer, EpochScope, Store, StoreOptions};
use crate::{Epoch, ObjectId, Table};
use std::path::Path;
use tempfile::TempDir;

pub(super) const STATE: Table = Table::State(ObjectId(7));
pub(super) const ROWS: Table = Table::Rows(ObjectId(7));

/// Small caches, no waiting for the disk.
pub(crate) fn small() -> StoreOptions {
    StoreOptions {
        block_cache_bytes: 4 << 20,
        row_cache_bytes: 1 << 20,
        run_cache_bytes: 1 << 20,
        state_cache_bytes: 1 << 20,
        memtable_bytes: 16 << 20,
        shared_memory: false,
        epoch_max_bytes: 16 << 20,
        synchronous_commit: false,
    }
}

/// A store in a directory that goes when it is dropped.
pub(crate) struct Fixture {
    pub(crate) store: Store,
    pub(crate) committer: Committer,
    pub(crate) dir: TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Fixture {
        Fixture::with(&small())
    }

    pub(crate) fn with(options: &StoreOptions) -> Fixture {
        let dir = tempfile::tempdir().unwrap();
        let (store, committer) = Store::open(dir.path(), options).unwrap();
        Fixture { store, committer, dir }
    }

    pub(crate) fn reopen(self) -> Fixture {
        let Fixture { store, committer, dir } = self;
        drop((store, committer));
        let (store, committer) = Store::open(dir.path(), &small()).unwrap();
        Fixture { store, committer, dir }
    }

    /// Commits an epoch with what `write` does to one scope.
    pub(crate) fn epoch(&mut self, write: impl FnOnce(&mut EpochScope)) -> Epoch {
        let mut batch = self.committer.begin();
        let mut scope = batch.scope();
        write(&mut scope);
        batch.merge(scope).unwrap();
        self.committer.commit(batch).unwrap()
    }
}

/// What a directory tree holds, to see that nothing was written.
pub(super) fn listing(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        std::fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
