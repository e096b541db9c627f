//! `percentile_cont` of numbers and intervals, of one fraction or of an array of them.
//!
//! DataFusion's takes one fraction of floats, and rounds what lies between two values.

use super::own::is;
use crate::operators::{length, span_sum, span_times};
use crate::types::SqlType::{Double, Interval};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    ArrowPrimitiveType, DataType, Field, FieldRef, Float64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err, plan_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use std::cmp::Ordering;
use std::fmt::Debug;
use std::sync::Arc;

const NAME: &str = "percentile_cont";

/// The function: the value that WITHIN GROUP sorts by, then the fractions.
#[derive(Debug, PartialEq, Eq, Hash)]
struct PercentileCont {
    signature: Signature,
}

/// `percentile_cont`.
pub(super) fn function() -> Arc<AggregateUDF> {
    let signature = Signature::user_defined(Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(PercentileCont { signature }))
}

fn list(of: DataType) -> DataType {
    DataType::List(Arc::new(Field::new_list_field(of, true)))
}

impl AggregateUDFImpl for PercentileCont {
    fn name(&self) -> &str {
        NAME
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        let [value, fraction] = arguments else { return plan_err!("{NAME} takes a fraction and a value to sort by") };
        let value = match value {
            DataType::Interval(_) => Interval.to_arrow(),
            number if number.is_numeric() || number.is_null() => Double.to_arrow(),
            other => return plan_err!("{NAME} of {other}"),
        };
        let fraction = match fraction {
            DataType::List(_) => list(Double.to_arrow()),
            _ => Double.to_arrow(),
        };
        Ok(vec![value, fraction])
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [value, DataType::List(_)] => Ok(list(value.clone())),
            [value, _] => Ok(value.clone()),
            _ => internal_err!("{NAME} takes two arguments"),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let descending = arguments.order_bys.first().is_some_and(|by| by.options.descending);
        let Some(value) = arguments.expr_fields.first() else { return internal_err!("{NAME} takes two arguments") };
        let returns = arguments.return_field.data_type().clone();
        Ok(match is(value.data_type(), &Interval.to_arrow()) {
            true => Box::new(Percentiles::<Span>::new(descending, returns)),
            false => Box::new(Percentiles::<Number>::new(descending, returns)),
        })
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let [value, fraction] = arguments.input_fields else { return internal_err!("{NAME} takes two arguments") };
        let field =
            |name: &str, data_type| Arc::new(Field::new(format_state_name(arguments.name, name), data_type, true));
        Ok(vec![field("values", list(value.data_type().clone())), field("fraction", fraction.data_type().clone())])
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }

    /// It sorts itself.
    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

/// Values that have others between them.
trait Point: 'static {
    type Arrow: ArrowPrimitiveType<Native: Debug + Send + Sync>;

    fn compare(a: &Value<Self>, b: &Value<Self>) -> Ordering;

    /// What lies at this part of the way.
    fn between(low: Value<Self>, high: Value<Self>, part: f64) -> std::result::Result<Value<Self>, SqlError>;

    fn scalar(value: Option<Value<Self>>) -> ScalarValue;
}

type Value<P> = <<P as Point>::Arrow as ArrowPrimitiveType>::Native;

#[derive(Debug)]
struct Number;

impl Point for Number {
    type Arrow = Float64Type;

    /// NaN is the largest.
    fn compare(a: &f64, b: &f64) -> Ordering {
        a.partial_cmp(b).unwrap_or_else(|| a.is_nan().cmp(&b.is_nan()))
    }

    fn between(low: f64, high: f64, part: f64) -> std::result::Result<f64, SqlError> {
        Ok(low + part * (high - low))
    }

    fn scalar(value: Option<f64>) -> ScalarValue {
        ScalarValue::Float64(value.map(|value| if value.is_nan() { f64::NAN } else { value + 0.0 }))
    }
}

#[derive(Debug)]
struct Span;

impl Point for Span {
    type Arrow = IntervalMonthDayNanoType;

    fn compare(a: &IntervalMonthDayNano, b: &IntervalMonthDayNano) -> Ordering {
        length(*a).cmp(&length(*b))
    }

    fn between(
        low: IntervalMonthDayNano,
        high: IntervalMonthDayNano,
        part: f64,
    ) -> std::result::Result<IntervalMonthDayNano, SqlError> {
        span_sum(span_times(span_sum(high, low, true)?, part)?, low, false)
    }

