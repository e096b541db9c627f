//! The rows of a lookup for a ranking: all of them as one batch, of a given epoch.

use super::{CompiledAccess, CompiledLookup, distinct, storage};
use crate::serve::value::Parameters;
use attune_sql::SqlError;
use attune_storage::OneEpoch;
use attune_storage::codec::ByteRows;
use datafusion::arrow::array::RecordBatch;
use datafusion::arrow::datatypes::SchemaRef;

/// Most of what a ranking takes.
#[derive(Clone, Copy)]
pub(in crate::serve) struct Most {
    pub(in crate::serve) rows: usize,
    pub(in crate::serve) bytes: usize,
}

impl Most {
    /// Whether rows are no more than that.
    pub(in crate::serve) fn allows(self, rows: &ByteRows) -> bool {
        rows.len() <= self.rows && rows.bytes() <= self.bytes
    }
}

impl CompiledLookup {
    /// The output columns of all rows for these parameters, as `schema`; `None` when they are more than `most`. LIMIT and OFFSET
    /// are the caller's.
    ///
    /// # Errors
    /// As [`CompiledLookup::run`].
    pub(in crate::serve) fn batch(
        &self,
        parameters: &Parameters,
        view: &OneEpoch<'_>,
        most: Most,
        schema: &SchemaRef,
    ) -> Result<Option<RecordBatch>, SqlError> {
        let rows = match &self.access {
            CompiledAccess::Point(sources) => {
                let mut keys = ByteRows::default();
                if let Some(key) = self.point_key(sources, parameters)? {
                    keys.push(&key);
                }
                self.by_keys(&keys, view)?
            }
            CompiledAccess::Many { parameter, element, key } => {
                self.by_keys(&self.many_keys(*parameter, *element, key, parameters)?, view)?
            }
            CompiledAccess::List(sources) => {
                let mut keys = ByteRows::default();
                for source in sources {
                    if let Some(key) = self.point_key(std::slice::from_ref(source), parameters)? {
                        keys.push(&key);
                    }
                }
                self.by_keys(&keys, view)?
            }
            CompiledAccess::Range(range) => {
                let mut rows = ByteRows::default();
                if let Some(keys) = range.keys(&self.key, parameters)? {
                    let mut push = |row: &[u8]| {
                        rows.push(row);
                        most.allows(&rows)
                    };
                    self.reader.visit(view, &keys, range.reverse, &mut push).map_err(storage)?;
                }
                rows
            }
        };
        if !most.allows(&rows) {
            return Ok(None);
        }
        let columns: Vec<usize> = self.output.iter().map(|(column, _)| *column).collect();
        self.row.decode(rows.iter(), schema, Some(&columns)).map(Some).map_err(storage)
    }

    /// The rows of these keys, each once.
    fn by_keys(&self, keys: &ByteRows, view: &OneEpoch<'_>) -> Result<ByteRows, SqlError> {
        let mut rows = ByteRows::default();
        for row in view.rows(self.reader.object(), &distinct(keys)).map_err(storage)?.into_iter().flatten() {
            rows.push(&row);
        }
        Ok(rows)
    }
}
