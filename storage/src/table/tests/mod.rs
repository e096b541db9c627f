//! Tests of stored relations.

mod log_writer;
mod reader;
mod writer;

use crate::store::StoreFixture;
use crate::{ColumnType, IndexLayout, KeyColumn, ObjectId, TableLayout};
use arrow::array::{ArrayRef, Int32Array, Int64Array, RecordBatch, StringArray};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use std::sync::Arc;

pub(super) type Fixture = StoreFixture;

/// A row of the test relation: user, item, score, name.
pub(super) type Row = (i64, i64, Option<i32>, Option<String>);

pub(super) const TABLE: ObjectId = ObjectId(10);
pub(super) const INDEX: ObjectId = ObjectId(11);
pub(super) const COUNTS: ObjectId = ObjectId(12);

/// Keyed by (user, item), or keyless; with an index on (user, score DESC) that stores all but the name.
pub(super) fn layout(keyless: bool) -> TableLayout {
    let by_score = KeyColumn { column: 2, descending: true, nulls_first: false };
    let rest = if keyless { vec![1, 3] } else { vec![1] };
    let index_key = [vec![KeyColumn::ascending(0), by_score], rest.into_iter().map(KeyColumn::ascending).collect()];
    TableLayout {
        object: TABLE,
        columns: vec![ColumnType::Int64, ColumnType::Int64, ColumnType::Int32, ColumnType::Text],
        key: (0..if keyless { 4 } else { 2 }).map(KeyColumn::ascending).collect(),
        distribution: 1,
        keyless,
        counts: keyless.then_some(COUNTS),
        in_log: false,
        indexes: vec![IndexLayout {
            object: INDEX,
            key: index_key.concat(),
            distribution: 1,
            stored: if keyless { vec![0, 1, 2, 3] } else { vec![0, 1, 2] },
        }],
    }
}

pub(super) fn schema() -> SchemaRef {
    Arc::new(Schema::new(vec![
        Field::new("user", DataType::Int64, false),
        Field::new("item", DataType::Int64, false),
        Field::new("score", DataType::Int32, true),
        Field::new("name", DataType::Utf8, true),
    ]))
}

pub(super) fn batch(rows: &[Row]) -> RecordBatch {
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.0))),
        Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.1))),
        Arc::new(Int32Array::from_iter(rows.iter().map(|r| r.2))),
        Arc::new(StringArray::from_iter(rows.iter().map(|r| r.3.as_deref()))),
    ];
    RecordBatch::try_new(schema(), columns).unwrap()
}

/// The rows of a batch with the schema above, or with its first columns.
pub(super) fn rows(batch: &RecordBatch) -> Vec<Row> {
    use arrow::array::{Array, AsArray};
    use arrow::datatypes::{Int32Type, Int64Type};
    (0..batch.num_rows())
        .map(|i| {
            let score = batch.column(2).as_primitive::<Int32Type>();
            let name = batch.columns().get(3).map(|c| c.as_string::<i32>());
            (
                batch.column(0).as_primitive::<Int64Type>().value(i),
                batch.column(1).as_primitive::<Int64Type>().value(i),
                score.is_valid(i).then(|| score.value(i)),
                name.and_then(|n| n.is_valid(i).then(|| n.value(i).to_owned())),
            )
        })
        .collect()
}
