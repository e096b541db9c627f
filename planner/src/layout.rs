//! How catalog relations and indexes lie in storage.

use crate::types::stored_type;
use arrow::datatypes::{Field, Schema, SchemaRef};
use attune_sql::catalog::{Index, KeyPart, Relation, RelationKind};
use attune_sql::{SqlError, SqlState};
use attune_storage::{ColumnType, IndexLayout, KeyColumn, ObjectId, TableLayout};
use std::sync::Arc;

/// The storage layout of a table or materialized view with its indexes.
///
/// A relation without a unique key is keyless: its key is all its columns, and the last of its state objects counts equal
/// rows; unless its rows are in its log, then it has neither. A view that gives at most one row has an empty key.
///
/// # Errors
/// 42809 when the relation has no stored rows (stream, plain view).
pub fn table_layout(relation: &Relation, indexes: &[Arc<Index>]) -> Result<TableLayout, SqlError> {
    if matches!(relation.kind, RelationKind::Stream { .. } | RelationKind::View) {
        let message = format!("{} \"{}\" has no stored rows", relation.kind_name(), relation.name);
        return Err(SqlError::new(SqlState::WrongObjectType, message));
    }
    let key = stored_key(relation);
    let keyless = is_keyless(relation);
    Ok(TableLayout {
        object: ObjectId(relation.id.0),
        columns: column_types(relation),
        distribution: key.len().min(1),
        key,
        keyless,
        counts: if keyless && !relation.in_log { Some(counts(relation)?) } else { None },
        in_log: relation.in_log,
        indexes: indexes.iter().map(|index| index_layout(relation, index)).collect(),
    })
}

/// The storage layout of one index: the indexed columns, then what is missing of the relation's key, so that each row has one
/// entry of its own. It stores all columns of a relation whose rows are in its log, since they cannot be read there by key.
#[must_use]
pub fn index_layout(relation: &Relation, index: &Index) -> IndexLayout {
    let mut key: Vec<KeyColumn> = Vec::new();
    for column in index.key.iter().copied().map(key_column).chain(stored_key(relation)) {
        if !key.iter().any(|k| k.column == column.column) {
            key.push(column);
        }
    }
    let mut stored: Vec<usize> = match relation.in_log {
        true => (0..relation.columns.len()).collect(),
        false => key.iter().map(|k| k.column).chain(index.include.iter().copied()).collect(),
    };
    stored.sort_unstable();
    stored.dedup();
    IndexLayout { object: ObjectId(index.id.0), distribution: key.len().min(1), key, stored }
}

