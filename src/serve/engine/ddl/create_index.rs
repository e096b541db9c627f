//! CREATE INDEX.

use super::{Bound, check_taken};
use crate::coordinator::Ddl;
use attune_sql::catalog::{Catalog, Index, KeyPart, Relation, RelationId, RelationKind};
use attune_sql::statement::CreateIndex;
use attune_sql::{SqlError, SqlState, suggest};

pub(super) fn index(catalog: &Catalog, create: &CreateIndex) -> Result<Bound, SqlError> {
    if let Some(name) = &create.name
        && let Some(bound) = check_taken(catalog, name, create.if_not_exists)?
    {
        return Ok(bound);
    }
    let relation = catalog.relation(&create.relation).map_err(|error| error.at(create.places.relation))?;
    check_kind(relation)?;
    let mut key = Vec::with_capacity(create.key.len());
    for (name, part) in &create.key {
        key.push(KeyPart { column: column(relation, name, create)?, ..*part });
    }
    let include = create.include.iter().map(|name| column(relation, name, create)).collect::<Result<_, _>>()?;
    let names: Vec<String> = create.key.iter().map(|(name, _)| name.clone()).collect();
    let name = create.name.clone().unwrap_or_else(|| catalog.index_name(&relation.name, &names));
    let id = RelationId(catalog.next_id());
    let index = Index { id, name, relation: relation.id, key, include, ready: false };
    let mut bound = Bound::change(Ddl::CreateIndex { index });
    bound.fill = Some(id.0);
    Ok(bound)
}

fn check_kind(relation: &Relation) -> Result<(), SqlError> {
    let instead = match relation.kind {
        RelationKind::Table | RelationKind::MaterializedView { .. } => return Ok(()),
        RelationKind::Stream { .. } => "Make a materialized view of the stream, and index that.",
        RelationKind::View => "Make it a materialized view, and index that.",
    };
    let message = format!("cannot create index on {} \"{}\"", relation.kind_name(), relation.name);
    Err(SqlError::new(SqlState::WrongObjectType, message).with_hint(instead))
}

fn column(relation: &Relation, name: &str, create: &CreateIndex) -> Result<usize, SqlError> {
    relation.column_index(name).ok_or_else(|| {
        let error = SqlError::new(SqlState::UndefinedColumn, format!("column \"{name}\" does not exist"));
        let error = create.places.at_column(name, error);
        match suggest(name, relation.visible_columns().map(|(_, c)| c.name.as_str())) {
            Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
            None => error,
        }
    })
}
