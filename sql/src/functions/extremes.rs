//! `min` and `max` in Postgres' order of floats: NaN is greater than every number, whichever row comes first.
//!
//! DataFusion's accumulator for grouped floats compares with `<`, so that a NaN stays or goes by the order of the rows.
//! Its ungrouped accumulator compares in total order; for floats this function uses that one in all cases. Intervals are
//! compared by their length.

use crate::operators::length;
use datafusion::arrow::array::{ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, FieldRef, IntervalMonthDayNano, IntervalMonthDayNanoType};
use datafusion::common::{Result, ScalarValue};
use datafusion::functions_aggregate::min_max::{max_udaf, min_udaf};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};
use std::collections::BTreeMap;
use std::sync::Arc;

/// DataFusion's `min` or `max`, with floats in total order.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Extreme {
    of: Arc<AggregateUDF>,
}

/// `min` and `max`.
pub(super) fn functions() -> [Arc<AggregateUDF>; 2] {
    [min_udaf(), max_udaf()].map(|of| Arc::new(AggregateUDF::new_from_impl(Extreme { of })))
}

impl AggregateUDFImpl for Extreme {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.of.inner().return_type(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.of.inner().coerce_types(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match arguments.return_field.data_type() {
            DataType::Interval(_) => Ok(Box::new(Spans { largest: self.name() == "max", seen: BTreeMap::new() })),
            _ => self.of.inner().accumulator(arguments),
        }
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.of.inner().state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        let returns = arguments.return_field.data_type();
        let own = returns.is_floating() || matches!(returns, DataType::Interval(_));
        !own && self.of.inner().groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        self.of.inner().create_groups_accumulator(arguments)
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match arguments.return_field.data_type() {
            DataType::Interval(_) => self.accumulator(arguments),
            _ => self.of.inner().create_sliding_accumulator(arguments),
        }
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        self.of.inner().order_sensitivity()
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn is_descending(&self) -> Option<bool> {
        self.of.inner().is_descending()
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.of.inner().set_monotonicity(data_type)
    }
}

/// Intervals by length, and how often each was seen: a frame of a window takes them out again.
#[derive(Debug)]
struct Spans {
    largest: bool,
    seen: BTreeMap<(i128, IntervalMonthDayNano), u64>,
}

impl Spans {
    fn intervals(arguments: &[ArrayRef]) -> impl Iterator<Item = IntervalMonthDayNano> + '_ {
        let arrays = arguments.first().and_then(|array| array.as_primitive_opt::<IntervalMonthDayNanoType>());
        arrays.into_iter().flat_map(|array| array.iter().flatten())
    }
}

impl Accumulator for Spans {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        for value in Spans::intervals(arguments) {
            *self.seen.entry((length(value), value)).or_default() += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        for value in Spans::intervals(arguments) {
            let key = (length(value), value);
            if let Some(count) = self.seen.get_mut(&key) {
                *count -= 1;
                if *count == 0 {
                    self.seen.remove(&key);
                }
            }
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let entry = if self.largest { self.seen.last_key_value() } else { self.seen.first_key_value() };
        Ok(ScalarValue::IntervalMonthDayNano(entry.map(|((_, value), _)| *value)))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.evaluate()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.len() * 2 * size_of::<(i128, IntervalMonthDayNano)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SqlType;
    use crate::types::text::read_value;

    fn column(texts: &[&str]) -> ArrayRef {
        let values = texts.iter().map(|text| read_value(text, SqlType::Interval).unwrap());
        ScalarValue::iter_to_array(values).unwrap()
    }

    #[test]
    fn intervals_are_compared_by_length() {
        let mut longest = Spans { largest: true, seen: BTreeMap::new() };
        longest.update_batch(&[column(&["25 hours", "1 day", "1 month", "29 days"])]).unwrap();
        assert_eq!(longest.evaluate().unwrap(), read_value("1 month", SqlType::Interval).unwrap());
        longest.retract_batch(&[column(&["1 month", "29 days"])]).unwrap();
        assert_eq!(longest.evaluate().unwrap(), read_value("25 hours", SqlType::Interval).unwrap());
        longest.largest = false;
        assert_eq!(longest.evaluate().unwrap(), read_value("1 day", SqlType::Interval).unwrap());
    }
}
