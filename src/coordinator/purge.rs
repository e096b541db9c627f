//! What a DROP leaves behind: rows, state and logs that nobody can name any more.
//!
//! A DROP is three steps: the epoch that takes the objects out of the catalog and notes what is to be deleted; the catalog
//! is published; an epoch deletes what was noted. So whoever still reads by an older catalog version finds the rows as they
//! were, and whoever took a snapshot in which they are gone sees a catalog without them. After a crash between the steps, the
//! next start does the last one.

use super::{from_storage, records};
use attune_sql::SqlError;
use attune_sql::catalog::{Index, Relation, RelationKind};
use attune_storage::{Committer, EpochBatch, ObjectId, Store, Table};
use serde::{Deserialize, Serialize};

/// What is to be deleted after a DROP.
#[derive(Default, Serialize, Deserialize)]
pub(super) struct Dropped {
    rows: Vec<u32>,
    state: Vec<u32>,
    logs: Vec<u32>,
}

impl Dropped {
    pub(super) fn add_index(&mut self, index: &Index) {
        self.rows.push(index.id.0);
    }

    pub(super) fn add_relation(&mut self, relation: &Relation) {
        let id = relation.id.0;
        match relation.kind {
            RelationKind::Stream { .. } => self.logs.push(id),
            RelationKind::Table => self.rows.push(id),
            RelationKind::MaterializedView { .. } => {
                if relation.in_log { &mut self.logs } else { &mut self.rows }.push(id);
                let (first, count) = relation.state_objects;
                self.state.extend(first..first.saturating_add(count));
            }
            RelationKind::View => {}
        }
    }

    fn delete(&self, batch: &mut EpochBatch) {
        let rows = self.rows.iter().map(|id| Table::Rows(ObjectId(*id)));
        let state = self.state.iter().map(|id| Table::State(ObjectId(*id)));
        batch.drop_objects(rows.chain(state));
        self.logs.iter().for_each(|id| batch.drop_log(ObjectId(*id)));
    }
}

/// Deletes what DROPs have noted, as an epoch of its own. It takes the same time whatever the size.
pub(super) fn purge(store: &Store, committer: &mut Committer) -> Result<(), SqlError> {
    let mut batch = committer.begin();
    for (key, bytes) in store.meta_scan(records::DROPPED).map_err(|e| from_storage(&e))? {
        records::decode::<Dropped>(&key, &bytes)?.delete(&mut batch);
        batch.put_meta(&key, None);
    }
    if !batch.is_empty() {
        committer.commit(batch).map_err(|e| from_storage(&e))?;
    }
    Ok(())
}
