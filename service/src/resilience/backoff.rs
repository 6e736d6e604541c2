//! How long to wait before the next attempt.
//! Source: <https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/>

use std::time::Duration;

/// Waits that double from attempt to attempt, each drawn from the whole of its span ("full jitter"): callers
/// that failed together do not come back together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure.
    pub base: Duration,
    /// The longest wait of all.
    pub max: Duration,
}

/// More doublings than any wait can take, and few enough for a finite number.
const MAX_DOUBLINGS: u32 = 1_000;

impl Backoff {
    /// How long to wait after so many failures, of which there is at least one; `random` is from 0 to 1.
    #[must_use]
    pub fn wait(&self, failures: u32, random: f64) -> Duration {
        let doublings = failures.saturating_sub(1).min(MAX_DOUBLINGS);
        let span_s = self.base.as_secs_f64() * 2_f64.powf(f64::from(doublings));
        let span = Duration::try_from_secs_f64(span_s).map_or(self.max, |span| span.min(self.max));
        Duration::try_from_secs_f64(span.as_secs_f64() * random.clamp(0.0, 1.0)).unwrap_or(self.max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const S: fn(u64) -> Duration = Duration::from_secs;
    const USUAL: Backoff = Backoff { base: S_1, max: S_30 };
    const S_1: Duration = Duration::from_secs(1);
    const S_30: Duration = Duration::from_secs(30);

    #[rstest]
    #[case::the_first_failure_waits_for_the_base(1, 1.0, S(1))]
    #[case::the_second_for_twice_as_long(2, 1.0, S(2))]
    #[case::the_third_for_four_times_as_long(3, 1.0, S(4))]
    #[case::the_longest_wait_ends_the_doubling(6, 1.0, S(30))]
    #[case::no_number_of_failures_overflows(u32::MAX, 1.0, S(30))]
    #[case::chance_takes_a_part_of_the_span(3, 0.25, S(1))]
    #[case::or_nothing_of_it(3, 0.0, S(0))]
    #[case::no_failure_is_like_one(0, 1.0, S(1))]
    fn waits_double_up_to_the_longest(
        #[case] failures: u32,
        #[case] random: f64,
        #[case] expected: Duration,
    ) {
        assert_eq!(USUAL.wait(failures, random), expected);
    }

    #[rstest]
    #[case::no_wait_stays_none(Duration::ZERO, S_30, Duration::ZERO)]
    #[case::the_longest_duration_there_is(Duration::MAX, Duration::MAX, Duration::MAX)]
    fn the_ends_of_the_scale_are_safe(
        #[case] base: Duration,
        #[case] max: Duration,
        #[case] expected: Duration,
    ) {
        assert_eq!(Backoff { base, max }.wait(5_000, 1.0), expected);
    }
}
