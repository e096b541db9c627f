//! Plain rows, and random ones.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use attune_storage::codec::{ColumnBuilder, ColumnReader, Value};
use attune_storage::{ColumnType, Delta};
use std::cmp::Ordering;
use std::collections::BTreeMap;

/// A float in Postgres' order: NaN equals itself and is the largest, -0 equals 0.
#[derive(Clone, Copy, Debug)]
pub(super) struct Float(pub(super) f64);

impl Ord for Float {
    fn cmp(&self, other: &Float) -> Ordering {
        self.0.partial_cmp(&other.0).unwrap_or_else(|| self.0.is_nan().cmp(&other.0.is_nan()))
    }
}

impl PartialOrd for Float {
    fn partial_cmp(&self, other: &Float) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Float {
    fn eq(&self, other: &Float) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Float {}

/// A value. NULL is last.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    Bool(bool),
    Int(i64),
    Decimal(i128),
    Float(Float),
    Text(String),
    Null,
}

pub(super) type Row = Vec<Cell>;
/// Rows and how often each is there.
pub(super) type Bag = BTreeMap<Row, i64>;

pub(super) const BOOL: ColumnType = ColumnType::Boolean;
pub(super) const INT: ColumnType = ColumnType::Int64;
pub(super) const FLOAT: ColumnType = ColumnType::Float64;
pub(super) const TEXT: ColumnType = ColumnType::Text;
pub(super) const DECIMAL: ColumnType = ColumnType::Decimal { precision: 10, scale: 2 };

/// splitmix64 (<https://prng.di.unimi.it/splitmix64.c>): small, and the same everywhere.
pub(super) struct Random(pub(super) u64);

impl Random {
    pub(super) fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % end
    }

    pub(super) fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// A value of a small domain, NULL included.
    pub(super) fn cell(&mut self, column: ColumnType) -> Cell {
        if self.one_in(6) {
            return Cell::Null;
        }
        const FLOATS: [f64; 8] = [f64::NAN, -0.0, 0.0, 0.5, -2.25, 1e10, f64::INFINITY, f64::NEG_INFINITY];
        const TEXTS: [&str; 5] = ["", "a", "a\0", "b", "ä"];
        match column {
            ColumnType::Boolean => Cell::Bool(self.one_in(2)),
            ColumnType::Int64 => Cell::Int(self.below(5) as i64 - 2),
            ColumnType::Decimal { .. } => Cell::Decimal(i128::from(self.below(500)) - 200),
            ColumnType::Float64 => Cell::Float(Float(FLOATS[self.below(8) as usize])),
            ColumnType::Text => Cell::Text(TEXTS[self.below(5) as usize].to_owned()),
            other => panic!("no random {other}"),
        }
    }

    pub(super) fn row(&mut self, types: &[ColumnType]) -> Row {
        types.iter().map(|column| self.cell(*column)).collect()
    }
}

fn value(cell: &Cell) -> Option<Value<'_>> {
    Some(match cell {
        Cell::Bool(v) => Value::Boolean(*v),
        Cell::Int(v) => Value::Int64(*v),
        Cell::Decimal(v) => Value::Decimal(*v),
        Cell::Float(v) => Value::Float64(v.0),
        Cell::Text(v) => Value::Text(v),
        Cell::Null => return None,
    })
}

pub(super) fn to_batch(schema: &SchemaRef, rows: &[Row]) -> RecordBatch {
    let column = |column: usize| {
        let column_type = ColumnType::from_arrow(schema.field(column).data_type()).unwrap();
        let mut builder = ColumnBuilder::new(column_type, rows.len());
        rows.iter().for_each(|row| builder.append(value(&row[column])).unwrap());
        builder.finish()
    };
    let columns = (0..schema.fields().len()).map(column).collect();
    super::super::batch::batch_of(schema, columns, rows.len()).unwrap()
}

pub(super) fn to_rows(batch: &RecordBatch) -> Vec<Row> {
    let readers: Vec<_> = batch.columns().iter().map(|c| ColumnReader::new(c.as_ref()).unwrap()).collect();
    let cell = |value: Option<Value<'_>>| match value {
        None => Cell::Null,
        Some(Value::Boolean(v)) => Cell::Bool(v),
        Some(Value::Int64(v)) => Cell::Int(v),
        Some(Value::UInt64(v)) => Cell::Int(v as i64),
        Some(Value::Decimal(v)) => Cell::Decimal(v),
        Some(Value::Float64(v)) => Cell::Float(Float(v)),
        Some(Value::Text(v)) => Cell::Text(v.to_owned()),
        Some(other) => panic!("no cell for {other:?}"),
    };
    (0..batch.num_rows()).map(|row| readers.iter().map(|reader| cell(reader.value(row))).collect()).collect()
}

/// Adds a delta to a bag.
pub(super) fn add(bag: &mut Bag, delta: &Delta) {
    for (row, weight) in to_rows(delta.rows()).into_iter().zip(delta.weights()) {
        add_row(bag, row, *weight);
    }
}

pub(super) fn add_row(bag: &mut Bag, row: Row, weight: i64) {
    let count = bag.entry(row.clone()).or_default();
    *count += weight;
    if *count == 0 {
        bag.remove(&row);
    }
}

/// Each row as often as it is there.
pub(super) fn rows_of(bag: &Bag) -> Vec<Row> {
    assert!(bag.values().all(|count| *count > 0), "a row is there a negative number of times: {bag:?}");
    bag.iter().flat_map(|(row, count)| std::iter::repeat_n(row.clone(), *count as usize)).collect()
}

/// Whether two results are the same, floats to a relative 1e-9.
pub(super) fn same(found: &[Row], expected: &[Row]) -> bool {
    let close = |(a, b): (&Cell, &Cell)| match (a, b) {
        (Cell::Float(a), Cell::Float(b)) => a == b || (a.0 - b.0).abs() <= 1e-9 * a.0.abs().max(b.0.abs()),
        _ => a == b,
    };
    found.len() == expected.len()
        && found.iter().zip(expected).all(|(a, b)| a.len() == b.len() && a.iter().zip(b).all(close))
}
