//! Differences of times, and days plus intervals, with Postgres' types: `timestamp - timestamp` is days and a time,
//! `date + interval` a timestamp.
//!
//! These have other types than DataFusion's operators, so they are put in while expressions are planned.

use super::{both, call, operator_name, strict_function};
use crate::types::SqlType;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, IntervalMonthDayNanoArray};
use datafusion::arrow::compute::kernels::numeric::{add, sub};
use datafusion::arrow::datatypes::{
    DataType, DurationMicrosecondType, IntervalMonthDayNano, IntervalUnit, TimeUnit, TimestampMicrosecondType,
};
use datafusion::arrow::error::ArrowError;
use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::{
    ColumnarValue, Expr, ExprSchemable, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
};
use datafusion::physical_expr_common::datum::apply;
use datafusion::sql::sqlparser::ast::BinaryOperator;
use std::sync::Arc;

const DAY_US: i64 = 86_400_000_000;

/// Plans the operators of this file.
#[derive(Debug)]
pub(crate) struct TemporalOperators;

impl ExprPlanner for TemporalOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, schema: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let op = match expr.op {
            BinaryOperator::Plus => Operator::Plus,
            BinaryOperator::Minus => Operator::Minus,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        // A parameter has no type before its second planning; what has none is DataFusion's to refuse.
        let (Ok(left), Ok(right)) = (expr.left.get_type(schema), expr.right.get_type(schema)) else {
            return Ok(PlannerResult::Original(expr));
        };
        Ok(match Temporal::of(&left, op, &right) {
            Some(function) => {
                PlannerResult::Planned(call(ScalarUDF::new_from_impl(function), vec![expr.left, expr.right]))
            }
            None => PlannerResult::Original(expr),
        })
    }
}

/// An operator whose result has another type than DataFusion's.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Temporal {
    pub(super) op: Operator,
}

impl Temporal {
    /// The function, if the operator differs for these types.
    pub(super) fn of(left: &DataType, op: Operator, right: &DataType) -> Option<Temporal> {
        let moment = |t: &DataType| matches!(t, DataType::Timestamp(..) | DataType::Date32);
        let interval = |t: &DataType| matches!(t, DataType::Interval(_));
        let day = |t: &DataType| matches!(t, DataType::Date32);
        let differs = match op {
            Operator::Minus => {
                (moment(left) && moment(right) && !(day(left) && day(right))) || (day(left) && interval(right))
            }
            Operator::Plus => (day(left) && interval(right)) || (interval(left) && day(right)),
            _ => false,
        };
        differs.then_some(Temporal { op })
    }
}

impl ScalarUDFImpl for Temporal {
    strict_function!(2);

    fn name(&self) -> &str {
        if self.op == Operator::Plus { "day_plus_interval" } else { "time_minus" }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(operator_name(self.op, arguments))
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let (left, right) = both(arguments, self)?;
        let interval = |t: &DataType| matches!(t, DataType::Interval(_));
        Ok(if interval(left) || interval(right) { SqlType::Timestamp } else { SqlType::Interval }.to_arrow())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let (left, right) = both(&arguments.args, self)?;
        let (left, right) = (as_timestamp(left)?, as_timestamp(right)?);
        match arguments.return_type() {
            DataType::Interval(_) => apply(&left, &right, difference),
            _ if self.op == Operator::Plus => apply(&left, &right, add),
            _ => apply(&left, &right, sub),
        }
    }
}

/// Moments as timestamps in microseconds without a zone (all are UTC), intervals in their widest form.
fn as_timestamp(value: &ColumnarValue) -> Result<ColumnarValue> {
    match value.data_type() {
        DataType::Timestamp(..) | DataType::Date32 => {
            value.cast_to(&DataType::Timestamp(TimeUnit::Microsecond, None), None)
        }
        _ => value.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano), None),
    }
}

/// `timestamp - timestamp`: whole days, and the rest as a time of the same sign.
fn difference(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    debug_assert!(left.get().0.as_primitive_opt::<TimestampMicrosecondType>().is_some());
    let micros = sub(left, right)?;
    Ok(days_and_time(&micros))
}

/// Microseconds as intervals.
pub(super) fn days_and_time(micros: &ArrayRef) -> ArrayRef {
    let micros = micros.as_primitive::<DurationMicrosecondType>();
    let interval = |us: i64| {
        // A difference of timestamps has less than 2^31 days.
        IntervalMonthDayNano::new(0, (us / DAY_US) as i32, (us % DAY_US) * 1_000)
    };
    let values: IntervalMonthDayNanoArray =
        (0..micros.len()).map(|row| micros.is_valid(row).then(|| interval(micros.value(row)))).collect();
    Arc::new(values)
}
