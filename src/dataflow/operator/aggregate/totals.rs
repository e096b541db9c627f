//! The totals behind sum and avg.

use super::Fault;
use super::accumulator::Change;
use super::exact_total::ExactTotal;
use super::float_total::FloatTotal;
use arrow::array::{ArrayRef, AsArray};
use arrow::datatypes::{Decimal128Type, Float32Type, Float64Type, Int16Type, Int32Type, Int64Type, UInt64Type};
use attune_storage::ColumnType;

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