/// The Arrow schema of a relation's stored rows: all columns, hidden ones included.
#[must_use]
pub fn arrow_schema(relation: &Relation) -> SchemaRef {
    let fields = relation.columns.iter().map(|c| Field::new(&c.name, c.sql_type.to_arrow(), c.nullable));
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// The types of a relation's stored columns, hidden ones included.
#[must_use]
pub fn column_types(relation: &Relation) -> Vec<ColumnType> {
    relation.columns.iter().map(|c| stored_type(c.sql_type)).collect()
}

/// The key of the relation's entries in storage.
pub(crate) fn stored_key(relation: &Relation) -> Vec<KeyColumn> {
    if relation.in_log {
        return Vec::new();
    }
    if is_keyless(relation) {
        return (0..relation.columns.len()).map(KeyColumn::ascending).collect();
    }
    relation.key.iter().copied().map(key_column).collect()
}

/// Whether equal rows may repeat.
pub(crate) fn is_keyless(relation: &Relation) -> bool {
    relation.key.is_empty() && !relation.single_row
}

fn key_column(part: KeyPart) -> KeyColumn {
    KeyColumn { column: part.column, descending: part.descending, nulls_first: part.nulls_first }
}

/// The state table that counts the equal rows of a keyless view.
fn counts(relation: &Relation) -> Result<ObjectId, SqlError> {
    let (first, count) = relation.state_objects;
    match count.checked_sub(1).and_then(|last| first.checked_add(last)) {
        Some(object) => Ok(ObjectId(object)),
        None => Err(SqlError::internal(format!("\"{}\" has no key and no state table for counts", relation.name))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use attune_sql::catalog::{Column, RelationId, ViewStatus};
    use attune_sql::types::SqlType;

    fn relation(key: Vec<KeyPart>, single_row: bool) -> Relation {
        let column = |name: &str, sql_type| Column {
            name: name.to_owned(),
            sql_type,
            nullable: true,
            hidden: false,
            default: None,
        };
        Relation {
            id: RelationId(7),
            name: "v".to_owned(),
            kind: RelationKind::MaterializedView { status: ViewStatus::Live },
            columns: vec![column("a", SqlType::BigInt), column("b", SqlType::Text), column("c", SqlType::Double)],
            key,
            single_row,
            in_log: false,
            query: None,
            depends_on: Default::default(),
            state_objects: (8, 3),
        }
    }

    fn part(column: usize, descending: bool) -> KeyPart {
        KeyPart { column, descending, nulls_first: descending }
    }

    #[test]
    fn an_index_entry_holds_the_rest_of_the_key() {
        let relation = relation(vec![part(1, false), part(0, false)], false);
        let index = Index {
            id: RelationId(11),
            name: "i".to_owned(),
            relation: relation.id,
            key: vec![part(0, false), part(2, true)],
            include: vec![2],
            ready: true,
        };
        let layout = table_layout(&relation, &[Arc::new(index)]).expect("is stored");
        assert_eq!(layout.key, vec![KeyColumn::ascending(1), KeyColumn::ascending(0)]);
        assert_eq!((layout.distribution, layout.keyless, layout.counts), (1, false, None));
        let index = &layout.indexes[0];
        let descending = KeyColumn { column: 2, descending: true, nulls_first: true };
        assert_eq!(index.key, vec![KeyColumn::ascending(0), descending, KeyColumn::ascending(1)]);
        assert_eq!((index.object, index.distribution, index.stored.clone()), (ObjectId(11), 1, vec![0, 1, 2]));
    }

    #[test]
    fn without_a_key_all_columns_are_the_key_and_rows_are_counted() {
        let layout = table_layout(&relation(vec![], false), &[]).expect("is stored");
        assert_eq!(layout.key.len(), 3);
        assert_eq!((layout.keyless, layout.counts, layout.distribution), (true, Some(ObjectId(10)), 1));
    }

    #[test]
    fn an_index_of_a_log_holds_all_columns() {
        let relation = Relation { in_log: true, ..relation(vec![], false) };
        let index = Index {
            id: RelationId(11),
            name: "i".to_owned(),
            relation: relation.id,
            key: vec![part(1, true)],
            include: vec![],
            ready: true,
        };
        let layout = table_layout(&relation, &[Arc::new(index)]).expect("is stored");
        assert_eq!((layout.key.len(), layout.keyless, layout.in_log, layout.counts), (0, true, true, None));
        let index = &layout.indexes[0];
        assert_eq!((index.key.len(), index.distribution, index.stored.clone()), (1, 1, vec![0, 1, 2]));
    }

    #[test]
    fn one_row_needs_no_key() {
        let layout = table_layout(&relation(vec![], true), &[]).expect("is stored");
        assert_eq!((layout.key.len(), layout.keyless, layout.counts, layout.distribution), (0, false, None, 0));
    }

    #[test]
    fn streams_and_plain_views_have_no_layout() {
        for kind in [RelationKind::View, RelationKind::Stream { retention_seconds: None }] {
            let relation = Relation { kind, ..relation(vec![], false) };
            assert_eq!(table_layout(&relation, &[]).map_err(|e| e.state), Err(SqlState::WrongObjectType));
        }
    }
}
