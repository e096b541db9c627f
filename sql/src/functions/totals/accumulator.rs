//! Totals of one group, of the distinct values of a group, and of many groups.

use super::Kind;
use super::of_values::{Values, for_each};
use crate::operators::statistics::average;
use crate::operators::{numeric_out_of_range, power_of_128};
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray, BooleanArray, Decimal128Array, Int64Array};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, i256};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};
use std::collections::HashSet;
use std::sync::Arc;

/// How results are made of totals.
#[derive(Clone, Debug)]
pub(super) struct Finish {
    pub(super) kind: Kind,
    /// Digits after the point of the values.
    pub(super) from: i8,
    /// Type of the result.
    pub(super) returns: DataType,
}

impl Finish {
    /// NULL of too few values.
    fn of<V: Values>(&self, total: &V) -> std::result::Result<Option<i128>, SqlError> {
        let sums = total.sums();
        if sums.count == 0 {
            return Ok(None);
        }
        let DataType::Decimal128(precision, scale) = self.returns else { return self.whole(sums.sum).map(Some) };
        match self.kind {
            Kind::Sum => {
                let fits = |sum: &i128| sum.unsigned_abs() < power_of_128(precision);
                sums.sum.to_i128().filter(fits).map(Some).ok_or_else(numeric_out_of_range)
            }
            Kind::Average => average(sums.sum, sums.count, (scale - self.from).unsigned_abs().into(), false).map(Some),
            Kind::Statistic(statistic) => {
                let moments = total.moments().ok_or_else(|| SqlError::internal("a statistic of a sum"))?;
                moments.statistic(statistic, self.from, scale)
            }
        }
    }

    /// A sum that is a bigint.
    fn whole(&self, sum: i256) -> std::result::Result<i128, SqlError> {
        sum.to_i128().filter(|sum| i64::try_from(*sum).is_ok()).ok_or_else(|| {
            SqlError::new(SqlState::NumericValueOutOfRange, "bigint out of range")
                .with_detail("The sum does not fit the type of the result.")
        })
    }

    fn column<V: Values>(&self, totals: &[V]) -> Result<ArrayRef> {
        let results = totals.iter().map(|total| self.of(total));
        let results = results.collect::<std::result::Result<Vec<_>, _>>();
        let results = results.map_err(|error| DataFusionError::External(Box::new(error)))?;
        Ok(match self.returns {
            DataType::Decimal128(precision, scale) => {
                Arc::new(Decimal128Array::from(results).with_precision_and_scale(precision, scale)?)
            }
            _ => Arc::new(results.into_iter().map(|sum| sum.map(|sum| sum as i64)).collect::<Int64Array>()),
        })
    }

    fn scalar<V: Values>(&self, total: V) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.column(&[total])?, 0)
    }
}

/// One group. A frame of a window takes values out again.
#[derive(Debug)]
pub(super) struct One<V> {
    total: V,
    finish: Finish,
}

impl<V: Values> One<V> {
    pub(super) fn new(finish: Finish) -> One<V> {
        One { total: V::default(), finish }
    }
}

impl<V: Values> Accumulator for One<V> {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("a total", arguments)?;
        for_each(argument, |_, value| self.total.add(value))
    }

    fn retract_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("a total", arguments)?;
        for_each(argument, |_, value| self.total.take(value))
    }

    fn supports_retract_batch(&self) -> bool {
        true
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.finish.scalar(self.total)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        V::write(&[self.total])?.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        V::read(states)?.iter().for_each(|total| self.total.merge(total));
        Ok(())
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

/// Unscaled integers.
const INTEGERS: DataType = DataType::Decimal128(DECIMAL128_MAX_PRECISION, 0);

/// The type of distinct values between two steps.
pub(super) fn seen_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(INTEGERS, true)))
}

/// The distinct values of one group.
#[derive(Debug)]
pub(super) struct Distinct<V> {
    seen: HashSet<i128>,
    finish: Finish,
    total: V,
}

impl<V: Values> Distinct<V> {
    pub(super) fn new(finish: Finish) -> Distinct<V> {
        Distinct { seen: HashSet::new(), finish, total: V::default() }
    }
}

impl<V: Values> Accumulator for Distinct<V> {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("a total", arguments)?;
        for_each(argument, |_, value| {
            if self.seen.insert(value) {
                self.total.add(value);
            }
        })
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        self.finish.scalar(self.total)
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let integer = |value: &i128| ScalarValue::Decimal128(Some(*value), DECIMAL128_MAX_PRECISION, 0);
        let seen: Vec<ScalarValue> = self.seen.iter().map(integer).collect();
        Ok(vec![ScalarValue::List(ScalarValue::new_list_nullable(&seen, &INTEGERS))])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let [lists] = take_function_args("a total", states)?;
        let Some(lists) = lists.as_list_opt::<i32>() else { return internal_err!("a state without distinct values") };
        lists.iter().flatten().try_for_each(|list| self.update_batch(&[list]))
    }

    fn size(&self) -> usize {
        size_of_val(self) + self.seen.capacity() * size_of::<i128>()
    }
}

