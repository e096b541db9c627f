//! The relation a statement writes.

use crate::coordinator::Duplicate;
use crate::serve::engine::errors;
use crate::serve::value;
use attune_sql::catalog::{Catalog, Index, Relation};
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState, suggest};
use attune_storage::TableLayout;
use attune_storage::codec::{ByteRows, KeyCodec, RowCodec, Value};
use bytes::BytesMut;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use std::sync::Arc;

/// A stream or table with what is needed to write it.
pub(crate) struct Target {
    pub(super) relation: Arc<Relation>,
    /// All columns, hidden ones too.
    pub(super) schema: SchemaRef,
    /// Tables only.
    pub(super) stored: Option<Stored>,
}

/// Codecs of a table.
pub(super) struct Stored {
    pub(super) layout: TableLayout,
    pub(super) key: KeyCodec,
    pub(super) row: RowCodec,
    /// What a key that is taken is told with.
    pub(super) duplicate: Duplicate,
}

impl Target {
    /// The relation of this name, which must be one that `verb` ("insert into", "update", "delete from") can be done to.
    pub(super) fn new(catalog: &Catalog, name: &str, verb: &str) -> Result<Target, SqlError> {
        let relation = catalog.relation(name)?.clone();
        if !relation.is_table() && !relation.is_stream() {
            let message = format!("cannot change {} \"{name}\"", relation.kind_name());
            return Err(SqlError::new(SqlState::WrongObjectType, message)
                .with_hint("It shows its query; change the tables and streams that the query reads."));
        }
        if relation.is_stream() && verb != "insert into" {
            let message = format!("cannot {verb} stream \"{name}\"");
            return Err(SqlError::new(SqlState::WrongObjectType, message)
                .with_detail("Streams are append-only events.")
                .with_hint("Use CREATE TABLE for rows that change, or insert an event that says what changed."));
        }
        let fields = relation.columns.iter().map(|c| Field::new(&c.name, c.sql_type.to_arrow(), c.nullable));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let stored = match relation.is_table() {
            false => None,
            true => {
                let indexes: Vec<Arc<Index>> = catalog.indexes_of(relation.id).cloned().collect();
                let layout = attune_planner::table_layout(&relation, &indexes)?;
                let (key, row) = (layout.key_codec(), layout.row_codec());
                let duplicate = duplicate(relation.clone(), schema.clone(), row.clone());
                Some(Stored { key, row, layout, duplicate })
            }
        };
        Ok(Target { relation, schema, stored })
    }

    /// The table's codecs.
    pub(super) fn stored(&self) -> Result<&Stored, SqlError> {
        self.stored.as_ref().ok_or_else(|| SqlError::internal("a stream has no stored rows"))
    }

    /// A column by (folded) name.
    pub(super) fn column(&self, name: &str) -> Result<usize, SqlError> {
        self.relation.column_index(name).ok_or_else(|| {
            let message = format!("column \"{name}\" of relation \"{}\" does not exist", self.relation.name);
            let error = SqlError::new(SqlState::UndefinedColumn, message);
            match suggest(name, self.relation.visible_columns().map(|(_, c)| c.name.as_str())) {
                Some(near) => error.with_hint(format!("Did you mean \"{near}\"?")),
                None => error,
            }
        })
    }

    /// Number of columns a user sees; they come first.
    pub(super) fn visible(&self) -> usize {
        self.relation.visible_columns().count()
    }

    /// Whether a user declared the key.
    pub(super) fn has_primary_key(&self) -> bool {
        self.stored.is_some() && self.relation.key.iter().all(|k| !self.relation.columns[k.column].hidden)
    }

    /// Key and row bytes of each row of all columns.
    pub(super) fn encode(&self, rows: &RecordBatch) -> Result<(ByteRows, ByteRows), SqlError> {
        let stored = self.stored()?;
        let keys = stored.key.encode_batch(rows).map_err(errors::storage)?;
        Ok((keys, stored.row.encode_batch(rows).map_err(errors::storage)?))
    }

    /// 23505 for a row of a batch.
    pub(super) fn duplicate_key(&self, rows: &RecordBatch, row: usize) -> SqlError {
        duplicate_key(&self.relation).with_detail(key_detail(&self.relation, rows, row))
    }

    /// Refuses NULL in columns that are NOT NULL.
    pub(super) fn check_not_null(&self, rows: &RecordBatch) -> Result<(), SqlError> {
        for (index, column) in self.relation.columns.iter().enumerate() {
            let array = rows.column(index);
            if column.nullable || array.null_count() == 0 {
                continue;
            }
            let row = (0..array.len()).find(|r| array.is_null(*r)).unwrap_or(0);
            let values: Vec<String> = (0..self.visible()).map(|c| cell(&self.relation, rows, row, c)).collect();
            let message = format!(
                "null value in column \"{}\" of relation \"{}\" violates not-null constraint",
                column.name, self.relation.name
            );
            return Err(SqlError::new(SqlState::NotNullViolation, message)
                .with_detail(format!("Failing row contains ({}).", values.join(", ")))
                .about_column(&self.relation.name, &column.name));
        }
        Ok(())
    }
}

/// The error of a taken key, from the stored form of the row that was to come.
fn duplicate(relation: Arc<Relation>, schema: SchemaRef, codec: RowCodec) -> Duplicate {
    Duplicate::new(move |row| match codec.decode(std::iter::once(row), &schema, None) {
        Ok(rows) if rows.num_rows() == 1 => duplicate_key(&relation).with_detail(key_detail(&relation, &rows, 0)),
        _ => duplicate_key(&relation),
    })
}

/// 23505 as Postgres words it.
fn duplicate_key(relation: &Relation) -> SqlError {
    let constraint = format!("{}_pkey", relation.name);
    let message = format!("duplicate key value violates unique constraint \"{constraint}\"");
    SqlError::new(SqlState::UniqueViolation, message).about_constraint(&relation.name, constraint)
}

/// `Key (a, b)=(1, x) already exists.`
fn key_detail(relation: &Relation, rows: &RecordBatch, row: usize) -> String {
    let key: Vec<usize> = relation.key.iter().map(|k| k.column).collect();
    let names: Vec<&str> = key.iter().map(|c| relation.columns[*c].name.as_str()).collect();
    let values: Vec<String> = key.iter().map(|c| cell(relation, rows, row, *c)).collect();
    format!("Key ({})=({}) already exists.", names.join(", "), values.join(", "))
}

fn cell(relation: &Relation, rows: &RecordBatch, row: usize, column: usize) -> String {
    match Value::from_array(rows.column(column).as_ref(), row) {
        Ok(Some(value)) => shown(value, relation.columns[column].sql_type),
        _ => "null".to_owned(),
    }
}

/// A value as Postgres prints it.
pub(super) fn shown(value: Value<'_>, sql_type: SqlType) -> String {
    let mut text = BytesMut::new();
    value::write_text(&mut text, value, sql_type);
    String::from_utf8_lossy(&text).into_owned()
}
