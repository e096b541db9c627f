//! `avg` of numerics whose total is kept in 256 bits, so that only the result must fit (22003), and of intervals. Of other types it
//! is DataFusion's.
//!
//! The result is cut off at its scale, as the averages that views keep are.

mod spans;

use super::sum::values;
use crate::types::SqlType;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Decimal256Array, Int64Array};
use datafusion::arrow::datatypes::{
    DECIMAL128_MAX_PRECISION, DECIMAL256_MAX_PRECISION, DataType, Decimal128Type, Decimal256Type, DecimalType, Field,
    FieldRef, Int64Type, i256,
};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::functions_aggregate::average::avg_udaf;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, EmitTo, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
    TypeSignature, Volatility,
};
use std::collections::HashSet;
use std::sync::Arc;

/// DataFusion's `avg`, with own accumulators of numerics and intervals.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Avg {
    of: Arc<AggregateUDF>,
    signature: Signature,
}

/// `avg`.
pub(super) fn function() -> Arc<AggregateUDF> {
    let of = avg_udaf();
    let mut forms = match &of.signature().type_signature {
        TypeSignature::OneOf(forms) => forms.clone(),
        one => vec![one.clone()],
    };
    forms.push(TypeSignature::Exact(vec![SqlType::Interval.to_arrow()]));
    let signature = Signature::one_of(forms, Volatility::Immutable);
    Arc::new(AggregateUDF::new_from_impl(Avg { of, signature }))
}

fn is_interval(data_type: &DataType) -> bool {
    *data_type == SqlType::Interval.to_arrow()
}

/// How averages of numerics are made of totals.
#[derive(Clone, Copy, Debug)]
struct Rule {
    /// The scale of the arguments.
    from: i8,
    precision: u8,
    scale: i8,
}

impl Rule {
    /// The rule, if argument and result are numerics.
    fn of(arguments: &AccumulatorArgs<'_>) -> Option<Rule> {
        let argument = arguments.expr_fields.first()?.data_type();
        match (argument, arguments.return_field.data_type()) {
            (DataType::Decimal128(_, from), DataType::Decimal128(precision, scale)) => {
                Some(Rule { from: *from, precision: *precision, scale: *scale })
            }
            _ => None,
        }
    }

    fn average(self, sum: i256, count: i64) -> Result<Option<i128>> {
        if count == 0 {
            return Ok(None);
        }
        let count = i256::from_i128(i128::from(count));
        let factor = i256::from_i128(10).wrapping_pow(u32::from((self.scale - self.from).max(0).unsigned_abs()));
        let (whole, rest) = (sum.wrapping_div(count), sum.wrapping_rem(count));
        let rest = rest.wrapping_mul(factor).wrapping_div(count);
        let average = whole.checked_mul(factor).and_then(|whole| whole.checked_add(rest)).and_then(i256::to_i128);
        let fits = |value: &i128| Decimal128Type::is_valid_decimal_precision(*value, self.precision);
        average.filter(fits).map(Some).ok_or_else(|| {
            let error = SqlError::new(SqlState::NumericValueOutOfRange, "numeric out of range");
            DataFusionError::External(Box::new(error.with_detail("The average does not fit the type of the result.")))
        })
    }

    fn scalar(self, sum: i256, count: i64) -> Result<ScalarValue> {
        Ok(ScalarValue::Decimal128(self.average(sum, count)?, self.precision, self.scale))
    }
}

