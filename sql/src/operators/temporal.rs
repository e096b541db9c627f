//! Operators between dates, timestamps, intervals and numbers, with Postgres' types: `timestamp - timestamp` is days and a
//! time, `date + interval` a timestamp, `date + 1` a date.

use super::moment::{dates, out_of_range, shift, timestamps};
use super::{both, external, kernel, map, of_no_rows, operator_name, span, strict_function};
use crate::SqlError;
use crate::types::SqlType;
use datafusion::arrow::array::{Array, ArrayRef, AsArray, Datum, IntervalMonthDayNanoArray, PrimitiveArray};
use datafusion::arrow::datatypes::{
    DataType, Date32Type, DurationMicrosecondType, Float64Type, Int32Type, Int64Type, IntervalMonthDayNanoType,
    IntervalUnit, TimestampMicrosecondType,
};
use datafusion::common::Result;
use datafusion::logical_expr::{ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDFImpl};
use datafusion::physical_expr_common::datum::apply;
use std::sync::Arc;

/// An operator one of whose operands is a time.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct Temporal {
    pub(super) op: Operator,
    kind: Kind,
    /// The operands change sides: `interval + date`, `2 * interval`.
    swapped: bool,
    pub(super) returns: DataType,
}

/// What is computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// A date or timestamp, and an interval.
    Shift,
    /// `timestamp - timestamp`: days and a time.
    Difference,
    /// A date and a number of days.
    Days,
    /// `date - date`: a number of days.
    DayDifference,
    /// Two intervals.
    Spans,
    /// An interval and a factor.
    Multiple,
}

/// What an operand is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Day,
    Moment,
    Span,
    Count,
    Factor,
}

impl Class {
    fn of(data_type: &DataType) -> Option<Class> {
        Some(match data_type {
            DataType::Date32 => Class::Day,
            DataType::Timestamp(..) => Class::Moment,
            DataType::Interval(_) => Class::Span,
            integer if integer.is_integer() => Class::Count,
            other if other.is_floating() || other.is_decimal() => Class::Factor,
            _ => return None,
        })
    }
}

impl Temporal {
    /// The function, if the operator differs for these types from what stored plans know.
    pub(super) fn of(left: &DataType, op: Operator, right: &DataType) -> Option<Temporal> {
        let moment = matches!(left, DataType::Timestamp(..)) || matches!(right, DataType::Timestamp(..));
        Temporal::between(left, op, right).filter(|function| match function.kind {
            Kind::Shift => !moment,
            Kind::Difference | Kind::Days => true,
            Kind::DayDifference | Kind::Spans | Kind::Multiple => false,
        })
    }

    /// The function, with Postgres' type, if there is one for these types.
    pub(super) fn between(left: &DataType, op: Operator, right: &DataType) -> Option<Temporal> {
        use Class::{Count, Day, Factor, Moment, Span};
        use Operator::{Divide, Minus, Multiply, Plus};
        let (kind, swapped) = match (Class::of(left)?, op, Class::of(right)?) {
            (Day | Moment, Plus | Minus, Span) => (Kind::Shift, false),
            (Span, Plus, Day | Moment) => (Kind::Shift, true),
            (Day, Plus | Minus, Count) => (Kind::Days, false),
            (Count, Plus, Day) => (Kind::Days, true),
            (Day, Minus, Day) => (Kind::DayDifference, false),
            (Day | Moment, Minus, Day | Moment) => (Kind::Difference, false),
            (Span, Plus | Minus, Span) => (Kind::Spans, false),
            (Span, Multiply | Divide, Count | Factor) => (Kind::Multiple, false),
            (Count | Factor, Multiply, Span) => (Kind::Multiple, true),
            _ => return None,
        };
        let first = if swapped { right } else { left };
        let returns = match kind {
            Kind::Shift => match first {
                DataType::Timestamp(_, Some(_)) => SqlType::TimestampTz,
                _ => SqlType::Timestamp,
            },
            Kind::Days => SqlType::Date,
            Kind::DayDifference => SqlType::Integer,
            Kind::Difference | Kind::Spans | Kind::Multiple => SqlType::Interval,
        };
        Some(Temporal { op, kind, swapped, returns: returns.to_arrow() })
    }
}

impl ScalarUDFImpl for Temporal {
    strict_function!(2);

    fn name(&self) -> &str {
        match (self.kind, self.op) {
            (Kind::Shift, Operator::Plus) => "day_plus_interval",
            (Kind::Shift | Kind::Difference, _) => "time_minus",
            (Kind::Days | Kind::DayDifference, _) => "days",
            (Kind::Spans | Kind::Multiple, _) => "interval_of",
        }
    }

