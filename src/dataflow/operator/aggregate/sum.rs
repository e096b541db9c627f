//! sum(x).

use super::Fault;
use super::accumulator::{Accumulator, Change};
use super::exact_total::fit;
use super::totals::Totals;
use arrow::array::ArrayRef;
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};

/// The sum of the values; NULL when there are none, and when it does not fit its type.
///
/// Linear: the change of a sum is the sum of value times weight.
///
/// Example: with `{sum: 5, count: 2}` stored, `{2: -1, NULL: +1}` gives 3.
pub(super) struct Sum {
    totals: Totals,
    returns: ColumnType,
}

impl Sum {
    /// The sum of arguments of type `argument`; `None` when the types do not go together.
    pub(super) fn new(argument: ColumnType, returns: ColumnType) -> Option<Sum> {
        let goes = match (argument, returns) {
            (ColumnType::Decimal { scale, .. }, ColumnType::Decimal { scale: result, .. }) => scale == result,
            (ColumnType::Decimal { .. }, _) => false,
            (ColumnType::Float32 | ColumnType::Float64, returns) => {
                matches!(returns, ColumnType::Float32 | ColumnType::Float64)
            }
            (_, ColumnType::Decimal { scale, .. }) => scale == 0,
            (_, returns) => matches!(
                returns,
                ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 | ColumnType::UInt64 | ColumnType::Float64
            ),
        };
        goes.then_some(())?;
        Some(Sum { totals: Totals::of(argument)?, returns })
    }
}

impl Accumulator for Sum {
    fn clear(&mut self) {
        self.totals.clear();
    }

    fn push_empty(&mut self) {
        self.totals.push_empty();
    }

    fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        self.totals.push_state(state)
    }

    fn update(&mut self, argument: Option<&ArrayRef>, changes: &[Change]) -> Result<(), Fault> {
        self.totals.update(argument, changes)
    }

    fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        self.totals.write_state(group, out);
    }

    fn results(&self, failed: &mut dyn FnMut(usize, &str)) -> Result<ArrayRef, Fault> {
        match &self.totals {
            Totals::Exact(totals) => {
                let mut column = ColumnBuilder::new(self.returns, totals.len());
                for (group, total) in totals.iter().enumerate() {
                    let value = if total.count == 0 { None } else { fit(total.sum, self.returns) };
                    if value.is_none() && total.count != 0 {
                        failed(group, &format!("the sum does not fit {}", self.returns));
                    }
                    column.append(value)?;
                }
                Ok(column.finish())
            }
            Totals::Float(totals) => {
                let mut column = ColumnBuilder::new(self.returns, totals.len());
                for total in totals {
                    column.append((total.count != 0).then(|| float(total.value(), self.returns)))?;
                }
                Ok(column.finish())
            }
        }
    }
}

/// A float as a value of a float type.
pub(super) fn float(value: f64, returns: ColumnType) -> Value<'static> {
    if returns == ColumnType::Float32 { Value::Float32(value as f32) } else { Value::Float64(value) }
}
