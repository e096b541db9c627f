//! Tiers 1 and 2: reads by key, compiled once and then run from parameters on the wire to rows on the wire, with no
//! planning, no Arrow and no change of task.

mod cache;
mod key;
mod normalise;
mod range;
mod ranked;
mod rows;
#[cfg(test)]
mod tests;

pub(super) use cache::StatementCache;
pub(super) use ranked::Most;
pub(super) use rows::LookupRows;

use super::engine::{ParameterType, Prepared};
use super::value::{Format, Parameters, elements, write_field};
use attune_planner::{Access, Lookup, LookupCount, LookupObject, index_layout, table_layout};
use attune_sql::catalog::{Catalog, RelationId};
use attune_sql::types::SqlType;
use attune_sql::{SqlError, SqlState};
use attune_storage::codec::{ByteRows, KeyCodec, RowCodec, Value};
use attune_storage::{Store, TableReader};
use bytes::{BufMut, BytesMut};
use key::{Fetched, KeySource, integer_value};
use range::CompiledRange;

/// A lookup bound to codecs and a reader, ready to run.
pub(super) struct CompiledLookup {
    store: Store,
    reader: TableReader,
    key: KeyCodec,
    row: RowCodec,
    access: CompiledAccess,
    /// Column of the entry and type of each output column.
    output: Vec<(usize, SqlType)>,
    limit: Option<Count>,
    offset: Option<Count>,
}

enum CompiledAccess {
    /// One value per key column.
    Point(Vec<KeySource>),
    /// An array parameter with elements of this type.
    Many {
        parameter: usize,
        element: SqlType,
        key: KeySource,
    },
    /// `IN (...)`: a value each.
    List(Vec<KeySource>),
    Range(CompiledRange),
}

impl CompiledLookup {
    /// Compiles the lookup of a statement. `None` when it cannot be run with exactly Postgres' meaning (a parameter of
    /// a type that is compared after a conversion): then the statement is executed like any other.
    pub(super) fn compile(prepared: &Prepared, catalog: &Catalog, store: &Store) -> Option<CompiledLookup> {
        let lookup = prepared.lookup.as_deref()?;
        let types: Vec<SqlType> = prepared.columns.as_deref()?.iter().map(|column| column.sql_type).collect();
        CompiledLookup::of(lookup, &types, &prepared.parameters, catalog, store)
    }

    /// Compiles a lookup with output columns of these types.
    pub(super) fn of(
        lookup: &Lookup,
        types: &[SqlType],
        parameters: &[ParameterType],
        catalog: &Catalog,
        store: &Store,
    ) -> Option<CompiledLookup> {
        let relation = catalog.get(RelationId(lookup.relation))?;
        let indexes: Vec<_> = catalog.indexes_of(relation.id).cloned().collect();
        let table = table_layout(relation, &indexes).ok()?;
        let (object, key, row) = match lookup.object {
            LookupObject::Relation => (table.object, table.key_codec(), table.row_codec()),
            LookupObject::Index(id) => {
                let index = indexes.iter().find(|index| index.id == RelationId(id))?;
                let layout = index_layout(relation, index);
                (layout.object, layout.key_codec(&table), layout.row_codec(&table))
            }
        };
        let output = output(lookup, types, &row)?;
        let access = access(lookup, parameters, &key, table.keyless)?;
        let (limit, offset) = (Count::compile(lookup.limit, parameters)?, Count::compile(lookup.offset, parameters)?);
        let reader = TableReader::new(store.clone(), object);
        let reader = match &access {
            CompiledAccess::Range(range) => reader.with_runs(&key, range.columns(), range.reverse),
            _ => reader,
        };
        Some(CompiledLookup { store: store.clone(), reader, key, row, access, output, limit, offset })
    }

