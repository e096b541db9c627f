//! Complete rows of a relation from the columns a statement gives.

use super::coerce;
use super::conflict::assigned_to;
use super::target::Target;
use crate::serve::engine::row_program::{Execution, RowProgram};
use crate::serve::engine::{Engine, errors};
use attune_planner::RowExpression;
use attune_sql::SqlError;
use attune_sql::bind::Place;
use attune_sql::binder::Binder;
use attune_sql::catalog::{Catalog, Column};
use attune_sql::statement::parse_expression;
use datafusion::arrow::array::{ArrayRef, Int64Array, RecordBatch, RecordBatchOptions, new_null_array};
use datafusion::common::DFSchema;
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

/// The DEFAULT expressions of the columns that have one.
pub(super) struct Defaults {
    columns: Vec<usize>,
    program: RowProgram,
}

impl Defaults {
    /// Binds the defaults of a relation.
    pub(super) fn new(engine: &Engine, catalog: &Catalog, target: &Target) -> Result<Defaults, SqlError> {
        let sources = engine.sources(catalog, crate::serve::engine::read::Identity::Hidden);
        let binder = Binder { catalog, sources: &sources };
        let mut columns = Vec::new();
        let mut exprs = Vec::new();
        for (index, column) in target.relation.visible_columns() {
            if column.default.is_some() {
                columns.push(index);
                exprs.push(default(&binder, column)?);
            }
        }
        Ok(Defaults { columns, program: RowProgram::new(DFSchema::empty(), exprs) })
    }

    /// The value of each column that has a default, for one execution of a statement.
    pub(super) fn evaluate(
        &self,
        engine: &Engine,
        target: &Target,
        execution: Execution<'_>,
    ) -> Result<Vec<Option<ScalarValue>>, SqlError> {
        let mut values = vec![None; target.visible()];
        if self.program.is_empty() {
            return Ok(values);
        }
        for (column, value) in self.columns.iter().zip(self.program.constants(engine, execution)?) {
            let array = value.to_array().map_err(errors::datafusion)?;
            let array = coerce::array(&array, &target.relation.columns[*column])?;
            values[*column] = Some(ScalarValue::try_from_array(&array, 0).map_err(errors::datafusion)?);
        }
        Ok(values)
    }
}

/// The DEFAULT of a column, NULL if it has none.
pub(super) fn default(binder: &Binder<'_>, column: &Column) -> Result<RowExpression, SqlError> {
    let Some(text) = &column.default else { return Ok(RowExpression::null(column.sql_type)) };
    let place = Place::Default(assigned_to(column));
    let bind = || -> Result<RowExpression, SqlError> {
        let expr = parse_expression(text)?;
        match super::literal::parse(&expr, column)? {
            Some(value) => Ok(RowExpression::constant(value, column.sql_type)),
            None => RowExpression::bind(binder, &expr, &DFSchema::empty(), &[], place),
        }
    };
    // A position in its text means nothing in the text of the statement.
    bind().map_err(|error| SqlError { position: None, ..error })
}

/// Rows of all columns from arrays of some (already of the column's type); the others get their default or NULL, a hidden
/// row id a fresh number. NOT NULL is checked.
pub(super) fn rows(
    engine: &Engine,
    target: &Target,
    defaults: &Defaults,
    mut given: Vec<Option<ArrayRef>>,
    count: usize,
    execution: Execution<'_>,
) -> Result<RecordBatch, SqlError> {
    given.resize(target.relation.columns.len(), None);
    let needs_default = defaults.columns.iter().any(|c| given[*c].is_none());
    let values = if needs_default { defaults.evaluate(engine, target, execution)? } else { Vec::new() };
    let mut arrays = Vec::with_capacity(given.len());
    for (index, (array, column)) in given.into_iter().zip(&target.relation.columns).enumerate() {
        arrays.push(match (array, values.get(index)) {
            (Some(array), _) => array,
            (None, _) if column.hidden => row_ids(engine, count),
            (None, Some(Some(value))) => value.to_array_of_size(count).map_err(errors::datafusion)?,
            _ => new_null_array(&column.sql_type.to_arrow(), count),
        });
    }
    batch(target, arrays, count)
}

/// A batch of all columns, NOT NULL checked.
pub(super) fn batch(target: &Target, arrays: Vec<ArrayRef>, count: usize) -> Result<RecordBatch, SqlError> {
    let options = RecordBatchOptions::new().with_row_count(Some(count));
    let nullable: Vec<_> = target.schema.fields().iter().map(|f| f.as_ref().clone().with_nullable(true)).collect();
    let loose = Arc::new(datafusion::arrow::datatypes::Schema::new(nullable));
    let batch = RecordBatch::try_new_with_options(loose, arrays, &options).map_err(errors::arrow)?;
    target.check_not_null(&batch)?;
    RecordBatch::try_new_with_options(target.schema.clone(), batch.columns().to_vec(), &options).map_err(errors::arrow)
}

fn row_ids(engine: &Engine, count: usize) -> ArrayRef {
    let first = engine.coordinator.allocate_row_ids(count as u64);
    Arc::new(Int64Array::from_iter_values((0..count as i64).map(|i| first + i)))
}