impl AggregateUDFImpl for Avg {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [interval] if is_interval(interval) => Ok(interval.clone()),
            _ => self.of.inner().return_type(arguments),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if is_interval(arguments.return_field.data_type()) {
            return spans::accumulator(&arguments);
        }
        match Rule::of(&arguments) {
            Some(rule) if arguments.is_distinct => Ok(Box::new(Distinct { seen: HashSet::new(), rule })),
            Some(rule) => Ok(Box::new(Average { sum: i256::ZERO, count: 0, rule })),
            None => self.of.inner().accumulator(arguments),
        }
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        if is_interval(arguments.return_field.data_type()) {
            return Ok(spans::state_fields(&arguments));
        }
        if !matches!(arguments.return_field.data_type(), DataType::Decimal128(..)) {
            return self.of.inner().state_fields(arguments);
        }
        let field =
            |name: &str, data_type| Arc::new(Field::new(format_state_name(arguments.name, name), data_type, true));
        Ok(match arguments.is_distinct {
            true => vec![field("seen", DataType::List(Arc::new(Field::new_list_field(INTEGERS, true))))],
            false => vec![field("count", DataType::Int64), field("sum", TOTALS)],
        })
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        if is_interval(arguments.return_field.data_type()) {
            return false;
        }
        match Rule::of(&arguments) {
            Some(_) => !arguments.is_distinct,
            None => self.of.inner().groups_accumulator_supported(arguments),
        }
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        match Rule::of(&arguments) {
            Some(rule) => Ok(Box::new(Averages { totals: Vec::new(), rule })),
            None => self.of.inner().create_groups_accumulator(arguments),
        }
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match Rule::of(&arguments) {
            Some(_) => self.accumulator(arguments),
            None if is_interval(arguments.return_field.data_type()) => self.accumulator(arguments),
            None => self.of.inner().create_sliding_accumulator(arguments),
        }
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

/// Unscaled integers, and their totals.
const INTEGERS: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);
const TOTALS: DataType = DataType::Decimal256(DECIMAL256_MAX_PRECISION, 0);

/// One average. A frame of a window takes values out again.
#[derive(Debug)]
struct Average {
    sum: i256,
    count: i64,
    rule: Rule,
}

impl Accumulator for Average {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("avg", arguments)?;
        for value in values(argument)?.flatten() {
            self.sum = self.sum.wrapping_add(value);
            self.count += 1;
        }
        Ok(())
    }

    fn retract_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("avg", arguments)?;
        for value in values(argument)?.flatten() {
            self.sum = self.sum.wrapping_sub(value);
            self.count -= 1;
        }
        Ok(())
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.rule.scalar(self.sum, self.count)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let sum = ScalarValue::Decimal256(Some(self.sum), DECIMAL256_MAX_PRECISION, 0);
        Ok(vec![ScalarValue::Int64(Some(self.count)), sum])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for (sum, count) in totals(states)? {
            self.sum = self.sum.wrapping_add(sum);
            self.count += count;
        }
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// Sums and counts of states.
fn totals(states: &[ArrayRef]) -> Result<Vec<(i256, i64)>> {
    let [counts, sums] = take_function_args("avg", states)?;
    let (Some(counts), Some(sums)) =
        (counts.as_primitive_opt::<Int64Type>(), sums.as_primitive_opt::<Decimal256Type>())
    else {
        return internal_err!("a state of avg that is none");
    };
    let pairs = sums.iter().zip(counts.iter());
    Ok(pairs.map(|(sum, count)| (sum.unwrap_or(i256::ZERO), count.unwrap_or(0))).collect())
}

/// The average of the distinct values.
#[derive(Debug)]
struct Distinct {
    seen: HashSet<i128>,
    rule: Rule,
}

impl Accumulator for Distinct {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("avg", arguments)?;
        self.seen.extend(values(argument)?.flatten().filter_map(i256::to_i128));
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let sum = self.seen.iter().fold(i256::ZERO, |sum, value| sum.wrapping_add(i256::from_i128(*value)));
        self.rule.scalar(sum, i64::try_from(self.seen.len()).unwrap_or(i64::MAX))
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let integer = |value: &i128| ScalarValue::Decimal128(Some(*value), DECIMAL128_MAX_PRECISION, 0);
        let seen: Vec<ScalarValue> = self.seen.iter().map(integer).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&seen, &INTEGERS))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lists] = take_function_args("avg", states)?;
        let Some(lists) = lists.as_list_opt::<i32>() else { return internal_err!("a state of avg that is none") };
        lists.iter().flatten().try_for_each(|list| self.update_batch(&[list]))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.capacity() * size_of::<i128>()
    }
}

