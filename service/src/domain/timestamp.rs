//! Points in time, as text.
//! Source: <https://www.rfc-editor.org/rfc/rfc3339>

use std::time::Duration;

const SECONDS_A_DAY: u64 = 86_400;
/// Days of 400 years, after which the calendar repeats itself.
const DAYS_OF_ERA: u64 = 146_097;
/// Days from 0000-03-01 to the Unix epoch.
const DAYS_TO_EPOCH: u64 = 719_468;

/// `2023-11-14T22:13:20.000000000Z`, from the time since the Unix epoch.
#[must_use]
pub fn rfc3339(since_epoch: Duration) -> String {
    format!("{}.{:09}Z", up_to_the_second(since_epoch), since_epoch.subsec_nanos())
}

/// `2023-11-14T22:13:20Z`, from the time since the Unix epoch, which is rounded.
#[must_use]
pub fn rfc3339_seconds(since_epoch: Duration) -> String {
    format!("{}Z", up_to_the_second(since_epoch.saturating_add(Duration::from_millis(500))))
}

fn up_to_the_second(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (year, month, day) = date(seconds / SECONDS_A_DAY);
    let of_day = seconds % SECONDS_A_DAY;
    let (hour, minute, second) = (of_day / 3600, of_day / 60 % 60, of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")
}

/// Year, month and day. Years are counted from March on, so that a leap day is a year's last.
/// Source: <https://howardhinnant.github.io/date_algorithms.html#civil_from_days>
const fn date(days_since_epoch: u64) -> (u64, u64, u64) {
    let days = days_since_epoch + DAYS_TO_EPOCH;
    let of_era = days % DAYS_OF_ERA;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let year = year_of_era + days / DAYS_OF_ERA * 400;
    (if month <= 2 { year + 1 } else { year }, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    #[rstest]
    #[case::the_epoch(0, 0, "1970-01-01T00:00:00.000000000Z")]
    #[case::nanoseconds(1_700_000_000, 1_234_567, "2023-11-14T22:13:20.001234567Z")]
    #[case::a_leap_day(951_782_400, 0, "2000-02-29T00:00:00.000000000Z")]
    #[case::the_last_second_of_a_year(1_798_761_599, 0, "2026-12-31T23:59:59.000000000Z")]
    #[case::a_century_without_a_leap_day(4_107_542_400, 0, "2100-03-01T00:00:00.000000000Z")]
    fn a_point_in_time_is_written(#[case] seconds: u64, #[case] nanos: u32, #[case] expected: &str) {
        assert_eq!(rfc3339(Duration::new(seconds, nanos)), expected);
    }

    #[rstest]
    #[case::down(1_700_000_000, 499_999_999, "2023-11-14T22:13:20Z")]
    #[case::up(1_700_000_000, 500_000_000, "2023-11-14T22:13:21Z")]
    #[case::over_the_end_of_a_year(1_798_761_599, 900_000_000, "2027-01-01T00:00:00Z")]
    fn a_point_in_time_is_rounded(#[case] seconds: u64, #[case] nanos: u32, #[case] expected: &str) {
        assert_eq!(rfc3339_seconds(Duration::new(seconds, nanos)), expected);
    }
}
