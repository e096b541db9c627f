//! Changes of the catalog: each makes a new version and leaves the old one as it was.

use super::{Catalog, Index, KeyPart, Relation, RelationId, check_name};
use crate::{SqlError, SqlState};
use std::collections::BTreeMap;
use std::sync::Arc;

impl Catalog {
    /// Rebuilds a catalog from its records (at start of the server).
    ///
    /// # Errors
    /// XX001 if the records contradict each other: they were not written by one catalog.
    pub fn from_records(
        version: u64,
        next_id: u32,
        relations: Vec<Relation>,
        indexes: Vec<Index>,
    ) -> Result<Catalog, SqlError> {
        let damaged =
            |e: SqlError| SqlError::new(SqlState::DataCorrupted, format!("catalog is damaged: {}", e.message));
        let mut catalog = Catalog { version, next_id, ..Catalog::default() };
        let mut relations = relations;
        relations.sort_by_key(|r| r.id);
        for relation in relations {
            catalog.check_id(relation.id).map_err(damaged)?;
            catalog.check_relation(&relation).map_err(damaged)?;
            catalog.insert_relation(relation);
        }
        for index in indexes {
            catalog.check_id(index.id).map_err(damaged)?;
            catalog.check_index(&index).map_err(damaged)?;
            catalog.insert_index(index);
        }
        Ok(catalog)
    }

    /// The next version with a relation added. `ids` ids are taken from the sequence, beginning with the relation's own
    /// (`relation.id` must be `next_id()`); the rest are for its state tables.
    ///
    /// # Errors
    /// 42P07 if the name is taken, 42622 and 42939 for names that may not be used, 54000 if no ids are left.
    pub fn with_relation(&self, relation: Relation, ids: u32) -> Result<Catalog, SqlError> {
        check_name("relation", &relation.name)?;
        self.check_next_id(relation.id)?;
        self.check_relation(&relation)?;
        let mut next = self.changed(ids.max(1))?;
        next.insert_relation(relation);
        Ok(next)
    }

    /// The next version with a relation replaced (status change). Its name stays.
    ///
    /// # Errors
    /// XX000 if there is no such relation or the name differs.
    pub fn with_replaced(&self, relation: Relation) -> Result<Catalog, SqlError> {
        match self.get(relation.id) {
            Some(old) if old.name == relation.name => {}
            _ => {
                return Err(SqlError::internal(format!(
                    "no relation {} \"{}\" to replace",
                    relation.id.0, relation.name
                )));
            }
        }
        let mut next = self.changed(0)?;
        next.relations.insert(relation.id, Arc::new(relation));
        Ok(next)
    }

    /// The next version with an index added (`index.id` must be `next_id()`).
    ///
    /// # Errors
    /// 42P07 if the name is taken, 42P01 if the relation is gone.
    pub fn with_index(&self, index: Index) -> Result<Catalog, SqlError> {
        check_name("index", &index.name)?;
        self.check_next_id(index.id)?;
        self.check_index(&index)?;
        let mut next = self.changed(1)?;
        next.insert_index(index);
        Ok(next)
    }

    /// The next version with an index marked as built: reads may use it.
    ///
    /// # Errors
    /// XX000 if there is no such index.
    pub fn with_index_ready(&self, id: RelationId) -> Result<Catalog, SqlError> {
        let index = self.indexes.get(&id).ok_or_else(|| SqlError::internal(format!("no index {}", id.0)))?;
        let mut next = self.changed(0)?;
        next.indexes.insert(id, Arc::new(Index { ready: true, ..Index::clone(index) }));
        Ok(next)
    }

    /// The next version without these relations (with their indexes) and indexes.
    #[must_use]
    pub fn without(&self, ids: &[RelationId]) -> Catalog {
        let mut next = self.clone();
        next.version += 1;
        next.relations.retain(|id, _| !ids.contains(id));
        next.indexes.retain(|id, index| !ids.contains(id) && !ids.contains(&index.relation));
        let Catalog { by_name, relations, indexes, .. } = &mut next;
        by_name.retain(|_, id| relations.contains_key(id) || indexes.contains_key(id));
        next
    }

    fn changed(&self, ids: u32) -> Result<Catalog, SqlError> {
        let mut next = self.clone();
        next.version += 1;
        next.next_id = self
            .next_id
            .checked_add(ids)
            .ok_or_else(|| SqlError::new(SqlState::ProgramLimitExceeded, "no object ids are left"))?;
        Ok(next)
    }

    fn insert_relation(&mut self, relation: Relation) {
        self.by_name.insert(relation.name.clone(), relation.id);
        self.relations.insert(relation.id, Arc::new(relation));
    }

    fn insert_index(&mut self, index: Index) {
        self.by_name.insert(index.name.clone(), index.id);
        self.indexes.insert(index.id, Arc::new(index));
    }

    /// A new object takes the next id of the sequence: the caller made its record from this version.
    fn check_next_id(&self, id: RelationId) -> Result<(), SqlError> {
        if id.0 == self.next_id {
            return Ok(());
        }
        Err(SqlError::internal(format!("object id {} is not the next id {}", id.0, self.next_id)))
    }

    /// A stored object has an id of its own below the next id.
    fn check_id(&self, id: RelationId) -> Result<(), SqlError> {
        if id.0 < self.next_id && !self.relations.contains_key(&id) && !self.indexes.contains_key(&id) {
            return Ok(());
        }
        Err(SqlError::internal(format!("object id {} is taken or beyond {}", id.0, self.next_id)))
    }

    fn check_relation(&self, relation: &Relation) -> Result<(), SqlError> {
        self.check_free(&relation.name)?;
        check_key(&relation.key, relation.columns.len(), &relation.name)?;
        let mut names = BTreeMap::new();
        for column in &relation.columns {
            if names.insert(&column.name, ()).is_some() {
                let message = format!("column \"{}\" specified more than once", column.name);
                return Err(SqlError::new(SqlState::DuplicateColumn, message));
            }
        }
        match relation.depends_on.iter().find(|id| !self.relations.contains_key(id)) {
            Some(id) => {
                let message = format!("relation {} that \"{}\" depends on does not exist", id.0, relation.name);
                Err(SqlError::new(SqlState::UndefinedTable, message))
            }
            None => Ok(()),
        }
    }

    fn check_index(&self, index: &Index) -> Result<(), SqlError> {
        self.check_free(&index.name)?;
        let relation = self.get(index.relation).ok_or_else(|| {
            SqlError::new(SqlState::UndefinedTable, format!("the relation of index \"{}\" does not exist", index.name))
        })?;
        let columns = relation.columns.len();
        check_key(&index.key, columns, &index.name)?;
        if index.key.is_empty() || index.include.iter().any(|c| *c >= columns) {
            return Err(SqlError::internal(format!("index \"{}\" has impossible columns", index.name)));
        }
        Ok(())
    }

    fn check_free(&self, name: &str) -> Result<(), SqlError> {
        if self.by_name.contains_key(name) {
            return Err(SqlError::new(SqlState::DuplicateTable, format!("relation \"{name}\" already exists")));
        }
        Ok(())
    }
}

fn check_key(key: &[KeyPart], columns: usize, name: &str) -> Result<(), SqlError> {
    match key.iter().find(|part| part.column >= columns) {
        Some(part) => {
            Err(SqlError::internal(format!("\"{name}\" has {columns} columns, its key names column {}", part.column)))
        }
        None => Ok(()),
    }
}
