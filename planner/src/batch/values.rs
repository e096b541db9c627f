//! Constant rows.

use super::{Lowered, Lowering, Scope, expr, fault};
use attune_sql::SqlError;
use attune_sql::algebra::{Column, Expr};
use datafusion::arrow::datatypes::{DataType, Field, Fields};
use datafusion::common::{Column as DfColumn, DFSchema, DFSchemaRef};
use datafusion::logical_expr::{EmptyRelation, LogicalPlan, Values, lit};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// One row without columns.
pub(super) fn unit() -> Lowered {
    let plan = LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: true, schema: Arc::new(DFSchema::empty()) });
    Lowered { plan, columns: BTreeMap::new(), scans: 0 }
}

/// No rows, with the columns of a schema.
pub(super) fn nothing(schema: &DFSchemaRef) -> LogicalPlan {
    LogicalPlan::EmptyRelation(EmptyRelation { produce_one_row: false, schema: Arc::clone(schema) })
}

impl Lowering {
    pub(super) fn values(&mut self, columns: &[Column], rows: &[Vec<Expr>]) -> Result<Lowered, SqlError> {
        let names: Vec<String> = columns.iter().map(|column| self.names.column(column, 0, &[])).collect();
        let schema = schema_of(&names, columns)?;
        let plan = match (rows.len(), columns.len()) {
            (0, _) => nothing(&schema),
            (1, 0) => unit().plan,
            (_, 0) => bare(rows.len())?,
            _ => {
                let row = |row: &Vec<Expr>| row.iter().map(|e| expr(e, &Scope::none())).collect::<Result<Vec<_>, _>>();
                let values = rows.iter().map(row).collect::<Result<Vec<_>, SqlError>>()?;
                LogicalPlan::Values(Values { schema, values })
            }
        };
        let columns = columns.iter().zip(names);
        let columns = columns.map(|(column, name)| (column.id, DfColumn::new_unqualified(name))).collect();
        Ok(Lowered { plan, columns, scans: 0 })
    }
}

/// Rows of which no column is read.
fn bare(count: usize) -> Result<LogicalPlan, SqlError> {
    let schema = schema(vec![Field::new("unit", DataType::Boolean, false)])?;
    Ok(LogicalPlan::Values(Values { schema, values: vec![vec![lit(true)]; count] }))
}

/// The schema of columns under these names.
pub(super) fn schema_of(names: &[String], columns: &[Column]) -> Result<DFSchemaRef, SqlError> {
    // Whether a value is NULL may only show when it is computed.
    let fields = names.iter().zip(columns).map(|(name, column)| Field::new(name, column.ty.to_arrow(), true));
    schema(fields.collect())
}

fn schema(fields: Vec<Field>) -> Result<DFSchemaRef, SqlError> {
    let schema = DFSchema::from_unqualified_fields(Fields::from(fields), HashMap::new());
    schema.map(Arc::new).map_err(fault)
}
