//! The totals behind sum and avg, and the accumulator that both are.

use super::Fault;
use super::accumulator::{Accumulator, Change};
use super::exact_total::ExactTotal;
use super::float_total::FloatTotal;
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt64Type};
use attune_storage::ColumnType;
use attune_storage::codec::{ColumnBuilder, Value};

/// A total per group: exact for integers and decimals, never drifting for floats.
pub(super) enum Totals {
    /// Of integers and decimals.
    Exact(Vec<ExactTotal>),
    /// Of floats.
    Float(Vec<FloatTotal>),
}

impl Totals {
    /// Totals of arguments of this type; `None` when it has no sum.
    pub(super) fn of(argument: ColumnType) -> Option<Totals> {
        match argument {
            ColumnType::Int16
            | ColumnType::Int32
            | ColumnType::Int64
            | ColumnType::UInt64
            | ColumnType::Decimal { .. } => Some(Totals::Exact(Vec::new())),
            ColumnType::Float32 | ColumnType::Float64 => Some(Totals::Float(Vec::new())),
            _ => None,
        }
    }

    pub(super) fn clear(&mut self) {
        match self {
            Totals::Exact(totals) => totals.clear(),
            Totals::Float(totals) => totals.clear(),
        }
    }

    pub(super) fn push_empty(&mut self) {
        match self {
            Totals::Exact(totals) => totals.push(ExactTotal::default()),
            Totals::Float(totals) => totals.push(FloatTotal::default()),
        }
    }

    pub(super) fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        match self {
            Totals::Exact(totals) => totals.push(ExactTotal::read(state)?),
            Totals::Float(totals) => totals.push(FloatTotal::read(state)?),
        }
        Ok(())
    }

    pub(super) fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        match self {
            Totals::Exact(totals) => totals[group].write(out),
            Totals::Float(totals) => totals[group].write(out),
        }
    }

    pub(super) fn update(&mut self, argument: Option<&ArrayRef>, changes: &[Change]) -> Result<(), Fault> {
        let argument = argument.ok_or_else(|| Fault::internal("a sum without argument"))?;
        macro_rules! add_all {
            ($totals:expr, $type:ty, $to:ty) => {
                if let Some(values) = argument.as_primitive_opt::<$type>() {
                    let values = values.values();
                    for change in changes {
                        let value = <$to>::from(values[change.row as usize]);
                        $totals[change.group as usize].add(value, change.weight);
                    }
                    return self.check(changes);
                }
            };
        }
        match self {
            Totals::Exact(totals) => {
                add_all!(totals, Int64Type, i128);
                add_all!(totals, Int32Type, i128);
                add_all!(totals, Decimal128Type, i128);
                add_all!(totals, Int16Type, i128);
                add_all!(totals, UInt64Type, i128);
            }
            Totals::Float(totals) => {
                add_all!(totals, Float64Type, f64);
                add_all!(totals, Float32Type, f64);
            }
        }
        Err(Fault::internal(format!("a sum of {}", argument.data_type())))
    }

    /// No group may have lost more values than it had.
    fn check(&self, changes: &[Change]) -> Result<(), Fault> {
        let count = |group: u32| match self {
            Totals::Exact(totals) => totals[group as usize].count,
            Totals::Float(totals) => totals[group as usize].count,
        };
        match changes.iter().find(|change| count(change.group) < 0) {
            Some(change) => Err(Fault::internal(format!("a sum of {} values", count(change.group)))),
            None => Ok(()),
        }
    }
}

/// What an aggregate function makes of the total of a group that has values.
pub(super) trait OfTotal: Send {
    /// What the result is called when it does not fit its type: `sum`.
    const NAME: &'static str;

    /// Type of the result.
    fn returns(&self) -> ColumnType;

    /// Of an exact total; `None` when the result does not fit its type.
    fn exact(&self, total: &ExactTotal) -> Option<Value<'static>>;

    /// Of a total of floats.
    fn float(&self, total: &FloatTotal) -> f64;
}

/// An aggregate function that is made of the total of its values; NULL when there are none, and when it does not fit its type.
///
/// Linear: the change of a total is the sum of value times weight.
pub(super) struct OverTotals<F> {
    totals: Totals,
    function: F,
}

impl<F> OverTotals<F> {
    /// Of arguments of this type; `None` when it has no sum.
    pub(super) fn new(argument: ColumnType, function: F) -> Option<OverTotals<F>> {
        Some(OverTotals { totals: Totals::of(argument)?, function })
    }
}

impl<F: OfTotal> Accumulator for OverTotals<F> {
    fn clear(&mut self) {
        self.totals.clear();
    }

    fn push_empty(&mut self) {
        self.totals.push_empty();
    }

    fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        self.totals.push_state(state)
    }

    fn update(&mut self, argument: Option<&ArrayRef>, changes: &[Change]) -> Result<(), Fault> {
        self.totals.update(argument, changes)
    }

    fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        self.totals.write_state(group, out);
    }

    fn results(&self, failed: &mut dyn FnMut(usize, &str)) -> Result<ArrayRef, Fault> {
        let returns = self.function.returns();
        match &self.totals {
            Totals::Exact(totals) => {
                let mut column = ColumnBuilder::new(returns, totals.len());
                for (group, total) in totals.iter().enumerate() {
                    let value = if total.count == 0 { None } else { self.function.exact(total) };
                    if value.is_none() && total.count != 0 {
                        failed(group, &format!("the {} does not fit {returns}", F::NAME));
                    }
                    column.append(value)?;
                }
                Ok(column.finish())
            }
            Totals::Float(totals) => {
                let mut column = ColumnBuilder::new(returns, totals.len());
                for total in totals {
                    column.append((total.count != 0).then(|| float(self.function.float(total), returns)))?;
                }
                Ok(column.finish())
            }
        }
    }
}

/// A float as a value of a float type.
pub(super) fn float(value: f64, returns: ColumnType) -> Value<'static> {
    if returns == ColumnType::Float32 { Value::Float32(value as f32) } else { Value::Float64(value) }
}
