//! avg(x).

use super::exact_total::{ExactTotal, fit};
use super::float_total::FloatTotal;
use super::totals::{OfTotal, OverTotals, float};
use arrow::datatypes::i256;
use attune_sql::operators::statistics::average;
use attune_storage::ColumnType;
use attune_storage::codec::Value;

/// The sum of the values divided by their number; NULL when there are none. A decimal average is rounded half away from zero; in
/// plans up to version 5 it is cut off at its scale.
///
/// Example: with `{sum: 6, count: 2}` stored, `{3: +1}` gives 3.
pub(super) struct Avg {
    returns: ColumnType,
    /// Of a decimal result: the digits it has more than the argument.
    digits: u32,
    cut_off: bool,
}

impl Avg {
    /// The average of arguments of type `argument`; `None` when the types do not go together.
    pub(super) fn over(argument: ColumnType, returns: ColumnType, cut_off: bool) -> Option<OverTotals<Avg>> {
        let scale = |column| match column {
            ColumnType::Decimal { scale, .. } => i32::from(scale),
            _ => 0,
        };
        let digits = match (argument, returns) {
            (ColumnType::Float32 | ColumnType::Float64, ColumnType::Decimal { .. }) => return None,
            (_, ColumnType::Decimal { .. }) => u32::try_from(scale(returns) - scale(argument)).ok()?,
            (ColumnType::Decimal { .. }, _) => return None,
            (_, ColumnType::Float64 | ColumnType::Float32) => 0,
            _ => return None,
        };
        OverTotals::new(argument, Avg { returns, digits, cut_off })
    }
}

impl OfTotal for Avg {
    const NAME: &'static str = "average";

    fn returns(&self) -> ColumnType {
        self.returns
    }

    fn exact(&self, total: &ExactTotal) -> Option<Value<'static>> {
        if !matches!(self.returns, ColumnType::Decimal { .. }) {
            return Some(float(total.sum.to_i128()? as f64 / total.count as f64, self.returns));
        }
        let average = average(total.sum, total.count, self.digits, self.cut_off).ok()?;
        fit(i256::from_i128(average), self.returns)
    }

    fn float(&self, total: &FloatTotal) -> f64 {
        total.value() / total.count as f64
    }
}
