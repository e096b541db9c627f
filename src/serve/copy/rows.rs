//! Fields of COPY as typed columns.

use super::fields::Fields;
use super::{bad_format, shown};
use crate::serve::lookup::storage;
use crate::serve::value::{Datum, parse_text, utf8};
use attune_sql::SqlError;
use attune_sql::types::SqlType;
use attune_storage::ColumnType;
use attune_storage::codec::ColumnBuilder;
use datafusion::arrow::array::{RecordBatch, RecordBatchOptions};
use datafusion::arrow::datatypes::{Field, Schema};
use std::sync::Arc;

/// Rows collected for one epoch.
pub(super) struct CopyRows {
    columns: Vec<CopyColumn>,
    rows: usize,
    /// Bytes of the records collected.
    pub(super) bytes: usize,
}

/// A target column.
pub(super) struct CopyColumn {
    name: String,
    sql_type: SqlType,
    column: ColumnType,
    builder: ColumnBuilder,
}

impl CopyRows {
    /// Empty columns of these names and types.
    pub(super) fn new(columns: impl Iterator<Item = (String, SqlType)>) -> Result<CopyRows, SqlError> {
        let columns = columns.map(|(name, sql_type)| {
            let column = ColumnType::from_arrow(&sql_type.to_arrow()).map_err(storage)?;
            Ok(CopyColumn { name, sql_type, column, builder: ColumnBuilder::new(column, 0) })
        });
        Ok(CopyRows { columns: columns.collect::<Result<_, SqlError>>()?, rows: 0, bytes: 0 })
    }

    /// Rows collected.
    pub(super) fn len(&self) -> usize {
        self.rows
    }

    /// Adds a record. `place` is where it stands: `COPY t, line 3`.
    ///
    /// # Errors
    /// 22P04 for a wrong number of fields, and what reading a value gives; with the place as context.
    pub(super) fn add(&mut self, fields: &Fields, record: &[u8], place: &dyn Fn() -> String) -> Result<(), SqlError> {
        let in_record = |error: SqlError| error.in_context(format!("{}: \"{}\"", place(), shown(record)));
        if let Some(missing) = self.columns.get(fields.len()) {
            return Err(in_record(bad_format(format!("missing data for column \"{}\"", missing.name))));
        }
        if fields.len() > self.columns.len() {
            return Err(in_record(bad_format("extra data after last expected column")));
        }
        for (index, column) in self.columns.iter_mut().enumerate() {
            let field = fields.get(index);
            column.add(field).map_err(|error| match field {
                Some(field) => {
                    let text = format!("{}, column {}: \"{}\"", place(), column.name, shown(field));
                    error.in_context(text)
                }
                None => in_record(error),
            })?;
        }
        self.rows += 1;
        self.bytes += record.len();
        Ok(())
    }

    /// Takes the rows collected so far.
    pub(super) fn take(&mut self) -> Result<RecordBatch, SqlError> {
        let mut arrays = Vec::with_capacity(self.columns.len());
        let mut fields = Vec::with_capacity(self.columns.len());
        for column in &mut self.columns {
            let full = std::mem::replace(&mut column.builder, ColumnBuilder::new(column.column, 0));
            arrays.push(full.finish());
            fields.push(Field::new(&column.name, column.sql_type.to_arrow(), true));
        }
        let options = RecordBatchOptions::new().with_row_count(Some(self.rows));
        self.rows = 0;
        self.bytes = 0;
        RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
            .map_err(|error| SqlError::internal(error.to_string()))
    }
}

impl CopyColumn {
    fn add(&mut self, field: Option<&[u8]>) -> Result<(), SqlError> {
        let datum = field.map(|field| parse_text(utf8(field)?, self.sql_type)).transpose()?;
        self.builder.append(datum.as_ref().map(Datum::value)).map_err(storage)
    }
}
