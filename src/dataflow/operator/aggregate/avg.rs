//! avg(x).

use super::Fault;
use super::accumulator::{Accumulator, Change};
use super::exact_total::{ExactTotal, fit};
use super::sum::float;
use super::totals::Totals;
use arrow::array::ArrayRef;
use arrow::datatypes::i256;
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};

/// The sum of the values divided by their number; NULL when there are none. A decimal average is cut off (not rounded)
/// at its scale, as DataFusion does it.
///
/// Linear in sum and count. Example: with `{sum: 6, count: 2}` stored, `{3: +1}` gives 3.
pub(super) struct Avg {
    totals: Totals,
    returns: ColumnType,
    /// For a decimal result: 10 to the digits it has more than the argument.
    factor: i256,
}

impl Avg {
    /// The average of arguments of type `argument`; `None` when the types do not go together.
    pub(super) fn new(argument: ColumnType, returns: ColumnType) -> Option<Avg> {
        let scale = |column| match column {
            ColumnType::Decimal { scale, .. } => i32::from(scale),
            _ => 0,
        };
        let factor = match (argument, returns) {
            (ColumnType::Float32 | ColumnType::Float64, ColumnType::Decimal { .. }) => return None,
            (_, ColumnType::Decimal { .. }) => {
                let digits = u32::try_from(scale(returns) - scale(argument)).ok()?;
                i256::from_i128(10).checked_pow(digits)?
            }
            (ColumnType::Decimal { .. }, _) => return None,
            (_, ColumnType::Float64 | ColumnType::Float32) => i256::ONE,
            _ => return None,
        };
        Some(Avg { totals: Totals::of(argument)?, returns, factor })
    }

    fn exact(&self, total: &ExactTotal) -> Option<Value<'static>> {
        if !matches!(self.returns, ColumnType::Decimal { .. }) {
            return Some(float(total.sum.to_i128()? as f64 / total.count as f64, self.returns));
        }
        let count = i256::from_i128(i128::from(total.count));
        fit(total.sum.checked_mul(self.factor)?.checked_div(count)?, self.returns)
    }
}

impl Accumulator for Avg {
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
                    let value = if total.count == 0 { None } else { self.exact(total) };
                    if value.is_none() && total.count != 0 {
                        failed(group, &format!("the average does not fit {}", self.returns));
                    }
                    column.append(value)?;
                }
                Ok(column.finish())
            }
            Totals::Float(totals) => {
                let mut column = ColumnBuilder::new(self.returns, totals.len());
                for total in totals {
                    let value = || float(total.value() / total.count as f64, self.returns);
                    column.append((total.count != 0).then(value))?;
                }
                Ok(column.finish())
            }
        }
    }
}
