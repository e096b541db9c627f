//! Comparing intervals: by their length, a month being 30 days and a day 24 hours, as in Postgres.

use super::{both, operator_name, span, strict_function};
use datafusion::arrow::array::{ArrayRef, AsArray, Decimal128Array};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, IntervalMonthDayNanoType, IntervalUnit};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use datafusion::physical_expr_common::datum::apply_cmp;
use std::sync::Arc;

/// `=`, `<` and so on of two intervals.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct IntervalComparison {
    pub(super) op: Operator,
}

pub(super) fn is_comparison(op: Operator) -> bool {
    use Operator::*;
    matches!(op, Eq | NotEq | Lt | LtEq | Gt | GtEq | IsDistinctFrom | IsNotDistinctFrom)
}

impl IntervalComparison {
    pub(super) fn of(left: &DataType, op: Operator, right: &DataType) -> Option<IntervalComparison> {
        let interval = DataType::Interval(IntervalUnit::MonthDayNano);
        (is_comparison(op) && *left == interval && *right == interval).then_some(IntervalComparison { op })
    }
}

impl ScalarUDFImpl for IntervalComparison {
    strict_function!(2);

    fn name(&self) -> &str {
        match self.op {
            Operator::Eq => "interval_equal",
            Operator::NotEq => "interval_not_equal",
            Operator::Lt => "interval_less",
            Operator::LtEq => "interval_less_or_equal",
            Operator::Gt => "interval_greater",
            Operator::GtEq => "interval_greater_or_equal",
            Operator::IsDistinctFrom => "interval_distinct",
            _ => "interval_not_distinct",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(operator_name(self.op, arguments))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (left, right) = both(&arguments.args, self)?;
        let lengths = |value: &ColumnarValue| {
            Ok::<_, datafusion::common::DataFusionError>(ColumnarValue::Array(lengths(
                &value.to_array(arguments.number_rows)?,
            )))
        };
        apply_cmp(self.op, &lengths(left)?, &lengths(right)?)
    }
}

/// Nanoseconds of each interval.
pub(crate) fn lengths(intervals: &ArrayRef) -> ArrayRef {
    let intervals = intervals.as_primitive::<IntervalMonthDayNanoType>();
    let lengths: Decimal128Array = intervals.unary(span::length);
    // The length of the longest has 27 digits.
    Arc::new(lengths.with_data_type(DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0)))
}
