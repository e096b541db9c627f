//! `pg_index`, `pg_constraint` (primary keys) and `pg_indexes`.

use super::{AnyIndex, PUBLIC_SCHEMA, all_indexes, oid};
use crate::coordinator::Coordinator;
use crate::serve::engine::system::{Cell, Rows, SystemRelation};
use attune_sql::types::SqlType::{BigInt, Boolean, SmallInt, Text};

pub(super) static INDEX: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_index",
    columns: &[
        ("indexrelid", BigInt),
        ("indrelid", BigInt),
        ("indnatts", SmallInt),
        ("indnkeyatts", SmallInt),
        ("indisunique", Boolean),
        ("indisprimary", Boolean),
        ("indimmediate", Boolean),
        ("indisclustered", Boolean),
        ("indisvalid", Boolean),
        ("indisready", Boolean),
        ("indislive", Boolean),
        ("indisreplident", Boolean),
        ("indisexclusion", Boolean),
        ("indnullsnotdistinct", Boolean),
        ("indkey", Text),
        ("indoption", Text),
        ("indclass", Text),
        ("indcollation", Text),
        ("indexprs", Text),
        ("indpred", Text),
    ],
    rows: indexes,
};

fn indexes(coordinator: &Coordinator) -> Rows {
    let row = |i: AnyIndex| {
        let places = i.key.iter().map(|k| k.column).chain(i.include.iter().copied()).map(|c| c as i64 + 1).collect();
        let options = i.key.iter().map(|k| i64::from(k.descending) + 2 * i64::from(k.nulls_first)).collect();
        let none = || Cell::Numbers(vec![0; i.key.len()]);
        vec![
            Cell::Int(i.oid),
            Cell::Int(oid(i.relation.id)),
            Cell::Int((i.key.len() + i.include.len()) as i64),
            Cell::Int(i.key.len() as i64),
            Cell::Bool(i.primary),
            Cell::Bool(i.primary),
            Cell::Bool(true),
            Cell::Bool(false),
            Cell::Bool(true),
            Cell::Bool(true),
            Cell::Bool(true),
            Cell::Bool(false),
            Cell::Bool(false),
            Cell::Bool(false),
            Cell::Numbers(places),
            Cell::Numbers(options),
            none(),
            none(),
            Cell::Null,
            Cell::Null,
        ]
    };
    Ok(all_indexes(&coordinator.catalog()).into_iter().map(row).collect())
}

pub(super) static CONSTRAINT: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_constraint",
    columns: &[
        ("oid", BigInt),
        ("conname", Text),
        ("connamespace", BigInt),
        ("contype", Text),
        ("condeferrable", Boolean),
        ("condeferred", Boolean),
        ("convalidated", Boolean),
        ("conrelid", BigInt),
        ("conindid", BigInt),
        ("confrelid", BigInt),
        ("conparentid", BigInt),
        ("conkey", Text),
    ],
    rows: constraints,
};

fn constraints(coordinator: &Coordinator) -> Rows {
    let row = |i: AnyIndex| {
        let key = i.key.iter().map(|k| k.column as i64 + 1).collect();
        vec![
            Cell::Int(i.oid),
            i.name.into(),
            Cell::Int(PUBLIC_SCHEMA),
            "p".into(),
            Cell::Bool(false),
            Cell::Bool(false),
            Cell::Bool(true),
            Cell::Int(oid(i.relation.id)),
            Cell::Int(i.oid),
            Cell::Int(0),
            Cell::Int(0),
            Cell::Numbers(key),
        ]
    };
    Ok(all_indexes(&coordinator.catalog()).into_iter().filter(|i| i.primary).map(row).collect())
}

pub(super) static INDEXES: SystemRelation = SystemRelation {
    schema: Some("pg_catalog"),
    name: "pg_indexes",
    columns: &[
        ("schemaname", Text),
        ("tablename", Text),
        ("indexname", Text),
        ("tablespace", Text),
        ("indexdef", Text),
    ],
    rows: |coordinator| {
        let row = |i: AnyIndex| {
            let definition = definition(&i, "public.");
            let table = i.relation.name.as_str().into();
            vec!["public".into(), table, i.name.into(), Cell::Null, definition.into()]
        };
        Ok(all_indexes(&coordinator.catalog()).into_iter().map(row).collect())
    },
};

/// `user_id, score DESC`, as Postgres leaves defaults out.
pub(super) fn key(index: &AnyIndex) -> String {
    let part = |k: &attune_sql::catalog::KeyPart| {
        let name = index.relation.columns.get(k.column).map_or("?", |c| c.name.as_str());
        let order = match (k.descending, k.nulls_first) {
            (false, false) => "",
            (false, true) => " NULLS FIRST",
            (true, true) => " DESC",
            (true, false) => " DESC NULLS LAST",
        };
        format!("{}{order}", quoted(name))
    };
    index.key.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The CREATE INDEX of an index; `schema` stands before its relation.
pub(super) fn definition(index: &AnyIndex, schema: &str) -> String {
    let unique = if index.primary { "UNIQUE " } else { "" };
    let include: Vec<String> =
        index.include.iter().filter_map(|c| index.relation.columns.get(*c)).map(|c| quoted(&c.name)).collect();
    let include = if include.is_empty() { String::new() } else { format!(" INCLUDE ({})", include.join(", ")) };
    let (name, relation) = (quoted(&index.name), quoted(&index.relation.name));
    format!("CREATE {unique}INDEX {name} ON {schema}{relation} USING btree ({}){include}", key(index))
}

/// The name as it must be written.
pub(super) fn quoted(name: &str) -> String {
    let plain = !name.starts_with(|c: char| c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if plain { name.to_owned() } else { format!("\"{}\"", name.replace('"', "\"\"")) }
}

/// The parts of a name as SQL writes it.
pub(super) fn unquoted(written: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut inside = false;
    let mut characters = written.trim().chars().peekable();
    while let Some(c) = characters.next() {
        let part = parts.last_mut();
        match (c, part) {
            ('"', Some(part)) if inside && characters.peek() == Some(&'"') => {
                characters.next();
                part.push('"');
            }
            ('"', _) => inside = !inside,
            ('.', _) if !inside => parts.push(String::new()),
            (c, Some(part)) if inside => part.push(c),
            (c, Some(part)) => part.extend(c.to_lowercase()),
            (_, None) => {}
        }
    }
    parts
}
