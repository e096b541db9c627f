//! A join of a ranking: each row finds at most one row of a stored relation, by the whole of its unique key.

use super::expression::Expression;
use super::step::{Inputs, mask, with_rows};
use crate::serve::engine::query_error;
use crate::serve::lookup::storage;
use attune_sql::SqlError;
use attune_storage::ObjectId;
use attune_storage::codec::{ByteRows, KeyCodec, RowCodec};
use bytes::Bytes;
use datafusion::arrow::array::{Array, ArrayRef, RecordBatch, UInt32Array};
use datafusion::arrow::compute::{filter, filter_record_batch, take};
use datafusion::arrow::datatypes::{Field, Schema, SchemaRef};
use datafusion::common::cast::as_uint32_array;
use datafusion::error::{DataFusionError, Result};
use datafusion::scalar::ScalarValue;
use std::sync::Arc;

/// A compiled join.
pub(super) struct KeyJoin {
    pub(super) object: ObjectId,
    /// The value of each key column, over the rows that come in.
    pub(super) values: Vec<Expression>,
    /// Codec of the key; its columns number `values`.
    pub(super) key: KeyCodec,
    pub(super) row: RowCodec,
    /// Columns of the relation that are read, and their schema.
    pub(super) columns: Vec<usize>,
    pub(super) schema: SchemaRef,
    /// A condition on those.
    pub(super) filter: Option<Expression>,
    /// Which of `columns` come out.
    pub(super) output: Vec<usize>,
    /// Rows that find none are kept, with NULLs.
    pub(super) keep_all: bool,
    /// The found columns come before the others.
    pub(super) found_first: bool,
    pub(super) joined: SchemaRef,
    pub(super) text: String,
}

/// Rows that were found: for each its place among those that came in.
struct Found {
    places: Vec<u32>,
    rows: ByteRows,
}

impl KeyJoin {
    pub(super) fn describe(&self) -> String {
        self.text.clone()
    }

    /// The joined rows; `None` when too much is found.
    pub(super) fn run(
        &self,
        batch: &RecordBatch,
        inputs: &Inputs<'_>,
    ) -> std::result::Result<Option<RecordBatch>, SqlError> {
        let found = self.find(batch, inputs)?;
        if !inputs.most.allows(&found.rows) {
            return Ok(None);
        }
        let decoded = self.row.decode(found.rows.iter(), &self.schema, Some(&self.columns)).map_err(storage)?;
        self.joined(batch, decoded, UInt32Array::from(found.places), inputs.values).map(Some).map_err(query_error)
    }

    fn find(&self, batch: &RecordBatch, inputs: &Inputs<'_>) -> std::result::Result<Found, SqlError> {
        let (keys, places) = self.keys(batch, inputs.values).map_err(query_error)?;
        let wanted: Vec<&[u8]> = places.iter().map(|place| keys.get(*place as usize)).collect();
        let read: Vec<Option<Bytes>> = inputs.view.rows(self.object, &wanted).map_err(storage)?;
        let mut found = Found { places: Vec::with_capacity(places.len()), rows: ByteRows::default() };
        for (place, row) in places.into_iter().zip(read) {
            if let Some(row) = row {
                found.places.push(place);
                found.rows.push(&row);
            }
        }
        Ok(found)
    }

    /// The key of each row, and the rows whose key has no NULL, which equals nothing.
    fn keys(&self, batch: &RecordBatch, values: &[ScalarValue]) -> Result<(ByteRows, Vec<u32>)> {
        let arrays = self.values.iter().map(|value| value.evaluate(batch, values));
        let arrays = arrays.collect::<Result<Vec<ArrayRef>>>()?;
        let nulls: Vec<_> = arrays.iter().filter_map(|array| array.logical_nulls()).collect();
        let fields = arrays.iter().map(|array| Field::new("key", array.data_type().clone(), true));
        let schema = Arc::new(Schema::new(fields.collect::<Vec<_>>()));
        let keys = self.key.encode_batch(&RecordBatch::try_new(schema, arrays)?);
        let keys = keys.map_err(|error| DataFusionError::External(Box::new(error)))?;
        let rows = u32::try_from(batch.num_rows()).unwrap_or(u32::MAX);
        let places = (0..rows).filter(|row| nulls.iter().all(|nulls| nulls.is_valid(*row as usize))).collect();
        Ok((keys, places))
    }

    /// Rows that came in beside the rows they found.
    fn joined(
        &self,
        batch: &RecordBatch,
        mut found: RecordBatch,
        mut places: UInt32Array,
        values: &[ScalarValue],
    ) -> Result<RecordBatch> {
        if let Some(condition) = &self.filter {
            let mask = mask(condition, &found, values)?;
            found = filter_record_batch(&found, &mask)?;
            places = as_uint32_array(&filter(&places, &mask)?)?.clone();
        }
        let found: Vec<ArrayRef> = self.output.iter().map(|column| found.column(*column).clone()).collect();
        let complete = places.len() == batch.num_rows();
        let (own, found, rows) = if complete {
            (batch.columns().to_vec(), found, batch.num_rows())
        } else if self.keep_all {
            let mut partner = vec![None; batch.num_rows()];
            for (at, place) in places.values().iter().enumerate() {
                partner[*place as usize] = u32::try_from(at).ok();
            }
            (batch.columns().to_vec(), taken(&found, &UInt32Array::from(partner))?, batch.num_rows())
        } else {
            (taken(batch.columns(), &places)?, found, places.len())
        };
        let columns = if self.found_first { [found, own].concat() } else { [own, found].concat() };
        with_rows(&self.joined, columns, rows)
    }
}

fn taken(columns: &[ArrayRef], rows: &UInt32Array) -> Result<Vec<ArrayRef>> {
    columns.iter().map(|column| Ok(take(column, rows, None)?)).collect()
}
