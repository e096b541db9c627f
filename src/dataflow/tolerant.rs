//! Expressions in which the operation that fails gives NULL, and what lies around it goes on: `coalesce(1 / x, -1)` is -1 where x
//! is 0.
//!
//! The depth is that of one operation, so it does not matter how expressions were put together: a projection merged into
//! another, or a condition moved, gives the same rows.

use super::batch::row_text;
use super::fault::panic_message;
use super::{RowError, RowErrors};
use arrow::array::{ArrayRef, RecordBatch, RecordBatchOptions, new_null_array};
use arrow::compute::concat;
use arrow::datatypes::{DataType, Field, FieldRef, Schema};
use attune_sql::binder::map_run_error;
use datafusion::common::Result;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, CaseExpr, Column, IsNotNullExpr, IsNullExpr, Literal, NotExpr,
};
use parking_lot::Mutex;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Where the operations of an expression report the rows they failed on.
pub(super) type Report = Arc<Mutex<RowErrors>>;

/// The expression with each operation that may fail made tolerant; `text` is the whole, for reports.
pub(super) fn tolerant(physical: &Arc<dyn PhysicalExpr>, text: &str, report: &Report) -> Result<Arc<dyn PhysicalExpr>> {
    let text: Arc<str> = text.into();
    Arc::clone(physical)
        .transform_up(|node| {
            if never_fails(&*node) {
                return Ok(Transformed::no(node));
            }
            let report = Arc::clone(report);
            let tolerant = Tolerant { operation: node, text: Arc::clone(&text), report };
            Ok(Transformed::yes(Arc::new(tolerant) as Arc<dyn PhysicalExpr>))
        })
        .data()
}

/// Operations that have a result for every operand, and those that choose which operand to compute.
fn never_fails(node: &dyn PhysicalExpr) -> bool {
    let node = node as &dyn std::any::Any;
    if let Some(binary) = node.downcast_ref::<BinaryExpr>() {
        return matches!(binary.op(), Operator::And | Operator::Or);
    }
    node.is::<Column>()
        || node.is::<Literal>()
        || node.is::<CaseExpr>()
        || node.is::<IsNullExpr>()
        || node.is::<IsNotNullExpr>()
        || node.is::<NotExpr>()
}

/// One operation over operands that are computed before it.
struct Tolerant {
    operation: Arc<dyn PhysicalExpr>,
    text: Arc<str>,
    report: Report,
}

impl Tolerant {
    /// Computes rows of the operands; of those it fails for, alone, the result is NULL.
    fn bisect(&self, operation: &dyn PhysicalExpr, operands: &RecordBatch, rows: &RecordBatch, parts: &mut Parts) {
        let compute = || operation.evaluate(operands).and_then(|v| v.into_array_of_size(operands.num_rows()));
        let computed = catch_unwind(AssertUnwindSafe(compute)).map_err(|panic| panic_message(&*panic));
        match computed.and_then(|result| result.map_err(|e| map_run_error(&e).message)) {
            Ok(values) => parts.values.push(values),
            Err(message) if operands.num_rows() <= 1 => {
                let expression = self.text.to_string();
                self.report.lock().add(|| RowError { expression, message, row: row_text(rows, 0) });
                parts.values.push(new_null_array(&parts.returns, operands.num_rows()));
            }
            Err(_) => {
                let (all, half) = (operands.num_rows(), operands.num_rows() / 2);
                self.bisect(operation, &operands.slice(0, half), &rows.slice(0, half), parts);
                self.bisect(operation, &operands.slice(half, all - half), &rows.slice(half, all - half), parts);
            }
        }
    }
}

/// Results of some rows after those of others.
struct Parts {
    values: Vec<ArrayRef>,
    returns: DataType,
}

impl PhysicalExpr for Tolerant {
    fn data_type(&self, schema: &Schema) -> Result<DataType> {
        self.operation.data_type(schema)
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(true)
    }

    fn return_field(&self, schema: &Schema) -> Result<FieldRef> {
        Ok(Arc::new(self.operation.return_field(schema)?.as_ref().clone().with_nullable(true)))
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let rows = batch.num_rows();
        let schema = batch.schema();
        let (mut fields, mut columns, mut children) = (Vec::new(), Vec::new(), Vec::new());
        for (place, child) in self.operation.children().into_iter().enumerate() {
            // A constant stays one: some functions read their pattern or unit from it.
            if (&**child as &dyn std::any::Any).is::<Literal>() {
                children.push(Arc::clone(child));
                continue;
            }
            let values = child.evaluate(batch)?.into_array_of_size(rows)?;
            let name = format!("operand {place}");
            children.push(Arc::new(Column::new(&name, columns.len())) as Arc<dyn PhysicalExpr>);
            fields.push(Field::new(name, values.data_type().clone(), true));
            columns.push(values);
        }
        let options = RecordBatchOptions::new().with_row_count(Some(rows));
        let operands = RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options)?;
        let returns = self.operation.data_type(&schema)?;
        let operation = Arc::clone(&self.operation).with_new_children(children)?;
        let mut parts = Parts { values: Vec::new(), returns };
        self.bisect(&*operation, &operands, batch, &mut parts);
        let values: Vec<_> = parts.values.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&values)?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.operation.children()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let operation = Arc::clone(&self.operation).with_new_children(children)?;
        Ok(Arc::new(Tolerant { operation, text: Arc::clone(&self.text), report: Arc::clone(&self.report) }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt_sql(f)
    }
}

impl fmt::Display for Tolerant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.operation.fmt(f)
    }
}

impl fmt::Debug for Tolerant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Tolerant").field(&self.operation).finish()
    }
}

impl PartialEq for Tolerant {
    fn eq(&self, other: &Tolerant) -> bool {
        self.operation.eq(&other.operation)
    }
}

impl Eq for Tolerant {}

impl Hash for Tolerant {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.operation.hash(state);
    }
}
