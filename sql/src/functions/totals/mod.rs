//! `sum`, `avg` and the statistics of exact numbers as Postgres has them, `avg` of intervals, and statistics of doubles. Sums and
//! averages of floats are DataFusion's.
//!
//! Totals are kept in 256 bits and more, so that only the result must fit (22003) and not what is added on the way; the
//! order of the rows does not matter. Views keep the same totals.
//!
//! - `of_values`: what is kept of the values
//! - `accumulator`: one group, the distinct values of a group, many groups
//! - `spans`: averages of intervals
//! - `floats`: statistics of doubles

mod accumulator;
mod floats;
mod of_values;
mod spans;

use crate::operators::statistics::Moments;
use crate::operators::statistics::{Statistic, result_scale};
use crate::types::SqlType;
use accumulator::{Distinct, Finish, Groups, One};
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, DataType, Field, FieldRef};
use datafusion::common::{Result, internal_err};
use datafusion::functions_aggregate::{average, stddev, sum, variance};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::type_coercion::functions::fields_with_udf;
use datafusion::logical_expr::utils::{AggregateOrderSensitivity, format_state_name};
use datafusion::logical_expr::{
    Accumulator, AggregateUDF, AggregateUDFImpl, GroupsAccumulator, ReversedUDAF, SetMonotonicity, Signature,
    Volatility,
};
use of_values::{Sums, Values};
use std::sync::Arc;

/// What is made of the values.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
enum Kind {
    Sum,
    Average,
    Statistic(Statistic),
}

/// An aggregate of DataFusion, with own accumulators of exact numbers.
#[derive(Debug, PartialEq, Eq, Hash)]
struct OfExact {
    of: Arc<AggregateUDF>,
    kind: Kind,
    signature: Signature,
}

/// `sum`, `avg`, variances and deviations.
pub(super) fn functions() -> [Arc<AggregateUDF>; 6] {
    [
        (sum::sum_udaf(), Kind::Sum),
        (average::avg_udaf(), Kind::Average),
        (variance::var_pop_udaf(), Kind::Statistic(Statistic::VarPop)),
        (variance::var_samp_udaf(), Kind::Statistic(Statistic::VarSamp)),
        (stddev::stddev_pop_udaf(), Kind::Statistic(Statistic::StddevPop)),
        (stddev::stddev_udaf(), Kind::Statistic(Statistic::StddevSamp)),
    ]
    .map(|(of, kind)| {
        let signature = Signature::user_defined(Volatility::Immutable);
        Arc::new(AggregateUDF::new_from_impl(OfExact { of, kind, signature }))
    })
}

fn is_interval(data_type: &DataType) -> bool {
    *data_type == SqlType::Interval.to_arrow()
}

/// Digits after the point of an exact number.
fn scale(data_type: &DataType) -> Option<i8> {
    match data_type {
        DataType::Int16 | DataType::Int32 | DataType::Int64 => Some(0),
        DataType::Decimal128(_, scale) => Some(*scale),
        _ => None,
    }
}

impl OfExact {
    /// The result of exact numbers. `None` for all other types.
    fn exact(&self, argument: &DataType) -> Option<DataType> {
        const MOST: u8 = DECIMAL128_MAX_PRECISION;
        let scale = scale(argument)?;
        Some(match (self.kind, argument) {
            (Kind::Sum, DataType::Int16 | DataType::Int32) => DataType::Int64,
            (Kind::Sum, DataType::Decimal128(precision, _)) => DataType::Decimal128(MOST.min(precision + 10), scale),
            (Kind::Sum, _) => DataType::Decimal128(MOST, 0),
            (Kind::Average | Kind::Statistic(_), _) => DataType::Decimal128(MOST, result_scale(scale)),
        })
    }

    /// How the result is made of the values, if they are exact numbers.
    fn finish(&self, arguments: &AccumulatorArgs<'_>) -> Option<Finish> {
        let argument = arguments.expr_fields.first()?.data_type();
        let returns = self.exact(argument)?;
        Some(Finish { kind: self.kind, from: scale(argument)?, returns })
    }

