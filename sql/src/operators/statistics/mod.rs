//! Averages, variances and deviations of exact numbers, computed exactly and rounded once, as Postgres computes them.
//!
//! Values are the unscaled integers of a column with some digits after the point; results have more digits. Views and SELECT
//! share what is here.

mod wide;

pub use wide::{WIDE_BYTES, Wide};

use super::numeric::{Rounding, divide_rounded, out_of_range, power_of_128};
use crate::SqlError;
use datafusion::arrow::datatypes::{DECIMAL128_MAX_PRECISION, i256};

/// Digits after the point that a result has at least.
const SCALE: i8 = 16;

/// Digits after the point of an average, variance or deviation of numbers that have `scale` of them.
#[must_use]
pub fn result_scale(scale: i8) -> i8 {
    scale.max(SCALE)
}

/// `sum / count` with `digits` more digits than the sum, half away from zero; of views that were made before Attune rounded
/// (`cut_off`), what is left of it without the rest.
///
/// # Errors
/// 22003 when the average has more than 38 digits; the sum may have more.
pub fn average(sum: i256, count: i64, digits: u32, cut_off: bool) -> Result<i128, SqlError> {
    let factor = power_of_128(u8::try_from(digits).map_err(|_| out_of_range())?) as i128;
    let rounding = if cut_off { Rounding::Down } else { Rounding::Nearest };
    let scaled = sum.to_i128().and_then(|sum| sum.checked_mul(factor));
    let average = match scaled {
        Some(scaled) => Some(i256::from_i128(divided(scaled, i128::from(count), rounding))),
        None => {
            let (count, factor) = (i256::from_i128(i128::from(count)), i256::from_i128(factor));
            let (whole, rest) = (sum.wrapping_div(count), sum.wrapping_rem(count));
            // The rest is below 64 bits: 38 digits more fit.
            let rest = divide_rounded(rest.wrapping_mul(factor), count, rounding);
            whole.checked_mul(factor).and_then(|whole| whole.checked_add(rest))
        }
    };
    average.and_then(fit).ok_or_else(out_of_range)
}

/// The square root of a number that is not negative and has `from` digits after the point, with `to` digits, half goes up.
///
/// # Errors
/// 22003 when it has more than 38 digits.
pub fn square_root(value: i128, from: i8, to: i8) -> Result<i128, SqlError> {
    let power = u32::try_from(2 * i32::from(to) - i32::from(from)).ok();
    let power = power.and_then(|digits| i256::from_i128(10).checked_pow(digits));
    let whole = power.and_then(|power| i256::from_i128(value).checked_mul(power)).ok_or_else(out_of_range)?;
    let quotient = Quotient { whole, rest: i256::ZERO, divisor: i256::ONE };
    quotient.root().and_then(fit).ok_or_else(out_of_range)
}

/// `value / divisor` of a divisor above 0. Most averages take this way, as it needs no 256 bits.
fn divided(value: i128, divisor: i128, rounding: Rounding) -> i128 {
    let (whole, rest) = (value / divisor, value % divisor);
    match rounding == Rounding::Nearest && rest.abs() >= divisor - rest.abs() {
        true => whole + value.signum(),
        false => whole,
    }
}

fn fit(value: i256) -> Option<i128> {
    value.to_i128().filter(|value| value.unsigned_abs() < power_of_128(DECIMAL128_MAX_PRECISION))
}

/// How far numbers are from their average.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Statistic {
    /// `var_pop`.
    VarPop,
    /// `var_samp`, `variance`.
    VarSamp,
    /// `stddev_pop`.
    StddevPop,
    /// `stddev_samp`, `stddev`.
    StddevSamp,
}

/// What statistics are computed from.
#[derive(Clone, Copy, Debug)]
pub struct Moments {
    /// How many values.
    pub count: i64,
    /// Their sum.
    pub sum: i256,
    /// The sum of their squares.
    pub squares: Wide,
}

impl Default for Moments {
    fn default() -> Moments {
        Moments { count: 0, sum: i256::ZERO, squares: Wide::ZERO }
    }
}

impl Moments {
    /// Adds a value `weight` times.
    pub fn add(&mut self, value: i128, weight: i64) {
        let (value, times) = (i256::from_i128(value), i256::from_i128(i128::from(weight)));
        self.count = self.count.wrapping_add(weight);
        self.sum = self.sum.wrapping_add(value.wrapping_mul(times));
        let square = Wide::from_i256(value.wrapping_mul(value));
        self.squares = self.squares.plus(if weight == 1 { square } else { square.times(Wide::from_i256(times)) });
    }

