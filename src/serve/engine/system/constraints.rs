//! `information_schema.table_constraints`, `key_column_usage`, `constraint_column_usage`: primary keys. And `views`.

use super::{Cell, Rows, SystemRelation};
use crate::coordinator::Coordinator;
use crate::serve::engine::pg_catalog::{DATABASE, primary_keys};
use attune_sql::catalog::RelationKind;
use attune_sql::types::SqlType::{Integer, Text};

pub(super) static TABLE_CONSTRAINTS: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "table_constraints",
    columns: &[
        ("constraint_catalog", Text),
        ("constraint_schema", Text),
        ("constraint_name", Text),
        ("table_catalog", Text),
        ("table_schema", Text),
        ("table_name", Text),
        ("constraint_type", Text),
        ("is_deferrable", Text),
        ("initially_deferred", Text),
        ("enforced", Text),
    ],
    rows: |coordinator| {
        let row = |(table, name, _): (String, String, Vec<String>)| {
            let (table, name) = (Cell::Text(table), Cell::Text(name));
            let mut row = vec![DATABASE.into(), "public".into(), name, DATABASE.into(), "public".into(), table];
            row.extend(["PRIMARY KEY", "NO", "NO", "YES"].map(Cell::from));
            row
        };
        Ok(primary_keys(coordinator).into_iter().map(row).collect())
    },
};

pub(super) static KEY_COLUMN_USAGE: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "key_column_usage",
    columns: &[
        ("constraint_catalog", Text),
        ("constraint_schema", Text),
        ("constraint_name", Text),
        ("table_catalog", Text),
        ("table_schema", Text),
        ("table_name", Text),
        ("column_name", Text),
        ("ordinal_position", Integer),
    ],
    rows: key_columns,
};

pub(super) static CONSTRAINT_COLUMN_USAGE: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "constraint_column_usage",
    columns: &[
        ("constraint_catalog", Text),
        ("constraint_schema", Text),
        ("constraint_name", Text),
        ("table_catalog", Text),
        ("table_schema", Text),
        ("table_name", Text),
        ("column_name", Text),
    ],
    rows: key_columns,
};

fn key_columns(coordinator: &Coordinator) -> Rows {
    let mut rows = Vec::new();
    for (table, name, columns) in primary_keys(coordinator) {
        for (index, column) in columns.into_iter().enumerate() {
            rows.push(vec![
                DATABASE.into(),
                "public".into(),
                name.as_str().into(),
                DATABASE.into(),
                "public".into(),
                table.as_str().into(),
                column.into(),
                Cell::Int(index as i64 + 1),
            ]);
        }
    }
    Ok(rows)
}

pub(super) static VIEWS: SystemRelation = SystemRelation {
    schema: Some("information_schema"),
    name: "views",
    columns: &[
        ("table_catalog", Text),
        ("table_schema", Text),
        ("table_name", Text),
        ("view_definition", Text),
        ("check_option", Text),
        ("is_updatable", Text),
        ("is_insertable_into", Text),
    ],
    rows: |coordinator| {
        let catalog = coordinator.catalog();
        let views = catalog.relations().filter(|relation| matches!(relation.kind, RelationKind::View));
        let rows = views.map(|view| {
            let definition = view.query.clone().map(|query| format!("{query};"));
            let mut row = vec![DATABASE.into(), "public".into(), view.name.as_str().into(), definition.into()];
            row.extend(["NONE", "NO", "NO"].map(Cell::from));
            row
        });
        Ok(rows.collect())
    },
};
