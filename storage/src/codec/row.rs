//! Rows as bytes, version 1; and version 2, which is a row behind the state of an operator.

use super::value::{canonical_f32, canonical_f64};
use super::{ByteRows, ColumnBuilder, ColumnReader, Value};
use crate::{ColumnType, Result, StorageError};
use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{Schema, SchemaRef};

/// First byte of a row; a reader refuses what it does not know.
const VERSION: u8 = 1;
/// First byte of a row with state before it.
const VERSION_WITH_STATE: u8 = 2;
/// Bytes before the state: version and length.
const STATE_HEADER: usize = 1 + size_of::<u32>();
/// Bytes before the NULL bitmap.
const BITMAP: usize = 1;

/// Encodes rows of fixed column types; a single column can be read without decoding the others.
///
/// Equal rows have equal bytes (NaN is canonical, -0 is 0), so row bytes also serve as identity.
///
/// A row is `[version][NULL bitmap][slots][variable bytes]`. Each column has a slot at a fixed place: the value itself,
/// or for text and bytes the end of its variable bytes (the start is the end of the variable column before it). A stored row
/// may stand behind state ([`with_state`]), which reading it passes over.
#[derive(Clone, Debug)]
pub struct RowCodec {
    types: Vec<ColumnType>,
    slots: Vec<Slot>,
    /// Bytes before the variable bytes.
    header: usize,
    /// Slot of the last text or bytes column: its end is the end of the row.
    last_variable: Option<usize>,
}

/// Where a column lies in a row.
#[derive(Clone, Copy, Debug)]
struct Slot {
    /// Byte at which the slot starts.
    at: usize,
    /// For a text or bytes column: where the slot of the one before it starts.
    previous: Option<usize>,
}

impl RowCodec {
    /// A codec for rows of these columns.
    #[must_use]
    pub fn new(types: Vec<ColumnType>) -> RowCodec {
        let mut at = BITMAP + types.len().div_ceil(8);
        let mut last_variable = None;
        let mut slots = Vec::with_capacity(types.len());
        for column in &types {
            slots.push(Slot { at, previous: last_variable });
            if is_variable(*column) {
                last_variable = Some(at);
            }
            at += slot_width(*column);
        }
        RowCodec { types, slots, header: at, last_variable }
    }

    /// A codec for all columns of an Arrow schema.
    ///
    /// # Errors
    /// When a column has a type that cannot be stored.
    pub fn for_schema(schema: &Schema) -> Result<RowCodec> {
        Ok(RowCodec::new(schema.fields().iter().map(|f| ColumnType::from_arrow(f.data_type())).collect::<Result<_>>()?))
    }

    /// The column types.
    #[must_use]
    pub fn types(&self) -> &[ColumnType] {
        &self.types
    }

    /// The bytes of each row of `batch`.
    ///
    /// # Errors
    /// When a column's Arrow type is not the codec's, or the number of columns is not.
    pub fn encode_batch(&self, batch: &RecordBatch) -> Result<ByteRows> {
        self.check_width(batch.num_columns())?;
        let columns = batch.columns().iter().zip(&self.types);
        let readers: Vec<_> =
            columns.map(|(array, column)| ColumnReader::of_type(array.as_ref(), *column)).collect::<Result<_>>()?;
        let variable: usize = readers.iter().map(ColumnReader::variable_bytes).sum();
        let mut rows = ByteRows::with_capacity(batch.num_rows(), batch.num_rows() * self.header + variable);
        for row in 0..batch.num_rows() {
            rows.try_push_with(|out| self.write(readers.iter().map(|reader| reader.value(row)), out))?;
        }
        Ok(rows)
    }

