//! What happened lately: a ring of equal spans of time, of which the oldest is forgotten first.

use std::time::Instant;

/// `N` spans of `WIDTH_S` seconds. Time that runs backwards, as it seems to between threads, counts as now.
#[derive(Debug)]
pub struct Window<T, const N: usize, const WIDTH_S: u64> {
    /// The start of the very first span; `None` before anything happened.
    began: Option<Instant>,
    /// The number of the newest span.
    newest: u64,
    spans: [T; N],
}

impl<T: Copy + Default, const N: usize, const WIDTH_S: u64> Default for Window<T, N, WIDTH_S> {
    fn default() -> Self {
        Self { began: None, newest: 0, spans: [T::default(); N] }
    }
}

impl<T: Copy + Default, const N: usize, const WIDTH_S: u64> Window<T, N, WIDTH_S> {
    const LEN: u64 = N as u64;

    /// The span that `now` is in, to be counted into.
    pub fn current(&mut self, now: Instant) -> &mut T {
        let number = self.number(now);
        if self.began.is_none() {
            self.began = Some(now);
        }
        for forgotten in (self.newest + 1..=number).rev().take(N) {
            self.spans[Self::slot(forgotten)] = T::default();
        }
        self.newest = number;
        &mut self.spans[Self::slot(number)]
    }

    /// The last `spans` spans, that of `now` among them.
    pub fn last(&self, now: Instant, spans: u64) -> impl Iterator<Item = T> + '_ {
        let number = self.number(now);
        let kept_from = (self.newest + 1).saturating_sub(Self::LEN);
        let from = (number + 1).saturating_sub(spans).max(kept_from);
        (from..=self.newest).map(|number| self.spans[Self::slot(number)])
    }

    fn number(&self, now: Instant) -> u64 {
        let since = self.began.map_or(0, |began| now.saturating_duration_since(began).as_secs());
        (since / WIDTH_S).max(self.newest)
    }

    #[expect(clippy::cast_possible_truncation, reason = "less than N, which is a usize")]
    const fn slot(number: u64) -> usize {
        (number % Self::LEN) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;
    use std::time::Duration;

    type Ten = Window<u32, 10, 1>;

    fn sum(window: &Ten, now: Instant, spans: u64) -> u32 {
        window.last(now, spans).sum()
    }

    #[rstest]
    #[case::at_once(0, 10, 1)]
    #[case::in_the_last_span(9, 10, 1)]
    #[case::not_when_the_window_has_passed(10, 10, 0)]
    #[case::not_in_a_shorter_look_back(3, 3, 0)]
    #[case::in_one_that_is_just_long_enough(3, 4, 1)]
    #[case::not_a_day_later(86_400, 10, 0)]
    fn what_happened_is_seen_while_it_is_recent(
        #[case] later_s: u64,
        #[case] spans: u64,
        #[case] expected: u32,
    ) {
        let start = Instant::now();
        let mut window = Ten::default();
        *window.current(start) += 1;
        let now = start + Duration::from_secs(later_s);
        assert_eq!(sum(&window, now, spans), expected);
        *window.current(now) += 0;
        assert_eq!(sum(&window, now, spans), expected, "also after the ring has moved on");
    }

    #[test]
    fn an_earlier_instant_counts_as_now() {
        let start = Instant::now();
        let mut window = Ten::default();
        *window.current(start + Duration::from_secs(5)) += 1;
        *window.current(start + Duration::from_secs(8)) += 1;
        *window.current(start) += 1;
        assert_eq!(sum(&window, start + Duration::from_secs(8), 1), 2);
    }
}
