//! Purchases: the shipped sample, or all of Complete Journey; as often as is asked for.

use crate::bench::BenchError;
use crate::bench::calendar::DateTime;
use crate::demo::{PRODUCTS, PURCHASES, seconds};
use std::fmt::Write;
use std::path::Path;

/// Files of a directory with data, as `src/demo/data/make_full.py` writes them.
const FILES: [&str; 2] = ["purchases.csv.zst", "products.csv.zst"];
/// From one copy of the data to the next: more than any number in it.
const HOUSEHOLDS: i64 = 1_000_000;
const BASKETS: i64 = 1_000_000_000_000;
const SECONDS: i64 = 366 * 86_400;
/// 2000-01-01 in seconds: where Postgres' binary timestamps begin.
const POSTGRES_EPOCH: i64 = 946_684_800;

/// A year of purchases, as often as is asked for.
pub(super) struct Purchases {
    once: Vec<Purchase>,
    scale: u64,
    products: Vec<u8>,
}

/// One line of a receipt.
#[derive(Clone, Copy, Debug)]
pub(super) struct Purchase {
    household: i64,
    basket: i64,
    product: i64,
    quantity: i32,
    price: f64,
    /// Seconds since 1970.
    at: i64,
}

impl Purchases {
    /// Reads the data in `dir`, or the sample.
    pub(super) fn load(dir: Option<&Path>, scale: u64) -> Result<Purchases, BenchError> {
        let [purchases, products] = match dir {
            None => [PURCHASES.to_vec(), PRODUCTS.to_vec()],
            Some(dir) => {
                let read = |name: &str| {
                    std::fs::read(dir.join(name)).map_err(|error| {
                        BenchError::Failed(format!(
                            "{}: {error}; src/demo/data/make_full.py makes it from Complete Journey",
                            dir.join(name).display()
                        ))
                    })
                };
                [read(FILES[0])?, read(FILES[1])?]
            }
        };
        let text = zstd::decode_all(&purchases[..])?;
        let text = std::str::from_utf8(&text).map_err(|error| BenchError::Failed(error.to_string()))?;
        let mut once = Vec::new();
        for line in text.lines().skip(1) {
            let purchase = Purchase::parse(line);
            once.push(purchase.ok_or_else(|| BenchError::Failed(format!("not a purchase: {line}")))?);
        }
        if once.is_empty() {
            return Err(BenchError::Failed("the data has no purchases".to_owned()));
        }
        Ok(Purchases { once, scale, products: zstd::decode_all(&products[..])? })
    }

    /// How many there are, all copies counted.
    pub(super) fn len(&self) -> u64 {
        self.once.len() as u64 * self.scale
    }

    /// The one at this place, which is below [`Purchases::len`].
    pub(super) fn get(&self, at: u64) -> Purchase {
        let length = self.once.len() as u64;
        let copy = i64::try_from(at / length).unwrap_or(i64::MAX);
        let purchase = self.once[usize::try_from(at % length).unwrap_or(0)];
        Purchase {
            household: purchase.household.wrapping_add(copy.wrapping_mul(HOUSEHOLDS)),
            basket: purchase.basket.wrapping_add(copy.wrapping_mul(BASKETS)),
            at: purchase.at.wrapping_add(copy.wrapping_mul(SECONDS)),
            ..purchase
        }
    }

    /// Products as CSV with a header.
    pub(super) fn products(&self) -> &[u8] {
        &self.products
    }
}

impl Purchase {
    fn parse(line: &str) -> Option<Purchase> {
        let mut fields = line.split(',');
        Some(Purchase {
            household: fields.next()?.parse().ok()?,
            basket: fields.next()?.parse().ok()?,
            product: fields.next()?.parse().ok()?,
            quantity: fields.next()?.parse().ok()?,
            price: fields.next()?.parse().ok()?,
            at: seconds(fields.next()?)?,
        })
    }

    fn time(&self) -> DateTime {
        DateTime::of(u64::try_from(self.at).unwrap_or(0))
    }

    /// Appends a line of CSV.
    pub(super) fn line(&self, out: &mut String) {
        let Purchase { household, basket, product, quantity, price, .. } = self;
        // Writing to a string cannot fail.
        let _ = writeln!(out, "{household},{basket},{product},{quantity},{price},{}", self.time());
    }

    /// Appends SQL literals.
    pub(super) fn literals(&self, out: &mut String) {
        let Purchase { household, basket, product, quantity, price, .. } = self;
        let _ = write!(out, "{household}, {basket}, {product}, {quantity}, {price}, '{}'", self.time());
    }

    /// The values in Postgres' binary format.
    pub(super) fn binary(&self) -> [Vec<u8>; 6] {
        [
            self.household.to_be_bytes().to_vec(),
            self.basket.to_be_bytes().to_vec(),
            self.product.to_be_bytes().to_vec(),
            self.quantity.to_be_bytes().to_vec(),
            self.price.to_be_bytes().to_vec(),
            ((self.at - POSTGRES_EPOCH) * 1_000_000).to_be_bytes().to_vec(),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_have_households_baskets_and_times_of_their_own() {
        let purchases = Purchases::load(None, 3).unwrap();
        let (mut first, mut third) = (String::new(), String::new());
        purchases.get(0).line(&mut first);
        purchases.get(purchases.len() / 3 * 2).line(&mut third);
        assert!(first.contains(",2017-01-01 ") && third.contains(",2019-01-0"), "{first}{third}");
        let household = |line: &str| line.split(',').next().unwrap().parse::<i64>().unwrap();
        assert_eq!(household(&third) - household(&first), 2 * HOUSEHOLDS);
    }

    #[test]
    fn a_missing_file_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let Err(error) = Purchases::load(Some(dir.path()), 1) else { panic!("there is nothing to load") };
        assert!(error.to_string().contains("purchases.csv.zst") && error.to_string().contains("make_full.py"));
    }
}