    /// Finds the rows for these parameters.
    ///
    /// # Errors
    /// What reading a parameter gives; XX000 and XX001 when storage fails.
    pub(super) fn run(&self, parameters: &Parameters) -> Result<LookupRows, SqlError> {
        let offset = count(self.offset, parameters, "OFFSET")?.unwrap_or(0);
        let limit = count(self.limit, parameters, "LIMIT")?.unwrap_or(usize::MAX);
        if limit == 0 {
            return Ok(LookupRows::none());
        }
        match &self.access {
            CompiledAccess::Point(sources) => match self.point_key(sources, parameters)? {
                Some(key) if offset == 0 => Ok(LookupRows::one(self.reader.point(&key).map_err(storage)?)),
                _ => Ok(LookupRows::none()),
            },
            CompiledAccess::Many { parameter, element, key } => {
                let keys = self.many_keys(*parameter, *element, key, parameters)?;
                self.read_keys(&keys, offset, limit)
            }
            CompiledAccess::List(sources) => {
                let mut keys = ByteRows::default();
                for source in sources {
                    if let Some(key) = self.point_key(std::slice::from_ref(source), parameters)? {
                        keys.push(&key);
                    }
                }
                self.read_keys(&keys, offset, limit)
            }
            CompiledAccess::Range(range) => match range.keys(&self.key, parameters)? {
                Some(keys) => LookupRows::range(&self.store, &self.reader, keys, range.reverse, offset, limit),
                None => Ok(LookupRows::none()),
            },
        }
    }

    /// Appends the DataRow message of a row. Nothing is appended when the row is damaged.
    ///
    /// # Errors
    /// XX001 when the bytes are no row of this relation.
    #[inline]
    pub(super) fn write_row(&self, out: &mut BytesMut, row: &[u8], formats: &[Format]) -> Result<(), SqlError> {
        let start = out.len();
        out.put_u8(b'D');
        out.put_i32(0);
        out.put_u16(self.output.len() as u16);
        for (index, (column, sql_type)) in self.output.iter().enumerate() {
            match self.row.column(row, *column) {
                Ok(value) => write_field(out, value, *sql_type, super::wire::backend::format_of(formats, index)),
                Err(error) => {
                    out.truncate(start);
                    return Err(storage(error));
                }
            }
        }
        let length = i32::try_from(out.len() - start - 1).unwrap_or(i32::MAX);
        out[start + 1..start + 5].copy_from_slice(&length.to_be_bytes());
        Ok(())
    }

    /// An output column of a row.
    ///
    /// # Errors
    /// XX001 when the bytes are no row of this relation.
    pub(super) fn value<'a>(&self, row: &'a [u8], index: usize) -> Result<Option<Value<'a>>, SqlError> {
        match self.output.get(index) {
            Some((column, _)) => self.row.column(row, *column).map_err(storage),
            None => Err(SqlError::internal("a lookup has no such output column")),
        }
    }

    fn point_key(&self, sources: &[KeySource], parameters: &Parameters) -> Result<Option<Vec<u8>>, SqlError> {
        if let [source] = sources {
            return match source.fetch(parameters)? {
                Fetched::Value(datum) => key::encode(&self.key, std::slice::from_ref(&datum)).map(Some),
                Fetched::Null | Fetched::Outside(_) => Ok(None),
            };
        }
        let mut values = Vec::with_capacity(sources.len());
        for source in sources {
            match source.fetch(parameters)? {
                Fetched::Value(datum) => values.push(datum),
                Fetched::Null | Fetched::Outside(_) => return Ok(None),
            }
        }
        key::encode(&self.key, &values).map(Some)
    }

    /// Encoded keys of the elements.
    fn many_keys(
        &self,
        parameter: usize,
        element: SqlType,
        key: &KeySource,
        parameters: &Parameters,
    ) -> Result<ByteRows, SqlError> {
        let mut keys = ByteRows::default();
        let (bytes, format) = parameters.get(parameter)?;
        let Some(bytes) = bytes else { return Ok(keys) };
        elements(bytes, element, format, &mut |datum| {
            if let Some(Fetched::Value(datum)) = datum.map(|datum| key.convert(datum)).transpose()? {
                keys.try_push_with(|out| key::encode_one(&self.key, &datum, out))?;
            }
            Ok(())
        })?;
        Ok(keys)
    }

    /// The rows of these keys, each once.
    fn read_keys(&self, keys: &ByteRows, offset: usize, limit: usize) -> Result<LookupRows, SqlError> {
        let rows = self.reader.many(&distinct(keys)).map_err(storage)?;
        Ok(LookupRows::some(rows, offset, limit))
    }
}

/// Keys in order, each once.
fn distinct(keys: &ByteRows) -> Vec<&[u8]> {
    // The first bytes beside each: nearly all comparisons are of two numbers.
    let head =
        |key: &[u8]| key.iter().chain(std::iter::repeat(&0)).take(8).fold(0, |head, byte| head << 8 | u64::from(*byte));
    let mut keys: Vec<(u64, &[u8])> = keys.iter().map(|key| (head(key), key)).collect();
    keys.sort_unstable();
    keys.dedup();
    keys.into_iter().map(|(_, key)| key).collect()
}