    fn scalar(value: Option<IntervalMonthDayNano>) -> ScalarValue {
        ScalarValue::IntervalMonthDayNano(value)
    }
}

/// All values of a group.
#[derive(Debug)]
struct Percentiles<P: Point> {
    values: Vec<Value<P>>,
    /// That of the first row: it is the same for all.
    fraction: Option<ScalarValue>,
    descending: bool,
    returns: DataType,
}

impl<P: Point> Percentiles<P> {
    fn new(descending: bool, returns: DataType) -> Percentiles<P> {
        Percentiles { values: Vec::new(), fraction: None, descending, returns }
    }

    /// The value at a fraction of the sorted values; NULL if there are none.
    fn at(&self, fraction: Option<f64>) -> std::result::Result<ScalarValue, SqlError> {
        let Some(fraction) = fraction else { return Ok(P::scalar(None)) };
        if !(0.0..=1.0).contains(&fraction) {
            let message = format!("percentile value {fraction} is not between 0 and 1");
            return Err(SqlError::new(SqlState::NumericValueOutOfRange, message));
        }
        let Some(last) = self.values.len().checked_sub(1) else { return Ok(P::scalar(None)) };
        let place = fraction * last as f64;
        let (below, above) = (place.floor(), place.ceil());
        let (low, high) = (self.values[below as usize], self.values[above as usize]);
        if below == above {
            return Ok(P::scalar(Some(low)));
        }
        P::between(low, high, place - below).map(|value| P::scalar(Some(value)))
    }

    fn add(&mut self, values: &ArrayRef) -> Result<()> {
        let Some(values) = values.as_primitive_opt::<P::Arrow>() else {
            return internal_err!("{NAME} of {}", values.data_type());
        };
        self.values.extend(values.iter().flatten());
        Ok(())
    }

    fn see_fraction(&mut self, fractions: &ArrayRef) -> Result<()> {
        let known = self.fraction.as_ref().is_some_and(|fraction| !fraction.is_null());
        if let Some(row) = (0..fractions.len()).find(|row| fractions.is_valid(*row)).filter(|_| !known) {
            self.fraction = Some(ScalarValue::try_from_array(fractions, row)?);
        }
        Ok(())
    }
}

impl<P: Point + Debug + Send + Sync> Accumulator for Percentiles<P> {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        // What it is sorted by may follow.
        let [values, fractions, ..] = arguments else { return internal_err!("{NAME} takes two arguments") };
        self.see_fraction(fractions)?;
        self.add(values)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let external = |error| DataFusionError::External(Box::new(error));
        let descending = self.descending;
        self.values.sort_by(|a, b| if descending { P::compare(b, a) } else { P::compare(a, b) });
        match &self.fraction {
            Some(ScalarValue::Float64(fraction)) => self.at(*fraction).map_err(external),
            Some(ScalarValue::List(fractions)) if !self.values.is_empty() && fractions.is_valid(0) => {
                let fractions = fractions.value(0);
                let Some(fractions) = fractions.as_primitive_opt::<Float64Type>() else {
                    return internal_err!("fractions of {}", fractions.data_type());
                };
                let values = fractions.iter().map(|fraction| self.at(fraction));
                let values = values.collect::<std::result::Result<Vec<_>, _>>().map_err(external)?;
                Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &P::Arrow::DATA_TYPE)))
            }
            _ => ScalarValue::try_from(&self.returns),
        }
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values: Vec<ScalarValue> = self.values.iter().map(|value| P::scalar(Some(*value))).collect();
        let fraction = match (&self.fraction, &self.returns) {
            (Some(fraction), _) => fraction.clone(),
            (None, DataType::List(_)) => ScalarValue::try_from(&list(Double.to_arrow()))?,
            (None, _) => ScalarValue::Float64(None),
        };
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&values, &P::Arrow::DATA_TYPE)), fraction])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, fractions] = take_function_args(NAME, states)?;
        self.see_fraction(fractions)?;
        let Some(values) = values.as_list_opt::<i32>() else {
            return internal_err!("a state of {NAME} without values");
        };
        values.iter().flatten().try_for_each(|values| self.add(&values))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.capacity() * size_of::<Value<P>>()
    }
}
