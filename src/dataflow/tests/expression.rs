//! Expressions that panic.

use super::cells::{Cell, INT, Row, to_batch, to_rows};
use super::relation::{Relation, Rules};
use crate::dataflow::{Expression, RowErrors};
use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, Int64Type, Schema};
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use std::fmt;
use std::sync::Arc;

/// The first column; panics at 13, as a kernel with an overflow nobody thought of.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Superstitious;

impl fmt::Display for Superstitious {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("superstitious")
    }
}

impl PhysicalExpr for Superstitious {
    fn data_type(&self, _schema: &Schema) -> Result<DataType> {
        Ok(DataType::Int64)
    }

    fn nullable(&self, _schema: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        assert!(!batch.column(0).as_primitive::<Int64Type>().values().contains(&13), "thirteen");
        Ok(ColumnarValue::Array(batch.column(0).clone()))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        Vec::new()
    }

    fn with_new_children(self: Arc<Self>, _children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(self)
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[test]
fn a_panic_concerns_its_row_only() {
    let rows: Vec<Row> = [1, 13, 2, 13, 3].map(|value| vec![Cell::Int(value)]).to_vec();
    let schema = Relation::new(&[INT], Rules::Bag).schema();
    let expression = Expression::of_physical(Arc::new(Superstitious), DataType::Int64);
    let mut errors = RowErrors::default();
    let values = expression.evaluate(&to_batch(&schema, &rows), &mut errors).unwrap();
    let values = RecordBatch::try_new(schema, vec![values]).unwrap();
    let expected = [Cell::Int(1), Cell::Null, Cell::Int(2), Cell::Null, Cell::Int(3)].map(|cell| vec![cell]);
    assert_eq!(to_rows(&values), expected);
    assert_eq!(errors.count, 2);
    let sample = &errors.samples[0];
    assert_eq!((sample.expression.as_str(), sample.row.as_str()), ("superstitious", "(13)"));
    assert!(sample.message.contains("thirteen"), "{sample:?}");
}
