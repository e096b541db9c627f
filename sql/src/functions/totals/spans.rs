//! `avg` of intervals: their sum, divided as `/` divides.

use crate::SqlError;
use crate::operators::{divided, span_sum};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{
    DataType, Field, FieldRef, Int64Type, IntervalMonthDayNano, IntervalMonthDayNanoType,
};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use std::sync::Arc;

pub(super) fn accumulator(arguments: &AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
    if arguments.is_distinct {
        return Err(external(SqlError::unsupported(
            "avg(DISTINCT) of intervals is not supported",
            "Take the average of a subquery with DISTINCT.",
        )));
    }
    Ok(Box::new(Average { sum: IntervalMonthDayNano::new(0, 0, 0), count: 0 }))
}

pub(super) fn state_fields(arguments: &StateFieldsArgs<'_>) -> Vec<FieldRef> {
    let sum = arguments.return_field.data_type().clone();
    vec![
        Arc::new(Field::new(format_state_name(arguments.name, "count"), DataType::Int64, true)),
        Arc::new(Field::new(format_state_name(arguments.name, "sum"), sum, true)),
    ]
}

fn external(error: SqlError) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

#[derive(Debug)]
struct Average {
    sum: IntervalMonthDayNano,
    count: i64,
}

impl Average {
    fn take(&mut self, arguments: &[ArrayRef], minus: bool) -> Result<()> {
        let [argument] = take_function_args("avg", arguments)?;
        let Some(values) = argument.as_primitive_opt::<IntervalMonthDayNanoType>() else {
            return internal_err!("avg of {}", argument.data_type());
        };
        for value in values.iter().flatten() {
            self.sum = span_sum(self.sum, value, minus).map_err(external)?;
            self.count += if minus { -1 } else { 1 };
        }
        Ok(())
    }
}

impl Accumulator for Average {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        self.take(arguments, false)
    }

    fn retract_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        self.take(arguments, true)
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let average = (self.count > 0).then(|| divided(self.sum, self.count as f64)).transpose().map_err(external)?;
        Ok(ScalarValue::IntervalMonthDayNano(average))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![ScalarValue::Int64(Some(self.count)), ScalarValue::IntervalMonthDayNano(Some(self.sum))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [counts, sums] = take_function_args("avg", states)?;
        let (Some(counts), Some(sums)) =
            (counts.as_primitive_opt::<Int64Type>(), sums.as_primitive_opt::<IntervalMonthDayNanoType>())
        else {
            return internal_err!("a state of avg that is none");
        };
        for (count, sum) in counts.iter().zip(sums.iter()) {
            if let (Some(count), Some(sum)) = (count, sum) {
                self.sum = span_sum(self.sum, sum, false).map_err(external)?;
                self.count += count;
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::SqlType::Interval;
    use crate::types::text::read_value;

    /// Expected values are those of PostgreSQL 15.
    #[test]
    fn averages_of_intervals() {
        let values = ["1 month", "1 day", "2 hours"].map(|text| read_value(text, Interval).unwrap());
        let mut average = Average { sum: IntervalMonthDayNano::new(0, 0, 0), count: 0 };
        assert_eq!(average.evaluate().unwrap(), ScalarValue::IntervalMonthDayNano(None));
        average.update_batch(&[ScalarValue::iter_to_array(values).unwrap()]).unwrap();
        assert_eq!(average.evaluate().unwrap(), read_value("10 days 08:40:00", Interval).unwrap());
    }
}
