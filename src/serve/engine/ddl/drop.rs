//! DROP.

use super::Bound;
use crate::coordinator::Ddl;
use attune_sql::catalog::{Catalog, RelationId, RelationKind};
use attune_sql::statement::{Drop, DropKind};
use attune_sql::{SqlError, SqlState};

pub(super) fn drop(catalog: &Catalog, drop: &Drop) -> Result<Bound, SqlError> {
    let mut targets = Vec::new();
    let mut indexes = Vec::new();
    let mut notices = Vec::new();
    for name in &drop.names {
        match find(catalog, drop.kind, name)? {
            Some(Found::Relation(id)) => targets.push(id),
            Some(Found::Index(id)) => indexes.push(id),
            None if drop.if_exists => notices.push(format!("{} \"{name}\" does not exist, skipping", word(drop.kind))),
            None => return Err(missing(catalog, drop.kind, name)),
        }
    }
    if targets.is_empty() && indexes.is_empty() {
        return Ok(Bound { change: None, notices, fill: None });
    }
    let mut ids = if targets.is_empty() { Vec::new() } else { catalog.drop_order(&targets, drop.cascade)? };
    notices.extend(cascades(catalog, &targets, &ids));
    for id in indexes {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(Bound { change: Some(Ddl::Drop { ids }), notices, fill: None })
}

enum Found {
    Relation(RelationId),
    Index(RelationId),
}

fn find(catalog: &Catalog, kind: DropKind, name: &str) -> Result<Option<Found>, SqlError> {
    if let Some(index) = catalog.find_index(name) {
        return match kind {
            DropKind::Index => Ok(Some(Found::Index(index.id))),
            _ => Err(wrong_kind(name, kind, "index", "DROP INDEX")),
        };
    }
    let Some(relation) = catalog.find(name) else { return Ok(None) };
    let actual = match relation.kind {
        RelationKind::Stream { .. } => DropKind::Stream,
        RelationKind::Table => DropKind::Table,
        RelationKind::MaterializedView { .. } => DropKind::MaterializedView,
        RelationKind::View => DropKind::View,
    };
    if actual == kind {
        return Ok(Some(Found::Relation(relation.id)));
    }
    let instead = format!("DROP {}", word(actual).to_uppercase());
    Err(wrong_kind(name, kind, word(actual), &instead))
}

fn wrong_kind(name: &str, wanted: DropKind, actual: &str, instead: &str) -> SqlError {
    let article = |word: &str| if word.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    let wanted = word(wanted);
    SqlError::new(SqlState::WrongObjectType, format!("\"{name}\" is not {} {wanted}", article(wanted)))
        .with_hint(format!("Use {instead} to remove {} {actual}.", article(actual)))
}

fn missing(catalog: &Catalog, kind: DropKind, name: &str) -> SqlError {
    let hint = match kind {
        DropKind::Index => catalog.index(name).err().and_then(|e| e.hint),
        _ => catalog.relation(name).err().and_then(|e| e.hint),
    };
    let state = if kind == DropKind::Index { SqlState::UndefinedObject } else { SqlState::UndefinedTable };
    SqlError { hint, ..SqlError::new(state, format!("{} \"{name}\" does not exist", word(kind))) }
}

fn word(kind: DropKind) -> &'static str {
    match kind {
        DropKind::Stream => "stream",
        DropKind::Table => "table",
        DropKind::MaterializedView => "materialized view",
        DropKind::View => "view",
        DropKind::Index => "index",
    }
}

/// What Postgres says when CASCADE takes more than was named.
fn cascades(catalog: &Catalog, targets: &[RelationId], ids: &[RelationId]) -> Vec<String> {
    let more: Vec<String> = ids
        .iter()
        .rev()
        .filter(|id| !targets.contains(id))
        .filter_map(|id| catalog.get(*id))
        .map(|r| format!("{} {}", r.kind_name(), r.name))
        .collect();
    match more.as_slice() {
        [] => Vec::new(),
        [one] => vec![format!("drop cascades to {one}")],
        many => vec![format!("drop cascades to {} other objects: {}", many.len(), many.join(", "))],
    }
}
