//! `pg_class`, and the lists of tables and views.

use super::{AnyIndex, OWNER, OWNER_OID, PUBLIC_SCHEMA, all_indexes, oid};
use crate::coordinator::Coordinator;
use crate::serve::engine::system::{Cell, Rows, SystemRelation};
use attune_sql::catalog::{Relation, RelationKind};
use attune_sql::types::SqlType::{BigInt, Boolean, Integer, Real, SmallInt, Text};

/// The access method of indexes, `btree` in Postgres.
pub(super) const BTREE: i64 = 403;

pub(super) static CLASS: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_class",
    columns: &[
        ("oid", BigInt),
        ("relname", Text),
        ("relnamespace", BigInt),
        ("relkind", Text),
        ("relowner", BigInt),
        ("relam", BigInt),
        ("relnatts", SmallInt),
        ("relhasindex", Boolean),
        ("reltuples", Real),
        ("relpages", Integer),
        ("reltype", BigInt),
        ("reloftype", BigInt),
        ("reltablespace", BigInt),
        ("reltoastrelid", BigInt),
        ("relchecks", SmallInt),
        ("relhasrules", Boolean),
        ("relhastriggers", Boolean),
        ("relhassubclass", Boolean),
        ("relrowsecurity", Boolean),
        ("relforcerowsecurity", Boolean),
        ("relispartition", Boolean),
        ("relispopulated", Boolean),
        ("relisshared", Boolean),
        ("relpersistence", Text),
        ("relreplident", Text),
        ("relpartbound", Text),
        ("relacl", Text),
        ("reloptions", Text),
    ],
    rows: classes,
};

fn classes(coordinator: &Coordinator) -> Rows {
    let catalog = coordinator.catalog();
    let indexes = all_indexes(&catalog);
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for relation in catalog.relations() {
        let indexed = indexes.iter().any(|i| i.relation.id == relation.id);
        let width = relation.visible_columns().count();
        rows.push(class(oid(relation.id), &relation.name, kind(relation), 0, width, indexed));
    }
    for AnyIndex { oid, name, key, include, .. } in &indexes {
        rows.push(class(*oid, name, "i", BTREE, key.len() + include.len(), false));
    }
    Ok(rows)
}

fn kind(relation: &Relation) -> &'static str {
    match relation.kind {
        RelationKind::Stream { .. } | RelationKind::Table => "r",
        RelationKind::MaterializedView { .. } => "m",
        RelationKind::View => "v",
    }
}

fn class(oid: i64, name: &str, kind: &str, am: i64, width: usize, indexed: bool) -> Vec<Cell> {
    let no = || Cell::Bool(false);
    let zero = || Cell::Int(0);
    vec![
        Cell::Int(oid),
        name.into(),
        Cell::Int(PUBLIC_SCHEMA),
        kind.into(),
        Cell::Int(OWNER_OID),
        Cell::Int(am),
        Cell::Int(width as i64),
        Cell::Bool(indexed),
        Cell::Null,
        zero(),
        zero(),
        zero(),
        zero(),
        zero(),
        zero(),
        no(),
        no(),
        no(),
        no(),
        no(),
        no(),
        Cell::Bool(true),
        no(),
        "p".into(),
        "d".into(),
        Cell::Null,
        Cell::Null,
        Cell::Null,
    ]
}

pub(super) static TABLES: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_tables",
    columns: &[
        ("schemaname", Text),
        ("tablename", Text),
        ("tableowner", Text),
        ("tablespace", Text),
        ("hasindexes", Boolean),
    ],
    rows: |coordinator| {
        let catalog = coordinator.catalog();
        let indexes = all_indexes(&catalog);
        let tables = catalog.relations().filter(|r| kind(r) == "r");
        let row = |r: &std::sync::Arc<Relation>| {
            let indexed = indexes.iter().any(|i| i.relation.id == r.id);
            vec!["public".into(), r.name.as_str().into(), OWNER.into(), Cell::Null, Cell::Bool(indexed)]
        };
        Ok(tables.map(row).collect())
    },
};

pub(super) static VIEWS: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_views",
    columns: &[("schemaname", Text), ("viewname", Text), ("viewowner", Text), ("definition", Text)],
    rows: |coordinator| Ok(views(coordinator, "v")),
};

pub(super) static MATVIEWS: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_matviews",
    columns: &[("schemaname", Text), ("matviewname", Text), ("matviewowner", Text), ("definition", Text)],
    rows: |coordinator| Ok(views(coordinator, "m")),
};

fn views(coordinator: &Coordinator, wanted: &str) -> Vec<Vec<Cell>> {
    let catalog = coordinator.catalog();
    let views = catalog.relations().filter(|r| kind(r) == wanted);
    views.map(|r| vec!["public".into(), r.name.as_str().into(), OWNER.into(), r.query.clone().into()]).collect()
}
