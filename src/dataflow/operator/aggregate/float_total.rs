//! Sums of floats that do not drift.

use super::Fault;
use crate::dataflow::operator::state_bytes::{damaged, get_f64, get_signed, get_unsigned, put_signed, put_unsigned};
use smallvec::SmallVec;

/// A sum of floats kept exactly, as floats whose bits do not overlap, smallest first: Shewchuk, "Adaptive Precision
/// Floating-Point Arithmetic" (1997), as Python's `math.fsum`. Adding and taking away in any order leaves no error, so an
/// empty sum is exactly zero and the result depends on the values only.
#[derive(Clone, Debug, Default, PartialEq)]
struct Expansion {
    /// Usually two or three.
    parts: SmallVec<[f64; 4]>,
}

impl Expansion {
    /// Adds `x`; exact unless the sum overflows.
    fn add(&mut self, mut x: f64) {
        let mut kept = 0;
        for i in 0..self.parts.len() {
            let mut y = self.parts[i];
            if x.abs() < y.abs() {
                std::mem::swap(&mut x, &mut y);
            }
            let high = x + y;
            let low = y - (high - x);
            if low != 0.0 {
                self.parts[kept] = low;
                kept += 1;
            }
            x = high;
        }
        self.parts.truncate(kept);
        if x != 0.0 {
            self.parts.push(x);
        }
    }

    /// The sum rounded once, half to even.
    fn round(&self) -> f64 {
        let mut rest = self.parts.iter().rev().copied();
        let Some(mut high) = rest.next() else { return 0.0 };
        let mut low = 0.0;
        for part in rest.by_ref() {
            let sum = high + part;
            low = part - (sum - high);
            high = sum;
            if low != 0.0 {
                break;
            }
        }
        // `low` may be exactly half a unit of `high`; what follows decides the direction.
        if let Some(next) = rest.next()
            && ((low < 0.0 && next < 0.0) || (low > 0.0 && next > 0.0))
        {
            let doubled = low * 2.0;
            let rounded = high + doubled;
            if doubled == rounded - high {
                high = rounded;
            }
        }
        high
    }
}

/// Values from 2^960 on are kept apart and smaller, so that no number of rows lets a sum overflow on the way.
const HUGE: f64 = f64::from_bits((1023 + 960) << 52);
/// 2^100.
const SCALE: f64 = f64::from_bits((1023 + 100) << 52);

/// The sum of floats and their number, infinities and NaN counted apart because they cannot be taken away again.
#[derive(Clone, Debug, Default)]
pub(super) struct FloatTotal {
    /// All values, NaN and infinities included.
    pub(super) count: i64,
    nan: i64,
    positive: i64,
    negative: i64,
    sum: Expansion,
    /// Values from [`HUGE`] on, divided by [`SCALE`].
    huge: Expansion,
}

impl FloatTotal {
    /// Adds `value` `weight` times.
    pub(super) fn add(&mut self, value: f64, weight: i64) {
        self.count = self.count.wrapping_add(weight);
        if value.is_nan() {
            self.nan = self.nan.wrapping_add(weight);
        } else if value == f64::INFINITY {
            self.positive = self.positive.wrapping_add(weight);
        } else if value == f64::NEG_INFINITY {
            self.negative = self.negative.wrapping_add(weight);
        } else if value.abs() >= HUGE {
            add_often(&mut self.huge, value / SCALE, weight);
        } else {
            add_often(&mut self.sum, value, weight);
        }
    }

    /// The sum.
    pub(super) fn value(&self) -> f64 {
        match (self.nan != 0, self.positive != 0, self.negative != 0) {
            (true, _, _) | (_, true, true) => return f64::NAN,
            (_, true, _) => return f64::INFINITY,
            (_, _, true) => return f64::NEG_INFINITY,
            _ => {}
        }
        if self.huge.parts.is_empty() {
            return self.sum.round();
        }
        let huge = self.huge.round() * SCALE;
        if huge.is_infinite() {
            return huge;
        }
        let mut sum = self.sum.clone();
        self.huge.parts.iter().for_each(|part| sum.add(part * SCALE));
        let sum = sum.round();
        if sum.is_nan() { huge } else { sum }
    }

    /// Appends the state.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        put_signed(self.count, out);
        let special = self.nan != 0 || self.positive != 0 || self.negative != 0;
        put_unsigned((self.sum.parts.len() as u64) << 1 | u64::from(special), out);
        if special {
            put_signed(self.nan, out);
            put_signed(self.positive, out);
            put_signed(self.negative, out);
        }
        put_unsigned(self.huge.parts.len() as u64, out);
        for part in self.sum.parts.iter().chain(&self.huge.parts) {
            out.extend_from_slice(&part.to_le_bytes());
        }
    }

    /// Reads what [`FloatTotal::write`] wrote.
    pub(super) fn read(input: &mut &[u8]) -> Result<FloatTotal, Fault> {
        let mut total = FloatTotal { count: get_signed(input)?, ..FloatTotal::default() };
        let head = get_unsigned(input)?;
        if head & 1 == 1 {
            total.nan = get_signed(input)?;
            total.positive = get_signed(input)?;
            total.negative = get_signed(input)?;
        }
        let huge = get_unsigned(input)?;
        let left = input.len() as u64 / 8;
        if total.count < 0 || head >> 1 > left || huge > left {
            return Err(damaged("a sum that cannot be"));
        }
        for _ in 0..head >> 1 {
            total.sum.parts.push(get_f64(input)?);
        }
        for _ in 0..huge {
            total.huge.parts.push(get_f64(input)?);
        }
        Ok(total)
    }
}

/// Adds `value` `weight` times, exactly: one addition per bit of the weight.
fn add_often(sum: &mut Expansion, value: f64, weight: i64) {
    let value = if weight < 0 { -value } else { value };
    let mut bits = weight.unsigned_abs();
    let mut multiple = value;
    while bits != 0 {
        if bits & 1 == 1 {
            sum.add(multiple);
        }
        multiple *= 2.0;
        bits >>= 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_of_values_taken_away() {
        let mut total = FloatTotal::default();
        let values = [1e300, 1e150, 1.0, 1e-300, -7.25, f64::MAX, f64::NAN, f64::INFINITY];
        for value in values {
            total.add(value, 5);
        }
        for value in values.iter().filter(|v| **v != 1.0) {
            total.add(*value, -5);
        }
        assert_eq!(total.value(), 5.0);
        total.add(1.0, -5);
        assert_eq!((total.sum.parts.len(), total.huge.parts.len(), total.count), (0, 0, 0));
    }

    #[test]
    fn huge_values_overflow_only_in_the_result() {
        let mut total = FloatTotal::default();
        total.add(f64::MAX, 2);
        assert_eq!(total.value(), f64::INFINITY);
        total.add(-f64::MAX, 1);
        assert_eq!(total.value(), f64::MAX);
        total.add(3.0, 1);
        total.add(f64::MAX, -1);
        assert_eq!(total.value(), 3.0);
    }

    #[test]
    fn state_comes_back() {
        let mut total = FloatTotal::default();
        for value in [0.1, 1e20, -3.5, f64::NAN, f64::NEG_INFINITY, 1e307] {
            total.add(value, 1);
        }
        let mut bytes = Vec::new();
        total.write(&mut bytes);
        let mut input = bytes.as_slice();
        let back = FloatTotal::read(&mut input).unwrap();
        assert!(input.is_empty());
        assert_eq!(format!("{back:?}"), format!("{total:?}"));
        assert!(FloatTotal::read(&mut &bytes[..bytes.len() - 1]).is_err());
    }
}