    /// Adds all values of others.
    pub fn merge(&mut self, other: &Moments) {
        self.count = self.count.wrapping_add(other.count);
        self.sum = self.sum.wrapping_add(other.sum);
        self.squares = self.squares.plus(other.squares);
    }

    /// The statistic with `to` digits after the point, of values with `from`, which are not more; NULL of too few values.
    ///
    /// # Errors
    /// 22003 when it has more than 38 digits.
    pub fn statistic(&self, statistic: Statistic, from: i8, to: i8) -> Result<Option<i128>, SqlError> {
        let samples = match statistic {
            Statistic::VarPop | Statistic::StddevPop => self.count,
            Statistic::VarSamp | Statistic::StddevSamp => self.count - 1,
        };
        if samples <= 0 {
            return Ok(None);
        }
        let deviation = matches!(statistic, Statistic::StddevPop | Statistic::StddevSamp);
        let digits = if deviation { 2 * (to - from) } else { to - 2 * from };
        let quotient = self.quotient(samples, digits).ok_or_else(out_of_range)?;
        let result = if deviation { quotient.root() } else { quotient.rounded() };
        result.and_then(fit).map(Some).ok_or_else(out_of_range)
    }

    /// `(count * squares - sum^2) / (count * samples)`, with `digits` more digits, or fewer.
    fn quotient(&self, samples: i64, digits: i8) -> Option<Quotient> {
        let power = i256::from_i128(10).wrapping_pow(u32::from(digits.unsigned_abs()));
        let count = i256::from_i128(i128::from(self.count));
        let mut divisor = count.wrapping_mul(i256::from_i128(i128::from(samples)));
        if digits < 0 {
            divisor = divisor.checked_mul(power)?;
        }
        let more = if digits > 0 { power } else { i256::ONE };
        if let Some(dividend) = self.dividend(count).and_then(|dividend| dividend.checked_mul(more)) {
            let (whole, rest) = (dividend.wrapping_div(divisor), dividend.wrapping_rem(divisor));
            return Some(Quotient { whole, rest, divisor });
        }
        let (wide_count, sum) = (Wide::from_i256(count), Wide::from_i256(self.sum));
        let dividend = wide_count.times(self.squares).minus(sum.times(sum)).times(Wide::from_i256(more));
        let (whole, rest) = dividend.divided(Wide::from_i256(divisor));
        Some(Quotient { whole: whole.to_i256()?, rest: rest.to_i256()?, divisor })
    }

    /// What the variance is a part of, if 256 bits are enough for it.
    fn dividend(&self, count: i256) -> Option<i256> {
        let squares = self.squares.to_i256()?.checked_mul(count)?;
        squares.checked_sub(self.sum.checked_mul(self.sum)?)
    }
}

/// A quotient of numbers that are not negative.
struct Quotient {
    whole: i256,
    rest: i256,
    divisor: i256,
}

impl Quotient {
    /// Half goes up.
    fn rounded(&self) -> Option<i256> {
        match self.rest >= self.divisor.wrapping_sub(self.rest) {
            true => self.whole.checked_add(i256::ONE),
            false => Some(self.whole),
        }
    }

    /// The square root, half goes up. None if it has more than 38 digits.
    fn root(&self) -> Option<i256> {
        if self.whole >= i256::from_i128(10).checked_pow(2 * u32::from(DECIMAL128_MAX_PRECISION))? {
            return None;
        }
        let root = whole_root(self.whole);
        // Above root + 1/2, whose square is root^2 + root + 1/4?
        let over = self.whole.wrapping_sub(root.wrapping_mul(root));
        let quarter = self.divisor.wrapping_add(i256::from_i128(3)).wrapping_div(i256::from_i128(4));
        let up = over > root || (over == root && self.rest >= quarter);
        Some(if up { root.wrapping_add(i256::ONE) } else { root })
    }
}

/// The largest integer whose square is not above `value`, which is below 10^76: by Newton, from the root of the nearest float.
fn whole_root(value: i256) -> i256 {
    let (low, high) = value.to_parts();
    let near = (high as f64).mul_add(2_f64.powi(128), low as f64).sqrt();
    let two = i256::from_i128(2);
    let mut root = i256::from_i128(near as i128);
    if root <= i256::ZERO {
        return i256::ZERO;
    }
    // A float has 52 bits right, each step doubles them; the root has at most 127.
    for _ in 0..2 {
        root = root.wrapping_add(value.wrapping_div(root)).wrapping_div(two);
    }
    while root.wrapping_mul(root) > value {
        root = root.wrapping_sub(i256::ONE);
    }
    loop {
        let next = root.wrapping_add(i256::ONE);
        if next.wrapping_mul(next) > value {
            return root;
        }
        root = next;
    }
}

#[cfg(test)]
mod tests;