    /// Appends the bytes of one row to `out`.
    ///
    /// # Errors
    /// When a value's type is not the column's, or the number of values is not that of the columns.
    pub fn encode_values(&self, values: &[Option<Value<'_>>], out: &mut Vec<u8>) -> Result<()> {
        self.check_width(values.len())?;
        for (value, column) in values.iter().zip(&self.types) {
            value.map_or(Ok(()), |value| value.expect_type(*column))?;
        }
        self.write(values.iter().copied(), out)
    }

    /// Column `index` of an encoded row; `None` is NULL. Takes the same time for every column.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the bytes are not a row of this codec, [`StorageError::Mismatch`] when the codec has
    /// no such column.
    #[inline]
    pub fn column<'a>(&self, row: &'a [u8], index: usize) -> Result<Option<Value<'a>>> {
        if index >= self.types.len() {
            return Err(self.no_column(index));
        }
        let row = without_state(row)?;
        self.check_row(row)?;
        self.read(row, index)
    }

    /// Decodes rows into a batch of `schema`. `projection` names the codec's columns to decode, in the order of
    /// `schema`'s fields; `None` decodes all.
    ///
    /// # Errors
    /// [`StorageError::Corrupt`] when the bytes are not rows of this codec, [`StorageError::Mismatch`] or
    /// [`StorageError::Arrow`] when the projected columns are not those of `schema`.
    pub fn decode<'a>(
        &self,
        rows: impl Iterator<Item = &'a [u8]>,
        schema: &SchemaRef,
        projection: Option<&[usize]>,
    ) -> Result<RecordBatch> {
        let capacity = rows.size_hint().0;
        let column = |index: usize| match self.types.get(index) {
            Some(column) => Ok((index, ColumnBuilder::new(*column, capacity))),
            None => Err(self.no_column(index)),
        };
        let mut columns: Vec<_> = match projection {
            Some(projection) => projection.iter().copied().map(column).collect::<Result<_>>()?,
            None => (0..self.types.len()).map(column).collect::<Result<_>>()?,
        };
        let mut count = 0;
        for row in rows {
            let row = without_state(row)?;
            self.check_row(row)?;
            for (index, builder) in &mut columns {
                builder.append(self.read(row, *index)?)?;
            }
            count += 1;
        }
        let arrays = columns.into_iter().map(|(_, builder)| builder.finish()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(count));
        Ok(RecordBatch::try_new_with_options(schema.clone(), arrays, &options)?)
    }

    /// Appends one row whose types are known to be right.
    #[inline]
    fn write<'v>(&self, values: impl Iterator<Item = Option<Value<'v>>>, out: &mut Vec<u8>) -> Result<()> {
        let start = out.len();
        out.resize(start + self.header, 0);
        out[start] = VERSION;
        for (index, (value, slot)) in values.zip(&self.slots).enumerate() {
            let at = start + slot.at;
            match value {
                None => out[start + BITMAP + index / 8] |= 1 << (index % 8),
                Some(Value::Boolean(v)) => out[at] = u8::from(v),
                Some(Value::Int16(v)) => put(out, at, v.to_le_bytes()),
                Some(Value::Int32(v) | Value::Date(v)) => put(out, at, v.to_le_bytes()),
                Some(Value::Int64(v) | Value::Timestamp(v) | Value::TimestampTz(v)) => put(out, at, v.to_le_bytes()),
                Some(Value::UInt64(v)) => put(out, at, v.to_le_bytes()),
                Some(Value::Float32(v)) => put(out, at, canonical_f32(v).to_le_bytes()),
                Some(Value::Float64(v)) => put(out, at, canonical_f64(v).to_le_bytes()),
                Some(Value::Decimal(v)) => put(out, at, v.to_le_bytes()),
                Some(Value::Text(v)) => out.extend_from_slice(v.as_bytes()),
                Some(Value::Bytes(v)) => out.extend_from_slice(v),
                Some(Value::Interval(months, days, nanos)) => {
                    put(out, at, months.to_le_bytes());
                    put(out, at + 4, days.to_le_bytes());
                    put(out, at + 8, nanos.to_le_bytes());
                }
            }
            if is_variable(self.types[index]) {
                // Also for NULL: the next variable column starts where this one ends.
                let end = u32::try_from(out.len() - start - self.header)
                    .map_err(|_| StorageError::Mismatch("a row of more than 4 GiB".to_owned()))?;
                put(out, at, end.to_le_bytes());
            }
        }
        Ok(())
    }

    /// Reads a column of a row that [`RowCodec::check_row`] has accepted. `index` is in range.
    #[inline]
    fn read<'a>(&self, row: &'a [u8], index: usize) -> Result<Option<Value<'a>>> {
        let bits = row.get(BITMAP + index / 8).ok_or_else(|| self.wrong_length(row))?;
        if bits & (1 << (index % 8)) != 0 {
            return Ok(None);
        }
        let slot = self.slots[index];
        Ok(Some(match self.types[index] {
            ColumnType::Boolean => match self.get::<1>(row, slot.at)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                [other] => return Err(StorageError::Corrupt(format!("boolean byte {other} in a row"))),
            },
            ColumnType::Int16 => Value::Int16(i16::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Int32 => Value::Int32(i32::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Int64 => Value::Int64(i64::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::UInt64 => Value::UInt64(u64::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Float32 => Value::Float32(f32::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Float64 => Value::Float64(f64::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Decimal { .. } => Value::Decimal(i128::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Date => Value::Date(i32::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Timestamp => Value::Timestamp(i64::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::TimestampTz => Value::TimestampTz(i64::from_le_bytes(self.get(row, slot.at)?)),
            ColumnType::Interval => Value::Interval(
                i32::from_le_bytes(self.get(row, slot.at)?),
                i32::from_le_bytes(self.get(row, slot.at + 4)?),
                i64::from_le_bytes(self.get(row, slot.at + 8)?),
            ),
            ColumnType::Bytes => Value::Bytes(self.variable(row, slot)?),
            ColumnType::Text => {
                let text = std::str::from_utf8(self.variable(row, slot)?);
                Value::Text(text.map_err(|e| StorageError::Corrupt(format!("text in a row is not UTF-8: {e}")))?)
            }
        }))
    }

    /// Version and length are those of a row of this codec.
    #[inline]
    fn check_row(&self, row: &[u8]) -> Result<()> {
        match row.first() {
            Some(&VERSION) => {}
            Some(other) => {
                return Err(StorageError::Corrupt(format!("row version {other}, this build reads {VERSION}")));
            }
            None => return Err(self.wrong_length(row)),
        }
        let variable = self.last_variable.map_or(Ok(0), |at| self.end(row, at))?;
        if row.len() != self.header + variable {
            return Err(self.wrong_length(row));
        }
        Ok(())
    }

    /// The bytes of a text or bytes column.
    #[inline]
    fn variable<'a>(&self, row: &'a [u8], slot: Slot) -> Result<&'a [u8]> {
        let start = slot.previous.map_or(Ok(0), |at| self.end(row, at))?;
        let end = self.end(row, slot.at)?;
        row.get(self.header + start..self.header + end).ok_or_else(|| self.wrong_length(row))
    }

    /// The end, counted from the end of the header, that the slot at `at` names.
    #[inline]
    fn end(&self, row: &[u8], at: usize) -> Result<usize> {
        Ok(u32::from_le_bytes(self.get(row, at)?) as usize)
    }

    #[inline]
    fn get<const N: usize>(&self, row: &[u8], at: usize) -> Result<[u8; N]> {
        row.get(at..).and_then(<[u8]>::first_chunk).copied().ok_or_else(|| self.wrong_length(row))
    }

    fn check_width(&self, found: usize) -> Result<()> {
        match self.types.len() {
            width if width == found => Ok(()),
            width => Err(StorageError::Mismatch(format!("{found} values for a row of {width} columns"))),
        }
    }

    #[cold]
    fn no_column(&self, index: usize) -> StorageError {
        StorageError::Mismatch(format!("column {index} of a row of {} columns", self.types.len()))
    }

    #[cold]
    fn wrong_length(&self, row: &[u8]) -> StorageError {
        StorageError::Corrupt(format!("a row of {} bytes does not have the lengths it states", row.len()))
    }
}

/// Appends `row`, an encoded row, with the state before it that the operator that made it wants to find with it:
/// `[version][length u32 LE][state][row]`.
///
/// # Errors
/// [`StorageError::Mismatch`] when the state has 4 GiB.
pub fn with_state(state: &[u8], row: &[u8], out: &mut Vec<u8>) -> Result<()> {
    let length = u32::try_from(state.len())
        .map_err(|_| StorageError::Mismatch("the state of a row has more than 4 GiB".to_owned()))?;
    out.push(VERSION_WITH_STATE);
    out.extend_from_slice(&length.to_le_bytes());
    out.extend_from_slice(state);
    out.extend_from_slice(row);
    Ok(())
}

/// The state of a stored row, if it has any, and the row.
///
/// # Errors
/// [`StorageError::Corrupt`] when the state is cut short.
#[inline]
pub fn split_state(stored: &[u8]) -> Result<(Option<&[u8]>, &[u8])> {
    if stored.first() != Some(&VERSION_WITH_STATE) {
        return Ok((None, stored));
    }
    let damaged = || StorageError::Corrupt(format!("the state of a row is cut short: {} bytes", stored.len()));
    let length = stored.get(1..).and_then(<[u8]>::first_chunk).copied().ok_or_else(damaged)?;
    let (state, row) =
        stored[STATE_HEADER..].split_at_checked(u32::from_le_bytes(length) as usize).ok_or_else(damaged)?;
    Ok((Some(state), row))
}

/// A stored row without its state.
#[inline]
pub(crate) fn without_state(stored: &[u8]) -> Result<&[u8]> {
    Ok(split_state(stored)?.1)
}

#[inline]
fn put<const N: usize>(out: &mut [u8], at: usize, bytes: [u8; N]) {
    out[at..at + N].copy_from_slice(&bytes);
}

fn is_variable(column: ColumnType) -> bool {
    matches!(column, ColumnType::Text | ColumnType::Bytes)
}

fn slot_width(column: ColumnType) -> usize {
    match column {
        ColumnType::Boolean => 1,
        ColumnType::Int16 => 2,
        ColumnType::Int32 | ColumnType::Float32 | ColumnType::Date | ColumnType::Text | ColumnType::Bytes => 4,
        ColumnType::Int64 | ColumnType::UInt64 | ColumnType::Float64 => 8,
        ColumnType::Timestamp | ColumnType::TimestampTz => 8,
        ColumnType::Decimal { .. } | ColumnType::Interval => 16,
    }
}
