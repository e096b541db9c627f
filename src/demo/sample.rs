//! The shipped sample: see `data/README.md` for where it comes from.

use bytes::Bytes;

/// Purchases in the order they happened, packed CSV.
pub(crate) static PURCHASES: &[u8] = include_bytes!("data/purchases.csv.zst");
/// The products, packed CSV.
pub(crate) static PRODUCTS: &[u8] = include_bytes!("data/products.csv.zst");

/// Place of the household and of the time in a line of purchases.
const HOUSEHOLD: usize = 0;
const TIME: usize = 5;

/// Purchases in the order they happened, and the products they name, as CSV.
pub(super) struct Sample {
    /// Lines of purchases without the header.
    purchases: Bytes,
    events: Vec<Event>,
    households: Vec<i64>,
    products: Bytes,
}

/// One purchase: a line of the CSV, and what the replay needs to know of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Event {
    /// Who bought.
    pub(super) household: i64,
    /// When, in seconds since 1970-01-01.
    pub(super) at: i64,
    /// Where the line ends in the text, line feed included.
    end: usize,
}

impl Sample {
    /// Unpacks the shipped data; the first `limit` purchases if given.
    pub(super) fn load(limit: Option<usize>) -> Result<Sample, String> {
        let unpack =
            |packed: &[u8]| zstd::decode_all(packed).map_err(|error| format!("the shipped sample is damaged: {error}"));
        let mut text = Bytes::from(unpack(PURCHASES)?);
        let header = text.iter().position(|byte| *byte == b'\n').map_or(text.len(), |at| at + 1);
        let purchases = text.split_off(header);
        let mut events = Vec::new();
        let mut end = 0;
        for line in purchases.split_inclusive(|byte| *byte == b'\n').take(limit.unwrap_or(usize::MAX)) {
            end += line.len();
            let (household, at) = parse(line).ok_or_else(|| {
                format!("the shipped sample is damaged: purchase {} cannot be read", events.len() + 1)
            })?;
            events.push(Event { household, at, end });
        }
        if events.is_empty() {
            return Err("there are no purchases to replay; --events must be at least 1".to_owned());
        }
        let mut households: Vec<i64> = events.iter().map(|event| event.household).collect();
        households.sort_unstable();
        households.dedup();
        Ok(Sample { purchases, events, households, products: Bytes::from(unpack(PRODUCTS)?) })
    }

    /// Number of purchases.
    pub(super) fn len(&self) -> usize {
        self.events.len()
    }

    /// The purchases, ordered by time.
    pub(super) fn events(&self) -> &[Event] {
        &self.events
    }

    /// Households that bought anything, ascending.
    pub(super) fn households(&self) -> &[i64] {
        &self.households
    }

    /// The CSV lines of purchases `from..to`.
    pub(super) fn lines(&self, from: usize, to: usize) -> Bytes {
        self.purchases.slice(self.start(from)..self.start(to))
    }

    /// The products, CSV with a header line.
    pub(super) fn products(&self) -> Bytes {
        self.products.clone()
    }

    /// The day of the purchase at `index` (the last one beyond the end), as `2017-06-03`.
    pub(super) fn day(&self, index: usize) -> String {
        let index = index.min(self.events.len() - 1);
        let line = self.lines(index, index + 1);
        let time = line.split(|byte| *byte == b',').nth(TIME).unwrap_or_default();
        String::from_utf8_lossy(time.get(..10).unwrap_or_default()).into_owned()
    }

    fn start(&self, index: usize) -> usize {
        index.checked_sub(1).map_or(0, |before| self.events[before].end)
    }
}

fn parse(line: &[u8]) -> Option<(i64, i64)> {
    let line = std::str::from_utf8(line).ok()?;
    let mut fields = line.trim_end().split(',');
    let household = fields.nth(HOUSEHOLD)?.parse().ok()?;
    Some((household, seconds(fields.nth(TIME - HOUSEHOLD - 1)?)?))
}

/// Seconds since 1970-01-01 of `2017-01-01 11:53:26`.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    let number = |from: usize, to: usize| text.get(from..to)?.parse::<i64>().ok();
    let (year, month, day) = (number(0, 4)?, number(5, 7)?, number(8, 10)?);
    Some(days(year, month, day) * 86_400 + number(11, 13)? * 3_600 + number(14, 16)? * 60 + number(17, 19)?)
}

/// Days since 1970-01-01 in the Gregorian calendar (Howard Hinnant, "chrono-compatible low-level date algorithms",
/// `days_from_civil`): years start in March, so that the leap day is the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read() {
        assert_eq!(seconds("1970-01-01 00:00:00"), Some(0));
        assert_eq!(seconds("2000-02-29 00:00:01"), Some(951_782_401));
        assert_eq!(seconds("2017-01-01 11:53:26"), Some(1_483_271_606));
        assert_eq!(seconds("2017-01-01"), None);
    }

    #[test]
    fn the_sample_is_whole_and_in_order() {
        let sample = Sample::load(None).unwrap();
        assert_eq!((sample.len(), sample.households().len()), (165_095, 220));
        assert!(sample.events().is_sorted_by_key(|event| event.at));
        assert_eq!((sample.day(0), sample.day(usize::MAX)), ("2017-01-01".to_owned(), "2018-01-01".to_owned()));
        let again: usize =
            (0..sample.len()).step_by(500).map(|at| sample.lines(at, (at + 500).min(sample.len())).len()).sum();
        assert_eq!(again, sample.purchases.len());
    }

    #[test]
    fn a_part_of_the_sample_is_its_beginning() {
        let sample = Sample::load(Some(10)).unwrap();
        assert_eq!(sample.len(), 10);
        assert_eq!(sample.lines(0, 10).iter().filter(|byte| **byte == b'\n').count(), 10);
        assert!(Sample::load(Some(0)).is_err());
    }
}