/// Many groups.
#[derive(Debug)]
pub(super) struct Groups<V> {
    totals: Vec<V>,
    finish: Finish,
}

impl<V: Values> Groups<V> {
    pub(super) fn new(finish: Finish) -> Groups<V> {
        Groups { totals: Vec::new(), finish }
    }
}

impl<V: Values> GroupsAccumulator for Groups<V> {
    fn update_batch(
        &mut self,
        arguments: &[ArrayRef],
        groups: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.totals.resize(total_groups, V::default());
        let [argument] = take_function_args("a total", arguments)?;
        let totals = &mut self.totals;
        match filter {
            None => for_each(argument, |row, value| totals[groups[row]].add(value)),
            Some(filter) => for_each(argument, |row, value| {
                if filter.is_valid(row) && filter.value(row) {
                    totals[groups[row]].add(value);
                }
            }),
        }
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        self.finish.column(&emit_to.take_needed(&mut self.totals))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        V::write(&emit_to.take_needed(&mut self.totals))
    }

    fn merge_batch(&mut self, states: &[ArrayRef], groups: &[usize], total_groups: usize) -> Result<()> {
        self.totals.resize(total_groups, V::default());
        for (total, group) in V::read(states)?.iter().zip(groups) {
            self.totals[*group].merge(total);
        }
        Ok(())
    }

    fn convert_to_state(&self, arguments: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let mut each = Groups::<V>::new(self.finish.clone());
        let rows = arguments.first().map_or(0, |argument| argument.len());
        let groups: Vec<usize> = (0..rows).collect();
        each.update_batch(arguments, &groups, filter, rows)?;
        each.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.totals.capacity() * size_of::<V>()
    }
}

#[cfg(test)]
mod tests {
    use super::super::of_values::Sums;
    use super::*;
    use crate::operators::statistics::{Moments, Statistic};
    use datafusion::arrow::datatypes::Decimal128Type;

    fn column(values: Vec<Option<i128>>) -> ArrayRef {
        Arc::new(Decimal128Array::from(values).with_precision_and_scale(38, 10).unwrap())
    }

    fn finish(kind: Kind, scale: i8) -> Finish {
        Finish { kind, from: 10, returns: DataType::Decimal128(38, scale) }
    }

    #[test]
    fn only_the_average_must_fit() {
        // The sum of two of them has 39 digits.
        let large = 90_000_000_000_000_000_000_000_000_000_000_000_000_i128;
        let mut average = One::<Sums>::new(finish(Kind::Average, 10));
        average.update_batch(&[column(vec![Some(large), None, Some(large)])]).unwrap();
        assert_eq!(average.evaluate().unwrap(), ScalarValue::Decimal128(Some(large), 38, 10));
        average.retract_batch(&[column(vec![Some(large), Some(large)])]).unwrap();
        assert_eq!(average.evaluate().unwrap(), ScalarValue::Decimal128(None, 38, 10));
        let mut average = One::<Sums>::new(finish(Kind::Average, 16));
        average.update_batch(&[column(vec![Some(large)])]).unwrap();
        assert!(average.evaluate().is_err());
        let mut sum = One::<Sums>::new(finish(Kind::Sum, 10));
        sum.update_batch(&[column(vec![Some(large), Some(large)])]).unwrap();
        assert!(sum.evaluate().is_err());
    }

    /// One group, many groups, distinct values, and all of them merged from states give the same.
    fn all_ways<V: Values>(kind: Kind) -> Option<i128> {
        let values = column(vec![Some(1), Some(2), Some(2), None, Some(4)]);
        let mut groups = Groups::<V>::new(finish(kind, 16));
        groups.update_batch(&[Arc::clone(&values)], &[0, 0, 1, 2, 0], None, 3).unwrap();
        let state = groups.state(EmitTo::All).unwrap();
        groups.merge_batch(&state, &[0, 1, 2], 3).unwrap();
        let result = groups.evaluate(EmitTo::All).unwrap();
        let result: Vec<Option<i128>> = result.as_primitive::<Decimal128Type>().iter().collect();
        assert_eq!(result[2], None);
        let mut distinct = Distinct::<V>::new(finish(kind, 16));
        distinct.update_batch(&[values]).unwrap();
        let state: Vec<ArrayRef> = distinct.state().unwrap().iter().map(|value| value.to_array().unwrap()).collect();
        let mut merged = Distinct::<V>::new(finish(kind, 16));
        merged.merge_batch(&state).unwrap();
        assert_eq!(merged.evaluate().unwrap(), ScalarValue::Decimal128(result[0], 38, 16));
        result[0]
    }

    #[test]
    fn all_accumulators_give_the_same() {
        assert_eq!(all_ways::<Sums>(Kind::Average), Some(2_333_333));
        assert_eq!(all_ways::<Moments>(Kind::Statistic(Statistic::VarPop)), Some(0));
        assert_eq!(all_ways::<Moments>(Kind::Statistic(Statistic::StddevPop)), Some(1_247_219));
    }
}
