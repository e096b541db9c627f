//! What is kept of the values of a group, and its columns between two steps of an aggregation.

use crate::operators::statistics::{Moments, WIDE_BYTES, Wide};
use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, Decimal256Array, FixedSizeBinaryBuilder, Int64Array, PrimitiveArray,
};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, Int16Type, Int32Type,
    Int64Type, i256,
};
use datafusion::common::{Result, internal_err};
use std::fmt::Debug;
use std::sync::Arc;

/// The unscaled integers of sums.
const SUMS: DataType = DataType::Decimal256(DECIMAL256_MAX_PRECISION, 0);

/// A total of unscaled integers. Its default is that of no values.
pub(super) trait Values: Clone + Copy + Default + Debug + Send + Sync + 'static {
    /// Adds a value.
    fn add(&mut self, value: i128);
    /// Takes a value out again.
    fn take(&mut self, value: i128);
    /// Adds all values of another total.
    fn merge(&mut self, other: &Self);
    /// Number of values and their sum.
    fn sums(&self) -> Sums;
    /// For statistics, which only one of the totals gives.
    fn moments(&self) -> Option<Moments> {
        None
    }
    /// Types of the columns of totals.
    fn state_types() -> Vec<DataType>;
    /// Totals as columns.
    fn write(totals: &[Self]) -> Result<Vec<ArrayRef>>;
    /// The totals of columns.
    fn read(state: &[ArrayRef]) -> Result<Vec<Self>>;
}

/// Number and sum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sums {
    pub(super) count: i64,
    pub(super) sum: i256,
}

impl Default for Sums {
    fn default() -> Sums {
        Sums { count: 0, sum: i256::ZERO }
    }
}

impl Values for Sums {
    fn add(&mut self, value: i128) {
        self.sum = self.sum.wrapping_add(i256::from_i128(value));
        self.count += 1;
    }

    fn take(&mut self, value: i128) {
        self.sum = self.sum.wrapping_sub(i256::from_i128(value));
        self.count -= 1;
    }

    fn merge(&mut self, other: &Sums) {
        self.sum = self.sum.wrapping_add(other.sum);
        self.count += other.count;
    }

    fn sums(&self) -> Sums {
        *self
    }

    fn state_types() -> Vec<DataType> {
        vec![DataType::Int64, SUMS]
    }

    fn write(totals: &[Sums]) -> Result<Vec<ArrayRef>> {
        let counts: Int64Array = totals.iter().map(|total| total.count).collect::<Vec<_>>().into();
        let sums = Decimal256Array::from(totals.iter().map(|total| total.sum).collect::<Vec<_>>());
        Ok(vec![Arc::new(counts), Arc::new(sums.with_precision_and_scale(DECIMAL256_MAX_PRECISION, 0)?)])
    }

    fn read(state: &[ArrayRef]) -> Result<Vec<Sums>> {
        let [counts, sums, ..] = state else { return internal_err!("a state without totals") };
        let (Some(counts), Some(sums)) =
            (counts.as_primitive_opt::<Int64Type>(), sums.as_primitive_opt::<Decimal256Type>())
        else {
            return internal_err!("a state of other types than totals have");
        };
        Ok(counts.values().iter().zip(sums.values()).map(|(count, sum)| Sums { count: *count, sum: *sum }).collect())
    }
}

impl Values for Moments {
    fn add(&mut self, value: i128) {
        Moments::add(self, value, 1);
    }

    fn take(&mut self, value: i128) {
        Moments::add(self, value, -1);
    }

    fn merge(&mut self, other: &Moments) {
        Moments::merge(self, other);
    }

    fn sums(&self) -> Sums {
        Sums { count: self.count, sum: self.sum }
    }

    fn moments(&self) -> Option<Moments> {
        Some(*self)
    }

    fn state_types() -> Vec<DataType> {
        let mut types = Sums::state_types();
        types.push(DataType::FixedSizeBinary(WIDE_BYTES as i32));
        types
    }

    fn write(totals: &[Moments]) -> Result<Vec<ArrayRef>> {
        let mut columns = Sums::write(&totals.iter().map(Values::sums).collect::<Vec<_>>())?;
        let mut squares = FixedSizeBinaryBuilder::with_capacity(totals.len(), WIDE_BYTES as i32);
        totals.iter().try_for_each(|total| squares.append_value(total.squares.to_le_bytes()))?;
        columns.push(Arc::new(squares.finish()));
        Ok(columns)
    }

    fn read(state: &[ArrayRef]) -> Result<Vec<Moments>> {
        let sums = Sums::read(state)?;
        let Some(squares) = state.get(2).and_then(|column| column.as_fixed_size_binary_opt()) else {
            return internal_err!("a state without squares");
        };
        let pairs = sums.iter().zip(squares.iter()).map(|(sums, bytes)| {
            let squares = bytes.and_then(|bytes| bytes.try_into().ok()).map_or(Wide::ZERO, Wide::from_le_bytes);
            Moments { count: sums.count, sum: sums.sum, squares }
        });
        Ok(pairs.collect())
    }
}

/// Calls `each` with row and unscaled integer of all values that are not NULL.
pub(super) fn for_each(column: &ArrayRef, mut each: impl FnMut(usize, i128)) -> Result<()> {
    if let Some(values) = column.as_primitive_opt::<Int64Type>() {
        rows(values, |row, value| each(row, i128::from(value)));
    } else if let Some(values) = column.as_primitive_opt::<Decimal128Type>() {
        rows(values, each);
    } else if let Some(values) = column.as_primitive_opt::<Int32Type>() {
        rows(values, |row, value| each(row, i128::from(value)));
    } else if let Some(values) = column.as_primitive_opt::<Int16Type>() {
        rows(values, |row, value| each(row, i128::from(value)));
    } else {
        return internal_err!("a total of {}", column.data_type());
    }
    Ok(())
}

fn rows<T: ArrowPrimitiveType>(values: &PrimitiveArray<T>, mut each: impl FnMut(usize, T::Native)) {
    match values.nulls() {
        None => values.values().iter().enumerate().for_each(|(row, value)| each(row, *value)),
        Some(nulls) => nulls.valid_indices().for_each(|row| each(row, values.values()[row])),
    }
}
