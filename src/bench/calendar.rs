//! Seconds since 1970 as a date and a time of day.

/// A date and time in the Gregorian calendar.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct DateTime {
    pub(super) year: u64,
    pub(super) month: u64,
    pub(super) day: u64,
    pub(super) hour: u64,
    pub(super) minute: u64,
    pub(super) second: u64,
}

impl DateTime {
    /// Of seconds since 1970 (Howard Hinnant's `civil_from_days`).
    pub(super) fn of(seconds: u64) -> DateTime {
        let days = seconds / 86_400 + 719_468;
        let (era, day_of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let shifted = (5 * day_of_year + 2) / 153;
        let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
        DateTime {
            year: year_of_era + era * 400 + u64::from(month <= 2),
            month,
            day: day_of_year - (153 * shifted + 2) / 5 + 1,
            hour: seconds / 3_600 % 24,
            minute: seconds / 60 % 60,
            second: seconds % 60,
        }
    }
}

impl std::fmt::Display for DateTime {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let DateTime { year, month, day, hour, minute, second } = self;
        write!(f, "{year}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(DateTime::of(0).to_string(), "1970-01-01 00:00:00");
        assert_eq!(DateTime::of(951_782_401).to_string(), "2000-02-29 00:00:01");
        assert_eq!(DateTime::of(1_795_375_140).to_string(), "2026-11-22 19:19:00");
    }
}
