//! A system relation as a DataFusion table.

use super::{Cell, SystemRelation};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use crate::serve::engine::read::{ChunkSource, Chunks, ScanExec, StatementReads};
use async_trait::async_trait;
use attune_sql::SqlError;
use attune_sql::types::SqlType;
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::fmt;
use std::sync::Arc;

/// The provider of a system relation; rows are made when a query runs.
pub(super) struct SystemTable {
    relation: &'static SystemRelation,
    coordinator: Coordinator,
    schema: SchemaRef,
}

impl SystemTable {
    pub(super) fn new(relation: &'static SystemRelation, coordinator: Coordinator) -> SystemTable {
        let fields = relation.columns.iter().map(|(name, t)| Field::new(*name, t.to_arrow(), true));
        SystemTable { relation, coordinator, schema: Arc::new(Schema::new(fields.collect::<Vec<_>>())) }
    }
}

impl fmt::Debug for SystemTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SystemTable").field(&self.relation.name).finish()
    }
}

#[async_trait]
impl TableProvider for SystemTable {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let projection = projection.cloned().unwrap_or_else(|| (0..self.schema.fields().len()).collect());
        let output = Arc::new(self.schema.project(&projection)?);
        let scan = SystemScan {
            relation: self.relation,
            coordinator: self.coordinator.clone(),
            schema: self.schema.clone(),
            projection,
        };
        Ok(Arc::new(ScanExec::new(Arc::new(scan), output)))
    }
}

struct SystemScan {
    relation: &'static SystemRelation,
    coordinator: Coordinator,
    schema: SchemaRef,
    projection: Vec<usize>,
}

impl fmt::Debug for SystemScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SystemScan").field(&self.relation.name).finish()
    }
}

impl ChunkSource for SystemScan {
    fn describe(&self) -> String {
        format!("system relation {}", self.relation.name)
    }

    fn open(&self, _: Arc<StatementReads>) -> Result<Box<dyn Chunks>> {
        let rows = (self.relation.rows)(&self.coordinator).map_err(errors::external)?;
        let batch = batch(self.relation, &self.schema, &rows).map_err(errors::external)?;
        Ok(Box::new(Once(Some(batch.project(&self.projection)?))))
    }
}

struct Once(Option<RecordBatch>);

impl Chunks for Once {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.take())
    }
}

fn batch(relation: &SystemRelation, schema: &SchemaRef, rows: &[Vec<Cell>]) -> Result<RecordBatch, SqlError> {
    let mut arrays = Vec::with_capacity(relation.columns.len());
    for (index, (name, sql_type)) in relation.columns.iter().enumerate() {
        let column = ColumnType::from_arrow(&sql_type.to_arrow()).map_err(errors::storage)?;
        let mut builder = ColumnBuilder::new(column, rows.len());
        for row in rows {
            let value = value(row.get(index).unwrap_or(&Cell::Null), *sql_type);
            builder.append(value).map_err(|e| SqlError::internal(format!("{}.{name}: {e}", relation.name)))?;
        }
        arrays.push(builder.finish());
    }
    RecordBatch::try_new(schema.clone(), arrays).map_err(errors::arrow)
}

fn value(cell: &Cell, sql_type: SqlType) -> Option<Value<'_>> {
    match cell {
        Cell::Null => None,
        Cell::Bool(v) => Some(Value::Boolean(*v)),
        Cell::Text(v) => Some(Value::Text(v)),
        Cell::Time(v) => Some(Value::TimestampTz(*v)),
        // Numbers that do not fit are not known rather than wrong.
        Cell::Int(v) => match sql_type {
            SqlType::SmallInt => i16::try_from(*v).ok().map(Value::Int16),
            SqlType::Integer => i32::try_from(*v).ok().map(Value::Int32),
            _ => Some(Value::Int64(*v)),
        },
    }
}
