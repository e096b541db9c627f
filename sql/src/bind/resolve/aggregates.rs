//! Aggregates: those of Postgres that are here, by the types it declares, and all others of the registry by what they
//! take.
//!
//! A sum of reals is added in double precision, and made a real where the call is computed.

use super::call::{Declared, fields, refusal, result_type};
use super::candidates::{Choice, choose};
use super::slot::Slot::{
    self, Any, AnyArray, AnyNonArray, Bool, Date, Float4, Float8, Float8Array, Int2, Int4, Int8, Interval,
    IntervalArray, Numeric, Text, Timestamp, TimestampTz,
};
use super::slot::Stands;
use super::{Resolver, errors};
use crate::SqlError;
use crate::algebra::{AggregateCall, Expr, SortKey};
use datafusion::logical_expr::AggregateUDF;
use std::borrow::Cow;
use std::sync::Arc;

/// An aggregate: name, arguments, result.
type Aggregate = (&'static str, &'static [Slot], Slot);

static AGGREGATES: &[Aggregate] = &[
    ("count", &[Any], Int8),
    ("sum", &[Int2], Int8),
    ("sum", &[Int4], Int8),
    ("sum", &[Int8], Numeric),
    ("sum", &[Float4], Float4),
    ("sum", &[Float8], Float8),
    ("sum", &[Numeric], Numeric),
    ("sum", &[Interval], Interval),
    ("avg", &[Int2], Numeric),
    ("avg", &[Int4], Numeric),
    ("avg", &[Int8], Numeric),
    ("avg", &[Float4], Float8),
    ("avg", &[Float8], Float8),
    ("avg", &[Numeric], Numeric),
    ("avg", &[Interval], Interval),
    ("min", &[Int2], Int2),
    ("min", &[Int4], Int4),
    ("min", &[Int8], Int8),
    ("min", &[Float4], Float4),
    ("min", &[Float8], Float8),
    ("min", &[Numeric], Numeric),
    ("min", &[Text], Text),
    ("min", &[Date], Date),
    ("min", &[Timestamp], Timestamp),
    ("min", &[TimestampTz], TimestampTz),
    ("min", &[Interval], Interval),
    ("max", &[Int2], Int2),
    ("max", &[Int4], Int4),
    ("max", &[Int8], Int8),
    ("max", &[Float4], Float4),
    ("max", &[Float8], Float8),
    ("max", &[Numeric], Numeric),
    ("max", &[Text], Text),
    ("max", &[Date], Date),
    ("max", &[Timestamp], Timestamp),
    ("max", &[TimestampTz], TimestampTz),
    ("max", &[Interval], Interval),
    ("bool_and", &[Bool], Bool),
    ("bool_or", &[Bool], Bool),
    ("every", &[Bool], Bool),
    ("bit_and", &[Int2], Int2),
    ("bit_and", &[Int4], Int4),
    ("bit_and", &[Int8], Int8),
    ("bit_or", &[Int2], Int2),
    ("bit_or", &[Int4], Int4),
    ("bit_or", &[Int8], Int8),
    ("bit_xor", &[Int2], Int2),
    ("bit_xor", &[Int4], Int4),
    ("bit_xor", &[Int8], Int8),
    ("string_agg", &[Text, Text], Text),
    ("array_agg", &[AnyNonArray], AnyArray),
    ("corr", &[Float8, Float8], Float8),
    ("covar_pop", &[Float8, Float8], Float8),
    ("covar_samp", &[Float8, Float8], Float8),
    ("regr_avgx", &[Float8, Float8], Float8),
    ("regr_avgy", &[Float8, Float8], Float8),
    ("regr_count", &[Float8, Float8], Int8),
    ("regr_intercept", &[Float8, Float8], Float8),
    ("regr_r2", &[Float8, Float8], Float8),
    ("regr_slope", &[Float8, Float8], Float8),
    ("regr_sxx", &[Float8, Float8], Float8),
    ("regr_sxy", &[Float8, Float8], Float8),
    ("regr_syy", &[Float8, Float8], Float8),
    // The value that WITHIN GROUP orders comes first.
    ("percentile_cont", &[Float8, Float8], Float8),
    ("percentile_cont", &[Interval, Float8], Interval),
    ("percentile_cont", &[Float8, Float8Array], Float8Array),
    ("percentile_cont", &[Interval, Float8Array], IntervalArray),
];

/// Statistics, which Postgres has for each type of number.
const STATISTICS: [&str; 6] = ["stddev", "stddev_pop", "stddev_samp", "var_pop", "var_samp", "variance"];
static OF_NUMBERS: &[Aggregate] = &[
    ("", &[Int2], Numeric),
    ("", &[Int4], Numeric),
    ("", &[Int8], Numeric),
    ("", &[Float4], Float8),
    ("", &[Float8], Float8),
    ("", &[Numeric], Numeric),
];

