//! Texts about catalog records that several system relations show.

use attune_sql::catalog::{KeyPart, Relation};

/// `user_id, score DESC`.
pub(super) fn key(relation: &Relation, key: &[KeyPart]) -> String {
    let part = |k: &KeyPart| {
        let name = relation.columns.get(k.column).map_or("?", |c| c.name.as_str());
        let nulls = if k.nulls_first == k.descending {
            ""
        } else if k.nulls_first {
            " NULLS FIRST"
        } else {
            " NULLS LAST"
        };
        format!("{name}{}{nulls}", if k.descending { " DESC" } else { "" })
    };
    key.iter()
        .filter(|k| relation.columns.get(k.column).is_some_and(|c| !c.hidden))
        .map(part)
        .collect::<Vec<_>>()
        .join(", ")
}

/// `user_id bigint, score double precision`.
pub(super) fn columns(relation: &Relation) -> String {
    relation.visible_columns().map(|(_, c)| format!("{} {}", c.name, c.sql_type)).collect::<Vec<_>>().join(", ")
}
