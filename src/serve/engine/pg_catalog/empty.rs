//! Catalogs of things Attune does not have.

use crate::serve::engine::system::SystemRelation;
use attune_sql::types::SqlType::{self, BigInt, Integer, Text};

/// A SELECT from one of these gives no rows, whatever else it says.
const EMPTY: [&str; 32] = [
    "pg_aggregate",
    "pg_auth_members",
    "pg_cast",
    "pg_collation",
    "pg_conversion",
    "pg_db_role_setting",
    "pg_default_acl",
    "pg_depend",
    "pg_description",
    "pg_enum",
    "pg_event_trigger",
    "pg_extension",
    "pg_foreign_data_wrapper",
    "pg_foreign_server",
    "pg_foreign_table",
    "pg_inherits",
    "pg_language",
    "pg_largeobject_metadata",
    "pg_operator",
    "pg_partitioned_table",
    "pg_policy",
    "pg_proc",
    "pg_publication",
    "pg_publication_namespace",
    "pg_publication_rel",
    "pg_range",
    "pg_rewrite",
    "pg_sequence",
    "pg_statistic_ext",
    "pg_subscription",
    "pg_tablespace",
    "pg_trigger",
];

/// Whether this catalog never has rows.
pub(super) fn is_empty(name: &str) -> bool {
    EMPTY.contains(&name)
}

const fn empty(name: &'static str, columns: &'static [(&'static str, SqlType)]) -> SystemRelation {
    SystemRelation { schema: Some("pg_catalog"), name, columns, rows: |_| Ok(Vec::new()) }
}

// Those that queries join from the outer side.
pub(super) static DESCRIPTION: SystemRelation =
    empty("pg_description", &[("objoid", BigInt), ("classoid", BigInt), ("objsubid", Integer), ("description", Text)]);
pub(super) static COLLATION: SystemRelation =
    empty("pg_collation", &[("oid", BigInt), ("collname", Text), ("collnamespace", BigInt)]);
pub(super) static TABLESPACE: SystemRelation = empty("pg_tablespace", &[("oid", BigInt), ("spcname", Text)]);
pub(super) static PROC: SystemRelation =
    empty("pg_proc", &[("oid", BigInt), ("proname", Text), ("pronamespace", BigInt), ("prorettype", BigInt)]);
pub(super) static INHERITS: SystemRelation =
    empty("pg_inherits", &[("inhrelid", BigInt), ("inhparent", BigInt), ("inhseqno", Integer)]);
pub(super) static RANGE: SystemRelation = empty("pg_range", &[("rngtypid", BigInt), ("rngsubtype", BigInt)]);
pub(super) static ENUM: SystemRelation =
    empty("pg_enum", &[("oid", BigInt), ("enumtypid", BigInt), ("enumlabel", Text)]);
