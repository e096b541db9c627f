//! Variances and deviations of integers and decimals.

use super::Fault;
use super::accumulator::{Accumulator, Change};
use super::exact_total::{get_trimmed, put_trimmed};
use crate::dataflow::operator::state_bytes::{damaged, get_signed, put_signed};
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Int16Type, Int32Type, Int64Type, i256};
use attune_planner::AggregateFunction;
use attune_sql::operators::statistics::{Moments, Statistic, Wide};
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};

/// A variance or deviation per group; NULL of too few values, and when it does not fit its type.
///
/// Linear: number, sum and sum of squares change by what each value has of them, times its weight; the result is computed from
/// them exactly. So nothing is left of values that were taken away.
///
/// Example: with `{sum: 3, squares: 5, count: 2}` stored (of 1 and 2), `{4: +1}` gives a `var_samp` of 7/3.
pub(super) struct OfMoments {
    groups: Vec<Moments>,
    statistic: Statistic,
    /// Digits after the point, of the values and of the result.
    scales: (i8, i8),
    returns: ColumnType,
}

impl OfMoments {
    /// The function over arguments of type `argument`; `None` when it is none of these, or the types do not go together.
    pub(super) fn over(function: AggregateFunction, argument: ColumnType, returns: ColumnType) -> Option<OfMoments> {
        let statistic = match function {
            AggregateFunction::VarPop => Statistic::VarPop,
            AggregateFunction::VarSamp => Statistic::VarSamp,
            AggregateFunction::StddevPop => Statistic::StddevPop,
            AggregateFunction::StddevSamp => Statistic::StddevSamp,
            _ => return None,
        };
        let from = match argument {
            ColumnType::Int16 | ColumnType::Int32 | ColumnType::Int64 => 0,
            ColumnType::Decimal { scale, .. } => scale,
            _ => return None,
        };
        match returns {
            ColumnType::Decimal { precision: 38, scale } if scale >= from => {
                Some(OfMoments { groups: Vec::new(), statistic, scales: (from, scale), returns })
            }
            _ => None,
        }
    }
}

impl Accumulator for OfMoments {
    fn clear(&mut self) {
        self.groups.clear();
    }

    fn push_empty(&mut self) {
        self.groups.push(Moments::default());
    }

    fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        let count = get_signed(state)?;
        let sum = i256::from_le_bytes(get_trimmed(state)?);
        let squares = Wide::from_le_bytes(get_trimmed(state)?);
        if count < 0 || squares.is_negative() {
            return Err(damaged("moments that cannot be"));
        }
        self.groups.push(Moments { count, sum, squares });
        Ok(())
    }

    fn update(&mut self, argument: Option<&ArrayRef>, changes: &[Change]) -> Result<(), Fault> {
        let argument = argument.ok_or_else(|| Fault::internal("a variance without argument"))?;
        macro_rules! add_all {
            ($type:ty) => {
                if let Some(values) = argument.as_primitive_opt::<$type>() {
                    for change in changes {
                        let value = i128::from(values.values()[change.row as usize]);
                        self.groups[change.group as usize].add(value, change.weight);
                    }
                    return match changes.iter().find(|change| self.groups[change.group as usize].count < 0) {
                        Some(_) => Err(Fault::internal("a variance of fewer than no values")),
                        None => Ok(()),
                    };
                }
            };
        }
        add_all!(Int64Type);
        add_all!(Int32Type);
        add_all!(Decimal128Type);
        add_all!(Int16Type);
        Err(Fault::internal(format!("a variance of {}", argument.data_type())))
    }

    fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        let moments = &self.groups[group];
        put_signed(moments.count, out);
        put_trimmed(&moments.sum.to_le_bytes(), out);
        put_trimmed(&moments.squares.to_le_bytes(), out);
    }

    fn results(&self, failed: &mut dyn FnMut(usize, &str)) -> Result<ArrayRef, Fault> {
        let mut column = ColumnBuilder::new(self.returns, self.groups.len());
        for (group, moments) in self.groups.iter().enumerate() {
            let value = moments.statistic(self.statistic, self.scales.0, self.scales.1).unwrap_or_else(|_| {
                failed(group, &format!("the result does not fit {}", self.returns));
                None
            });
            column.append(value.map(Value::Decimal))?;
        }
        Ok(column.finish())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn state_comes_back_and_nothing_is_left_of_values_taken_away() {
        let returns = ColumnType::Decimal { precision: 38, scale: 16 };
        let new = || OfMoments::over(AggregateFunction::StddevSamp, ColumnType::Int64, returns).unwrap();
        let mut before = new();
        before.push_empty();
        for value in [i128::from(i64::MAX), -5, 1, 2, 4] {
            before.groups[0].add(value, 2);
        }
        let mut bytes = Vec::new();
        before.write_state(0, &mut bytes);
        let (mut after, mut input) = (new(), bytes.as_slice());
        after.push_state(&mut input).unwrap();
        assert!(input.is_empty());
        assert!(new().push_state(&mut &bytes[..bytes.len() - 1]).is_err());
        for (value, weight) in [(i128::from(i64::MAX), -2), (-5, -2), (1, -1), (2, -1), (4, -1)] {
            after.groups[0].add(value, weight);
        }
        let column = after.results(&mut |_, _| {}).unwrap();
        assert_eq!(column.as_primitive::<Decimal128Type>().value(0), 15_275_252_316_519_467);
    }
}
