//! `corr`, `covar_*` and `regr_*` of pairs of doubles, added as Postgres adds them: by Youngs and Cramer's method, as the variances
//! in [`totals`](super::totals). The first argument is the dependent one, y. A pair counts if neither is NULL.

use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::functions_aggregate;
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::utils::format_state_name;
use datafusion::logical_expr::{Accumulator, AggregateUDF, AggregateUDFImpl, Signature, Volatility};
use std::sync::Arc;

/// What is made of the sums. `None` is NULL; all but the count are NULL of no pairs.
type Finish = fn(&Sums) -> Option<f64>;

const FUNCTIONS: [(&str, Finish); 12] = [
    ("corr", |s| (s.xx != 0.0 && s.yy != 0.0).then(|| s.xy / (s.xx * s.yy).sqrt())),
    ("covar_pop", |s| Some(s.xy / s.count)),
    ("covar_samp", |s| (s.count >= 2.0).then(|| s.xy / (s.count - 1.0))),
    ("regr_avgx", |s| Some(s.x / s.count)),
    ("regr_avgy", |s| Some(s.y / s.count)),
    ("regr_count", |s| Some(s.count)),
    ("regr_intercept", |s| (s.xx != 0.0).then(|| (s.y - s.x * s.xy / s.xx) / s.count)),
    ("regr_r2", |s| match (s.xx == 0.0, s.yy == 0.0) {
        (true, _) => None,
        (_, true) => Some(1.0),
        _ => Some((s.xy * s.xy) / (s.xx * s.yy)),
    }),
    ("regr_slope", |s| (s.xx != 0.0).then(|| s.xy / s.xx)),
    ("regr_sxx", |s| Some(s.xx)),
    ("regr_sxy", |s| Some(s.xy)),
    ("regr_syy", |s| Some(s.yy)),
];

const STATE: [&str; 6] = ["count", "x", "xx", "y", "yy", "xy"];

/// The aggregates, in the place of DataFusion's of the same names; these still slide in windows.
pub(super) fn functions() -> Vec<Arc<AggregateUDF>> {
    let all = functions_aggregate::all_default_aggregate_functions();
    let own = |(name, _): &(&str, Finish)| {
        let of = all.iter().find(|function| function.name() == *name)?;
        let signature = Signature::exact(vec![DataType::Float64, DataType::Float64], Volatility::Immutable);
        Some(Arc::new(AggregateUDF::new_from_impl(OfPairs { of: Arc::clone(of), signature })))
    };
    FUNCTIONS.iter().filter_map(own).collect()
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct OfPairs {
    of: Arc<AggregateUDF>,
    signature: Signature,
}

impl AggregateUDFImpl for OfPairs {
    fn name(&self) -> &str {
        self.of.name()
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.of.return_type(arguments)
    }

    fn accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        let Some((_, finish)) = FUNCTIONS.iter().find(|(name, _)| *name == self.name()) else {
            return internal_err!("{} is none of pairs", self.name());
        };
        let returns = arguments.return_field.data_type().clone();
        Ok(Box::new(OverPairs { sums: Sums::default(), finish: *finish, returns }))
    }

    fn create_sliding_accumulator(&self, arguments: AccumulatorArgs<'_>) -> Result<Box<dyn Accumulator>> {
        self.of.create_sliding_accumulator(arguments)
    }

    fn state_fields(&self, arguments: StateFieldsArgs<'_>) -> Result<Vec<FieldRef>> {
        let field = |name| Arc::new(Field::new(format_state_name(arguments.name, name), DataType::Float64, true));
        Ok(STATE.map(field).to_vec())
    }
}

/// Sums of the values, and of squares and products of their distances from the means.
#[derive(Debug, Default, Clone, Copy)]
struct Sums {
    count: f64,
    x: f64,
    xx: f64,
    y: f64,
    yy: f64,
    xy: f64,
}

impl Sums {
    /// Postgres' `float8_regr_accum`.
    fn add(&mut self, y: f64, x: f64) -> Result<()> {
        let before = *self;
        self.count += 1.0;
        self.x += x;
        self.y += y;
        if before.count == 0.0 {
            let nan_unless = |finite: bool| if finite { 0.0 } else { f64::NAN };
            self.xx = nan_unless(x.is_finite());
            self.yy = nan_unless(y.is_finite());
            self.xy = nan_unless(x.is_finite() && y.is_finite());
            return Ok(());
        }
        let (far_x, far_y) = (x * self.count - self.x, y * self.count - self.y);
        let scale = 1.0 / (self.count * before.count);
        self.xx += far_x * far_x * scale;
        self.yy += far_y * far_y * scale;
        self.xy += far_x * far_y * scale;
        self.check(before.x.is_infinite() || x.is_infinite(), before.y.is_infinite() || y.is_infinite())
    }

    /// Postgres' `float8_regr_combine`.
    fn merge(&mut self, other: &Sums) -> Result<()> {
        if self.count == 0.0 || other.count == 0.0 {
            if self.count == 0.0 {
                *self = *other;
            }
            return Ok(());
        }
        let infinite_x = self.x.is_infinite() || other.x.is_infinite();
        let infinite_y = self.y.is_infinite() || other.y.is_infinite();
        let count = self.count + other.count;
        let (far_x, far_y) = (self.x / self.count - other.x / other.count, self.y / self.count - other.y / other.count);
        let scale = self.count * other.count;
        self.xx += other.xx + scale * far_x * far_x / count;
        self.yy += other.yy + scale * far_y * far_y / count;
        self.xy += other.xy + scale * far_x * far_y / count;
        self.count = count;
        self.x += other.x;
        self.y += other.y;
        self.check(infinite_x, infinite_y)
    }

