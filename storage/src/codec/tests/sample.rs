//! Random types, orders and values.

use crate::codec::{ColumnBuilder, Value};
use crate::{ColumnType, KeyColumn};
use arrow::array::RecordBatch;
use arrow::datatypes::{Field, Schema, SchemaRef};
use proptest::prelude::*;
use proptest::sample::select;
use std::sync::Arc;

pub(super) const TYPES: [ColumnType; 14] = [
    ColumnType::Boolean,
    ColumnType::Int16,
    ColumnType::Int32,
    ColumnType::Int64,
    ColumnType::UInt64,
    ColumnType::Float32,
    ColumnType::Float64,
    ColumnType::Decimal { precision: 38, scale: 4 },
    ColumnType::Text,
    ColumnType::Bytes,
    ColumnType::Date,
    ColumnType::Timestamp,
    ColumnType::TimestampTz,
    ColumnType::Interval,
];

/// A value that owns its text or bytes.
#[derive(Clone, Debug)]
pub(super) enum Sample {
    Fixed(Value<'static>),
    Text(String),
    Bytes(Vec<u8>),
}

impl Sample {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Sample::Fixed(value) => *value,
            Sample::Text(text) => Value::Text(text),
            Sample::Bytes(bytes) => Value::Bytes(bytes),
        }
    }
}

/// One row: a value or NULL per column.
pub(super) type Row = Vec<Option<Sample>>;

pub(super) fn values(row: &Row) -> Vec<Option<Value<'_>>> {
    row.iter().map(|sample| sample.as_ref().map(Sample::value)).collect()
}

/// Numbers of all sizes, with equal and neighbouring ones among them.
fn integer() -> impl Strategy<Value = i128> {
    prop_oneof![
        3 => -2i128..3,
        1 => select(vec![i128::MIN, i128::MAX, i64::MIN as i128, i64::MAX as i128, i32::MIN as i128, i32::MAX as i128]),
        2 => (any::<i128>(), 0u32..128).prop_map(|(v, shift)| v >> shift),
    ]
}

fn float() -> impl Strategy<Value = f64> {
    let special =
        [0.0, -0.0, 1.0, -1.0, f64::NAN, -f64::NAN, f64::INFINITY, f64::NEG_INFINITY, f64::MIN, f64::MAX, 1e-310];
    prop_oneof![
        select(special.to_vec()),
        any::<u64>().prop_map(f64::from_bits),
        any::<u32>().prop_map(|bits| f64::from(f32::from_bits(bits)))
    ]
}

/// Short strings over few characters: prefixes of one another, with zeros and the escape bytes among them.
fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![4 => select(vec![0u8, 1, 2, 0xfe, 0xff, b'a']), 1 => any::<u8>()];
    prop::collection::vec(byte, 0..6)
}

fn text() -> impl Strategy<Value = String> {
    let character = prop_oneof![4 => select(vec!['\0', '\u{1}', '\u{2}', 'a', 'b', 'ÿ']), 1 => any::<char>()];
    prop::collection::vec(character, 0..6).prop_map(String::from_iter)
}

fn value(column: ColumnType) -> BoxedStrategy<Sample> {
    let fixed = |value: fn(i128) -> Value<'static>| integer().prop_map(move |v| Sample::Fixed(value(v))).boxed();
    match column {
        ColumnType::Boolean => fixed(|v| Value::Boolean(v & 1 == 1)),
        ColumnType::Int16 => fixed(|v| Value::Int16(v as i16)),
        ColumnType::Int32 => fixed(|v| Value::Int32(v as i32)),
        ColumnType::Int64 => fixed(|v| Value::Int64(v as i64)),
        ColumnType::UInt64 => fixed(|v| Value::UInt64(v as u64)),
        ColumnType::Float32 => float().prop_map(|v| Sample::Fixed(Value::Float32(v as f32))).boxed(),
        ColumnType::Float64 => float().prop_map(|v| Sample::Fixed(Value::Float64(v))).boxed(),
        ColumnType::Decimal { .. } => fixed(Value::Decimal),
        ColumnType::Text => text().prop_map(Sample::Text).boxed(),
        ColumnType::Bytes => bytes().prop_map(Sample::Bytes).boxed(),
        ColumnType::Date => fixed(|v| Value::Date(v as i32)),
        ColumnType::Timestamp => fixed(|v| Value::Timestamp(v as i64)),
        ColumnType::TimestampTz => fixed(|v| Value::TimestampTz(v as i64)),
        ColumnType::Interval => {
            // Months and days that often add up to the same total.
            let small = (-2i32..3, select(vec![-60, -30, -1, 0, 1, 30, 60]), select(vec![0i64, 1, 86_400_000_000_000]));
            prop_oneof![small, any::<(i32, i32, i64)>()]
                .prop_map(|(m, d, n)| Sample::Fixed(Value::Interval(m, d, n)))
                .boxed()
        }
    }
}

pub(super) fn row(columns: &[ColumnType]) -> impl Strategy<Value = Row> + use<> {
    columns.iter().map(|column| prop::option::weighted(0.8, value(*column))).collect::<Vec<_>>()
}

/// Up to six column types and up to `rows` rows of them.
pub(super) fn table(rows: usize) -> impl Strategy<Value = (Vec<ColumnType>, Vec<Row>)> {
    prop::collection::vec(select(TYPES.to_vec()), 0..7).prop_flat_map(move |columns| {
        let rows = prop::collection::vec(row(&columns), 0..=rows);
        (Just(columns), rows)
    })
}

/// Key columns over the first columns of a batch, in random directions.
pub(super) fn orders(columns: &[ColumnType]) -> impl Strategy<Value = Vec<(ColumnType, KeyColumn)>> + use<> {
    let columns = columns.to_vec();
    prop::collection::vec(any::<(bool, bool)>(), columns.len()).prop_map(move |orders| {
        let key = |(column, (descending, nulls_first))| KeyColumn { column, descending, nulls_first };
        columns.iter().copied().zip(orders.into_iter().enumerate().map(key)).collect()
    })
}

pub(super) fn schema(columns: &[ColumnType]) -> SchemaRef {
    let field = |(i, column): (usize, &ColumnType)| Field::new(format!("c{i}"), column.to_arrow(), true);
    Arc::new(Schema::new(columns.iter().enumerate().map(field).collect::<Vec<_>>()))
}

pub(super) fn batch(columns: &[ColumnType], rows: &[Row]) -> RecordBatch {
    let array = |(i, column): (usize, &ColumnType)| {
        let mut builder = ColumnBuilder::new(*column, rows.len());
        rows.iter().for_each(|row| builder.append(row[i].as_ref().map(Sample::value)).unwrap());
        builder.finish()
    };
    let arrays = columns.iter().enumerate().map(array).collect();
    let options = arrow::array::RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(schema(columns), arrays, &options).unwrap()
}
