//! `sum` of integers and numerics that fails where the result does not fit (22003). DataFusion's wraps around.
//!
//! Totals are kept in 256 bits, so that only the result counts and not the order of the rows: as the sums that views keep.

use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use datafusion::arrow::datatypes::{DataType, Decimal128Type, DecimalType, FieldRef, Int64Type, i256};
use datafusion::common::{DataFusionError, Result, ScalarValue};
use datafusion::functions_aggregate::sum::sum_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::AggregateOrderSensitivity;
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
};
use std::sync::Arc;

/// DataFusion's `sum`, with own accumulators of exact numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Sum {
    of: Arc<AggregateUDF>,
}

/// `sum`.
pub(super) fn function() -> Arc<AggregateUDF> {
    Arc::new(AggregateUDF::new_from_impl(Sum { of: sum_udaf() }))
}

pub(super) fn is_exact(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Int64 | DataType::Decimal128(..))
}

impl AggregateUDFImpl for Sum {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        self.of.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.of.inner().return_type(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let returns = arguments.return_field.data_type().clone();
        if !is_exact(&returns) {
            return self.of.inner().accumulator(arguments);
        }
        if arguments.is_distinct {
            return Ok(Box::new(Distinct { values: self.of.inner().accumulator(arguments)?, returns }));
        }
        Ok(Box::new(Total { sum: i256::ZERO, count: 0, returns }))
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        self.of.inner().state_fields(arguments)
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        self.of.inner().groups_accumulator_supported(arguments)
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        let returns = arguments.return_field.data_type().clone();
        if !is_exact(&returns) {
            return self.of.inner().create_groups_accumulator(arguments);
        }
        Ok(Box::new(Totals { sums: Vec::new(), returns }))
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if arguments.is_distinct || !is_exact(arguments.return_field.data_type()) {
            return self.of.inner().create_sliding_accumulator(arguments);
        }
        self.accumulator(arguments)
    }

    fn reverse_expr(&self) -> ReversedUDAF {
        ReversedUDAF::Identical
    }

    fn order_sensitivity(&self) -> AggregateOrderSensitivity {
        AggregateOrderSensitivity::Insensitive
    }

    fn set_monotonicity(&self, data_type: &DataType) -> SetMonotonicity {
        self.of.inner().set_monotonicity(data_type)
    }
}

/// The values of a column of exact numbers, NULLs as `None`.
pub(super) fn values(array: &ArrayRef) -> Result<Box<dyn Iterator<Item = Option<i256>> + '_>> {
    if let Some(integers) = array.as_primitive_opt::<Int64Type>() {
        return Ok(Box::new(integers.iter().map(|value| value.map(|v| i256::from_i128(i128::from(v))))));
    }
    if let Some(decimals) = array.as_primitive_opt::<Decimal128Type>() {
        return Ok(Box::new(decimals.iter().map(|value| value.map(i256::from_i128))));
    }
    datafusion::common::internal_err!("an exact sum of {}", array.data_type())
}

/// The sums as a column of the result's type.
fn column(sums: &[Option<i256>], returns: &DataType) -> Result<ArrayRef> {
    Ok(match returns {
        DataType::Decimal128(precision, scale) => {
            let fits = |v: i256| v.to_i128().filter(|v| Decimal128Type::is_valid_decimal_precision(*v, *precision));
            let sums = sums.iter().map(|sum| sum.map(|v| fits(v).ok_or_else(|| out_of_range(returns))).transpose());
            let sums: Vec<Option<i128>> = sums.collect::<Result<_>>()?;
            Arc::new(Decimal128Array::from(sums).with_precision_and_scale(*precision, *scale)?)
        }
        _ => {
            let fits = |v: i256| v.to_i128().and_then(|v| i64::try_from(v).ok());
            let sums = sums.iter().map(|sum| sum.map(|v| fits(v).ok_or_else(|| out_of_range(returns))).transpose());
            Arc::new(sums.collect::<Result<Int64Array>>()?)
        }
    })
}

fn out_of_range(returns: &DataType) -> DataFusionError {
    let name = match SqlType::from_arrow(returns) {
        Some(SqlType::BigInt) => "bigint",
        _ => "numeric",
    };
    let error = SqlError::new(SqlState::NumericValueOutOfRange, format!("{name} out of range"));
    DataFusionError::External(Box::new(error.with_detail("The sum does not fit the type of the result.")))
}

/// One sum. A frame of a window takes values out again.
#[derive(Debug)]
struct Total {
    sum: i256,
    count: u64,
    returns: DataType,
}

impl Total {
    fn result(&self) -> Result<ScalarValue> {
        let sum = (self.count > 0).then_some(self.sum);
        ScalarValue::try_from_array(&column(&[sum], &self.returns)?, 0)
    }
}

impl Accumulator for Total {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        for value in values(&arguments[0])?.flatten() {
            self.sum = self.sum.wrapping_add(value);
            self.count += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        for value in values(&arguments[0])?.flatten() {
            self.sum = self.sum.wrapping_sub(value);
            self.count -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.result()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok(vec![self.result()?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.update_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// DataFusion's accumulator collects the distinct values; the sum is made of them here.
#[derive(Debug)]
struct Distinct {
    values: Box<dyn Accumulator>,
    returns: DataType,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        self.values.update_batch(arguments)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut total = Total { sum: i256::ZERO, count: 0, returns: self.returns.clone() };
        for state in self.values.state()? {
            let list = state.to_array()?;
            total.update_batch(&[Arc::clone(list.as_list::<i32>().values())])?;
        }
        total.result()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.values.state()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        self.values.merge_batch(states)
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.values.size()
    }
}

/// The sums of groups; `None` until the first value.
#[derive(Debug)]
struct Totals {
    sums: Vec<Option<i256>>,
    returns: DataType,
}

impl GroupsAccumulator for Totals {
    fn update_batch(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.sums.resize(total_groups, None);
        for (row, (value, group)) in values(&arguments[0])?.zip(groups).enumerate() {
            let Some(value) = value else { continue };
            if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                let sum = &mut self.sums[*group];
                *sum = Some(sum.unwrap_or(i256::ZERO).wrapping_add(value));
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        column(&emit_to.take_needed(&mut self.sums), &self.returns)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.evaluate(emit_to)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.update_batch(states, groups, None, total_groups)
    }

    fn convert_to_state(&self, arguments: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let sums: Vec<Option<i256>> = values(&arguments[0])?
            .enumerate()
            .map(|(row, value)| value.filter(|_| filter.is_none_or(|f| f.is_valid(row) && f.value(row))))
            .collect();
        Ok(vec![column(&sums, &self.returns)?])
    }

    fn size(&self) -> usize {
        self.sums.capacity() * size_of::<Option<i256>>()
    }
}
