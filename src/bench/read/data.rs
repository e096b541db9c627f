//! The rows: computed from their keys, so that every peer gets the same without a file.

use crate::bench::calendar::DateTime;
use crate::bench::random::{Distribution, Keys, Random, mix};
use std::fmt::Write;

/// Candidates of a user, and of a user with many.
pub(super) const FEW: u64 = 100;
pub(super) const MANY: u64 = 1_000;
/// Users with many candidates: one for so many others, with numbers from here on.
const OTHERS_PER_LARGE: u64 = 100;
const LARGE_FROM: u64 = 1_000_000_000;
/// From one candidate of a user to the next. A prime, so that they are different items unless the number of items is
/// its multiple.
const STRIDES: [u64; 2] = [7_919, 7_907];
/// Spreads keys over the order in which they are loaded. A prime above any number of rows in use.
const SHUFFLE: u64 = 2_305_843_009_213_693_951;
/// 2026-01-01 in seconds.
const FIRST_SECOND: u64 = 1_767_225_600;

/// How much there is.
#[derive(Clone, Debug)]
pub(super) struct Data {
    pub(super) rows: u64,
    pub(super) users: u64,
    pub(super) keys: Distribution,
}

impl Data {
    /// Users with many candidates.
    pub(super) fn large_users(&self) -> u64 {
        (self.users / OTHERS_PER_LARGE).max(1)
    }

    /// All users with the number of their candidates.
    pub(super) fn all_users(&self) -> impl Iterator<Item = (u64, u64)> {
        (0..self.users).map(|user| (user, FEW)).chain((0..self.large_users()).map(|at| (LARGE_FROM + at, MANY)))
    }

    /// Keys of items.
    pub(super) fn items(&self) -> Keys {
        Keys::new(self.rows, self.keys)
    }

    /// Draws a user with `candidates` candidates.
    pub(super) fn user(&self, candidates: u64, random: &mut Random) -> u64 {
        match candidates {
            MANY => LARGE_FROM + random.below(self.large_users()),
            _ => Keys::new(self.users, self.keys).draw(random),
        }
    }

    /// The items a user may be shown, each with a score that no other of the user's has.
    pub(super) fn candidates(&self, user: u64, count: u64) -> impl Iterator<Item = (u64, f64)> + use<> {
        let (rows, first) = (self.rows, mix(user));
        let stride = STRIDES.into_iter().find(|stride| !rows.is_multiple_of(*stride)).unwrap_or(1);
        (0..count.min(rows)).map(move |at| {
            let item = (first % rows + at * stride) % rows;
            // 37 has no factor in common with 100 and 1,000: a permutation. Halves are exact in binary.
            (item, ((at * 37 + user) % count) as f64 * 0.5 + 1.0)
        })
    }

    /// Appends the lines of COPY for the first events, one for each item in random order: `from..to` of them.
    pub(super) fn first_events(&self, from: u64, to: u64, out: &mut String) {
        for at in from..to {
            let item = (u128::from(at) * u128::from(SHUFFLE) % u128::from(self.rows)) as u64;
            event(item, at, out);
        }
    }

    /// Appends the lines of COPY for `count` later events, drawn as keys are.
    pub(super) fn later_events(&self, count: u64, random: &mut Random, out: &mut String) {
        for _ in 0..count {
            event(self.items().draw(random), random.next() >> 40, out);
        }
    }
}

/// An event of an item; prices are multiples of a quarter, whose sums are exact in any order.
fn event(item: u64, at: u64, out: &mut String) {
    let noise = mix(item ^ (at << 20));
    let (user, quantity, price) = (noise % 100_000, noise >> 60, ((noise >> 20) % 400) as f64 * 0.25);
    let time = DateTime::of(FIRST_SECOND + at % 10_000_000);
    // Writing to a string cannot fail.
    let _ = writeln!(out, "{item}\t{user}\tcategory {}\t{quantity}\t{price}\t{time}", item % 50);
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn candidates_and_scores_of_a_user_are_all_different() {
        for rows in [1_000, 7_919 * 2, 1_000_000] {
            let data = Data { rows, users: 10, keys: Distribution::Uniform };
            for (user, count) in data.all_users() {
                let found: Vec<(u64, f64)> = data.candidates(user, count).collect();
                let items: HashSet<u64> = found.iter().map(|(item, _)| *item).collect();
                let scores: HashSet<u64> = found.iter().map(|(_, score)| score.to_bits()).collect();
                assert_eq!((items.len(), scores.len()), (found.len(), found.len()), "{rows} rows");
            }
        }
    }

    #[test]
    fn every_item_has_an_event() {
        let data = Data { rows: 1_000, users: 10, keys: Distribution::Uniform };
        let mut text = String::new();
        data.first_events(0, 1_000, &mut text);
        let items: HashSet<&str> = text.lines().filter_map(|line| line.split('\t').next()).collect();
        assert_eq!(items.len(), 1_000);
        assert!(text.lines().all(|line| line.split('\t').count() == 6));
    }
}
