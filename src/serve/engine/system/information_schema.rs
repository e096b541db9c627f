//! `information_schema.tables`, `columns` and `schemata`: what drivers and tools ask most.

use super::{Cell, Rows, SystemRelation};
use crate::coordinator::Coordinator;
use crate::serve::engine::pg_catalog::DATABASE;
use attune_sql::catalog::RelationKind;
use attune_sql::types::SqlType::{self, Integer, Text};

pub(super) static TABLES: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "tables",
    columns: &[
        ("table_catalog", Text),
        ("table_schema", Text),
        ("table_name", Text),
        ("table_type", Text),
        ("is_insertable_into", Text),
    ],
    rows: tables,
};

pub(super) static COLUMNS: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "columns",
    columns: &[
        ("table_catalog", Text),
        ("table_schema", Text),
        ("table_name", Text),
        ("column_name", Text),
        ("ordinal_position", Integer),
        ("column_default", Text),
        ("is_nullable", Text),
        ("data_type", Text),
        ("character_maximum_length", Integer),
        ("numeric_precision", Integer),
        ("numeric_scale", Integer),
        ("udt_name", Text),
    ],
    rows: columns,
};

pub(super) static SCHEMATA: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "schemata",
    columns: &[("catalog_name", Text), ("schema_name", Text), ("schema_owner", Text)],
    rows: schemata,
};

fn tables(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    for relation in coordinator.catalog().relations() {
        let (kind, writable) = match relation.kind {
            RelationKind::Stream { .. } | RelationKind::Table => ("BASE TABLE", "YES"),
            RelationKind::View => ("VIEW", "NO"),
            // Not in information_schema of Postgres; here it is what most tools look for.
            RelationKind::MaterializedView { .. } => ("MATERIALIZED VIEW", "NO"),
        };
        rows.push(vec![DATABASE.into(), "public".into(), relation.name.as_str().into(), kind.into(), writable.into()]);
    }
    Ok(rows)
}

fn columns(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    for relation in coordinator.catalog().relations() {
        for (index, column) in relation.visible_columns() {
            let (data_type, length) = match column.sql_type {
                SqlType::Varchar { limit } => ("character varying".to_owned(), limit),
                SqlType::Numeric { .. } => ("numeric".to_owned(), None),
                other => (other.to_string(), None),
            };
            let (precision, scale) = numeric(column.sql_type);
            rows.push(vec![
                DATABASE.into(),
                "public".into(),
                relation.name.as_str().into(),
                column.name.as_str().into(),
                Cell::Int(index as i64 + 1),
                column.default.clone().into(),
                if column.nullable { "YES" } else { "NO" }.into(),
                data_type.into(),
                length.map_or(Cell::Null, |l| Cell::Int(i64::from(l))),
                precision,
                scale,
                column.sql_type.typname().into(),
            ]);
        }
    }
    Ok(rows)
}

fn numeric(sql_type: SqlType) -> (Cell, Cell) {
    match sql_type {
        SqlType::SmallInt => (Cell::Int(16), Cell::Int(0)),
        SqlType::Integer => (Cell::Int(32), Cell::Int(0)),
        SqlType::BigInt => (Cell::Int(64), Cell::Int(0)),
        SqlType::Real => (Cell::Int(24), Cell::Null),
        SqlType::Double => (Cell::Int(53), Cell::Null),
        SqlType::Numeric { precision, scale } => (Cell::Int(i64::from(precision)), Cell::Int(i64::from(scale))),
        _ => (Cell::Null, Cell::Null),
    }
}

fn schemata(_: &Coordinator) -> Rows {
    let row = |name: &str| vec![DATABASE.into(), name.into(), super::super::pg_catalog::OWNER.into()];
    Ok(["public", "pg_catalog", "information_schema"].into_iter().map(row).collect())
}
