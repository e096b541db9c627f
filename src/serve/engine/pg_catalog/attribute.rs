//! `pg_attribute` and `pg_attrdef`.

use super::{all_indexes, oid};
use crate::coordinator::Coordinator;
use crate::serve::engine::system::{Cell, Rows, SystemRelation};
use attune_sql::catalog::Column;
use attune_sql::types::SqlType::{self, BigInt, Boolean, Integer, SmallInt, Text};

pub(super) static ATTRIBUTE: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_attribute",
    columns: &[
        ("attrelid", BigInt),
        ("attname", Text),
        ("attnum", SmallInt),
        ("atttypid", BigInt),
        ("atttypmod", Integer),
        ("attlen", SmallInt),
        ("attnotnull", Boolean),
        ("atthasdef", Boolean),
        ("attisdropped", Boolean),
        ("attidentity", Text),
        ("attgenerated", Text),
        ("attcollation", BigInt),
        ("attndims", Integer),
        ("attstorage", Text),
        ("attcompression", Text),
        ("attstattarget", Integer),
        ("attislocal", Boolean),
        ("attinhcount", Integer),
        ("attacl", Text),
        ("attfdwoptions", Text),
    ],
    rows,
};

fn rows(coordinator: &Coordinator) -> Rows {
    let catalog = coordinator.catalog();
    let mut rows = Vec::new();
    for relation in catalog.relations() {
        rows.extend(relation.visible_columns().map(|(i, c)| attribute(oid(relation.id), i, c, false)));
    }
    for index in all_indexes(&catalog) {
        rows.extend(index.columns().into_iter().enumerate().map(|(i, c)| attribute(index.oid, i, c, true)));
    }
    Ok(rows)
}

fn attribute(relation: i64, index: usize, column: &Column, of_index: bool) -> Vec<Cell> {
    let sql_type = column.sql_type;
    vec![
        Cell::Int(relation),
        column.name.as_str().into(),
        Cell::Int(index as i64 + 1),
        Cell::Int(i64::from(sql_type.oid())),
        Cell::Int(i64::from(sql_type.typmod())),
        Cell::Int(i64::from(sql_type.typlen())),
        Cell::Bool(!column.nullable && !of_index),
        Cell::Bool(column.default.is_some() && !of_index),
        Cell::Bool(false),
        "".into(),
        "".into(),
        Cell::Int(0),
        Cell::Int(0),
        match sql_type {
            SqlType::Numeric { .. } => "m",
            other if other.typlen() < 0 => "x",
            _ => "p",
        }
        .into(),
        "".into(),
        Cell::Int(-1),
        Cell::Bool(true),
        Cell::Int(0),
        Cell::Null,
        Cell::Null,
    ]
}

pub(super) static ATTRDEF: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_attrdef",
    columns: &[("oid", BigInt), ("adrelid", BigInt), ("adnum", SmallInt), ("adbin", Text)],
    rows: |coordinator| {
        let mut rows = Vec::new();
        for relation in coordinator.catalog().relations() {
            for (index, column) in relation.visible_columns() {
                if let Some(default) = &column.default {
                    let number = Cell::Int(index as i64 + 1);
                    rows.push(vec![Cell::Int(0), Cell::Int(oid(relation.id)), number, default.as_str().into()]);
                }
            }
        }
        Ok(rows)
    },
};
