//! Postgres' system catalogs, as far as psql and drivers ask for them.
//!
//! - `class`, `attribute`, `index`, `types`, `io_functions`, `fixed`: the relations, made from the catalog when they are read
//! - `columns`: the columns that Postgres' catalogs have, those of things Attune does not have among them
//! - `functions`: functions over oids; `session_functions`: those that are constants of a session
//! - `session_values`: puts the latter in place
//!
//! A stream is shown as a table (`relkind` r): tools list it, and INSERT and COPY work on it.

mod attribute;
mod class;
mod columns;
mod fixed;
mod functions;
mod index;
mod io_functions;
mod session_functions;
mod session_values;
mod types;

pub(super) use columns::columns;
pub(super) use functions::functions;
pub(super) use session_values::with_session_values;

use super::system::SystemRelation;
use crate::coordinator::Coordinator;
use attune_sql::catalog::{Catalog, Column, Index, KeyPart, Relation, RelationId};
use std::sync::Arc;

/// The one database.
pub(super) const DATABASE: &str = "attune";
/// Who owns everything.
pub(super) const OWNER: &str = "attune";

/// Oid of schema `pg_catalog`, as in Postgres.
const CATALOG_SCHEMA: i64 = 11;
/// Oid of schema `public`, as in Postgres.
const PUBLIC_SCHEMA: i64 = 2_200;
/// Oid of the owner, as in Postgres.
const OWNER_OID: i64 = 10;
/// Relations have the oid of their id from here on: what lies below belongs to Postgres.
const FIRST_OID: i64 = 16_384;
/// Primary keys are constraints and indexes with an oid of their own.
const KEY_OID: i64 = 1 << 30;

/// All relations of `pg_catalog`.
pub(super) static RELATIONS: &[&SystemRelation] = &[
    &class::CLASS,
    &class::TABLES,
    &class::VIEWS,
    &class::MATVIEWS,
    &attribute::ATTRIBUTE,
    &attribute::ATTRDEF,
    &index::INDEX,
    &index::CONSTRAINT,
    &index::INDEXES,
    &types::TYPE,
    &io_functions::PROC,
    &fixed::NAMESPACE,
    &fixed::AM,
    &fixed::DATABASES,
    &fixed::ROLES,
    &fixed::USER,
    &fixed::SETTINGS,
];

fn oid(id: RelationId) -> i64 {
    FIRST_OID + i64::from(id.0)
}

fn key_oid(id: RelationId) -> i64 {
    KEY_OID + i64::from(id.0)
}

/// An index as the catalogs of Postgres show one: a secondary index, or the primary key of a table.
struct AnyIndex {
    oid: i64,
    name: String,
    relation: Arc<Relation>,
    key: Vec<KeyPart>,
    include: Vec<usize>,
    primary: bool,
}

impl AnyIndex {
    fn secondary(relation: &Arc<Relation>, index: &Index) -> AnyIndex {
        AnyIndex {
            oid: oid(index.id),
            name: index.name.clone(),
            relation: relation.clone(),
            key: index.key.clone(),
            include: index.include.clone(),
            primary: false,
        }
    }

    /// Columns in order: the key, then those included.
    fn columns(&self) -> Vec<&Column> {
        let places = self.key.iter().map(|k| k.column).chain(self.include.iter().copied());
        places.filter_map(|c| self.relation.columns.get(c)).collect()
    }
}

/// Primary keys: the table, the name of the constraint, the columns.
pub(super) fn primary_keys(coordinator: &Coordinator) -> Vec<(String, String, Vec<String>)> {
    let keys = all_indexes(&coordinator.catalog()).into_iter().filter(|index| index.primary);
    keys.map(|index| {
        let columns = index.columns().into_iter().map(|column| column.name.clone()).collect();
        (index.relation.name.clone(), index.name, columns)
    })
    .collect()
}

/// All indexes and primary keys.
fn all_indexes(catalog: &Catalog) -> Vec<AnyIndex> {
    let mut found = Vec::new();
    for relation in catalog.relations().filter(|r| r.is_table()) {
        if relation.key.iter().all(|k| !relation.columns[k.column].hidden) {
            found.push(AnyIndex {
                oid: key_oid(relation.id),
                name: format!("{}_pkey", relation.name),
                relation: relation.clone(),
                key: relation.key.clone(),
                include: Vec::new(),
                primary: true,
            });
        }
    }
    for index in catalog.indexes() {
        if let Some(relation) = catalog.get(index.relation) {
            found.push(AnyIndex::secondary(relation, index));
        }
    }
    found
}
