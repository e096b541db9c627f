//! `single_value(x)`: the value of the only row, as a subquery used as an expression has it.

use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use std::sync::{Arc, LazyLock};

static FUNCTION: LazyLock<Arc<AggregateUDF>> = LazyLock::new(|| {
    Arc::new(AggregateUDF::new_from_impl(SingleValue { signature: Signature::any(1, Volatility::Immutable) }))
});

/// The aggregate that gives the value of its only row (NULL for none), and fails with 21000 on a second one, whatever the values
/// are.
#[must_use]
pub fn single_value() -> Arc<AggregateUDF> {
    Arc::clone(&FUNCTION)
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct SingleValue {
    signature: Signature,
}

impl AggregateUDFImpl for SingleValue {
    fn name(&self) -> &str {
        "single_value"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        let [argument] = take_function_args(self.name(), arguments)?;
        Ok(argument.clone())
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let value = ScalarValue::try_from(arguments.return_field.data_type())?;
        Ok(Box::new(Single { value, seen: false }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let value = arguments.return_field.data_type().clone();
        Ok(vec![
            Arc::new(Field::new(format_state_name(arguments.name, "value"), value, true)),
            Arc::new(Field::new(format_state_name(arguments.name, "seen"), DataType::Boolean, true)),
        ])
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }
}

#[derive(Debug)]
struct Single {
    /// NULL until there is a row.
    value: ScalarValue,
    seen: bool,
}

impl Single {
    fn take(&mut self, values: &ArrayRef, row: usize) -> Result<()> {
        if self.seen {
            let message = "more than one row returned by a subquery used as an expression";
            let error = SqlError::new(SqlState::CardinalityViolation, message);
            return Err(DataFusionError::External(Box::new(error)));
        }
        self.value = ScalarValue::try_from_array(values, row)?;
        self.seen = true;
        Ok(())
    }
}

impl Accumulator for Single {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [values] = take_function_args("single_value", arguments)?;
        (0..values.len()).try_for_each(|row| self.take(values, row))
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        Ok(self.value.clone())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.value.clone(), ScalarValue::Boolean(Some(self.seen))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [values, seen] = take_function_args("single_value", states)?;
        for row in 0..values.len() {
            if ScalarValue::try_from_array(seen, row)? == ScalarValue::Boolean(Some(true)) {
                self.take(values, row)?;
            }
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.value.size() - size_of_val(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Int64Array;

    fn empty() -> Single {
        Single { value: ScalarValue::Int64(None), seen: false }
    }

    fn column(values: Vec<Option<i64>>) -> ArrayRef {
        Arc::new(Int64Array::from(values))
    }

    #[test]
    fn a_second_row_is_an_error_whatever_it_holds() {
        let mut single = empty();
        assert_eq!(single.evaluate().unwrap(), ScalarValue::Int64(None));
        single.update_batch(&[column(vec![Some(7)])]).unwrap();
        assert_eq!(single.evaluate().unwrap(), ScalarValue::Int64(Some(7)));
        for second in [Some(7), None] {
            let mut single = empty();
            single.update_batch(&[column(vec![None])]).unwrap();
            let error = single.update_batch(&[column(vec![second])]).unwrap_err();
            assert_eq!(crate::binder::map_datafusion_error(&error).state, SqlState::CardinalityViolation);
        }
    }

    #[test]
    fn states_without_a_row_count_for_nothing() {
        let mut filled = empty();
        filled.update_batch(&[column(vec![None])]).unwrap();
        let mut merged = empty();
        for state in [empty().state().unwrap(), filled.state().unwrap()] {
            let state: Vec<ArrayRef> = state.iter().map(|value| value.to_array().unwrap()).collect();
            merged.merge_batch(&state).unwrap();
        }
        assert!(merged.seen);
        assert!(merged.update_batch(&[column(vec![Some(1)])]).is_err());
    }
}