/// The overloads of a name.
fn overloads(name: &str) -> Vec<(&'static [Slot], Slot)> {
    let statistics = STATISTICS.contains(&name);
    let table = if statistics { OF_NUMBERS } else { AGGREGATES };
    let named = table.iter().filter(|(own, ..)| statistics || *own == name);
    named.map(|(_, slots, result)| (*slots, *result)).collect()
}

impl Resolver<'_> {
    /// Whether there is an aggregate of this name.
    pub(crate) fn is_aggregate(&self, name: &str) -> bool {
        self.functions.aggregate(name).is_some()
    }

    /// Whether a function is called with WITHIN GROUP.
    pub(crate) fn is_ordered_set(&self, name: &str) -> bool {
        self.functions.aggregate(name).is_some_and(|function| function.supports_within_group_clause())
    }

    /// A call of an aggregate; `star` is `count(*)`. Of an ordered-set aggregate the first argument is what WITHIN
    /// GROUP orders.
    pub(crate) fn aggregate(
        &self,
        name: &str,
        args: Vec<Expr>,
        distinct: bool,
        filter: Option<Expr>,
        order: Vec<SortKey>,
        star: bool,
    ) -> Result<AggregateCall, SqlError> {
        let types = self.types_of(&args);
        let Some(function) = self.functions.aggregate(name) else { return Err(errors::no_function(name, &types)) };
        let filter = filter.map(|filter| self.boolean(filter, "FILTER")).transpose()?;
        if star {
            if name != "count" || !args.is_empty() {
                return Err(errors::no_function(name, &types));
            }
            let ty = crate::algebra::Type::BIGINT;
            let function = Arc::clone(function);
            return Ok(AggregateCall { function, args, distinct, filter, order, ty, nullable: false });
        }
        let overloads = overloads(name);
        let (args, declared) = if overloads.is_empty() {
            let args = args.into_iter().map(|arg| self.settle(arg)).collect::<Result<Vec<_>, _>>()?;
            (args, Declared::Found)
        } else {
            self.aggregate_overload(name, &overloads, args, order.len())?
        };
        let args = self.implementation_args(&**function, name, args)?;
        if name == "percentile_cont" && args.get(1).is_some_and(|fraction| !fraction.columns().is_empty()) {
            return Err(SqlError::unsupported(
                "a fraction of percentile_cont that depends on columns is not supported",
                "Write the fraction as a constant or a parameter.",
            ));
        }
        let returned = function.return_field(&fields(&args)).map_err(|error| refusal(&error, name, &args))?;
        let ty = result_type(declared, returned.data_type(), name)?;
        let order = ordered(order, &args, function);
        let nullable = function.is_nullable();
        Ok(AggregateCall { function: Arc::clone(function), args, distinct, filter, order, ty, nullable })
    }

    fn aggregate_overload(
        &self,
        name: &str,
        overloads: &[(&'static [Slot], Slot)],
        args: Vec<Expr>,
        sorted: usize,
    ) -> Result<(Vec<Expr>, Declared), SqlError> {
        let mut types = self.types_of(&args);
        let callable: Vec<(&'static [Slot], Slot)> =
            overloads.iter().copied().filter(|(slots, _)| slots.len() == args.len()).collect();
        let candidates: Vec<Cow<'static, [Slot]>> = callable.iter().map(|(slots, _)| Cow::Borrowed(*slots)).collect();
        let chosen = choose(&candidates, &types);
        // A user knows the values that are sorted by as the last arguments.
        if name == "percentile_cont" && sorted <= types.len() {
            types.rotate_left(sorted);
        }
        let (slots, result) = match chosen {
            Choice::One(chosen) => callable[chosen],
            Choice::None => return Err(errors::no_function(name, &types)),
            Choice::Many => return Err(errors::ambiguous_function(name, &types)),
        };
        let args = self.arguments(args, slots)?;
        let declared = if result.ty().is_some() {
            Declared::Slot(result)
        } else {
            let stands = Stands::of(slots, &self.types_of(&args)).unwrap_or_default();
            Declared::Type(stands.ty(result).ok_or_else(errors::undetermined)?)
        };
        Ok((args, declared))
    }
}

/// The order; an ordered-set aggregate is ordered by its first argument as it was cast.
fn ordered(mut order: Vec<SortKey>, args: &[Expr], function: &AggregateUDF) -> Vec<SortKey> {
    let by_argument = function.supports_within_group_clause();
    if let (true, [key], Some(first)) = (by_argument, order.as_mut_slice(), args.first()) {
        key.expr = first.clone();
    }
    order
}