    fn schema_name(&self, arguments: &[Expr]) -> Result<String> {
        Ok(operator_name(self.op, arguments))
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(self.returns.clone())
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        if let Some(none) = of_no_rows(&arguments) {
            return Ok(none);
        }
        let (left, right) = both(&arguments.args, self)?;
        let (left, right) = if self.swapped { (right, left) } else { (left, right) };
        let minus = self.op == Operator::Minus;
        match self.kind {
            Kind::Shift => {
                let left = map(left, |array| timestamps(array, &self.returns))?;
                apply(&left, &as_interval(right)?, |a, b| external(shifted(a, b, minus, &self.returns)))
            }
            Kind::Difference => {
                let plain = SqlType::Timestamp.to_arrow();
                let moments = |value: &ColumnarValue| map(value, |array| timestamps(array, &plain));
                apply(&moments(left)?, &moments(right)?, |a, b| external(difference(a, b)))
            }
            Kind::Days => {
                let count = right.cast_to(&DataType::Int64, None)?;
                apply(&map(left, dates)?, &count, |a, b| external(days_later(a, b, minus)))
            }
            Kind::DayDifference => apply(&map(left, dates)?, &map(right, dates)?, |a, b| external(days_between(a, b))),
            Kind::Spans => apply(&as_interval(left)?, &as_interval(right)?, |a, b| external(spans(a, b, minus))),
            Kind::Multiple => {
                let factor = right.cast_to(&DataType::Float64, None)?;
                let divides = self.op == Operator::Divide;
                apply(&as_interval(left)?, &factor, |a, b| external(multiple(a, b, divides)))
            }
        }
    }
}

/// Intervals in their widest form.
fn as_interval(value: &ColumnarValue) -> Result<ColumnarValue> {
    value.cast_to(&DataType::Interval(IntervalUnit::MonthDayNano), None)
}

fn shifted(left: &dyn Datum, right: &dyn Datum, minus: bool, returns: &DataType) -> Result<ArrayRef, SqlError> {
    let moved: PrimitiveArray<TimestampMicrosecondType> =
        kernel::<TimestampMicrosecondType, IntervalMonthDayNanoType, _>(left, right, |micros, interval| {
            shift(micros, interval, minus)
        })?;
    Ok(Arc::new(moved.with_data_type(returns.clone())))
}

/// `timestamp - timestamp`: whole days, and the rest as a time of the same sign.
fn difference(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, SqlError> {
    let spans: IntervalMonthDayNanoArray =
        kernel::<TimestampMicrosecondType, TimestampMicrosecondType, _>(left, right, |a, b| {
            a.checked_sub(b).map(span::of_micros).ok_or_else(|| out_of_range("interval"))
        })?;
    Ok(Arc::new(spans))
}

fn days_later(left: &dyn Datum, right: &dyn Datum, minus: bool) -> Result<ArrayRef, SqlError> {
    let days: PrimitiveArray<Date32Type> = kernel::<Date32Type, Int64Type, _>(left, right, |day, count| {
        let count = if minus { count.checked_neg() } else { Some(count) };
        let day = count.and_then(|count| i64::from(day).checked_add(count));
        day.and_then(|day| i32::try_from(day).ok()).ok_or_else(|| out_of_range("date"))
    })?;
    Ok(Arc::new(days))
}

fn days_between(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, SqlError> {
    let days: PrimitiveArray<Int32Type> =
        kernel::<Date32Type, Date32Type, _>(left, right, |a, b| a.checked_sub(b).ok_or_else(|| out_of_range("date")))?;
    Ok(Arc::new(days))
}

fn spans(left: &dyn Datum, right: &dyn Datum, minus: bool) -> Result<ArrayRef, SqlError> {
    let spans: IntervalMonthDayNanoArray =
        kernel::<IntervalMonthDayNanoType, IntervalMonthDayNanoType, _>(left, right, |a, b| span::sum(a, b, minus))?;
    Ok(Arc::new(spans))
}

fn multiple(left: &dyn Datum, right: &dyn Datum, divides: bool) -> Result<ArrayRef, SqlError> {
    let spans: IntervalMonthDayNanoArray =
        kernel::<IntervalMonthDayNanoType, Float64Type, _>(left, right, |value, factor| match divides {
            true => span::divided(value, factor),
            false => span::times(value, factor),
        })?;
    Ok(Arc::new(spans))
}

/// Microseconds as intervals.
pub(super) fn days_and_time(micros: &ArrayRef) -> ArrayRef {
    let micros = micros.as_primitive::<DurationMicrosecondType>();
    let values: IntervalMonthDayNanoArray =
        (0..micros.len()).map(|row| micros.is_valid(row).then(|| span::of_micros(micros.value(row)))).collect();
    Arc::new(values)
}
