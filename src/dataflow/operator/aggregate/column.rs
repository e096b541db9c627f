//! One aggregate of an aggregate node.

use super::Fault;
use super::accumulator::{Accumulator, Change};
use super::avg::Avg;
use super::count::Count;
use super::extreme::Extreme;
use super::statistic::OfMoments;
use super::sum::Sum;
use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::Schema;
use attune_planner::{Aggregate, AggregateFunction};
use attune_sql::SqlError;
use attune_storage::codec::KeyCodec;
use attune_storage::{ColumnType, KeyColumn};

/// How an aggregate is kept.
pub(super) enum Kind {
    /// From the rows alone.
    Linear(Box<dyn Accumulator>),
    /// DISTINCT: a value is added when its count leaves 0 and taken away when it reaches 0.
    Distinct {
        /// How values are encoded in the multiset.
        values: KeyCodec,
        /// The function over distinct values.
        inner: Box<dyn Accumulator>,
    },
    /// MIN and MAX.
    Extreme {
        /// The extremes.
        extreme: Extreme,
        /// Nothing is ever deleted: no multiset is needed.
        append_only: bool,
    },
}

/// What all aggregates of a node follow.
#[derive(Clone, Copy)]
pub(crate) struct Rules {
    /// The input never has deletes.
    pub(crate) append_only: bool,
    /// Averages of decimals are cut off, not rounded: those of old plans.
    pub(crate) averages_are_cut_off: bool,
}

/// One aggregate of an aggregate node.
pub(super) struct AggregateColumn {
    pub(super) argument: Option<usize>,
    filter: Option<usize>,
    pub(super) kind: Kind,
    /// For people: `sum(price)`.
    pub(super) name: String,
}

impl AggregateColumn {
    /// The aggregate over rows of `input`.
    ///
    /// # Errors
    /// 0A000 when the function is not kept for this type.
    pub(super) fn new(plan: &Aggregate, input: &Schema, rules: Rules) -> Result<AggregateColumn, SqlError> {
        let internal = |e: attune_storage::StorageError| SqlError::internal(e.to_string());
        let field = plan.argument.map(|column| input.field(column));
        let function = format!("{:?}", plan.function).to_lowercase();
        let name = format!("{function}({})", field.map_or("*", |f| f.name()));
        let column = field.map(|f| ColumnType::from_arrow(f.data_type())).transpose().map_err(internal)?;
        let refused = || {
            let column = column.map_or_else(|| "no argument".to_owned(), |c| c.to_string());
            SqlError::unsupported(
                format!("{function} of {column} giving {} is not kept in a materialized view", plan.returns),
                "cast the argument to a numeric type",
            )
        };
        let linear = |accumulator: Box<dyn Accumulator>| match (plan.distinct, plan.argument, column) {
            (true, Some(argument), Some(column)) => {
                let values = KeyCodec::new(vec![(column, KeyColumn::ascending(argument))], 0);
                Kind::Distinct { values, inner: accumulator }
            }
            _ => Kind::Linear(accumulator),
        };
        let kind = match (plan.function, column, plan.argument) {
            (AggregateFunction::Count, _, _) if plan.returns == ColumnType::Int64 => linear(Box::<Count>::default()),
            (AggregateFunction::Sum, Some(column), _) => {
                linear(Box::new(Sum::over(column, plan.returns).ok_or_else(refused)?))
            }
            (AggregateFunction::Avg, Some(column), _) => {
                linear(Box::new(Avg::over(column, plan.returns, rules.averages_are_cut_off).ok_or_else(refused)?))
            }
            (AggregateFunction::Min | AggregateFunction::Max, Some(column), Some(argument))
                if column == plan.returns =>
            {
                let largest = plan.function == AggregateFunction::Max;
                Kind::Extreme {
                    extreme: Extreme::new(argument, column, largest).map_err(internal)?,
                    append_only: rules.append_only,
                }
            }
            (function, Some(column), _) => {
                linear(Box::new(OfMoments::over(function, column, plan.returns).ok_or_else(refused)?))
            }
            _ => return Err(refused()),
        };
        Ok(AggregateColumn { argument: plan.argument, filter: plan.filter, kind, name })
    }

    /// How values are encoded in the multiset; `None` when this aggregate has none.
    pub(super) fn multiset(&self) -> Option<&KeyCodec> {
        match &self.kind {
            Kind::Distinct { values, .. } => Some(values),
            Kind::Extreme { extreme, append_only: false } => Some(extreme.codec()),
            _ => None,
        }
    }

    /// The rows that count for this aggregate.
    pub(super) fn changes(&self, rows: &RecordBatch, groups: &[u32], weights: &[i64]) -> Result<Vec<Change>, Fault> {
        let filter = match self.filter {
            Some(column) => {
                let filter = rows.column(column).as_boolean_opt();
                Some(filter.ok_or_else(|| Fault::internal("a FILTER that is not Boolean"))?)
            }
            None => None,
        };
        let argument = self.argument.map(|column| rows.column(column).as_ref());
        let counts = |row: usize| {
            argument.is_none_or(|a| a.is_valid(row)) && filter.is_none_or(|f| f.is_valid(row) && f.value(row))
        };
        let mut changes = Vec::with_capacity(groups.len());
        let counted = groups.iter().zip(weights).enumerate().filter(|(row, _)| counts(*row));
        changes.extend(counted.map(|(row, (group, weight))| Change {
            row: row as u32,
            group: *group,
            weight: *weight,
        }));
        Ok(changes)
    }

    /// Forgets the groups of the last step.
    pub(super) fn clear(&mut self) {
        match &mut self.kind {
            Kind::Linear(inner) | Kind::Distinct { inner, .. } => inner.clear(),
            Kind::Extreme { extreme, .. } => extreme.clear(),
        }
    }

    /// Adds a group without rows.
    pub(super) fn push_empty(&mut self) {
        match &mut self.kind {
            Kind::Linear(inner) | Kind::Distinct { inner, .. } => inner.push_empty(),
            Kind::Extreme { extreme, .. } => extreme.push_empty(),
        }
    }

    /// Adds a group from its state.
    pub(super) fn push_state(&mut self, state: &mut &[u8]) -> Result<(), Fault> {
        match &mut self.kind {
            Kind::Linear(inner) | Kind::Distinct { inner, .. } => inner.push_state(state),
            Kind::Extreme { extreme, .. } => extreme.push_state(state),
        }
    }

    /// Appends the state of a group.
    pub(super) fn write_state(&self, group: usize, out: &mut Vec<u8>) {
        match &self.kind {
            Kind::Linear(inner) | Kind::Distinct { inner, .. } => inner.write_state(group, out),
            Kind::Extreme { extreme, .. } => extreme.write_state(group, out),
        }
    }

    /// The result for each group.
    pub(super) fn results(&self, failed: &mut dyn FnMut(usize, &str)) -> Result<ArrayRef, Fault> {
        match &self.kind {
            Kind::Linear(inner) | Kind::Distinct { inner, .. } => inner.results(failed),
            Kind::Extreme { extreme, .. } => extreme.results(),
        }
    }
}
