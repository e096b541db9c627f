//! sum(x).

use super::exact_total::{ExactTotal, fit};
use super::float_total::FloatTotal;
use super::totals::{OfTotal, OverTotals};
use attune_storage::ColumnType;
use attune_storage::codec::Value;

/// The sum of the values; NULL when there are none, and when it does not fit its type.
///
/// Example: with `{sum: 5, count: 2}` stored, `{2: -1, NULL: +1}` gives 3.
pub(super) struct Sum {
    returns: ColumnType,
}

impl Sum {
    /// The sum of arguments of type `argument`; `None` when the types do not go together.
    pub(super) fn over(argument: ColumnType, returns: ColumnType) -> Option<OverTotals<Sum>> {
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
        OverTotals::new(argument, Sum { returns })
    }
}

impl OfTotal for Sum {
    const NAME: &'static str = "sum";

    fn returns(&self) -> ColumnType {
        self.returns
    }

    fn exact(&self, total: &ExactTotal) -> Option<Value<'static>> {
        fit(total.sum, self.returns)
    }

    fn float(&self, total: &FloatTotal) -> f64 {
        total.value()
    }
}