/// The output columns; `None` when the lookup does not fit the entry or the announced columns.
fn output(lookup: &Lookup, types: &[SqlType], row: &RowCodec) -> Option<Vec<(usize, SqlType)>> {
    let fits = lookup.output.len() == types.len() && lookup.output.iter().all(|column| *column < row.types().len());
    fits.then(|| lookup.output.iter().copied().zip(types.iter().copied()).collect())
}

fn access(lookup: &Lookup, types: &[ParameterType], key: &KeyCodec, keyless: bool) -> Option<CompiledAccess> {
    let by_unique_key = lookup.object == LookupObject::Relation && !keyless;
    match &lookup.access {
        Access::Point(values) if by_unique_key && values.len() == key.columns().len() => {
            let sources =
                values.iter().zip(key.columns()).map(|(value, column)| KeySource::new(value, column.0, types));
            Some(CompiledAccess::Point(sources.collect::<Option<_>>()?))
        }
        Access::Many(parameter) if by_unique_key && key.columns().len() == 1 => {
            let parameter_type = types.get(*parameter).filter(|parameter| parameter.array)?;
            let (column, element) = (key.columns()[0].0, parameter_type.sql_type);
            let key = KeySource::element(element, column)?;
            Some(CompiledAccess::Many { parameter: *parameter, element: key::element_type(element, column), key })
        }
        Access::List(values) if by_unique_key && key.columns().len() == 1 => {
            let column = key.columns()[0].0;
            let sources = values.iter().map(|value| KeySource::new(value, column, types));
            Some(CompiledAccess::List(sources.collect::<Option<_>>()?))
        }
        Access::Range { prefix, from, to, reverse } => {
            CompiledRange::new(prefix, from.as_ref(), to.as_ref(), *reverse, key, types).map(CompiledAccess::Range)
        }
        _ => None,
    }
}

/// LIMIT or OFFSET.
#[derive(Clone, Copy)]
pub(super) enum Count {
    Constant(usize),
    /// Parameter number and the integer type it was declared with.
    Parameter(usize, SqlType),
}

impl Count {
    /// Outer `None`: a parameter that is no integer, which is for the general path.
    #[allow(clippy::option_option)]
    pub(super) fn compile(count: Option<LookupCount>, parameters: &[ParameterType]) -> Option<Option<Count>> {
        Some(match count {
            None => None,
            Some(LookupCount::Constant(count)) => Some(Count::Constant(usize::try_from(count).unwrap_or(usize::MAX))),
            Some(LookupCount::Parameter(index)) => match parameters.get(index)? {
                ParameterType {
                    sql_type: t @ (SqlType::SmallInt | SqlType::Integer | SqlType::BigInt),
                    array: false,
                } => Some(Count::Parameter(index, *t)),
                _ => return None,
            },
        })
    }
}

/// LIMIT or OFFSET; `None` is no limit (not given, or NULL).
pub(super) fn count(count: Option<Count>, parameters: &Parameters, what: &str) -> Result<Option<usize>, SqlError> {
    let (index, sql_type) = match count {
        None => return Ok(None),
        Some(Count::Constant(count)) => return Ok(Some(count)),
        Some(Count::Parameter(index, sql_type)) => (index, sql_type),
    };
    let Some(datum) = parameters.datum(index, sql_type)? else { return Ok(None) };
    match integer_value(datum.value()).map(usize::try_from) {
        Some(Ok(count)) => Ok(Some(count)),
        _ => {
            let limit = what == "LIMIT";
            let state = if limit { SqlState::InvalidRowCountInLimit } else { SqlState::InvalidRowCountInOffset };
            Err(SqlError::new(state, format!("{what} must not be negative")))
        }
    }
}

/// A storage error as a client sees it.
pub(super) fn storage(error: attune_storage::StorageError) -> SqlError {
    let state = match error {
        attune_storage::StorageError::Corrupt(_) => SqlState::DataCorrupted,
        attune_storage::StorageError::Io(_) | attune_storage::StorageError::RocksDb(_) => SqlState::IoError,
        _ => SqlState::InternalError,
    };
    SqlError::new(state, error.to_string())
}
