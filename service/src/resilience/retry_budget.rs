//! How many retries the traffic bears: without a limit, an outage is answered with a multiple of the load.
//! Source: <https://finagle.github.io/blog/2016/02/08/retry-budgets/>

use std::time::Instant;

use parking_lot::Mutex;

use super::window::Window;

/// The window, in seconds.
const WINDOW_S: u64 = 10;

/// Retries that are always granted, a second of the window: a service with little traffic may retry as well.
const FLOOR_PER_SECOND: u64 = 10;

/// One a process. Within ten seconds there are no more retries than a share of the requests, and a floor.
#[derive(Debug)]
pub struct RetryBudget {
    ratio: f64,
    window: Mutex<Window<Counts, { WINDOW_S as usize }, 1>>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    requests: u64,
    retries: u64,
}

impl RetryBudget {
    /// A budget of `ratio` retries a request, from 0 to 1.
    #[must_use]
    pub fn new(ratio: f64) -> Self {
        Self { ratio, window: Mutex::default() }
    }

    /// Counts a request that is not a retry.
    pub fn request(&self, now: Instant) {
        self.window.lock().current(now).requests += 1;
    }

    /// Takes one retry out of the budget; `false` where there is none left.
    #[expect(clippy::cast_precision_loss, reason = "requests of ten seconds are far below 2^52")]
    pub fn withdraw(&self, now: Instant) -> bool {
        let mut window = self.window.lock();
        let (requests, retries) = window
            .last(now, WINDOW_S)
            .fold((0, 0), |sum, span| (sum.0 + span.requests, sum.1 + span.retries));
        let granted = self.ratio * requests as f64 + (FLOOR_PER_SECOND * WINDOW_S) as f64;
        let is_left = (retries + 1) as f64 <= granted;
        if is_left {
            window.current(now).retries += 1;
        }
        is_left
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::Duration;

    fn granted(budget: &RetryBudget, now: Instant) -> usize {
        (0..10_000).take_while(|_| budget.withdraw(now)).count()
    }

    #[rstest]
    #[case::the_floor_without_traffic(0.2, 0, 100)]
    #[case::a_share_of_the_traffic_on_top(0.2, 1_000, 300)]
    #[case::the_floor_alone_where_the_share_is_nothing(0.0, 1_000, 100)]
    fn retries_are_a_share_of_the_requests_and_a_floor(
        #[case] ratio: f64,
        #[case] requests: usize,
        #[case] expected: usize,
    ) {
        let (budget, now) = (RetryBudget::new(ratio), Instant::now());
        (0..requests).for_each(|_| budget.request(now));
        assert_eq!(granted(&budget, now), expected);
    }

    #[rstest]
    #[case::they_count_while_the_window_lasts(9, 0)]
    #[case::and_no_longer(10, 100)]
    #[case::a_day_later_neither(86_400, 100)]
    fn requests_and_retries_are_forgotten_together(#[case] later_s: u64, #[case] expected: usize) {
        let (budget, start) = (RetryBudget::new(0.2), Instant::now());
        (0..1_000).for_each(|_| budget.request(start));
        assert_eq!(granted(&budget, start), 300);
        assert_eq!(granted(&budget, start + Duration::from_secs(later_s)), expected);
    }
}
