//! Catalogs whose rows are always the same: schemas, access methods, the database, the role.

use super::class::BTREE;
use super::{CATALOG_SCHEMA, DATABASE, OWNER, OWNER_OID, PUBLIC_SCHEMA};
use crate::serve::engine::Settings;
use crate::serve::engine::settings;
use crate::serve::engine::system::{Cell, SystemRelation};
use attune_sql::types::SqlType::{BigInt, Boolean, Integer, Text, TimestampTz};

/// Schemas and their oids.
const SCHEMAS: [(i64, &str); 3] =
    [(CATALOG_SCHEMA, "pg_catalog"), (PUBLIC_SCHEMA, "public"), (INFORMATION_SCHEMA, "information_schema")];
const INFORMATION_SCHEMA: i64 = 13_000;

/// The oid of a schema.
pub(super) fn schema_oid(name: &str) -> Option<i64> {
    SCHEMAS.iter().find(|(_, own)| *own == name).map(|(oid, _)| *oid)
}

/// The schema of an oid.
pub(super) fn schema_name(oid: i64) -> Option<String> {
    SCHEMAS.iter().find(|(own, _)| *own == oid).map(|(_, name)| (*name).to_owned())
}

pub(super) static NAMESPACE: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_namespace",
    columns: &[("oid", BigInt), ("nspname", Text), ("nspowner", BigInt), ("nspacl", Text)],
    rows: |_| {
        let row = |oid: i64, name: &str| vec![Cell::Int(oid), name.into(), Cell::Int(OWNER_OID), Cell::Null];
        Ok(SCHEMAS.iter().map(|(oid, name)| row(*oid, name)).collect())
    },
};

pub(super) static AM: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_am",
    columns: &[("oid", BigInt), ("amname", Text), ("amtype", Text)],
    rows: |_| Ok(vec![vec![Cell::Int(BTREE), "btree".into(), "i".into()]]),
};

pub(super) static DATABASES: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_database",
    columns: &[
        ("oid", BigInt),
        ("datname", Text),
        ("datdba", BigInt),
        ("encoding", Integer),
        ("datlocprovider", Text),
        ("datistemplate", Boolean),
        ("datallowconn", Boolean),
        ("datconnlimit", Integer),
        ("dattablespace", BigInt),
        ("datcollate", Text),
        ("datctype", Text),
        ("daticulocale", Text),
        ("datacl", Text),
    ],
    rows: |_| {
        Ok(vec![vec![
            Cell::Int(1),
            DATABASE.into(),
            Cell::Int(OWNER_OID),
            Cell::Int(6),
            "c".into(),
            Cell::Bool(false),
            Cell::Bool(true),
            Cell::Int(-1),
            Cell::Int(0),
            "C".into(),
            "C".into(),
            Cell::Null,
            Cell::Null,
        ]])
    },
};

pub(super) static ROLES: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_roles",
    columns: &[
        ("oid", BigInt),
        ("rolname", Text),
        ("rolsuper", Boolean),
        ("rolinherit", Boolean),
        ("rolcreaterole", Boolean),
        ("rolcreatedb", Boolean),
        ("rolcanlogin", Boolean),
        ("rolreplication", Boolean),
        ("rolbypassrls", Boolean),
        ("rolconnlimit", Integer),
        ("rolvaliduntil", TimestampTz),
    ],
    rows: |_| {
        let yes = || Cell::Bool(true);
        let mut row = vec![Cell::Int(OWNER_OID), OWNER.into()];
        row.extend([yes(), yes(), yes(), yes(), yes(), yes(), yes(), Cell::Int(-1), Cell::Null]);
        Ok(vec![row])
    },
};

pub(super) static USER: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_user",
    columns: &[("usename", Text), ("usesysid", BigInt), ("usesuper", Boolean)],
    rows: |_| Ok(vec![vec![OWNER.into(), Cell::Int(OWNER_OID), Cell::Bool(true)]]),
};

/// Defaults; SHOW has the values of the session.
pub(super) static SETTINGS: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_settings",
    columns: &[("name", Text), ("setting", Text), ("short_desc", Text)],
    rows: |_| {
        let rows = settings::rows(&Settings::default());
        Ok(rows.into_iter().map(|row| row.into_iter().map(Into::into).collect()).collect())
    },
};
