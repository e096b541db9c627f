//! Where the rows of an INSERT come from.

use super::insert::Insert;
use super::{assemble, coerce, scalar};
use crate::serve::engine::row_program::{Execution, RowProgram};
use crate::serve::engine::select::Select;
use crate::serve::engine::{Engine, OutputColumn, Transaction, errors, result};
use attune_sql::SqlError;
use attune_storage::ColumnType;
use attune_storage::codec::ColumnBuilder;
use datafusion::arrow::array::{ArrayRef, RecordBatch};
use datafusion::arrow::compute::concat_batches;
use datafusion::scalar::ScalarValue;

/// The rows of an INSERT.
pub(super) enum Source {
    /// DEFAULT VALUES.
    Defaults,
    /// VALUES of literals, parameters and expressions over them.
    Values(Values),
    /// A query.
    Query(Select, Vec<OutputColumn>),
}

/// Rows of VALUES, taken apart when the statement was prepared.
pub(super) struct Values {
    pub(super) rows: Vec<Vec<Cell>>,
    /// The expressions that [`Cell::Computed`] numbers.
    pub(super) computed: RowProgram,
}

/// One value.
pub(super) enum Cell {
    /// DEFAULT.
    Default,
    /// A constant of the column's type.
    Literal(ScalarValue),
    /// `$n`, from 0.
    Parameter(usize),
    /// An expression, by number.
    Computed(usize),
}

impl Engine {
    /// The complete rows an INSERT proposes.
    pub(super) async fn source_rows(
        &self,
        insert: &Insert,
        execution: Execution<'_>,
        transaction: &Transaction,
    ) -> Result<RecordBatch, SqlError> {
        let (given, count) = match &insert.source {
            Source::Defaults => (vec![None; insert.target.visible()], 1),
            Source::Values(values) => (self.values(insert, values, execution)?, values.rows.len()),
            Source::Query(select, columns) => {
                let batch = self.query_rows(select, columns, execution, transaction).await?;
                let mut given: Vec<Option<ArrayRef>> = vec![None; insert.target.visible()];
                for (array, index) in batch.columns().iter().zip(&insert.columns) {
                    given[*index] = Some(coerce::array(array, &insert.target.relation.columns[*index])?);
                }
                (given, batch.num_rows())
            }
        };
        assemble::rows(self, &insert.target, &insert.defaults, given, count, execution)
    }

    /// All rows of a query, as one batch.
    pub(super) async fn query_rows(
        &self,
        select: &Select,
        columns: &[OutputColumn],
        execution: Execution<'_>,
        transaction: &Transaction,
    ) -> Result<RecordBatch, SqlError> {
        let reads = self.reads(&select.relations, transaction)?;
        let plan = select.query.executable(execution.parameters.to_vec(), execution.now)?;
        let schema = result::schema(columns);
        let batches = self.queries.collect(plan, reads, schema.clone()).await?;
        concat_batches(&schema, &batches).map_err(errors::arrow)
    }

    fn values(
        &self,
        insert: &Insert,
        values: &Values,
        execution: Execution<'_>,
    ) -> Result<Vec<Option<ArrayRef>>, SqlError> {
        let computed =
            if values.computed.is_empty() { Vec::new() } else { values.computed.constants(self, execution)? };
        let uses_default = values.rows.iter().flatten().any(|c| matches!(c, Cell::Default));
        let defaults =
            if uses_default { insert.defaults.evaluate(self, &insert.target, execution)? } else { Vec::new() };
        let mut given: Vec<Option<ArrayRef>> = vec![None; insert.target.visible()];
        for (place, &index) in insert.columns.iter().enumerate() {
            let column = &insert.target.relation.columns[index];
            let default = defaults.get(index).and_then(Option::as_ref);
            let cells = values.rows.iter().map(|row| match &row[place] {
                Cell::Default => default.unwrap_or(&ScalarValue::Null),
                Cell::Literal(value) => value,
                Cell::Parameter(number) => execution.parameters.get(*number).unwrap_or(&ScalarValue::Null),
                Cell::Computed(number) => computed.get(*number).unwrap_or(&ScalarValue::Null),
            });
            given[index] = Some(array(cells, column, values.rows.len())?);
        }
        Ok(given)
    }
}

/// An array of a column's type from scalars that mostly have it already.
fn array<'a>(
    cells: impl Iterator<Item = &'a ScalarValue>,
    column: &attune_sql::catalog::Column,
    rows: usize,
) -> Result<ArrayRef, SqlError> {
    let target = column.sql_type.to_arrow();
    let column_type = ColumnType::from_arrow(&target).map_err(errors::storage)?;
    let mut builder = ColumnBuilder::new(column_type, rows);
    for cell in cells {
        let converted;
        let cell = if cell.data_type() == target || cell.data_type().is_null() {
            cell
        } else {
            let array = coerce::array(&cell.to_array().map_err(errors::datafusion)?, column)?;
            converted = ScalarValue::try_from_array(&array, 0).map_err(errors::datafusion)?;
            &converted
        };
        let value = scalar::value(cell).ok_or_else(|| coerce::mismatch(column, &cell.data_type().to_string()))?;
        builder.append(value).map_err(errors::storage)?;
    }
    // Once more for limits that a type does not carry (varchar).
    coerce::array(&builder.finish(), column)
}
