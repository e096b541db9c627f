//! The catalog: immutable, versioned descriptions of streams, tables, views and indexes.

mod change;
mod drop_order;
mod names;
mod records;

pub use names::{HIDDEN_PREFIX, MAX_COLUMNS, MAX_NAME_BYTES, check_name};
pub use records::{Column, Index, KeyPart, Relation, RelationId, RelationKind, ViewStatus};

use crate::{SqlError, SqlState, suggest};
use std::collections::BTreeMap;
use std::sync::Arc;

/// One version of the catalog. A change makes a new version; readers keep theirs as long as they need it.
///
/// Ids grow, and a relation can only depend on relations that exist, so a dependent always has the higher id.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    version: u64,
    next_id: u32,
    relations: BTreeMap<RelationId, Arc<Relation>>,
    /// Relations and indexes share one name space, as in Postgres.
    by_name: BTreeMap<String, RelationId>,
    indexes: BTreeMap<RelationId, Arc<Index>>,
}

impl Catalog {
    /// Number of this version; grows by one with each change.
    #[must_use]
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The lowest id that was never given out. Ids of relations, indexes and state tables come from one sequence.
    #[must_use]
    pub fn next_id(&self) -> u32 {
        self.next_id
    }

    /// Looks a relation up by (folded) name; the error suggests similar names.
    ///
    /// # Errors
    /// 42P01 if there is none, 42809 if the name is an index.
    pub fn relation(&self, name: &str) -> Result<&Arc<Relation>, SqlError> {
        if let Some(relation) = self.find(name) {
            return Ok(relation);
        }
        if self.find_index(name).is_some() {
            return Err(SqlError::new(SqlState::WrongObjectType, format!("\"{name}\" is an index")));
        }
        let error = SqlError::new(SqlState::UndefinedTable, format!("relation \"{name}\" does not exist"));
        Err(match suggest(name, self.relations.values().map(|r| r.name.as_str())) {
            Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
            None => error,
        })
    }

    /// A relation by name, or `None`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<Relation>> {
        self.relations.get(self.by_name.get(name)?)
    }

    /// An index by name; the error suggests similar names.
    ///
    /// # Errors
    /// 42704 if there is none.
    pub fn index(&self, name: &str) -> Result<&Arc<Index>, SqlError> {
        self.find_index(name).ok_or_else(|| {
            let error = SqlError::new(SqlState::UndefinedObject, format!("index \"{name}\" does not exist"));
            match suggest(name, self.indexes.values().map(|i| i.name.as_str())) {
                Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
                None => error,
            }
        })
    }

    /// An index by name, or `None`.
    #[must_use]
    pub fn find_index(&self, name: &str) -> Option<&Arc<Index>> {
        self.indexes.get(self.by_name.get(name)?)
    }

    /// A relation by id.
    #[must_use]
    pub fn get(&self, id: RelationId) -> Option<&Arc<Relation>> {
        self.relations.get(&id)
    }

    /// All relations by id.
    pub fn relations(&self) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values()
    }

    /// All indexes by id.
    pub fn indexes(&self) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.values()
    }

    /// Indexes of one relation.
    pub fn indexes_of(&self, relation: RelationId) -> impl Iterator<Item = &Arc<Index>> {
        self.indexes.values().filter(move |i| i.relation == relation)
    }

    /// Relations that directly depend on this one (views over it).
    pub fn dependents(&self, id: RelationId) -> impl Iterator<Item = &Arc<Relation>> {
        self.relations.values().filter(move |r| r.depends_on.contains(&id))
    }

    /// A free name for an index, as Postgres makes one: `relation_column_idx`, then with 1, 2, ... appended.
    #[must_use]
    pub fn index_name(&self, relation: &str, columns: &[String]) -> String {
        let mut base = relation.to_owned();
        for column in columns {
            base.push('_');
            base.push_str(column);
        }
        // Room for "_idx" and a number below the limit.
        let mut end = base.len().min(MAX_NAME_BYTES - 10);
        while !base.is_char_boundary(end) {
            end -= 1;
        }
        base.truncate(end);
        base.push_str("_idx");
        let numbered = (1_u32..).map(|n| format!("{base}{n}"));
        std::iter::once(base.clone()).chain(numbered).find(|n| !self.by_name.contains_key(n)).unwrap_or(base)
    }
}

#[cfg(test)]
pub(crate) mod tests;
