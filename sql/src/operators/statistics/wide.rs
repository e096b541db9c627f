//! Integers of 512 bits: the sum of 2^63 squares of 128 bits, its products and its quotients fit.

use datafusion::arrow::datatypes::i256;

const WORDS: usize = 8;
/// Bytes of an integer.
pub const WIDE_BYTES: usize = WORDS * 8;

/// A whole number, in two's complement, its lowest word first. What does not fit wraps around.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Wide([u64; WORDS]);

impl Wide {
    /// Nothing.
    pub const ZERO: Wide = Wide([0; WORDS]);

    /// The same number.
    #[must_use]
    pub fn from_i256(value: i256) -> Wide {
        let fill = if value.is_negative() { 0xff } else { 0 };
        let mut bytes = [fill; WIDE_BYTES];
        bytes[..32].copy_from_slice(&value.to_le_bytes());
        Wide::from_le_bytes(bytes)
    }

    /// The same number, if 256 bits hold it.
    #[must_use]
    pub fn to_i256(self) -> Option<i256> {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(&self.to_le_bytes()[..32]);
        let value = i256::from_le_bytes(bytes);
        (Wide::from_i256(value) == self).then_some(value)
    }

    /// From two's complement, the lowest byte first.
    #[must_use]
    pub fn from_le_bytes(bytes: [u8; WIDE_BYTES]) -> Wide {
        let mut words = [0; WORDS];
        for (word, bytes) in words.iter_mut().zip(bytes.as_chunks::<8>().0) {
            *word = u64::from_le_bytes(*bytes);
        }
        Wide(words)
    }

    /// Two's complement, the lowest byte first.
    #[must_use]
    pub fn to_le_bytes(self) -> [u8; WIDE_BYTES] {
        let mut bytes = [0; WIDE_BYTES];
        for (bytes, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(self.0) {
            *bytes = word.to_le_bytes();
        }
        bytes
    }

    /// Whether it is below zero.
    #[must_use]
    pub fn is_negative(self) -> bool {
        self.0[WORDS - 1] >> 63 == 1
    }

    /// The sum.
    #[must_use]
    pub fn plus(self, other: Wide) -> Wide {
        let (mut words, mut carry) = ([0; WORDS], false);
        for (at, word) in words.iter_mut().enumerate() {
            let (sum, first) = self.0[at].overflowing_add(other.0[at]);
            let (sum, second) = sum.overflowing_add(u64::from(carry));
            (*word, carry) = (sum, first || second);
        }
        Wide(words)
    }

    /// The difference.
    #[must_use]
    pub fn minus(self, other: Wide) -> Wide {
        let one = Wide::from_i256(i256::ONE);
        self.plus(Wide(other.0.map(|word| !word))).plus(one)
    }

    /// The product.
    #[must_use]
    pub fn times(self, other: Wide) -> Wide {
        let mut words = [0; WORDS];
        for (low, factor) in self.0.iter().enumerate().filter(|(_, factor)| **factor != 0) {
            let mut carry = 0;
            for (word, other) in words[low..].iter_mut().zip(other.0) {
                let sum = u128::from(*factor) * u128::from(other) + u128::from(*word) + u128::from(carry);
                (*word, carry) = (sum as u64, (sum >> 64) as u64);
            }
        }
        Wide(words)
    }

    /// Quotient and rest of two numbers that are not negative; the divisor is not zero.
    #[must_use]
    pub fn divided(self, divisor: Wide) -> (Wide, Wide) {
        let (mut quotient, mut rest) = (Wide::ZERO, Wide::ZERO);
        for bit in (0..self.bits()).rev() {
            rest = rest.plus(rest);
            rest.0[0] |= self.0[bit / 64] >> (bit % 64) & 1;
            let less = rest.minus(divisor);
            if !less.is_negative() {
                rest = less;
                quotient.0[bit / 64] |= 1 << (bit % 64);
            }
        }
        (quotient, rest)
    }

    /// How many bits the number has, which is not negative.
    fn bits(self) -> usize {
        let top = self.0.iter().rposition(|word| *word != 0);
        top.map_or(0, |at| at * 64 + 64 - self.0[at].leading_zeros() as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wide(value: i128) -> Wide {
        Wide::from_i256(i256::from_i128(value))
    }

    #[test]
    fn computes_as_smaller_integers_do() {
        for (a, b) in [(0, 1), (7, 2), (1 << 64, 3), (i128::MAX >> 1, 1 << 60), (10_i128.pow(36), 10_i128.pow(18) + 1)]
        {
            assert_eq!(wide(a).plus(wide(b)), wide(a + b));
            assert_eq!(wide(b).minus(wide(a)), wide(b - a));
            assert_eq!(wide(a).divided(wide(b)), (wide(a / b), wide(a % b)));
            assert_eq!(wide(a).times(wide(b)).divided(wide(b)), (wide(a), Wide::ZERO));
            assert_eq!(wide(-a).times(wide(b)), Wide::ZERO.minus(wide(a).times(wide(b))));
        }
    }

    #[test]
    fn large_numbers_do_not_fit_256_bits() {
        let large = wide(i128::MAX).times(wide(i128::MAX)).times(wide(1 << 40));
        assert_eq!(large.to_i256(), None);
        assert_eq!(Wide::from_le_bytes(large.to_le_bytes()), large);
        assert_eq!(
            large.divided(wide(1 << 40)).0.to_i256(),
            i256::from_i128(i128::MAX).checked_mul(i256::from_i128(i128::MAX))
        );
    }
}
