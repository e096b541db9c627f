//! avg(x).

use super::exact_total::{ExactTotal, fit};
use super::float_total::FloatTotal;
use super::totals::{OfTotal, OverTotals, float};
use arrow::datatypes::i256;
use attune_storage::ColumnType;
use attune_storage::codec::Value;

/// The sum of the values divided by their number; NULL when there are none. A decimal average is cut off (not rounded)
/// at its scale, as DataFusion does it.
///
/// Example: with `{sum: 6, count: 2}` stored, `{3: +1}` gives 3.
pub(super) struct Avg {
    returns: ColumnType,
    /// For a decimal result: 10 to the digits it has more than the argument.
    factor: i256,
}

impl Avg {
    /// The average of arguments of type `argument`; `None` when the types do not go together.
    pub(super) fn over(argument: ColumnType, returns: ColumnType) -> Option<OverTotals<Avg>> {
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
        OverTotals::new(argument, Avg { returns, factor })
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
        let count = i256::from_i128(i128::from(total.count));
        fit(total.sum.checked_mul(self.factor)?.checked_div(count)?, self.returns)
    }

    fn float(&self, total: &FloatTotal) -> f64 {
        total.value() / total.count as f64
    }
}