/// The averages of groups.
#[derive(Debug)]
struct Averages {
    totals: Vec<(i256, i64)>,
    rule: Rule,
}

impl GroupsAccumulator for Averages {
    fn update_batch(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.totals.resize(total_groups, (i256::ZERO, 0));
        let [argument] = take_function_args("avg", arguments)?;
        for (row, (value, group)) in values(argument)?.zip(groups).enumerate() {
            let Some(value) = value else { continue };
            if filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                let total = &mut self.totals[*group];
                *total = (total.0.wrapping_add(value), total.1 + 1);
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let totals = emit_to.take_needed(&mut self.totals).into_iter();
        let averages = totals.map(|(sum, count)| self.rule.average(sum, count));
        let averages = averages.collect::<Result<Decimal128Array>>()?;
        Ok(Arc::new(averages.with_precision_and_scale(self.rule.precision, self.rule.scale)?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (sums, counts): (Vec<i256>, Vec<i64>) = emit_to.take_needed(&mut self.totals).into_iter().unzip();
        let sums = Decimal256Array::from(sums).with_precision_and_scale(DECIMAL256_MAX_PRECISION, 0)?;
        Ok(vec![Arc::new(Int64Array::from(counts)), Arc::new(sums)])
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.totals.resize(total_groups, (i256::ZERO, 0));
        for ((sum, count), group) in totals(states)?.into_iter().zip(groups) {
            let total = &mut self.totals[*group];
            *total = (total.0.wrapping_add(sum), total.1 + count);
        }
        Ok(())
    }

    fn convert_to_state(&self, arguments: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut each = Averages { totals: Vec::new(), rule: self.rule };
        let rows = arguments.first().map_or(0, |argument| argument.len());
        let groups: Vec<usize> = (0..rows).collect();
        each.update_batch(arguments, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<(i256, i64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(values: Vec<Option<i128>>) -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, 10).unwrap())
    }

    const RULE: Rule = Rule { from: 10, precision: 38, scale: 14 };

    #[test]
    fn only_the_average_must_fit() {
        // The sum of two of them has 39 digits.
        let large = 90_000_000_000_000_000_000_000_000_000_000_000_000_i128;
        let rule = Rule { scale: 10, ..RULE };
        let mut average = Average { sum: i256::ZERO, count: 0, rule };
        average.update_batch(&[column(vec![Some(large), None, Some(large)])]).unwrap();
        assert_eq!(average.evaluate().unwrap(), ScalarValue::Decimal128(Some(large), 38, 10));
        average.retract_batch(&[column(vec![Some(large), Some(large)])]).unwrap();
        assert_eq!(average.evaluate().unwrap(), ScalarValue::Decimal128(None, 38, 10));
        let mut average = Average { sum: i256::ZERO, count: 0, rule: RULE };
        average.update_batch(&[column(vec![Some(large)])]).unwrap();
        assert!(average.evaluate().is_err());
    }

    #[test]
    fn groups_and_distinct_values_have_the_same_average() {
        let values = column(vec![Some(1), Some(2), Some(2), None]);
        let mut groups = Averages { totals: Vec::new(), rule: RULE };
        groups.update_batch(&[Arc::clone(&values)], &[0, 0, 1, 2], None, 3).unwrap();
        let result = groups.evaluate(EmitTo::All).unwrap();
        let result: Vec<Option<i128>> = result.as_primitive::<Decimal128Type>().iter().collect();
        assert_eq!(result, [Some(15_000), Some(20_000), None]);
        let mut distinct = Distinct { seen: HashSet::new(), rule: RULE };
        distinct.update_batch(&[values]).unwrap();
        let state: Vec<ArrayRef> = distinct.state().unwrap().iter().map(|value| value.to_array().unwrap()).collect();
        let mut merged = Distinct { seen: HashSet::new(), rule: RULE };
        merged.merge_batch(&state).unwrap();
        assert_eq!(merged.evaluate().unwrap(), ScalarValue::Decimal128(Some(15_000), 38, 14));
    }
}