    /// What has become infinite is NaN if a value was, and else too large.
    fn check(&mut self, infinite_x: bool, infinite_y: bool) -> Result<()> {
        let x = self.x.is_infinite() || self.xx.is_infinite();
        let y = self.y.is_infinite() || self.yy.is_infinite();
        if (x && !infinite_x) || (y && !infinite_y) || (self.xy.is_infinite() && !infinite_x && !infinite_y) {
            let error = SqlError::new(SqlState::NumericValueOutOfRange, "value out of range: overflow");
            return Err(DataFusionError::External(Box::new(error)));
        }
        for squares in [&mut self.xx, &mut self.yy, &mut self.xy] {
            if squares.is_infinite() {
                *squares = f64::NAN;
            }
        }
        Ok(())
    }
}

#[derive(Debug)]
struct OverPairs {
    sums: Sums,
    finish: Finish,
    returns: DataType,
}

impl Accumulator for OverPairs {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [y, x] = take_function_args("a statistic of pairs", arguments)?;
        let (Some(y), Some(x)) = (y.as_primitive_opt::<Float64Type>(), x.as_primitive_opt::<Float64Type>()) else {
            return internal_err!("a statistic of pairs of {} and {}", y.data_type(), x.data_type());
        };
        let both = y.iter().zip(x).filter_map(|(y, x)| Some((y?, x?)));
        both.into_iter().try_for_each(|(y, x)| self.sums.add(y, x))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Option<Vec<_>> = states.iter().map(|state| state.as_primitive_opt::<Float64Type>()).collect();
        let Some([count, x, xx, y, yy, xy]) = columns.as_deref() else {
            return internal_err!("the state of a statistic of pairs has {} columns", STATE.len());
        };
        for row in (0..count.len()).filter(|row| !count.is_null(*row)) {
            self.sums.merge(&Sums {
                count: count.value(row),
                x: x.value(row),
                xx: xx.value(row),
                y: y.value(row),
                yy: yy.value(row),
                xy: xy.value(row),
            })?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let Sums { count, x, xx, y, yy, xy } = self.sums;
        Ok([count, x, xx, y, yy, xy].map(|value| ScalarValue::Float64(Some(value))).to_vec())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let counts = self.returns != DataType::Float64;
        let result = if counts || self.sums.count > 0.0 { (self.finish)(&self.sums) } else { None };
        let canonical = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
        ScalarValue::Float64(result.map(canonical)).cast_to(&self.returns)
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Float64Array;

    fn of(name: &str, parts: &[&[(f64, f64)]]) -> ScalarValue {
        let finish = FUNCTIONS.iter().find(|(own, _)| *own == name).unwrap().1;
        let returns = if name == "regr_count" { DataType::UInt64 } else { DataType::Float64 };
        let new = || OverPairs { sums: Sums::default(), finish, returns: returns.clone() };
        let mut all = new();
        for part in parts {
            let mut one = new();
            let column = |value: fn(&(f64, f64)) -> f64| -> ArrayRef {
                Arc::new(part.iter().map(value).map(Some).collect::<Float64Array>())
            };
            one.update_batch(&[column(|pair| pair.0), column(|pair| pair.1)]).unwrap();
            let state: Vec<ArrayRef> = one.state().unwrap().iter().map(|value| value.to_array().unwrap()).collect();
            all.merge_batch(&state).unwrap();
        }
        all.evaluate().unwrap()
    }

    /// Values of PostgreSQL 15.
    #[test]
    fn large_values_keep_their_distances() {
        let large = [(100000003.0, 1.0), (100000004.0, 2.0), (100000006.0, 3.0), (100000007.0, 4.0)];
        for parts in [vec![&large[..]], vec![&[], &large[..], &[]]] {
            assert_eq!(of("covar_pop", &parts), ScalarValue::Float64(Some(1.75)));
            assert_eq!(of("regr_slope", &parts), ScalarValue::Float64(Some(1.4)));
            assert_eq!(of("regr_count", &parts), ScalarValue::UInt64(Some(4)));
        }
        let ScalarValue::Float64(Some(merged)) = of("covar_pop", &[&large[..1], &large[1..]]) else { panic!() };
        assert!((merged - 1.75).abs() < 1e-7, "{merged}");
        for (name, expected) in
            [("corr", None), ("covar_samp", None), ("covar_pop", Some(0.0)), ("regr_sxx", Some(0.0))]
        {
            assert_eq!(of(name, &[&[(1.0, 2.0)]]), ScalarValue::Float64(expected), "{name}");
            assert_eq!(of(name, &[]), ScalarValue::Float64(None), "{name}");
        }
        assert_eq!(of("regr_count", &[]), ScalarValue::UInt64(Some(0)));
        let ScalarValue::Float64(Some(odd)) = of("covar_pop", &[&[(f64::INFINITY, 1.0), (1.0, 1.0)]]) else { panic!() };
        assert!(odd.is_nan());
    }
}
