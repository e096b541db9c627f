//! Variances and deviations of doubles, added as Postgres adds them: by Youngs and Cramer's method ("Some results relevant to
//! choice of sum and sum-of-product algorithms", 1971), with its NaN of infinities.

use crate::operators::statistics::Statistic;
use crate::{SqlError, SqlState};
use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type};
use datafusion::common::utils::take_function_args;
use datafusion::common::{DataFusionError, Result, ScalarValue, internal_err};
use datafusion::logical_expr::Accumulator;
use datafusion::logical_expr::function::StateFieldsArgs;
use datafusion::logical_expr::utils::format_state_name;
use std::sync::Arc;

pub(super) fn accumulator(statistic: Statistic) -> Box<dyn Accumulator> {
    Box::new(Deviations { statistic, count: 0.0, sum: 0.0, squares: 0.0 })
}

pub(super) fn state_fields(arguments: &StateFieldsArgs<'_>) -> Vec<FieldRef> {
    let field = |name| Arc::new(Field::new(format_state_name(arguments.name, name), DataType::Float64, true));
    ["count", "sum", "squares"].map(field).to_vec()
}

#[derive(Debug)]
struct Deviations {
    statistic: Statistic,
    count: f64,
    sum: f64,
    /// Sum of the squares of the distances from the mean.
    squares: f64,
}

impl Deviations {
    fn add(&mut self, value: f64) -> Result<()> {
        let before = (self.count, self.sum);
        self.count += 1.0;
        self.sum += value;
        if before.0 == 0.0 {
            self.squares = if value.is_finite() { 0.0 } else { f64::NAN };
            return Ok(());
        }
        let distance = value * self.count - self.sum;
        self.squares += distance * distance / (self.count * before.0);
        self.check(value.is_infinite() || before.1.is_infinite())
    }

    fn merge(&mut self, count: f64, sum: f64, squares: f64) -> Result<()> {
        if count == 0.0 || self.count == 0.0 {
            if self.count == 0.0 {
                (self.count, self.sum, self.squares) = (count, sum, squares);
            }
            return Ok(());
        }
        let apart = self.sum / self.count - sum / count;
        let infinite = self.sum.is_infinite() || sum.is_infinite();
        self.squares += squares + self.count * count * apart * apart / (self.count + count);
        self.count += count;
        self.sum += sum;
        self.check(infinite)
    }

    /// What has become infinite is NaN if a value was, and else too large.
    fn check(&mut self, infinite: bool) -> Result<()> {
        if self.sum.is_infinite() || self.squares.is_infinite() {
            if !infinite {
                let error = SqlError::new(SqlState::NumericValueOutOfRange, "value out of range: overflow");
                return Err(DataFusionError::External(Box::new(error)));
            }
            self.squares = f64::NAN;
        }
        Ok(())
    }

    fn result(&self) -> Option<f64> {
        let of = |least: f64, by: f64| (self.count >= least).then(|| self.squares / by);
        match self.statistic {
            Statistic::VarPop => of(1.0, self.count),
            Statistic::VarSamp => of(2.0, self.count - 1.0),
            Statistic::StddevPop => of(1.0, self.count).map(f64::sqrt),
            Statistic::StddevSamp => of(2.0, self.count - 1.0).map(f64::sqrt),
        }
    }
}

impl Accumulator for Deviations {
    fn update_batch(&mut self, arguments: &[ArrayRef]) -> Result<()> {
        let [argument] = take_function_args("variance", arguments)?;
        let Some(values) = argument.as_primitive_opt::<Float64Type>() else {
            return internal_err!("a variance of {}", argument.data_type());
        };
        values.iter().flatten().try_for_each(|value| self.add(value))
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let columns: Option<Vec<_>> = states.iter().map(|state| state.as_primitive_opt::<Float64Type>()).collect();
        let Some([counts, sums, squares]) = columns.as_deref() else {
            return internal_err!("the state of a variance has three columns");
        };
        for row in (0..counts.len()).filter(|row| !counts.is_null(*row)) {
            self.merge(counts.value(row), sums.value(row), squares.value(row))?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        Ok([self.count, self.sum, self.squares].map(|value| ScalarValue::Float64(Some(value))).to_vec())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let canonical = |value: f64| if value.is_nan() { f64::NAN } else { value + 0.0 };
        Ok(ScalarValue::Float64(self.result().map(canonical)))
    }

    fn size(&self) -> usize {
        size_of_val(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use datafusion::arrow::array::Float64Array;

    fn of(statistic: Statistic, parts: &[&[f64]]) -> Option<f64> {
        let mut all = accumulator(statistic);
        for part in parts {
            let mut one = accumulator(statistic);
            one.update_batch(&[Arc::new(Float64Array::from(part.to_vec()))]).unwrap();
            let state: Vec<ArrayRef> = one.state().unwrap().iter().map(|value| value.to_array().unwrap()).collect();
            all.merge_batch(&state).unwrap();
        }
        match all.evaluate().unwrap() {
            ScalarValue::Float64(value) => value,
            other => panic!("{other}"),
        }
    }

    /// Values of PostgreSQL 15.
    #[test]
    fn large_values_keep_their_distances() {
        let large = [100000003.0, 100000004.0, 100000006.0, 100000007.0];
        assert_eq!(of(Statistic::VarPop, &[&large]), Some(2.5));
        assert_eq!(of(Statistic::VarPop, &[&large[..2], &[], &large[2..]]), Some(2.5));
        assert_eq!(of(Statistic::StddevSamp, &[&[1.0], &[3.0]]), Some(2.0_f64.sqrt()));
        assert_eq!(of(Statistic::VarSamp, &[&[1.0]]), None);
        assert_eq!(of(Statistic::VarPop, &[]), None);
        for odd in [f64::INFINITY, f64::NEG_INFINITY, f64::NAN] {
            assert!(of(Statistic::VarPop, &[&[odd]]).unwrap().is_nan());
            assert!(of(Statistic::VarPop, &[&[1.0, odd], &[2.0]]).unwrap().is_nan());
        }
    }
}
