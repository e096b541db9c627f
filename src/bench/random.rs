//! Random numbers for load: cheap, and the same in every run.

/// SplitMix64 (Steele, Lea, Flood 2014): one multiplication more than a counter, and good enough to spread keys.
#[derive(Clone, Debug)]
pub(super) struct Random(u64);

impl Random {
    /// A sequence of its own for every seed.
    pub(super) fn new(seed: u64) -> Random {
        Random(mix(seed))
    }

    /// The next number.
    pub(super) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    /// A number below `bound`, evenly enough: `bound` is far below 2^64.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        ((u128::from(self.next()) * u128::from(bound)) >> 64) as u64
    }

    /// A number from 0 to below 1.
    pub(super) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// Spreads the bits of a number over all of them.
pub(super) fn mix(number: u64) -> u64 {
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

/// How keys are drawn.
#[derive(Clone, Copy, Debug, PartialEq, clap::ValueEnum)]
pub enum Distribution {
    /// Each as often as any other
    Uniform,
    /// A few much more often than the rest (Zipf, exponent 1), the popular ones spread over all keys
    Zipf,
}

/// Keys below a bound.
#[derive(Clone, Debug)]
pub(super) struct Keys {
    bound: u64,
    distribution: Distribution,
}

impl Keys {
    /// Keys from 0 to below `bound`.
    pub(super) fn new(bound: u64, distribution: Distribution) -> Keys {
        Keys { bound: bound.max(1), distribution }
    }

    /// The next key.
    pub(super) fn draw(&self, random: &mut Random) -> u64 {
        match self.distribution {
            Distribution::Uniform => random.below(self.bound),
            // The inverse of the integral of 1/x is exact enough, and costs one power.
            Distribution::Zipf => {
                let rank = ((self.bound + 1) as f64).powf(random.unit()) as u64 - 1;
                mix(rank) % self.bound
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_stay_below_their_bound_and_reach_it() {
        let mut random = Random::new(7);
        for distribution in [Distribution::Uniform, Distribution::Zipf] {
            let keys = Keys::new(10, distribution);
            let mut seen = [0u32; 10];
            for _ in 0..10_000 {
                seen[usize::try_from(keys.draw(&mut random)).unwrap()] += 1;
            }
            let (most, least) = (*seen.iter().max().unwrap(), *seen.iter().min().unwrap());
            match distribution {
                Distribution::Uniform => assert!(least > 800 && most < 1_200, "{seen:?}"),
                Distribution::Zipf => assert!(most > 2_500, "{seen:?}"),
            }
        }
    }
}