    /// The statistic, if it is one of doubles that are all taken.
    fn statistic_of_doubles(&self, arguments: &[FieldRef], distinct: bool) -> Option<Statistic> {
        match (self.kind, arguments) {
            (Kind::Statistic(statistic), [field]) if !distinct && *field.data_type() == DataType::Float64 => {
                Some(statistic)
            }
            _ => None,
        }
    }

    fn takes_intervals(&self, arguments: &AccumulatorArgs<'_>) -> bool {
        self.kind == Kind::Average && is_interval(arguments.return_field.data_type())
    }
}

fn accumulator<V: Values>(finish: Finish, distinct: bool) -> Box<dyn Accumulator> {
    match distinct {
        true => Box::new(Distinct::<V>::new(finish)),
        false => Box::new(One::<V>::new(finish)),
    }
}

impl AggregateUDFImpl for OfExact {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn aliases(&self) -> &[String] {
        self.of.aliases()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        match arguments {
            [argument] if self.exact(argument).is_some() => Ok(vec![argument.clone()]),
            [interval] if self.kind == Kind::Average && is_interval(interval) => Ok(vec![interval.clone()]),
            _ => {
                let field = |data_type: &DataType| Arc::new(Field::new("argument", data_type.clone(), true));
                let fields: Vec<FieldRef> = arguments.iter().map(field).collect();
                let taken = fields_with_udf(&fields, self.of.as_ref())?;
                Ok(taken.iter().map(|field| field.data_type().clone()).collect())
            }
        }
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        match arguments {
            [interval] if self.kind == Kind::Average && is_interval(interval) => Ok(interval.clone()),
            [argument] => self.exact(argument).map_or_else(|| self.of.inner().return_type(arguments), Ok),
            _ => internal_err!("{} takes one argument", self.name()),
        }
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        if self.takes_intervals(&arguments) {
            return spans::accumulator(&arguments);
        }
        if let Some(statistic) = self.statistic_of_doubles(arguments.expr_fields, arguments.is_distinct) {
            return Ok(floats::accumulator(statistic));
        }
        Ok(match (self.finish(&arguments), self.kind) {
            (None, _) => return self.of.inner().accumulator(arguments),
            (Some(finish), Kind::Statistic(_)) => accumulator::<Moments>(finish, arguments.is_distinct),
            (Some(finish), _) => accumulator::<Sums>(finish, arguments.is_distinct),
        })
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let returns = arguments.return_field.data_type();
        if self.kind == Kind::Average && is_interval(returns) {
            return Ok(spans::state_fields(&arguments));
        }
        if self.statistic_of_doubles(arguments.input_fields, arguments.is_distinct).is_some() {
            return Ok(floats::state_fields(&arguments));
        }
        if arguments.input_fields.first().is_none_or(|field| self.exact(field.data_type()).is_none()) {
            return self.of.inner().state_fields(arguments);
        }
        let types = match (arguments.is_distinct, self.kind) {
            (true, _) => vec![accumulator::seen_type()],
            (false, Kind::Statistic(_)) => Moments::state_types(),
            (false, _) => Sums::state_types(),
        };
        let field = |(at, data_type): (usize, DataType)| {
            let name = format_state_name(arguments.name, &format!("total {at}"));
            Arc::new(Field::new(name, data_type, true))
        };
        Ok(types.into_iter().enumerate().map(field).collect())
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs<'_>) -> bool {
        let of_doubles = self.statistic_of_doubles(arguments.expr_fields, arguments.is_distinct).is_some();
        if self.takes_intervals(&arguments) || of_doubles {
            return false;
        }
        match self.finish(&arguments) {
            Some(_) => !arguments.is_distinct,
            None => self.of.inner().groups_accumulator_supported(arguments),
        }
    }

    fn create_groups_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(match (self.finish(&arguments), self.kind) {
            (None, _) => return self.of.inner().create_groups_accumulator(arguments),
            (Some(finish), Kind::Statistic(_)) => Box::new(Groups::<Moments>::new(finish)),
            (Some(finish), _) => Box::new(Groups::<Sums>::new(finish)),
        })
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        match self.takes_intervals(&arguments) || self.finish(&arguments).is_some() {
            true => self.accumulator(arguments),
            false => self.of.inner().create_sliding_accumulator(arguments),
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
