//! A system relation as a DataFusion table.

use super::{Cell, SystemRelation};
use crate::coordinator::Coordinator;
use crate::serve::engine::errors;
use crate::serve::engine::read::{ChunkSource, Chunks, ScanExec, StatementReads};
use async_trait::async_trait;
use attune_sql::SqlError;
use attune_sql::algebra::Type;
use attune_sql::types::SqlType;
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};
use datafusion::arrow::array::{ArrayRef, ListArray, RecordBatch, RecordBatchOptions};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, Int64Type, Schema, SchemaRef};
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use std::fmt;
use std::sync::Arc;

/// A column of a system relation.
#[derive(Clone, Debug)]
struct SystemColumn {
    name: &'static str,
    ty: Type,
    /// Its place in the rows; without one it is NULL.
    place: Option<usize>,
}

/// The provider of a system relation; rows are made when a query runs.
pub(super) struct SystemTable {
    name: String,
    /// What fills it; nothing if it is always empty.
    relation: Option<&'static SystemRelation>,
    columns: Arc<Vec<SystemColumn>>,
    coordinator: Coordinator,
    schema: SchemaRef,
}

impl SystemTable {
    /// `columns` are those that Postgres has, in its order; the relation's own others follow.
    pub(super) fn new(
        name: &str,
        relation: Option<&'static SystemRelation>,
        columns: Option<&[(&'static str, Type)]>,
        coordinator: Coordinator,
    ) -> SystemTable {
        let own = relation.map_or(&[][..], |relation| relation.columns);
        let postgres = columns.unwrap_or_default();
        let mut all: Vec<SystemColumn> = postgres
            .iter()
            .map(|(name, ty)| SystemColumn { name, ty: *ty, place: own.iter().position(|(own, _)| own == name) })
            .collect();
        for (place, (name, sql_type)) in own.iter().enumerate() {
            if !postgres.iter().any(|(known, _)| known == name) {
                all.push(SystemColumn { name, ty: Type::Sql(*sql_type), place: Some(place) });
            }
        }
        let fields = all.iter().map(|column| Field::new(column.name, column.ty.to_arrow(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        SystemTable { name: name.to_owned(), relation, columns: Arc::new(all), coordinator, schema }
    }
}

impl fmt::Debug for SystemTable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SystemTable").field(&self.name).finish()
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
            name: self.name.clone(),
            relation: self.relation,
            columns: Arc::clone(&self.columns),
            coordinator: self.coordinator.clone(),
            schema: self.schema.clone(),
            projection,
        };
        Ok(Arc::new(ScanExec::new(Arc::new(scan), output)))
    }
}

struct SystemScan {
    name: String,
    relation: Option<&'static SystemRelation>,
    columns: Arc<Vec<SystemColumn>>,
    coordinator: Coordinator,
    schema: SchemaRef,
    projection: Vec<usize>,
}

impl fmt::Debug for SystemScan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SystemScan").field(&self.name).finish()
    }
}

impl ChunkSource for SystemScan {
    fn describe(&self) -> String {
        format!("system relation {}", self.name)
    }

    fn open(&self, _: Arc<StatementReads>) -> Result<Box<dyn Chunks>> {
        let rows = match self.relation {
            Some(relation) => (relation.rows)(&self.coordinator).map_err(errors::external)?,
            None => Vec::new(),
        };
        let wanted: Vec<&SystemColumn> = self.projection.iter().filter_map(|index| self.columns.get(*index)).collect();
        let batch = batch(&self.name, &wanted, &self.schema.project(&self.projection)?, &rows);
        Ok(Box::new(Once(Some(batch.map_err(errors::external)?))))
    }
}

struct Once(Option<RecordBatch>);

impl Chunks for Once {
    fn next(&mut self) -> Result<Option<RecordBatch>> {
        Ok(self.0.take())
    }
}

fn batch(
    relation: &str,
    columns: &[&SystemColumn],
    schema: &Schema,
    rows: &[Vec<Cell>],
) -> Result<RecordBatch, SqlError> {
    let mut arrays: Vec<ArrayRef> = Vec::with_capacity(columns.len());
    for column in columns {
        let cell = |row: &'_ [Cell]| column.place.and_then(|place| row.get(place)).cloned().unwrap_or(Cell::Null);
        let sql_type = match column.ty {
            Type::Sql(sql_type) => sql_type,
            _ => {
                arrays.push(list(&column.ty.to_arrow(), rows.iter().map(|row| cell(row)))?);
                continue;
            }
        };
        let stored = ColumnType::from_arrow(&sql_type.to_arrow()).map_err(errors::storage)?;
        let mut builder = ColumnBuilder::new(stored, rows.len());
        for row in rows {
            let cell = cell(row);
            let appended = builder.append(value(&cell, sql_type));
            appended.map_err(|e| SqlError::internal(format!("{relation}.{}: {e}", column.name)))?;
        }
        arrays.push(builder.finish());
    }
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    RecordBatch::try_new_with_options(Arc::new(schema.clone()), arrays, &options).map_err(errors::arrow)
}

/// Arrays of numbers, in their column's type.
fn list(data_type: &DataType, cells: impl Iterator<Item = Cell>) -> Result<ArrayRef, SqlError> {
    let arrays = cells.map(|cell| match cell {
        Cell::Numbers(numbers) => Some(numbers.into_iter().map(Some).collect::<Vec<_>>()),
        _ => None,
    });
    let lists = ListArray::from_iter_primitive::<Int64Type, _, _>(arrays);
    cast(&lists, data_type).map_err(errors::arrow)
}

fn value(cell: &Cell, sql_type: SqlType) -> Option<Value<'_>> {
    match cell {
        Cell::Null | Cell::Numbers(_) => None,
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
